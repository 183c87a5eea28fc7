"""The pages of lookalikes: created once, followed, resized, renamed, deleted and restored; by whom."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from audiences.lookalikes import schedule
from audiences.models import Lookalike, LookalikeField, LookalikeMember
from contacts.models import Contact
from segments.models import Segment
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor

LIFTS = [
    {"percent": p, "found": f, "hidden": 782, "expected": 7.82 * p, "lift": f / 7.82 / p, "low": 3.9, "high": 5.7,
     "luck": 1e-9, "passes": p != 20}
    for p, f in ((3, 113), (7, 188), (10, 242), (15, 305), (20, 160))
]  # fmt: skip
REPORT = {
    "usable": 3912, "members": 3912, "others": 40_000, "hidden": 782, "lifts": LIFTS, "unreachable": 12,
    "curve": [[n, 2.0 * n] for n in range(21)],
    "mattered": [{"words": "Looked at /boots in the last 30 days", "members": 71, "others": 9}],
}  # fmt: skip


@pytest.fixture
def segment(alice: Actor) -> Segment:
    with tenant_context(alice.workspace.pk):
        found: Segment = Segment.objects.create(name="Club members")
    return found


def made(alice: Actor, segment: Segment, **more: Any) -> Lookalike:
    given = {"name": "Like the club", "seed_kind": "segment", "seed_id": segment.pk, "size": 3, "state": "ready",
             "report": REPORT, "judged": 40_000, "refreshed_at": timezone.now(), **more}  # fmt: skip
    with tenant_context(alice.workspace.pk):
        own: Lookalike = Lookalike.objects.create(**given)
        for n in range(3):
            contact = Contact.objects.create(first_name=f"Ann{n}", email=f"ann{n}@example.com", origin="manual")
            LookalikeMember.objects.create(
                tenant_id=alice.workspace.pk, lookalike_id=own.pk, contact_id=contact.pk, place=15 * (n + 1), score=0.25
            )
    return own


def current(alice: Actor, own: Lookalike) -> Lookalike:
    with tenant_context(alice.workspace.pk):
        found: Lookalike = Lookalike.objects.get(pk=own.pk)
    return found


def test_a_second_click_creates_nothing(alice: Actor, segment: Segment) -> None:
    page = alice.get(f"lookalikes/new/?kind=segment&list={segment.pk}").text
    assert "Like Club members" in page
    assert f'value="segment:{segment.pk}" selected' in page
    sent = {
        "name": " Like  the club ",
        "seed": f"segment:{segment.pk}",
        "moment": "entered",
        "size": "7",
        "token": "a" * 32,
    }
    first, second = alice.post("lookalikes/new/", sent), alice.post("lookalikes/new/", sent)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    with tenant_context(alice.workspace.pk):
        own = Lookalike.objects.get()
        assert (own.name, own.size, own.state, own.created_by_id) == ("Like the club", 7, "counting", alice.user.pk)
        assert AuditEntry.objects.filter(verb="lookalike.created").count() == 1
    assert "Counting what people did" in alice.get(f"lookalikes/{own.pk}/").text
    assert alice.get(f"lookalikes/{own.pk}/live/").status_code == 200
    assert "Like the club 2" not in alice.get("lookalikes/").text
    other = {**sent, "token": "b" * 32}
    refused = alice.post("lookalikes/new/", other)
    assert refused.status_code == 422
    assert "There is another lookalike with the name “Like the club”" in refused.text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", " ", "Enter a name."), ("name", "x" * 121, "Use at most 120 characters. This name has 121."),
        ("seed", "segment:0", "Choose the list"), ("seed", "lookalike:1", "Choose the list"),
        ("seed", "", "Choose the list"),
        ("size", "4", "Choose a size."), ("moment", "later", "Choose when the members are looked at."),
    ],
)  # fmt: skip
def test_a_form_with_an_error(alice: Actor, segment: Segment, field: str, value: str, said: str) -> None:
    sent = {"name": "L", "seed": f"segment:{segment.pk}", "moment": "now", "size": "3", "token": "x", field: value}
    answer = alice.post("lookalikes/new/", sent)
    assert answer.status_code == 422
    assert said in answer.text
    with tenant_context(alice.workspace.pk):
        assert not Lookalike.objects.exists()


def test_the_page_says_how_well_it_works(alice: Actor, segment: Segment) -> None:
    own = made(alice, segment)
    page = " ".join(alice.get(f"lookalikes/{own.pk}/").text.split())
    for text in (
        "782 of the 3,912 members of Club members were hidden",
        "The closest 3 % hold <b>113 of them</b>; chance would find 23",
        "4.8 ×", "Looked at /boots in the last 30 days", "71 % of members, 9 % of others", "no better than chance",
        "Show as a table", "gender", "12 visitors with an address but no contact were not scored",
    ):  # fmt: skip
        assert text in page, text
    assert "hx-trigger" not in page.partition('id="lookalike"')[2][:200]
    assert alice.get(f"lookalikes/{own.pk}/live/").status_code == 286
    listed = alice.get("lookalikes/").text
    assert "4.8 ×" in listed
    assert "like Club members" in listed
    assert "40,000" in listed


def test_another_size_has_to_be_better_than_chance(alice: Actor, segment: Segment) -> None:
    own = made(alice, segment)
    alice.post(f"lookalikes/{own.pk}/size/", {"size": "20"})
    assert current(alice, own).size == 3
    alice.post(f"lookalikes/{own.pk}/size/", {"size": "x"})
    alice.post(f"lookalikes/{own.pk}/size/", {"size": "7"})
    assert (current(alice, own).size, current(alice, own).state) == (7, "ready")


def test_a_refused_one_offers_the_sizes_that_pass_and_begins_again(alice: Actor, segment: Segment) -> None:
    own = made(alice, segment, size=20, state="refused", reason="That can be luck.")
    page = " ".join(alice.get(f"lookalikes/{own.pk}/").text.split())
    assert "There is too little signal.</b> That can be luck." in page
    assert "A broader size" not in page
    assert "Another size passes the test" in page
    alice.post(f"lookalikes/{own.pk}/size/", {"size": "7"})
    assert (current(alice, own).size, current(alice, own).state) == (7, "counting")


def test_rename_delete_restore(alice: Actor, segment: Segment) -> None:
    own, other = made(alice, segment), made(alice, segment, name="Other")
    assert alice.post(f"lookalikes/{own.pk}/rename/", {"name": "Other"}).status_code == 422
    assert alice.post(f"lookalikes/{own.pk}/rename/", {"name": "New"}).status_code == 302
    assert "You can restore it for 30 days" in alice.get(f"lookalikes/{own.pk}/delete/").text
    assert alice.post(f"lookalikes/{own.pk}/delete/").status_code == 302
    assert alice.post(f"lookalikes/{own.pk}/delete/").status_code == 404
    assert "New" in alice.get("lookalikes/deleted/").text
    alice.post(f"lookalikes/{other.pk}/rename/", {"name": "New"})
    assert "This lookalike was deleted" in alice.get(f"lookalikes/{own.pk}/").text
    alice.post(f"lookalikes/{own.pk}/restore/")
    alice.post(f"lookalikes/{own.pk}/restore/")
    found = current(alice, own)
    assert (found.name, found.archived_at, found.state) == ("New 2", None, "counting")
    with tenant_context(alice.workspace.pk):
        verbs = set(AuditEntry.objects.filter(verb__startswith="lookalike.").values_list("verb", flat=True))
    assert verbs == {"lookalike.renamed", "lookalike.deleted", "lookalike.restored"}


def test_nothing_waits_for_a_worker_that_has_the_row(alice: Actor, segment: Segment) -> None:
    own = made(alice, segment)
    seen: list[Any] = []

    def step(lookalike: Lookalike) -> bool:
        """As a second connection would: the row is locked by this one."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as other:
            seen.append(other.submit(_sent, alice, own.pk).result(timeout=30))
        return False

    with tenant_context(alice.workspace.pk):
        locked = Lookalike.objects.select_for_update().get(pk=own.pk)
        step(locked)
    assert seen == [[302, 302, 302, 302]]
    assert (current(alice, own).name, current(alice, own).archived_at) == ("Like the club", None)


