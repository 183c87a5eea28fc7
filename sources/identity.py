"""Who a contact is, and why: all identifiers with where they came from, all visitors with how each was matched, and what
members have decided. Nothing here decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from contacts.duplicates import merge
from contacts.models import Alias, Contact
from contacts.values.columns import IDENTIFIERS
from core import formatting, swimlanes
from imports.results import provenance
from imports.results.provenance import Provenance
from sources.models import Ambiguity
from tenants import audit
from tracking import claims, links, overview
from tracking.models import MatchedBy, Site, Visitor, VisitorIdentifier, VisitorRefusal
from tracking.overview import Visit

# So many visitors are shown, the last seen first.
VISITORS = 50
LABELS = {"external_id": "External ID", "email": "E-mail", "phone": "Phone"}


@dataclass(frozen=True)
class Known:
    """An identifier of the contact: its own, or a former one, where it came from, and how many visitors have used it."""

    label: str
    value: str
    former: bool
    origin: Provenance | None
    source: str
    visitors: int


@dataclass(frozen=True)
class Tie:
    """A visitor of the contact and why it is one: what it gave, where, and by which rule, in words."""

    visitor: Visitor
    site: str
    given: VisitorIdentifier | None
    rule: str
    decided: Ambiguity | None


@dataclass(frozen=True)
class Page:
    """What the page of identity shows."""

    identifiers: list[Known]
    ties: list[Tie]
    more: int
    picture: swimlanes.Lanes | None
    visits: list[Visit]
    releases: list[VisitorRefusal]


def of_contact(contact: Contact) -> Page:
    """All that makes the contact who it is."""
    mine = Visitor.objects.filter(contact_id=contact.pk)
    visitors = list(mine.order_by("-last_seen", "-pk")[:VISITORS])
    count = mine.count() if len(visitors) == VISITORS else len(visitors)
    used = list(VisitorIdentifier.objects.filter(visitor_id__in=[v.pk for v in visitors]).order_by("seen_at", "kind"))
    visits = overview.visits(visitors)
    return Page(
        identifiers=_identifiers(contact, used),
        ties=_ties(contact, visitors, used),
        more=count - len(visitors),
        picture=_picture(visitors, visits),
        visits=visits,
        releases=claims.releases(contact.pk),
    )


def _identifiers(contact: Contact, used: Sequence[VisitorIdentifier]) -> list[Known]:
    by_key, made = provenance.of_contact(contact.pk)
    counts: dict[tuple[str, str], int] = {}
    for name in used:
        counts[name.kind, name.value] = counts.get((name.kind, name.value), 0) + 1
    found = [
        Known(LABELS[kind], value, False, by_key.get(kind, made), _origin_words(contact), counts.get((kind, value), 0))
        for kind in IDENTIFIERS
        if (value := getattr(contact, kind))
    ]
    for alias in Alias.objects.filter(contact_id=contact.pk).order_by("kind", "-added_at"):
        if alias.value != getattr(contact, alias.kind):
            how = "from a contact that was merged into this one" if alias.merge_id else "replaced"
            words = f"{how}, {formatting.day(alias.added_at)}"
            found.append(
                Known(LABELS[alias.kind], alias.value, True, None, words, counts.get((alias.kind, alias.value), 0))
            )
    return found


def _origin_words(contact: Contact) -> str:
    return "added manually" if contact.origin == "manual" else f"added by {contact.get_origin_display().lower()}"


def _ties(contact: Contact, visitors: Sequence[Visitor], used: Sequence[VisitorIdentifier]) -> list[Tie]:
    sites = dict(Site.objects.values_list("pk", "name"))
    decided = {
        a.visitor_id: a
        for a in Ambiguity.objects.filter(visitor_id__in=[v.pk for v in visitors], contact_id=contact.pk)
        .exclude(decided_by=None)
        .select_related("decided_by")
    }
    own = {(kind, getattr(contact, kind)) for kind in IDENTIFIERS}
    own |= set(Alias.objects.filter(contact_id=contact.pk).values_list("kind", "value"))
    own |= {(links.KIND, str(pk)) for pk in merge.merged_ids(contact.pk)}
    ties = []
    for visitor in visitors:
        given = next(
            (
                n
                for n in used
                if n.visitor_id == visitor.pk and n.kind == visitor.matched_by and (n.kind, n.value) in own
            ),
            None,
        )
        former = given is not None and given.kind in IDENTIFIERS and given.value != getattr(contact, given.kind)
        ties.append(
            Tie(visitor, sites.get(visitor.site_id, ""), given, _rule(visitor, former=former), decided.get(visitor.pk))
        )
    return ties


def _rule(visitor: Visitor, *, former: bool) -> str:
    """Why a visitor was matched, by the rules of docs/identity.md, in a sentence."""
    if visitor.matched_by == MatchedBy.DECISION:
        return "Its identifiers belonged to several contacts, and a member decided."
    if visitor.matched_by == links.KIND:
        return "It opened a tracked link of this contact."
    if former:
        return "This contact had the identifier before, and no other contact has it."
    return "No other contact had an identifier of this visitor."


def _picture(visitors: Sequence[Visitor], visits: Sequence[Visit]) -> swimlanes.Lanes | None:
    rows = []
    for visitor in visitors[:8]:
        blocks = [_block(visit, visitor.claimed_at) for visit in visits if visit.visitor_id == visitor.pk]
        if blocks:
            rows.append(swimlanes.Lane(f"Visitor {visitor.pk}", blocks))
    return swimlanes.draw(rows, sentence="Browsers and visits")


def _block(visit: Visit, claimed_at: datetime | None) -> swimlanes.Block:
    known = claimed_at is not None and visit.last_at >= claimed_at
    words = f"{formatting.moment(visit.first.at)}, {swimlanes.pages(visit.pages)}"
    return swimlanes.Block(visit.first.at, visit.last_at, visit.pages, words, "who" if known else "same")


def release(visitor_id: int, contact_id: int, *, user_id: int) -> bool:
    """Say that a visitor is not this contact. False when it is not, or no longer, its visitor."""
    released = claims.release(visitor_id, contact_id, user_id=user_id, now=timezone.now())
    if released is not None:
        audit.record("visitor.released", user_id=user_id, target=f"contact {contact_id}", visitor=visitor_id)
    return released is not None


def undo_release(visitor_id: int, contact_id: int, *, user_id: int) -> bool:
    """Give a released visitor back. False when it is somebody's now, or was never released."""
    done = claims.undo_release(visitor_id, contact_id)
    if done:
        audit.record("visitor.returned", user_id=user_id, target=f"contact {contact_id}", visitor=visitor_id)
    return done
