"""What speaks for whom: an ambiguity as people look at it, with its candidates side by side. Nothing here decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contacts.models import Contact
from core import formatting, swimlanes
from imports.models import Import, RejectedRow
from imports.results import provenance
from imports.results.provenance import Provenance
from sources.ambiguities import decisions
from sources.models import Ambiguity
from tracking import overview
from tracking.models import Event, Visitor, VisitorIdentifier
from tracking.overview import Visit

# So many contacts are compared side by side.
COMPARED = 4
LABELS = {"external_id": "External ID", "email": "E-mail", "phone": "Phone"}
NOBODY = "no name"


@dataclass(frozen=True)
class Cell:
    """A value of one candidate, and where it came from: words, or the row of an import."""

    value: str
    source: str = ""
    origin: Provenance | None = None


@dataclass(frozen=True)
class Line:
    """A line of the comparison. `same` is None where a comparison says nothing."""

    label: str
    cells: list[Cell]
    same: bool | None


@dataclass
class Dossier:
    """All that is known about one ambiguity."""

    one: Ambiguity
    contacts: list[Contact]
    title: str
    words: str
    lines: list[Line]
    visitor: Visitor | None = None
    picture: swimlanes.Lanes | None = None
    # (when, pages, who it was by what it gave, what it gave)
    visits: list[tuple[Visit, str, str]] = field(default_factory=list)
    imp: Import | None = None
    # (column, value) of the row as the file has it.
    cells: list[tuple[str, str]] = field(default_factory=list)
    hint: str = ""


def dossier(one: Ambiguity) -> Dossier:
    """The evidence of an ambiguity."""
    contacts = decisions.candidates(one)[:COMPARED]
    return _of_visitor(one, contacts) if one.visitor_id is not None else _of_row(one, contacts)


def _of_visitor(one: Ambiguity, contacts: list[Contact]) -> Dossier:
    visitor = Visitor.objects.filter(pk=one.visitor_id).first()
    names = list(VisitorIdentifier.objects.filter(visitor_id=one.visitor_id).order_by("seen_at", "kind"))
    title = f"Visitor {one.visitor_id} entered {_given(one)}"
    found = Dossier(one, contacts, title, "", [], visitor=visitor)
    visits = overview.visits([visitor]) if visitor else []
    if visitor:
        found.words = (
            f"One browser, {_many(visitor.visits, 'visit')}, {swimlanes.pages(visitor.views)}, "
            f"since {formatting.day(visitor.first_seen)}."
        )
    entered = {(n.kind, n.value): n for n in names}
    found.lines = [*_identifiers(one, contacts, entered), *_behaviour(contacts, one.visitor_id or 0)]
    whose = {(c["kind"], c["value"]): c["contact"] for c in one.candidates}
    by_contact = {c.pk: c.display_name for c in contacts}
    found.visits = [(visit, *_who(visit, names, whose, by_contact)) for visit in visits]
    found.picture = _picture(found.visits, [c.display_name for c in contacts])
    found.hint = _hint(found.lines)
    return found


def _of_row(one: Ambiguity, contacts: list[Contact]) -> Dossier:
    imp = Import.objects.filter(pk=one.import_id).first()
    row = RejectedRow.objects.filter(import_id=one.import_id, row_no=one.row_no).first()
    found = Dossier(
        one, contacts, f"Line {formatting.number(one.row_no)} of import {one.import_id} has {_given(one)}", "", []
    )
    found.imp = imp
    if imp and row:
        found.words = f"From the file {imp.file_name}. The row was not imported."
        found.cells = [
            (head, cell) for head, cell in zip(imp.header, row.fixed or row.cells, strict=False) if cell.strip()
        ]
    found.lines = [*_identifiers(one, contacts, {}), *_behaviour(contacts, 0)]
    found.hint = _hint(found.lines)
    return found


def _given(one: Ambiguity) -> str:
    """“two e-mail addresses”, “an e-mail address and a phone number” of different contacts, in words."""
    kinds = [c["kind"] for c in one.candidates]
    values = {(c["kind"], c["value"]) for c in one.candidates}
    if len(values) == 1:
        return f"{'an' if kinds[0] != 'phone' else 'a'} {_WORDS[kinds[0]][0]} of {len(set(_ids(one)))} contacts"
    counts = {kind: len({v for k, v in values if k == kind}) for kind in dict.fromkeys(kinds)}
    parts = [f"{n} {_WORDS[kind][1]}" if n > 1 else f"{'a' if kind == 'phone' else 'an'} {_WORDS[kind][0]}"
             for kind, n in counts.items()]  # fmt: skip
    return f"{' and '.join(parts)} of different contacts"


_WORDS = {
    "external_id": ("external ID", "external IDs"),
    "email": ("e-mail address", "e-mail addresses"),
    "phone": ("phone number", "phone numbers"),
    "link": ("tracked link", "tracked links"),
}


def _ids(one: Ambiguity) -> list[int]:
    return [int(c["contact"]) for c in one.candidates]


def _identifiers(
    one: Ambiguity, contacts: Sequence[Contact], entered: Mapping[tuple[str, str], VisitorIdentifier]
) -> list[Line]:
    """Names and identifiers of each, with the page on which this visitor entered it, or the import that it came from."""
    origins = {c.pk: provenance.of_contact(c.pk) for c in contacts}
    lines = []
    for kind, label in LABELS.items():
        cells = []
        for contact in contacts:
            value = getattr(contact, kind) or ""
            said = entered.get((kind, value))
            by_key, made = origins[contact.pk]
            former = [
                c["value"]
                for c in one.candidates
                if c["contact"] == contact.pk and c["kind"] == kind and c["value"] != value
            ]
            if said:
                cells.append(Cell(value, _entered(said)))
            elif former and (said := entered.get((kind, former[0]))):
                cells.append(Cell(value or "none", f"had {former[0]} before, {_entered(said)}"))
            else:
                cells.append(Cell(value, "", by_key.get(kind, made) if value else None))
        if any(cell.value for cell in cells):
            lines.append(Line(label, cells, _same([cell.value for cell in cells])))
    for key, label in (("street", "Street"), ("city", "City"), ("birthday", "Birthday")):
        values = [str(c.attributes.get(key) or "") for c in contacts]
        if any(values):
            lines.append(Line(label, [Cell(value) for value in values], _same(values)))
    return lines


def _entered(name: VisitorIdentifier) -> str:
    page = f" on {(name.page or '').removeprefix('https://')}" if name.page else ""
    return f"entered{page}, {formatting.moment(name.seen_at)}"


def _behaviour(contacts: Sequence[Contact], visitor_id: int) -> list[Line]:
    """Visitors, pages and orders of each contact elsewhere."""
    visitors = list(Visitor.objects.filter(contact_id__in=[c.pk for c in contacts]).exclude(pk=visitor_id))
    orders = list(
        Event.objects.filter(kind="order", contact_id__in=[c.pk for c in contacts]).values_list("contact_id", flat=True)
    )
    seen, ordered = [], []
    for contact in contacts:
        own = [v for v in visitors if v.contact_id == contact.pk]
        last = max((v.last_seen for v in own), default=None)
        seen.append(
            Cell(
                _many(len(own), "visitor"),
                f"{swimlanes.pages(sum(v.views for v in own))}, last {formatting.day(last)}" if last else "",
            )
        )
        ordered.append(Cell(_many(orders.count(contact.pk), "order")))
    return [Line("Other browsers", seen, None), Line("Imported orders", ordered, None)]


def _same(values: Sequence[str]) -> bool | None:
    """Whether all have the value; None where one has none."""
    return len(set(values)) == 1 if all(values) and len(values) > 1 else None


def _who(
    visit: Visit,
    names: Sequence[VisitorIdentifier],
    whose: Mapping[tuple[str, str], int],
    by_contact: Mapping[int, str],
) -> tuple[str, str]:
    """(who a visit was, by what it gave) by the identifiers that were first used in it."""
    for name in names:
        contact = whose.get((name.kind, name.value))
        if visit.first.at <= name.seen_at <= visit.last_at and contact is not None and contact in by_contact:
            return by_contact[contact], f"{LABELS.get(name.kind, name.kind)} {name.value}"
    return NOBODY, ""


def _picture(visits: Sequence[tuple[Visit, str, str]], people: Sequence[str]) -> swimlanes.Lanes | None:
    by_name: dict[str, list[swimlanes.Block]] = {name: [] for name in (*people, NOBODY)}
    for visit, who, gave in visits:
        words = f"{formatting.moment(visit.first.at)}, {swimlanes.pages(visit.pages)}{f', {gave}' if gave else ''}"
        tone = "who" if gave else "same"
        by_name[who].append(swimlanes.Block(visit.first.at, visit.last_at, visit.pages, words, tone))
    shown = [swimlanes.Lane(name, blocks) for name, blocks in by_name.items()]
    return swimlanes.draw(shown, sentence="Who was on this browser, and when")


def _hint(lines: Sequence[Line]) -> str:
    """What the comparison usually means, in a sentence."""
    same = [line.label.lower() for line in lines if line.same]
    differs = [line.label.lower() for line in lines if line.same is False]
    if same and differs:
        alike, unlike = " and ".join(same), " and ".join(differs)
        return f"Same {alike}, different {unlike}. People who share a home or a computer often look like this."
    return ""


def _many(count: int, word: str) -> str:
    return f"{formatting.number(count)} {word}{'s' if count != 1 else ''}"


def at_of(one: Ambiguity) -> datetime | None:
    """When it was decided."""
    found: datetime | None = one.decided_at
    return found


def names(items: Sequence[Ambiguity]) -> dict[int, str]:
    """Number of each → “Anna Berg or Jonas Berg”, in two look-ups."""
    contacts: dict[int, Any] = Contact.objects.in_bulk({pk for one in items for pk in _ids(one)})
    found = {}
    for one in items:
        people = [
            contacts[pk].display_name if pk in contacts else "an erased contact" for pk in dict.fromkeys(_ids(one))
        ]
        more = f" or {len(people) - 2} more" if len(people) > 2 else ""
        found[one.pk] = " or ".join(people[:2]) + more
    return found
