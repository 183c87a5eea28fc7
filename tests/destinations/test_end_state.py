"""After any sequence of changes, runs, kills and errors the list of a network is exactly who may be in it (decision 24).

The people of an expected list are worked out here in plain Python, from the contacts as they are. `SYNC_SEQUENCES` says
how many sequences are tried.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as trying

from contacts import change_log
from contacts.duplicates import merge
from contacts.models import Contact
from contacts.privacy import data_providers
from destinations import difference, kinds, lease, runs, sweep, syncs
from destinations.kinds import Limits
from destinations.models import RunKind, RunState, Sync, SyncBatch, SyncMember, SyncRun, SyncState
from destinations.normal_forms import Person
from segments.models import Member, Segment
from tenants.isolation.context import tenant_context
from tenants.models import User
from tests.cast import person as member
from tests.cast import workspace
from tests.destinations import scene

EMAILS = ["ann@gmail.com", "a.nn@gmail.com", "bob@example.com", "carl@example.com", None]
PHONES = ["+491701234567", "+491707654321", None]
CONSENTS = ["granted", "granted", "granted", "denied", None]
FAULTS = {
    "meta": [
        ("drop", True),
        ("drop", False),
        ("429", False),
        ("2", True),
        ("2", False),
        ("html", False),
        ("17", False),
    ],
    "google": [("drop", True), ("drop", False), ("429", False), ("503", True), ("503", False)],
}

who = st.integers(0, 7)
fields = st.fixed_dictionaries(
    {"email": st.sampled_from(EMAILS), "phone": st.sampled_from(PHONES), "consent": st.sampled_from(CONSENTS)}
)
acts = st.one_of(
    st.tuples(st.just("create"), fields, st.booleans()),
    st.tuples(st.just("edit"), who, fields),
    st.tuples(st.just("consent"), who, st.sampled_from(CONSENTS)),
    st.tuples(st.just("status"), who, st.sampled_from(["active", "unsubscribed", "spam"])),
    st.tuples(st.just("join"), who),
    st.tuples(st.just("leave"), who),
    st.tuples(st.just("delete"), who, st.booleans()),
    st.tuples(st.just("erase"), who),
    st.tuples(st.just("merge"), who, who),
    st.tuples(
        st.just("work"), st.sampled_from(["run", "run", "full", "sweep"]), st.integers(0, 30), st.integers(0, 20)
    ),
)


class Killed(BaseException):
    """The worker is dead."""


class World:
    """A workspace, a list, and a sync of it to a network."""

    def __init__(self, kind: str, network: Any) -> None:
        self.kind, self.network = kind, network
        owner: User = member("Alice")
        self.user = owner
        self.tenant = workspace(owner)
        self.list_id = str(900_000 + self.tenant.pk)
        with tenant_context(self.tenant.pk):
            self.segment: Segment = scene.segment_of()
            self.sync: Sync = scene.sync_of(self.segment, kind)
            Sync.objects.filter(pk=self.sync.pk).update(
                settings=dict.fromkeys(self.sync.settings, self.list_id), looked_until=""
            )
        self.ids: list[int] = []

    def begin(self) -> None:
        """Four people are told, of whom two are one to Google, and two have one phone."""
        for email, phone in zip(EMAILS[:4], (None, None, PHONES[0], PHONES[0]), strict=True):
            self.act("create", {"email": email, "phone": phone, "consent": "granted"}, True)
        self.act("work", "run", 0, 0)

    # --- what happens to people -----------------------------------------------------------------------------------------

    def act(self, name: str, *said: Any) -> None:
        if name == "work":
            self.work(*said)
            return
        with tenant_context(self.tenant.pk):
            getattr(self, name)(*said)

    def contact(self, place: int) -> Contact | None:
        if not self.ids:
            return None
        found: Contact | None = Contact.objects.filter(pk=self.ids[place % len(self.ids)]).first()
        return found

    def write(self, contact: Contact, **values: Any) -> None:
        now = timezone.now()
        Contact.objects.filter(pk=contact.pk).update(changed_at=now, **values)
        change_log.note([contact.pk], now=now)

    def create(self, given: dict[str, Any], joins: bool) -> None:
        made = scene.person(email=given["email"], phone=given["phone"], attributes={"ads_consent": given["consent"]})
        self.write(made)
        self.ids.append(made.pk)
        if joins:
            scene.join(self.segment, made)

    def edit(self, place: int, given: dict[str, Any]) -> None:
        if contact := self.contact(place):
            attributes = {**contact.attributes, "ads_consent": given["consent"]}
            self.write(contact, email=given["email"], phone=given["phone"], attributes=attributes)

    def consent(self, place: int, said: str | None) -> None:
        if contact := self.contact(place):
            self.write(contact, attributes={**contact.attributes, "ads_consent": said})

    def status(self, place: int, said: str) -> None:
        if contact := self.contact(place):
            self.write(contact, email_status=said)

    def join(self, place: int) -> None:
        if contact := self.contact(place):
            scene.join(self.segment, contact)

    def leave(self, place: int) -> None:
        if contact := self.contact(place):
            scene.leave(self.segment, contact)

    def delete(self, place: int, gone: bool) -> None:
        contact = self.contact(place)
        if contact and contact.merged_into is None:
            self.write(contact, deleted_at=timezone.now() if gone else None)

    def erase(self, place: int) -> None:
        if contact := self.contact(place):
            Contact.objects.filter(merged_into=contact.pk).update(merged_into=None)
            data_providers.erase([contact.pk], [])
            change_log.note_erased([contact.pk], now=timezone.now())

    def merge(self, one: int, other: int) -> None:
        first, second = self.contact(one), self.contact(other)
        if first and second and first.pk != second.pk and not (first.deleted_at or second.deleted_at):
            merge.merge([first.pk, second.pk], user_id=None)

    # --- what the worker does -------------------------------------------------------------------------------------------

    def work(self, what: str, killed_at: int, faults: int) -> None:
        """A run, or a look for whom to take out, that is killed at a step or meets errors; 0: neither."""
        if faults:
            every = FAULTS[self.kind]
            self.network.faults.extend(every[(faults + i) % len(every)] for i in range(1 + faults % 3))
        with tenant_context(self.tenant.pk):
            Sync.objects.filter(pk=self.sync.pk, state=SyncState.FAILED).update(state=SyncState.PENDING)
            if what != "sweep":
                sweep.begin(Sync.objects.get(pk=self.sync.pk), kind=what)
        with killed(killed_at if killed_at <= 24 else 0) as dead:
            sweep.run(self.tenant.pk)
            try:
                runs.work(self.tenant.pk, self.sync.pk)
            except Killed:
                dead.append(True)
        self.network.faults.clear()
        scene.later(self.tenant.pk, self.sync)
        if what == "sweep" and not dead:
            self.judge_removal()

    def judge_removal(self) -> None:
        """After a run that was not disturbed, nobody is told who may not be."""
        with tenant_context(self.tenant.pk):
            last = SyncRun.objects.order_by("-pk").first()
            if (
                last is None
                or last.state != RunState.ENDED
                or SyncBatch.objects.filter(state__in=SyncBatch.OPEN).exists()
            ):
                return
            told = SyncMember.objects.exclude(told=[])
            allowed = {contact.pk for contact in Contact.objects.all() if self.may(contact)}
            assert {one.contact_id for one in told if one.contact_id not in allowed} == set()

    def settle(self) -> None:
        """Quiet at last: everything that is due is done."""
        for kind in ("", "", "run", "", "", ""):
            with tenant_context(self.tenant.pk):
                Sync.objects.filter(state=SyncState.FAILED).update(state=SyncState.PENDING)
                if kind:
                    sweep.begin(Sync.objects.get(pk=self.sync.pk), kind=kind)
            for _turn in range(4):
                runs.work(self.tenant.pk, self.sync.pk)
                scene.later(self.tenant.pk, self.sync)
        with tenant_context(self.tenant.pk):
            last = SyncRun.objects.exclude(kind=RunKind.REMOVAL).order_by("-pk")[0]
            assert last.state == RunState.ENDED, last.error
            sent = SyncMember.objects.exclude(told=[]).count()
            assert last.processed == sent + sum(last.left_out.values())

    # --- what should be -------------------------------------------------------------------------------------------------

    @staticmethod
    def says_no(contact: Contact) -> bool:
        no = contact.email is not None and contact.email_status in ("unsubscribed", "spam", "blacklisted")
        no_phone = contact.phone is not None and contact.phone_status == "blacklisted"
        return contact.attributes.get("ads_consent") == "denied" or no or no_phone

    def may(self, contact: Contact) -> bool:
        if contact.deleted_at or contact.attributes.get("ads_consent") != "granted" or self.says_no(contact):
            return False
        others = Contact.objects.filter(merged_into=None).exclude(pk=contact.pk)
        same = [o for o in others if (o.email and o.email == contact.email) or (o.phone and o.phone == contact.phone)]
        return not any(self.says_no(other) for other in same)

    def expected(self) -> set[str]:
        found = set()
        with tenant_context(self.tenant.pk):
            listed = set(Member.objects.filter(segment_id=self.segment.pk).values_list("contact_id", flat=True))
            for contact in Contact.objects.filter(pk__in=listed):
                if self.may(contact):
                    person = Person(contact.pk, email=contact.email, phone=contact.phone)
                    for one in kinds.normalizer(self.kind)(person):
                        name = one.kind.upper() if self.kind == "meta" else one.kind
                        found |= {f"{name}:{one.sent}"} if one.kind in ("email", "phone") else set()
        return found


@contextmanager
def killed(at: int) -> Iterator[list[bool]]:
    """The worker dies at its step of this number, counted before and after each transaction and each request; 0: never. A
    dead worker gives nothing back."""
    steps, dead = [0], list[bool]()
    patch = pytest.MonkeyPatch()
    transaction, ask, let_go = lease.transaction, runs.Worker._ask, lease.let_go

    def step() -> None:
        steps[0] += 1
        if steps[0] == at:
            raise Killed

    @contextmanager
    def stepped(*given: Any) -> Iterator[Any]:
        step()
        with transaction(*given) as work:
            yield work
        step()

    def asked(self: runs.Worker, prepared: Any) -> Any:
        step()
        outcome = ask(self, prepared)
        step()
        return outcome

    patch.setattr(lease, "transaction", stepped)
    patch.setattr(runs.Worker, "_ask", asked)
    patch.setattr(lease, "let_go", lambda *given: None if 0 < at <= steps[0] else let_go(*given))
    try:
        yield dead
    finally:
        patch.undo()


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """Two people a request, and three a page, so that few people are many requests."""
    patch = pytest.MonkeyPatch()
    for kind in ("meta", "google"):
        module = f"destinations.{kind}.kind.KIND"
        patch.setattr(module, replace(kinds.of(kind), limits=Limits(members=2)))
    patch.setattr(difference, "PAGE", 3)
    yield
    patch.undo()


SEQUENCES = int(os.environ.get("SYNC_SEQUENCES", "30"))


@pytest.mark.parametrize("kind", ["meta", "google"])
def test_the_list_is_who_may_be_in_it(small: None, settings: Any, kind: str) -> None:
    options = {"patience": 1} if kind == "google" else {}
    with getattr(scene, kind)(settings, **options) as network:

        @trying(
            max_examples=SEQUENCES // 2, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        )  # fmt: skip
        @given(st.lists(acts, min_size=2, max_size=25))
        def judge(sequence: list[Any]) -> None:
            world = World(kind, network)
            world.begin()
            for act in sequence:
                world.act(*act)
            world.settle()
            assert network.list_of(world.list_id) == world.expected()

        judge()


def test_a_sync_that_is_removed_leaves_nobody(small: None, settings: Any) -> None:
    with scene.meta(settings) as network:
        world = World("meta", network)
        for email in ("ann@example.com", "bob@example.com", "carl@example.com"):
            world.act("create", {"email": email, "phone": None, "consent": "granted"}, True)
        world.settle()
        assert len(network.list_of(world.list_id)) == 3
        with tenant_context(world.tenant.pk):
            syncs.delete(Sync.objects.get(pk=world.sync.pk), user=world.user)
        runs.work(world.tenant.pk, world.sync.pk)
        assert network.list_of(world.list_id) == set()
        with tenant_context(world.tenant.pk):
            assert Sync.objects.get(pk=world.sync.pk).archived_at is not None
