"""Whatever is done to contacts, in whatever order: nobody is lost, nobody doubled, consent never weaker, counts right.

Two workspaces; only one is worked in, and the other one must not notice.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.bulk import actions
from contacts.consent import blacklist
from contacts.duplicates import merge
from contacts.errors import NotAllowed
from contacts.listing import status_filters
from contacts.listing.status_filters import FILTERS
from contacts.models import BulkAction, Contact, Merge
from contacts.profile import edit, quick_actions
from contacts.profile import undo as profile_undo
from contacts.profile.quick_actions import QUICK_ACTIONS
from contacts.values import channel_status
from imports.models import Import
from imports.pipeline import undo
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor, actor
from tests.imports.helpers import bring, work

HEADER = "external_id,email,phone,first_name,city,email_status\n"
STATUSES = ("", "active", "unsubscribed", "spam", "not_confirmed")


def file(numbers: list[int], status: int) -> str:
    """A few people, some of whom share an address or a phone."""
    rows = (
        f"C-{n},p{n % 7}@example.com,+4474000000{n % 5:02},P{n},Town{n % 3},{STATUSES[status % len(STATUSES)]}\n"
        for n in dict.fromkeys(numbers)
    )
    return HEADER + "".join(rows)


class World:
    """One workspace and what must stay true of it."""

    def __init__(self) -> None:
        self.who, self.other = actor("Alice"), actor("Charlie")
        bring(self.other.workspace, file([1, 2, 3], 0))
        bring(self.who.workspace, file(list(range(6)), 0))
        self.untouched = rows_of(self.other)
        self.seen: set[int] = set()
        self.strict: dict[int, int] = {}
        self.look(milder=False)

    def look(self, *, milder: bool, gone: frozenset[int] = frozenset()) -> None:
        """Check everything. `milder`: whether the step may have given a status back; `gone`: whom it has taken out."""
        with tenant_context(self.who.workspace.pk):
            contacts = {c.pk: c for c in Contact.objects.all()}
            assert self.seen - gone <= contacts.keys()
            self.seen = set(contacts)
            living = [c for c in contacts.values() if c.deleted_at is None]
            ids = [c.external_id for c in living if c.external_id]
            assert len(ids) == len(set(ids))
            for contact in contacts.values():
                end = merge.current_contact(contact)
                assert end.merged_into is None
                assert contact.merged_into is None or contact.deleted_at is not None
            self._statuses(living, milder=milder)
            cells = status_filters.cells()
            assert status_filters.count(cells, FILTERS[""], deleted=False) == len(living)
            assert status_filters.count(cells, FILTERS[""], deleted=True) == len(contacts) - len(living)
            for status in channel_status.EMAIL_ORDER:
                wanted = sum(c.email is not None and c.email_status == status for c in living)
                assert status_filters.count(cells, FILTERS[f"email.{status}"], deleted=False) == wanted
        assert rows_of(self.other) == self.untouched

    def _statuses(self, living: list[Contact], *, milder: bool) -> None:
        for contact in living:
            rank = channel_status.EMAIL_ORDER.index(contact.email_status)
            assert milder or rank >= self.strict.get(contact.pk, 0), contact.email_status
            self.strict[contact.pk] = rank

    # --- what can be done; each returns the options of `look` ---

    def pick(self, n: int, *, deleted: bool = False) -> Contact | None:
        found = list(Contact.objects.exclude(deleted_at=None) if deleted else Contact.objects.living())
        return sorted(found, key=lambda c: c.pk)[n % len(found)] if found else None

    def bring(self, n: int) -> dict[str, Any]:
        bring(self.who.workspace, file([n % 9, (n * 5) % 9, (n * 7) % 11], n))
        return {"milder": False}

    def take_back(self, n: int) -> dict[str, Any]:
        with tenant_context(self.who.workspace.pk):
            done = list(Import.objects.filter(undone_at=None, undo_direction="").order_by("pk"))
            imp = done[n % len(done)] if done else None
            before = set(Contact.objects.values_list("pk", flat=True))
            if imp is not None:
                undo.request(imp, "undo", user=self.who.user)
        if imp is not None:
            work(self.who.workspace, imp)
        with tenant_context(self.who.workspace.pk):
            gone = frozenset(before - set(Contact.objects.values_list("pk", flat=True)))
        return {"milder": True, "gone": gone}

    def edit(self, n: int) -> dict[str, Any]:
        contact = self.pick(n)
        if contact is not None:
            edit.change(
                contact.pk, {"city": f"Edited{n}", "email": (f"e{n}@example.com",) * 2}, seen=contact.changed_at,
                user_id=self.who.user.pk,
            )  # fmt: skip
        return {"milder": False}

    def merge(self, n: int) -> dict[str, Any]:
        one, other = self.pick(n), self.pick(n // 3 + 1)
        if one is not None and other is not None:
            merge.merge([one.pk, other.pk], user_id=self.who.user.pk)
        return {"milder": False}

    def unmerge(self, n: int) -> dict[str, Any]:
        made = list(Merge.objects.filter(undone_at=None).order_by("pk"))
        if made:
            merge.undo(made[n % len(made)].pk, user_id=self.who.user.pk)
        return {"milder": True}

    def delete(self, n: int) -> dict[str, Any]:
        contact = self.pick(n)
        if contact is not None:
            quick_actions.delete(contact.pk, reason="Other", user_id=self.who.user.pk)
        return {"milder": False}

    def restore(self, n: int) -> dict[str, Any]:
        contact = self.pick(n, deleted=True)
        if contact is not None:
            quick_actions.restore(contact.pk, user_id=self.who.user.pk)
        return {"milder": False}

    def click(self, n: int) -> dict[str, Any]:
        contact = self.pick(n)
        if contact is not None:
            quick_actions.perform(
                contact.pk, list(QUICK_ACTIONS.values())[n % len(QUICK_ACTIONS)], user_id=self.who.user.pk
            )
        return {"milder": True}  # a complaint can be cleared by hand

    def back(self, n: int) -> dict[str, Any]:
        entries = list(AuditEntry.objects.filter(verb__startswith="contact.").order_by("pk"))
        if entries:
            profile_undo.undo(entries[n % len(entries)].pk, user_id=self.who.user.pk)
        return {"milder": True}

    def silence(self, n: int) -> dict[str, Any]:
        blacklist.add("email", [f"p{n % 7}@example.com"], reason="", user_id=self.who.user.pk)
        return {"milder": False}

    def bulk(self, n: int) -> dict[str, Any]:
        kinds: list[tuple[str, dict[str, Any]]] = [
            ("delete", {"reason": "Other"}), ("unsubscribe", {}), ("duplicates", {"by": "phone", "keep": "earlier"}),
        ]  # fmt: skip
        kind, options = kinds[n % len(kinds)]
        with tenant_context(self.who.workspace.pk):
            action = actions.begin(kind, {}, user_id=self.who.user.pk, **options)
        actions.work(self.who.workspace.pk, action.pk)
        return {"milder": False}

    def bulk_back(self, n: int) -> dict[str, Any]:
        with tenant_context(self.who.workspace.pk):
            done = list(BulkAction.objects.filter(state="done").order_by("pk"))
            if done:
                actions.undo(done[n % len(done)].pk, user_id=self.who.user.pk)
        if done:
            actions.work(self.who.workspace.pk, done[n % len(done)].pk)
        return {"milder": True}


# Steps that open contexts of their own, and those that run in one.
OUTSIDE = ("bring", "take_back", "bulk", "bulk_back")
INSIDE = ("edit", "merge", "unmerge", "delete", "restore", "click", "back", "silence")


def rows_of(who: Actor) -> list[Any]:
    with tenant_context(who.workspace.pk):
        return list(Contact.objects.order_by("pk").values_list())


def step(world: World, name: str, n: int) -> None:
    act: Callable[[int], dict[str, Any]] = getattr(world, name)
    try:
        if name in OUTSIDE:
            options = act(n)
        else:
            with tenant_context(world.who.workspace.pk):
                options = act(n)
    except NotAllowed:
        options = {"milder": False}  # nothing was written
    world.look(**options)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(OUTSIDE + INSIDE + INSIDE), st.integers(0, 60)), min_size=8, max_size=20))
def test_whatever_is_done(steps: list[tuple[str, int]]) -> None:
    world = World()
    for name, n in steps:
        step(world, name, n)
