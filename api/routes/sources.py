"""Sources with their match reports, and resolved contacts: whom the sites have seen."""

from datetime import date
from typing import Annotated, Any, Literal

from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router
from pydantic import Field

from api import cursors
from api.problems import Problem, answers
from api.routes.contacts import ContactOut, Named, shown
from api.schemas import Cursor, Id, Limit, Moment, Output, Page, Search, said
from api.scopes import Scope, require
from contacts.values.vocabulary import COUNTRY_CODES
from sources import match_report
from sources.models import Origin, Source, SourceState, SourceType, Target
from sources.resolved_contacts import listing
from sources.resolved_contacts.listing import HOURS, KINDS, PERIODS, SPANS, STAGES, VISITS, ResolvedQuery
from tenants.web import workspace_urls

router = Router(tags=["Sources"])


class SourceOut(Output):
    """A list of contacts that is compared with the visitors of the sites."""

    id: Id
    url: str = Field(description="Its page.", examples=["https://cdp.example.com/w/nordvik/sources/3/"])
    name: str = Field(examples=["Customers of 2025"])
    description: str = Field(examples=[""])
    type: SourceType = Field(examples=["customers"])
    target: Target = Field(examples=["people"])
    origin: Origin = Field(description="Where its contacts come from.", examples=["file"])
    state: SourceState = Field(examples=["ready"])
    reason: str = Field(description="Why it failed, in words.", examples=[""])
    contacts: int = Field(examples=[1204])
    matched: int = Field(description="Contacts that a visitor is.", examples=[310])
    ambiguous: int = Field(description="Contacts that a visitor may be.", examples=[4])
    match_rate: float = Field(description="Matched of all, 0 to 1.", examples=[0.257])
    import_id: Id | None = Field(examples=[None])
    refreshed_at: Moment | None
    created_at: Moment


def _source(request: Any, source: Source) -> dict[str, Any]:
    names = ("name", "description", "type", "target", "origin", "state", "reason", "contacts", "matched", "ambiguous",
             "match_rate", "import_id", "refreshed_at", "created_at")  # fmt: skip
    return {
        "id": source.pk,
        "url": workspace_urls.absolute(workspace_urls.inside(request.workspace.slug, "sources:detail", source.pk)),
        **{name: getattr(source, name) for name in names},
    }