def _sent(alice: Actor, pk: int) -> list[int]:
    from django.db import connection

    acts: dict[str, dict[str, str]] = {"refresh": {}, "rename": {"name": "New"}, "size": {"size": "7"}, "delete": {}}
    try:
        return [alice.post(f"lookalikes/{pk}/{act}/", data).status_code for act, data in acts.items()]
    finally:
        connection.close()


def test_members_the_closest_first_and_as_csv(alice: Actor, segment: Segment) -> None:
    own = made(alice, segment)
    page = alice.get(f"lookalikes/{own.pk}/members/").text
    assert page.index("Ann0") < page.index("Ann1")
    assert "Ann2" not in page
    assert "1.5 %" in page
    assert "25.0 %" in page
    again = alice.get(f"lookalikes/{own.pk}/members/?after=15.99999999").text
    assert "Ann0" not in again
    assert "Ann1" in again
    answer = alice.post(f"lookalikes/{own.pk}/members.csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 3
    assert lines[1].endswith('"1.5","0.2500"')
    assert "ann0@example.com" in lines[1]


def test_of_few_members_no_chance_is_told(alice: Actor, segment: Segment) -> None:
    own = made(alice, segment)
    with tenant_context(alice.workspace.pk):
        Lookalike.objects.filter(pk=own.pk).update(report={**own.report, "usable": 499})
    page = " ".join(alice.get(f"lookalikes/{own.pk}/members/").text.split())
    assert page.index("Ann0") < page.index("Ann1")
    assert "Chances are shown from 500 members of the list on" in page
    assert "25.0 %" not in page
    lines = b"".join(alice.post(f"lookalikes/{own.pk}/members.csv").streaming_content).decode().splitlines()
    assert lines[1].endswith('"1.5",""')


def test_the_workspace_chooses_fields(alice: Actor) -> None:
    page = alice.get("lookalikes/fields/").text
    assert "Gender" in page
    assert "protected trait" in page
    kept = {"field": ["city", "gender"]}
    alice.post("lookalikes/fields/", kept)
    alice.post("lookalikes/fields/", kept)
    with tenant_context(alice.workspace.pk):
        decided = dict(LookalikeField.objects.values_list("key", "allowed"))
        assert decided["gender"] is True
        assert decided["country"] is False
        assert "city" not in decided
        assert AuditEntry.objects.filter(verb="lookalike.fields_changed").count() == 1


def test_a_viewer_looks_and_changes_nothing(alice: Actor, segment: Segment, member: Callable[[str], Actor]) -> None:
    own, viewer = made(alice, segment), member("viewer")
    page = viewer.get(f"lookalikes/{own.pk}/")
    assert page.status_code == 200
    assert "Delete" not in page.text
    assert "Download" not in page.text
    for path in ("refresh/", "size/", "rename/", "delete/", "restore/", "members.csv"):
        assert viewer.post(f"lookalikes/{own.pk}/{path}").status_code == 404
    assert member("ops").get(f"lookalikes/{own.pk}/").status_code == 404


def test_a_stranger_finds_nothing(alice: Actor, segment: Segment, charlie: Actor) -> None:
    own = made(alice, segment)
    for path in ("", "live/", "members/", "rename/", "delete/"):
        assert charlie.get(f"lookalikes/{own.pk}/{path}").status_code == 404
    assert "Like the club" not in charlie.get("lookalikes/").text
    sent = {"name": "L", "seed": f"segment:{segment.pk}", "moment": "now", "size": "3", "token": "x"}
    assert charlie.post("lookalikes/new/", sent).status_code == 422
    assert schedule.RESTORE_DAYS == 30
