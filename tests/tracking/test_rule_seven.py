"""Rule 7 of identity stands once: cases of a table, and random ones, that the pixel and the import decide alike.

A case is a little world of contacts, aliases, identifiers in quarantine, rows of a file and what one browser has called
itself. The visitor meets the file in both orders. Many worlds share a workspace and do not touch each other.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from contacts.models import Alias, Contact
from sources.ambiguities import sweep
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.imports.helpers import bring
from tests.tracking.helpers import device, hit, site_of, stored
from tracking import claims
from tracking.models import Quarantine, Visitor

KINDS = ("external_id", "email", "phone")
# Identifiers by kind; "-" is none. Of people (and of rows): "1a-" has ID 1 and e-mail a.
Who = str


@dataclass(frozen=True)
class World:
    """`contacts` exist, `aliases` are (identifier, position of the contact), `rows` are the file, `names` the browser's."""

    names: Who
    contacts: tuple[Who, ...] = ()
    rows: tuple[Who, ...] = ()
    aliases: tuple[tuple[str, int], ...] = ()
    held: tuple[str, ...] = ()
    deleted: tuple[int, ...] = ()


@dataclass
class Place:
    """A workspace with worlds in it: their browsers and contacts."""

    tenant: Tenant
    worlds: list[World]
    devices: list[str] = field(default_factory=list)
    contacts: list[list[int]] = field(default_factory=list)


def value(kind: str, sign: str, world: int) -> str:
    number = "123456789abcdef".index(sign)
    if kind == "external_id":
        return f"C-{world}-{number}"
    return f"{sign}{world}@example.com" if kind == "email" else f"+447911{world:03d}{number:03d}"


def kind_of(sign: str) -> str:
    return "external_id" if sign in "1234" else "email" if sign in "abcd" else "phone"


def values(who: Who, world: int) -> dict[str, str]:
    return {kind: value(kind, sign, world) for kind, sign in zip(KINDS, who, strict=True) if sign != "-"}


def place(worlds: list[World]) -> Place:
    """A new workspace with the contacts of all worlds."""
    made = Place(workspace(person("Ida")), worlds)
    now = timezone.now()
    with tenant_context(made.tenant.pk):
        for n, world in enumerate(worlds):
            own = [Contact.objects.create(origin="manual", **values(who, n)).pk for who in world.contacts]
            Contact.objects.filter(pk__in=[own[i] for i in world.deleted]).update(deleted_at=now)
            for sign, i in world.aliases:
                Alias.objects.create(kind=kind_of(sign), value=value(kind_of(sign), sign, n), contact_id=own[i])
            for sign in world.held:
                Quarantine.objects.create(
                    kind=kind_of(sign), value=value(kind_of(sign), sign, n), devices=11, others=0, at=now
                )
            made.contacts.append(own)
            made.devices.append(device())
    return made


def identify(at: Place) -> None:
    stored(
        site_of(at.tenant),
        *(
            hit(on, "identify", **values(w.names, n))
            for n, (on, w) in enumerate(zip(at.devices, at.worlds, strict=True))
        ),
    )


def imported(at: Place, **options: Any) -> None:
    lines = []
    for n, world in enumerate(at.worlds):
        for who in world.rows:
            row = values(who, n)
            lines.append(",".join(row.get(kind, "") for kind in KINDS))
    if lines:
        bring(at.tenant, "\n".join(["external_id,email,phone", *lines]) + "\n", **options)


def owners(at: Place) -> list[tuple[str | None, ...] | None]:
    """Of each world, whose its visitor is: the identifiers of that contact, or None."""
    with tenant_context(at.tenant.pk):
        whose = dict(Visitor.objects.filter(generation=0).values_list("device", "contact_id"))
        people = Contact.objects.in_bulk([c for c in whose.values() if c])
        assert all(Visitor.objects.filter(generation__gt=0).values_list("contact_id", flat=True))
    found = [people.get(whose.get(uuid.UUID(on))) for on in at.devices]
    return [tuple(getattr(c, kind) for kind in KINDS) if c else None for c in found]


