"""An erasure reaches the answers that are kept to be given again."""

from api.models import StoredAnswer
from contacts.bulk import actions
from tenants.isolation.context import tenant_context
from tests.api.helpers import program
from tests.cast import Actor


def test_answers_about_an_erased_contact_are_deleted_and_others_stay(alice: Actor) -> None:
    sync = program(alice)
    first = sync.post("contacts", {"contact": {"email": "ann@example.com"}}, Idempotency_Key="ann").json()["contact"][
        "id"
    ]
    nameless = sync.post("contacts", {"contact": {"external_id": "C-9", "first_name": "Zoë"}}, Idempotency_Key="id")
    sync.post("contacts", {"contact": {"email": "ben@example.com"}}, Idempotency_Key="ben")
    ids = [first, nameless.json()["contact"]["id"]]
    for contact_id in ids:
        sync.call("DELETE", f"contacts/{contact_id}")
    action = sync.post("contacts/erase", {"contacts": ids, "confirm": "ERASE"}).json()["id"]
    actions.work(alice.workspace.pk, action)
    with tenant_context(alice.workspace.pk):
        assert [answer.key for answer in StoredAnswer.objects.all()] == ["ben"]
