"""How many contacts an audience would have: the size before and after each condition, and why the others are left out.

One statement counts the contacts of all lists by what the conditions ask: in which lists they are, the statuses of their
channels, their ads consent. Its answer is small whatever the size of the lists; everything else follows from it. Pure but
for `count`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from audiences import contact_lists
from audiences.contact_lists import ContactList
from audiences.definition import ConditionType, Definition, State
from contacts.identity.queries import set_work_mem
from contacts.values import ads_consent
from segments import membership
from segments.copies import named_parameters
from segments.models import Segment
from tenants.isolation.statements import fetch, fill, merge_joins

SHARED_ADDRESS = "refused by another contact with the address"
SEVERAL = "in several of these lists"
# Memory of each sort and hash of the statement, so that a million contacts are grouped without the disk.
MEGABYTES = 128

# {lists} joins each list, {bits} says in which of them a contact is, {any} that it is in one. Lists may still hold contacts
# that were deleted. What a contact has no address for is NULL, as is an answer that is none. All is read in the order of
# contacts, as the keys of all tables have it: to hash a million members of each list takes twice as long.
CELLS = """
SELECT {bits}, CASE WHEN c.email IS NOT NULL THEN c.email_status END,
  CASE WHEN c.phone IS NOT NULL THEN c.phone_status END, c.attributes ->> '{ads}', count(*)
