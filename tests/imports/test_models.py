"""What people want of an import is one wish at a time, whatever columns it is stored in."""

from typing import Any

import pytest

from imports.models import Import, Phase, UndoDirection, Wish
from imports.pipeline import undo
from imports.wizard import upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import again, bring, receive, work

FILE = "email\na@example.com\nb@example.com\n"


@pytest.mark.parametrize(
    ("columns", "wish"),
    [
        ({}, Wish.DRAFT),
        ({"phase": Phase.PARSE}, Wish.REVIEW),
        ({"phase": Phase.REVIEW}, Wish.REVIEW),
        ({"phase": Phase.PARSE, "started": True}, Wish.GO),
        ({"phase": Phase.DRAFT, "cancel_requested": True}, Wish.CANCEL),
        ({"phase": Phase.APPLY, "started": True, "cancel_requested": True}, Wish.CANCEL),
        ({"phase": Phase.APPLY, "started": True, "cancel_requested": True, "take_back": True}, Wish.CANCEL_AND_UNDO),
        ({"phase": Phase.QUEUED, "started": True, "take_back": True, "undo_direction": "undo"}, Wish.UNDO),
        ({"phase": Phase.REDO, "started": True, "undo_direction": "redo"}, Wish.REDO),
    ],
)
def test_the_columns_say_one_wish(columns: dict[str, Any], wish: Wish) -> None:
    imp = Import(**{"take_back": False, "undo_direction": "", **columns})
    assert imp.wants is wish
    assert imp.is_canceling == (wish in (Wish.CANCEL, Wish.CANCEL_AND_UNDO))


def test_each_direction_of_an_undo_is_a_wish() -> None:
    assert [Wish(direction).name for direction in UndoDirection] == [direction.name for direction in UndoDirection]


def test_a_wish_holds_until_the_next_one(tenant: Tenant) -> None:
    draft = receive(tenant, FILE)
    assert draft.wants is Wish.DRAFT
    imp = bring(tenant, FILE, review=True)
    assert imp.wants is Wish.REVIEW
    with tenant_context(tenant.pk):
        assert upload.confirm(imp)
    assert again(tenant, imp).wants is Wish.GO
    assert work(tenant, imp).wants is Wish.GO
    for direction, wish in ((UndoDirection.UNDO, Wish.UNDO), (UndoDirection.REDO, Wish.REDO)):
        with tenant_context(tenant.pk):
            assert undo.request(imp, direction, user=None)
            assert not upload.cancel(imp), "an undo is not canceled"
        assert again(tenant, imp).wants is wish
        assert work(tenant, imp).wants is Wish.GO
    with tenant_context(tenant.pk):
        assert upload.cancel(draft, take_back=True)
    assert again(tenant, draft).wants is Wish.CANCEL_AND_UNDO
    assert work(tenant, draft).ended


def test_a_review_goes_back_to_its_mapping_only_while_it_is_wanted(tenant: Tenant) -> None:
    imp = bring(tenant, FILE, review=True)
    with tenant_context(tenant.pk):
        assert upload.cancel(imp)
        assert not upload.reopen(imp)
    other = bring(tenant, FILE, review=True)
    with tenant_context(tenant.pk):
        assert upload.reopen(other)
    assert again(tenant, other).wants is Wish.DRAFT
