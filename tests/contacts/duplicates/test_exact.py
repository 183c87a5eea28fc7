"""Duplicates by e-mail and phone: which groups there are, in which order, and who is in them."""

import pytest

from contacts.duplicates import exact
from contacts.models import Contact, WriteLock
from tenants.isolation.context import tenant_context
from tests.cast import Actor, actor
from tests.imports.helpers import bring
from tests.workspace_copies import copy_workspace

# Each external ID is a contact of its own, whatever it shares.
ROWS = (
    "external_id,email,phone,first_name\n"
    "1,anna@example.com,+447400000001,Anna\n"
    "2,ANNA@example.com,,Anna B\n"
    "3,anna@example.com,+447400000002,Ann\n"
    "4,bert@example.com,+447400000002,Bert\n"
    "5,bert@example.com,,Bertie\n"
    "6,cara@example.com,+447400000003,Cara\n"
)


def _doubles(alice: Actor) -> None:
    for line in ROWS.splitlines()[1:]:  # one by one: in one file they would be rows of one person
        bring(alice.workspace, f"{ROWS.splitlines()[0]}\n{line}\n")


@pytest.fixture
def doubles(alice: Actor) -> Actor:
    copy_workspace(alice, _doubles)
    return alice


def shown(who: Actor, path: str) -> list[tuple[str, int]]:
    return [(g.value, g.contacts) for g, _url in who.get(f"contacts/duplicates/{path}").context["groups"]]


def test_groups_in_the_order_of_the_alphabet(doubles: Actor) -> None:
    assert shown(doubles, "") == [("anna@example.com", 3), ("bert@example.com", 2)]
    assert shown(doubles, "phone/") == [("+447400000002", 2)]
    page = doubles.get("contacts/duplicates/")
    assert (page.context["totals"].values, page.context["totals"].contacts) == (2, 5)
    assert [(t["label"], t["count"]) for t in page.context["tabs"]] == [
        ("Same e-mail", 5), ("Same phone", 2), ("Probable duplicates", 0), ("Recently merged", 0),
    ]  # fmt: skip
    assert [c.external_id for c in page.context["members"]] == ["1", "2", "3"]
    page = doubles.get("contacts/duplicates/?value=bert@example.com")
    assert [c.external_id for c in page.context["members"]] == ["4", "5"]


@pytest.mark.parametrize(
    ("kind", "query", "found"),
    [("email", "BERT", 1), ("email", "Anna@Example.com", 1), ("email", "cara", 0), ("phone", "+44 7400 000 002", 1),
     ("phone", "0044 7400", 1), ("phone", "9", 0), ("email", "'; --", 0)],
)  # fmt: skip
def test_search(doubles: Actor, kind: str, query: str, found: int) -> None:
    answer = doubles.get("contacts/duplicates/" + ("phone/" if kind == "phone" else ""), data={"q": query})
    assert len(answer.context["groups"]) == found


def test_one_who_is_deleted_is_no_double_any_more(doubles: Actor) -> None:
    with tenant_context(doubles.workspace.pk):
        bert = Contact.objects.get(external_id="4")
    page = doubles.get(f"contacts/{bert.pk}/delete/?reason=Duplicate").content.decode()
    assert 'value="Duplicate" required checked' in page
    doubles.post(f"contacts/{bert.pk}/delete/", {"reason": "Duplicate"})
    assert shown(doubles, "") == [("anna@example.com", 3)]
    page = doubles.get("contacts/duplicates/?value=bert@example.com").content.decode()
    assert "One contact left." in page
    assert doubles.get("contacts/duplicates/phone/").context["totals"].values == 0


def test_pages_show_every_group_once(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "GROUPS", 7)
    monkeypatch.setattr("contacts.views.duplicates.GROUPS", 7)
    for n in (1, 2):
        rows = "".join(f"{n}-{i},p{i:02}@example.com\n" for i in range(20))
        bring(alice.workspace, "external_id,email\n" + rows)
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.count() == 40
        WriteLock.objects.update(version=100)
    url, seen = "contacts/duplicates/", []
    while url:
        context = alice.get(url).context
        seen += [g.value for g, _url in context["groups"]]
        url = f"contacts/duplicates/{context['older_url']}" if context["older_url"] else ""
    assert seen == [f"p{i:02}@example.com" for i in range(20)]


def test_who_sees_it(doubles: Actor) -> None:
    assert actor("Charlie").get("contacts/duplicates/").context["totals"].values == 0
    assert actor("Olga", doubles.workspace, role="ops").get("contacts/duplicates/").status_code == 404
    page = actor("Vera", doubles.workspace, role="viewer").get("contacts/duplicates/").content.decode()
    assert "/delete/" not in page