@router.get("/sources", auth=Scope("sources.view"), response=Page[SourceOut], summary="List sources")
@answers(422, "cursor_invalid")
def list_sources(request: Any, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Sources, the newest first."""
    sources = Source.objects.filter(archived_at=None).order_by("-pk")
    if after := cursors.decode(cursor, int):
        sources = sources.filter(pk__lt=after[0])
    rows, following = cursors.page(sources[: limit + 1], limit, "pk")
    return {"results": [_source(request, source) for source in rows], "next": following}


@router.get("/sources/{int:source_id}", auth=Scope("sources.view"), response=SourceOut, summary="Read a source")
def read_source(request: Any, source_id: int) -> dict[str, Any]:
    """A source with the figures of its last refresh."""
    return _source(request, get_object_or_404(Source, pk=source_id, archived_at=None))


class PartOut(Output):
    """One of the figures that add up to the contacts of a source."""

    key: str = Field(description="external_id, email, phone, other, ambiguous or unseen.", examples=["email"])
    label: str = Field(examples=["E-mail"])
    count: int = Field(examples=[210])
    note: str = Field(examples=["of 1,204 that have one"])


class Day(Output):
    """Matched contacts at the end of a day."""

    day: date = Field(examples=["2026-05-31"])
    matched: int = Field(examples=[310])


class ReportOut(Output):
    """How many contacts of a source a visitor is, by what."""

    id: Id
    contacts: int = Field(examples=[1204])
    matched: int = Field(examples=[310])
    parts: list[PartOut]
    growth: list[Day]
    refreshed_at: Moment | None


@router.get(
    "/sources/{int:source_id}/match-report",
    auth=Scope("sources.view"),
    response=ReportOut,
    summary="Read a match report",
)
def read_match_report(request: Any, source_id: int) -> dict[str, Any]:
    """The contacts of a source by how they were matched; the parts add up to all contacts."""
    source = get_object_or_404(Source, pk=source_id, archived_at=None)
    parts = [{"key": p.key, "label": p.label, "count": p.count, "note": p.note} for p in match_report.parts(source)]
    growth = [{"day": day, "matched": matched} for day, matched in source.growth]
    figures = {"id": source.pk, "contacts": source.contacts, "matched": source.matched}
    return {**figures, "parts": parts, "growth": growth, "refreshed_at": source.refreshed_at}


class SourceMemberOut(Output):
    """A contact of a source."""

    matched_by: str | None = Field(description="Null: no visitor is this contact.", examples=["email"])
    matched_at: Moment | None
    score: int | None = Field(description="Value score, 0 to 100.", examples=[72])
    added_at: Moment
    contact: ContactOut


@router.get(
    "/sources/{int:source_id}/members", auth=Scope("sources.view"), response=Page[SourceMemberOut],
    summary="List contacts of a source",
)  # fmt: skip
@answers(422, "cursor_invalid")
def list_source_members(
    request: Any,
    source_id: int,
    matched: Annotated[bool, said("Contacts that a visitor is; false: those that none is.")] = True,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Contacts of a source that a visitor is, or that none is, in the order of their IDs. Needs the scope contacts.view,
    too."""
    require(request, "contacts.view")
    source = get_object_or_404(Source, pk=source_id, archived_at=None)
    (after,) = cursors.decode(cursor, int) or [0]
    rows = match_report.page_of(source, after=after, count=limit + 1, matched=matched)
    names = ("matched_by", "matched_at", "score", "added_at")
    results = [
        {**{name: getattr(member, name) for name in names}, "contact": shown(request, contact)}
        for member, contact in rows[:limit]
        if contact is not None
    ]
    following = cursors.encode(rows[limit - 1][0].contact_id) if len(rows) > limit else None
    return {"results": results, "next": following}


# --- resolved contacts --------------------------------------------------------------------------------------------------


class ResolvedOut(Output):
    """A contact that visitors of the sites turned out to be, with what they add up to."""

    contact: ContactOut
    first_seen: Moment
    last_seen: Moment
    views: int = Field(description="Pages that were seen.", examples=[14])
    visits: int = Field(examples=[3])
    seconds: int = Field(description="Time on pages.", examples=[420])
    stage: str = Field(description="How far it came.", examples=["Bought"])
    visitors: int = Field(description="Browsers.", examples=[2])
    matched_by: str | None = Field(examples=["email"])
    sources: list[Named]


Seen = Literal[tuple(PERIODS)]  # type: ignore[valid-type]
TimeOfDay = Literal[tuple(HOURS)]  # type: ignore[valid-type]
VisitCount = Literal[tuple(VISITS)]  # type: ignore[valid-type]
Spent = Literal[tuple(SPANS)]  # type: ignore[valid-type]
Stage = Literal[tuple(STAGES)]  # type: ignore[valid-type]
VisitorKind = Literal[tuple(KINDS)]  # type: ignore[valid-type]


@router.get(
    "/resolved-contacts", auth=Scope("contacts.view"), response=Page[ResolvedOut], summary="List resolved contacts"
)
@answers(422, "cursor_invalid")
def list_resolved(
    request: Any,
    q: Search = "",
    seen: Annotated[Seen | None, said("Days since the last visit, or range.")] = None,  # type: ignore[valid-type]
    since: Annotated[date | None, said("First day of a range.")] = None,
    until: Annotated[date | None, said("Last day of a range.")] = None,
    time: Annotated[TimeOfDay | None, said("Time of day of a visit.")] = None,  # type: ignore[valid-type]
    page: Annotated[str, said("A page that they saw: an address, or its beginning.")] = "",
    visits: Annotated[VisitCount | None, said("Number of visits.")] = None,  # type: ignore[valid-type]
    spent: Annotated[Spent | None, said("Time on pages.")] = None,  # type: ignore[valid-type]
    stage: Annotated[Stage | None, said("How far they came.")] = None,  # type: ignore[valid-type]
    kind: Annotated[VisitorKind | None, said("New or known visitors.")] = None,  # type: ignore[valid-type]
    region: Annotated[str, said("Country code, such as GB.")] = "",
    source: Annotated[Id | None, said("Contacts of this source.")] = None,
    site: Annotated[Id | None, said("Visitors of this site.")] = None,
    oldest: Annotated[bool, said("The oldest visit first.")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Contacts that visitors turned out to be, the last visit first, with the filters of the page. `seen`: days, or `range`
    with `since` and `until`; `page`: an address or the beginning of one; `region`: a country code."""
    (after,) = cursors.decode(cursor, str) or [""]
    if after and not listing.is_key(after):
        raise Problem(422, "cursor_invalid")
    if region and region not in COUNTRY_CODES:
        raise Problem(422, "parameters_invalid", "The region is a country code such as GB.")
    own = seen == "range" or (seen is None and bool(since or until))
    query = ResolvedQuery(
        seen="range" if own else seen or "", since=since if own else None, until=until if own else None, time=time or "",
        page=page.strip()[:200], visits=visits or "", spent=spent or "", stage=stage or "", kind=kind or "", region=region,
        source=source, site=site, q=q.strip()[:200], order="oldest" if oldest else "", after=after,
        country=request.workspace.country or None,
    )  # fmt: skip
    found = listing.page(query, now=timezone.now(), size=limit)
    names = ("first_seen", "last_seen", "views", "visits", "seconds", "visitors", "matched_by")
    results = [
        {
            **{name: getattr(person.visit, name) for name in names},
            "stage": person.stage,
            "contact": shown(request, person.contact),
            "sources": [{"id": pk, "name": name} for pk, name in person.sources],
        }
        for person in found.people
    ]
    return {"results": results, "next": cursors.encode(found.older) if found.older else None}
