"""Merging by a list of pairs: what a list may look like, what it would do, doing it, and taking it back."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacts.bulk import actions
from contacts.duplicates import pair_list
from contacts.models import BulkAction, BulkState, Contact, Merge
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring

PAGE = "contacts/merge/pairs/"


@pytest.fixture
def six(alice: Actor) -> tuple[Actor, list[int]]:
    bring(alice.workspace, "external_id,email\n" + "".join(f"C-{i},p{i}@example.com\n" for i in range(6)))
    with tenant_context(alice.workspace.pk):
        return alice, list(Contact.objects.order_by("external_id").values_list("pk", flat=True))


def read(who: Actor, text: str, kind: str = "external_id") -> pair_list.Read:
    with tenant_context(who.workspace.pk):
        return pair_list.read(text, kind)


def living(who: Actor) -> set[str]:
    with tenant_context(who.workspace.pk):
        return set(Contact.objects.living().values_list("external_id", flat=True))


def work(who: Actor) -> BulkAction:
    with tenant_context(who.workspace.pk):
        action: BulkAction = BulkAction.objects.latest("pk")
    while action.active:
        actions.work(who.workspace.pk, action.pk)
        with tenant_context(who.workspace.pk):
            action.refresh_from_db()
    return action


@pytest.mark.parametrize(
    "text", ["C-0,C-1\nC-2,C-3", 'C-0;C-1\r\n\n"C-2";"C-3"', "old\tnew\nC-0\tC-1\nC-2 | C-3\nC-4,C-4"]
)
def test_lists(six: tuple[Actor, list[int]], text: str) -> None:
    alice, ids = six
    found = read(alice, text)
    assert found.pairs == [(ids[0], ids[1]), (ids[2], ids[3])]
    assert found.problems == []


def test_contact_ids(six: tuple[Actor, list[int]]) -> None:
    alice, ids = six
    found = read(alice, f"from,to\n{ids[0]},{ids[1]}\nx,{ids[2]}\n{ids[3]},999999", "contact_id")
    assert found.pairs == [(ids[0], ids[1])]
    assert found.problems == [(3, "has an ID that is not a number"), (4, "has IDs that match no contact: 999999")]


def test_what_is_wrong_is_said_by_line(six: tuple[Actor, list[int]]) -> None:
    alice, _ids = six
    found = read(alice, "C-0,C-1\nC-2\nC-3,C-4,C-5\nC-3,C-99\n")
    assert [line for line, _what in found.problems] == [2, 3, 4]
    assert len(found.pairs) == 1


def test_seen_first_then_done_and_undone(six: tuple[Actor, list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    alice, _ids = six
    monkeypatch.setattr(pair_list.MergePairs, "size", 1)
    body: dict[str, Any] = {"kind": "external_id", "pairs": "C-0,C-1\nC-2,C-3\nC-1,C-0\n", "rule": "newest"}
    page = alice.post(PAGE, body).content.decode()
    assert "Merge 3 pairs" in page
    assert len(living(alice)) == 6
    alice.post(PAGE, {**body, "confirm": "1"})
    done = work(alice)
    assert (done.state, done.done, done.skipped) == (BulkState.DONE, 2, 1)
    assert len(living(alice)) == 4
    assert "2 pairs merged, 1 skipped" in alice.get(f"contacts/actions/{done.pk}/").content.decode()
    alice.post(f"contacts/actions/{done.pk}/undo/")
    back = work(alice)
    assert (back.state, back.undone, back.kept) == (BulkState.UNDONE, 2, 0)
    assert living(alice) == {f"C-{i}" for i in range(6)}
    with tenant_context(alice.workspace.pk):
        assert Merge.objects.filter(undone_at=None).count() == 0


def test_a_file(six: tuple[Actor, list[int]]) -> None:
    alice, _ids = six
    file = SimpleUploadedFile("pairs.csv", "\ufeffC-0,C-1\n".encode())
    assert "Merge 1 pair\n" in alice.post(PAGE, {"kind": "external_id", "file": file}).content.decode()


@pytest.mark.parametrize("text", ["", "nobody,else", "x"])
def test_a_list_that_does_nothing(six: tuple[Actor, list[int]], text: str) -> None:
    alice, _ids = six
    assert alice.post(PAGE, {"pairs": text, "confirm": "1"}).status_code == 422
    with tenant_context(alice.workspace.pk):
        assert not BulkAction.objects.exists()