# What the browser has called itself, the contacts, and whose the visitor is: the position of a contact, or None.
CASES: dict[str, tuple[World, int | None]] = {
    "the one contact with the e-mail": (World("-a-", ("-a-",)), 0),
    "the one contact with the phone": (World("--e", ("--e",)), 0),
    "the one contact with the external ID": (World("1--", ("1--",)), 0),
    "no contact has it": (World("-a-", ("-b-",)), None),
    "all identifiers are one contact's": (World("1ae", ("1ae", "2bf")), 0),
    "a further identifier that no contact has changes nothing": (World("1a-", ("1--",)), 0),
    "another identifier of the contact differs": (World("1a-", ("1b-",)), 0),
    "ID of one and e-mail of another": (World("1a-", ("1b-", "2a-")), None),
    "e-mail of one and phone of another": (World("-ae", ("-a-", "--e")), None),
    "an e-mail that two contacts share": (World("-a-", ("1a-", "2a-")), None),
    "a phone that two contacts share": (World("--e", ("-ae", "-be")), None),
    "a shared e-mail is not told apart by an ID": (World("1a-", ("1a-", "2a-")), None),
    "a deleted contact does not count": (World("-a-", ("-a-",), deleted=(0,)), None),
    "of two that share an e-mail one is deleted": (World("-a-", ("1a-", "2a-"), deleted=(1,)), 0),
    "a former e-mail of the contact": (World("-a-", ("1b-",), aliases=(("a", 0),)), 0),
    "a former e-mail that another contact has now": (World("-a-", ("1b-", "-a-"), aliases=(("a", 0),)), 1),
    "a former e-mail that only a deleted contact has now": (
        World("-a-", ("1b-", "-a-"), aliases=(("a", 0),), deleted=(1,)), 0,
    ),
    "a former e-mail of two contacts": (World("-a-", ("1b-", "2c-"), aliases=(("a", 0), ("a", 1))), None),
    "a former e-mail of a deleted contact": (World("-a-", ("1b-",), aliases=(("a", 0),), deleted=(0,)), None),
    "a former ID of the contact": (World("2--", ("1a-",), aliases=(("2", 0),)), 0),
    "a former phone of one, e-mail of another": (World("-ae", ("1--", "-a-"), aliases=(("e", 0),)), None),
    "an e-mail in quarantine ties nobody": (World("-a-", ("-a-",), held=("a",)), None),
    "an ID in quarantine leaves the e-mail to decide": (World("1a-", ("1--", "-a-"), held=("1",)), 1),
    "a phone in quarantine does not make it ambiguous": (World("-ae", ("-a-", "--e"), held=("e",)), 0),
    "all identifiers in quarantine": (World("1a-", ("1a-",), held=("1", "a")), None),
    "three kinds of three contacts": (World("1ae", ("1--", "-a-", "--e")), None),
    "former and present e-mail of one contact": (World("1a-", ("1b-",), aliases=(("a", 0),)), 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def decided() -> dict[str, list[tuple[str | None, ...] | None]]:
    """Whose the visitors of all cases are, by who decides."""
    worlds = [world for world, _owner in CASES.values()]
    python = place(worlds)
    identify(python)
    found = {"pixel": owners(python)}
    # The same visitors without an owner, looked at by the SQL of the sweep.
    with tenant_context(python.tenant.pk):
        Visitor.objects.update(contact_id=None, claimed_at=None, matched_by=None)
        claims.tie(list(Visitor.objects.values_list("pk", flat=True)), now=timezone.now())
    found["sweep"] = owners(python)
    # The same contacts as rows of a file that comes after: each row is about a contact that is there, or is to be.
    later = place([World(w.names, held=w.held) for w in worlds])
    identify(later)
    assert owners(later) == [None] * len(worlds)
    with tenant_context(later.tenant.pk):
        for n, world in enumerate(worlds):
            own = [Contact.objects.create(origin="manual", **values(who, n)).pk for who in world.contacts]
            Contact.objects.filter(pk__in=[own[i] for i in world.deleted]).update(deleted_at=timezone.now())
            for sign, i in world.aliases:
                Alias.objects.create(kind=kind_of(sign), value=value(kind_of(sign), sign, n), contact_id=own[i])
    later.worlds = [
        World(w.names, rows=tuple(who for i, who in enumerate(w.contacts) if i not in w.deleted)) for w in worlds
    ]
    imported(later)
    found["import"] = owners(later)
    return found


@pytest.mark.parametrize("who", ["pixel", "sweep", "import"])
@pytest.mark.parametrize("case", CASES)
def test_the_pixel_the_sweep_and_the_import_decide_alike(
    case: str, who: str, decided: dict[str, list[tuple[str | None, ...] | None]]
) -> None:
    n = list(CASES).index(case)
    world, owner = CASES[case]
    expected = None if owner is None else tuple(values(world.contacts[owner], n).get(kind) for kind in KINDS)
    assert decided[who][n] == expected


# --- random worlds ------------------------------------------------------------------------------------------------------

people = st.tuples(st.sampled_from("-12"), st.sampled_from("-abc"), st.sampled_from("-ef")).map("".join)
somebody = people.filter(lambda who: who != "---")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    contacts = tuple(draw(st.lists(somebody, max_size=2, unique_by=lambda who: who[0] if who[0] != "-" else object())))
    aliases = (
        draw(st.lists(st.tuples(st.sampled_from("abce"), st.integers(0, len(contacts) - 1)), max_size=1, unique=True))
        if contacts
        else []
    )
    rows = tuple(draw(st.lists(somebody, max_size=3)))
    held = tuple(draw(st.lists(st.sampled_from("1ae"), max_size=1)))
    return World(draw(somebody), contacts, rows, tuple(aliases), held)


# Without shrinking: an example is an import, and each of its worlds says by itself what is wrong.
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(
    st.lists(worlds(), min_size=60, max_size=100),
    st.sampled_from(["overwrite", "only_empty"]),
    st.sampled_from(["last", "first"]),
)
@example([World("1c-", ("-bf",), ("-be", "1b-", "2-f")), World("2--", ("-bf",), ("1b-", "2-f"))], "overwrite", "last")
def test_before_and_after_the_import_the_visitor_is_the_same_persons(
    cases: list[World], existing: str, duplicates: str
) -> None:
    """Identify and import, in both orders: the same owner, or the same refusal. A visitor that the contacts of before have
    claimed stays theirs (it never changes hands); everybody else is whose the contacts of the end say."""
    options = {"existing": existing, "duplicates": duplicates}
    first, second = place(cases), place(cases)
    identify(first)
    before = owners_ids(first)
    imported(first, **options)
    imported(second, **options)
    at_import = owners(first)
    sweep.run(first.tenant.pk)
    identify(second)
    now, one, other = owners_ids(first), owners(first), owners(second)
    wrong = [
        what
        for n, world in enumerate(cases)
        if (what := compare(world, before[n], now[n], at_import[n], one[n], other[n]))
    ]
    assert not wrong, "\n".join(wrong)


def compare(world: World, before: Any, after: Any, at_import: Any, one: Any, other: Any) -> str:
    """What is wrong with a visitor, in words; nothing is not."""
    if before is not None:
        return "" if after == before else f"changed hands: {world}"
    if one != other:
        return f"{one} before, {other} after: {world}"
    return "" if at_import in (None, other) else f"the import itself has tied it to {at_import}, not {other}: {world}"


def owners_ids(at: Place) -> list[int | None]:
    with tenant_context(at.tenant.pk):
        whose = {
            str(on): contact for on, contact in Visitor.objects.filter(generation=0).values_list("device", "contact_id")
        }
    return [whose.get(on) for on in at.devices]