FROM contact c {lists}
WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NULL AND ({any}) GROUP BY 1, 2, 3, 4"""
OF_LIST = "LEFT JOIN ({list}) l{n}(id) ON l{n}.id = c.id"
BIT = "CASE WHEN l{n}.id IS NULL THEN 0 ELSE {bit} END"
SAVED = "SELECT m.contact_id FROM segment_member m WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(saved)s"


class Cell(NamedTuple):
    """So many contacts that are in exactly these lists (a bit for each, then one for the saved members) and in one state."""

    bits: int
    state: State
    contacts: int


@dataclass(frozen=True)
class Step:
    """A bar of the funnel: how many remain, how many are left out by it, and why, the most frequent reason first."""

    key: str
    label: str
    remain: int
    less: int = 0
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Funnel:
    """The steps, the size of each list, how many contacts are in several included lists, and what saving would change.
    `sent`: of those who remain, whom a data sync to a network for ads sends, if it was counted."""

    steps: list[Step]
    sizes: Mapping[ContactList, int]
    shared: int
    enter: int
    leave: int
    excluded: Mapping[ContactList, int] = field(default_factory=dict)
    sent: Step | None = None

    @property
    def size(self) -> int:
        return self.steps[-1].remain if self.steps else 0

    @property
    def included(self) -> int:
        return self.steps[0].remain if self.steps else 0

    @property
    def bars(self) -> list[tuple[Step, str, str]]:
        """Each step with the width of what remains, and of what it leaves out, in percent of all that are included."""
        whole = max(self.included, 1)
        steps = [*self.steps, *([self.sent] if self.sent else [])]
        return [(step, f"{100 * step.remain / whole:.2f}", f"{100 * step.less / whole:.2f}") for step in steps]

    def less(self, key: str) -> int:
        """How many a condition leaves out; 0 where it is not on."""
        return next((step.less for step in self.steps if step.key == key), 0)


def count(definition: Definition, *, saved: int | None = None) -> list[Cell]:
    """The contacts of all lists by what conditions ask; `saved` is the segment with the saved members."""
    values: dict[str, Any] = {"saved": saved}
    lists = []
    for i, one in enumerate(definition.lists):
        statement, own = _members(one, f"v{i}_")
        lists.append(statement)
        values |= own
    if saved is not None:
        lists.append(SAVED)
    if not lists:
        return []
    numbers = range(len(lists))
    statement = fill(
        CELLS,
        ads=ads_consent.KEY,
        bits=" + ".join(fill(BIT, n=str(n), bit=str(1 << n)) for n in numbers),
        any=" OR ".join(f"l{n}.id IS NOT NULL" for n in numbers),
        lists=" ".join(fill(OF_LIST, n=str(n), list=lists[n]) for n in numbers),
    )
    set_work_mem(MEGABYTES)
    with merge_joins():
        rows = fetch(statement, **values)
    return [Cell(bits, State(*state), contacts) for bits, *state, contacts in rows]


def _members(of: ContactList, prefix: str) -> tuple[str, dict[str, Any]]:
    """A statement with the IDs of a list, and its values: of a segment that is not built yet, those that its rule means."""
    if of.kind == "segment":
        segment = Segment.objects.present().filter(pk=of.pk, rule__isnull=False, refreshed_at=None).first()
        if segment is not None:
            return named_parameters(membership.contacts(segment).order_by().values("pk"), prefix)
    return contact_lists.members(of), {}


def of_cells(
    cells: Sequence[Cell], definition: Definition, use: str, *, names: Mapping[ContactList, str],
    permitted: int | None = None,
) -> Funnel:  # fmt: skip
    """The funnel of what was counted for a definition. `permitted`: of those who remain, how many may be sent to a network
    (audiences.address_refusals)."""
    include = (1 << len(definition.include)) - 1
    saved = 1 << len(definition.lists)
    sizes = {one: sum(c.contacts for c in cells if c.bits >> i & 1) for i, one in enumerate(definition.lists)}
    inside = [cell for cell in cells if cell.bits & include]
    steps = [_included(inside, definition)]
    excluded: dict[ContactList, int] = {}
    if definition.exclude:
        inside, excluded = _not_excluded(inside, definition, steps, names)
    for condition in definition.active(use):
        inside = _remaining(inside, condition, steps)
    return Funnel(
        steps,
        sizes,
        shared=sum(c.contacts for c in cells if (c.bits & include).bit_count() > 1),
        enter=_sum(cell for cell in inside if not cell.bits & saved),
        leave=_sum(cell for cell in cells if cell.bits & saved) - _sum(cell for cell in inside if cell.bits & saved),
        excluded=excluded,
        sent=None if permitted is None else _sent(_sum(inside), permitted),
    )


def _sent(remain: int, permitted: int) -> Step:
    less = max(remain - permitted, 0)
    reasons = ((SHARED_ADDRESS, less),) if less else ()
    return Step("address", "Sent by data syncs", remain - less, less, reasons)


def _included(inside: Sequence[Cell], definition: Definition) -> Step:
    shared = sum(cell.contacts for cell in inside if (cell.bits & ((1 << len(definition.include)) - 1)).bit_count() > 1)
    reasons = (("in more than one list", shared),) if shared else ()
    return Step("include", "All that are included", _sum(inside), reasons=reasons)


def _not_excluded(
    inside: Sequence[Cell], definition: Definition, steps: list[Step], names: Mapping[ContactList, str]
) -> tuple[list[Cell], dict[ContactList, int]]:
    """The cells that remain, and how many each excluded list leaves out; one contact may be in several of them."""
    first = len(definition.include)
    mask = ((1 << len(definition.exclude)) - 1) << first
    out = [cell for cell in inside if cell.bits & mask]
    by_list = {
        one: _sum(cell for cell in out if cell.bits >> (first + i) & 1) for i, one in enumerate(definition.exclude)
    }
    reasons: Counter[str] = Counter()
    for cell in out:  # each contact has one reason, so that they add up
        lists = [one for i, one in enumerate(definition.exclude) if cell.bits >> (first + i) & 1]
        reasons[names.get(lists[0], lists[0].kind) if len(lists) == 1 else SEVERAL] += cell.contacts
    remaining = [cell for cell in inside if not cell.bits & mask]
    steps.append(Step("exclude", "Not excluded", _sum(remaining), _sum(out), tuple(reasons.most_common())))
    return remaining, by_list


def _remaining(inside: Sequence[Cell], condition: ConditionType, steps: list[Step]) -> list[Cell]:
    """The cells that meet a condition, with its step."""
    reasons: Counter[str] = Counter()
    remaining = []
    for cell in inside:
        why = condition.reason(cell.state)
        if why:
            reasons[why] += cell.contacts
        else:
            remaining.append(cell)
    said = tuple(sorted(reasons.items(), key=lambda one: (-one[1], one[0])))
    steps.append(Step(condition.key, condition.label, _sum(remaining), sum(reasons.values()), said))
    return remaining


def _sum(cells: Any) -> int:
    return sum(cell.contacts for cell in cells)
