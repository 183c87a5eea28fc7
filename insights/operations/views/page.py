"""The operations page: outside of workspaces, over all that a person may see; more for those who run the platform."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.formatting import duration, filesize, number, whole_percent
from core.http import render_page
from imports import csv_output
from insights.models import Incident
from insights.operations import diagnosis, import_board, incidents, jobs, machinery
from insights.operations.import_board import BoardQuery, Place
from insights.operations.machinery import Machinery
from tenants.isolation.context import user_context
from tenants.roles import may, signed_in
from tenants.web.open_workspaces import open_to
from tenants.web.request import user_id, user_of
from tenants.web.workspace_urls import inside, outside
from tenants.workspaces import WorkspaceLink

INCIDENTS = 8
INCIDENT_PAGE = 50


def is_operator(request: HttpRequest) -> bool:
    """Whether this person runs the platform: what is about the machines is shown to nobody else."""
    return user_of(request).email.casefold() in settings.OPERATORS


@signed_in
@login_required
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """Everything that runs, in all workspaces of a person."""
    return render_page(request, "insights/operations/page.html", _context(request))


@signed_in
@login_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The part of the page that renews itself."""
    return render_page(request, "insights/operations/_live.html", _context(request))


@signed_in
@login_required
@require_safe
def download(request: HttpRequest) -> StreamingHttpResponse:
    """The imports that are asked for as CSV, all pages of them."""
    places = open_to(request)
    lines = _lines(user_id(request), places, BoardQuery.of(request.GET.dict()), now=timezone.now())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="operations.csv"'
    return response


@signed_in
@login_required
@require_safe
def incident_list(request: HttpRequest) -> HttpResponse:
    """Incidents, the newest first, page by page."""
    places = open_to(request)
    before = request.GET.get("before", "")
    operator = is_operator(request)
    rows, more = incidents.newest(
        workspaces=[place.id for place in places], platform=operator, count=INCIDENT_PAGE,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )  # fmt: skip
    context = {
        "incidents": _incidents(rows, places),
        "older_url": f"?before={rows[-1].pk}" if more else None,
        "newest_url": outside("operations_incidents") if before else None,
    }
    return render_page(request, "insights/operations/incidents.html", context | _chrome(request, places, operator))


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    places = open_to(request)
    operator = is_operator(request)
    query = BoardQuery.of(request.GET.dict())
    found = machinery.look(database=operator)
    with user_context(user_id(request)):
        counts = import_board.counts(places, now=now)
        alive = [p for p in found.programs if not p.is_gone(found.at)] if found.broker else None
        rows, after = import_board.page(places, query, now=now, programs=alive)
    shown, _more = incidents.newest(workspaces=[p.id for p in places], platform=operator, count=INCIDENTS)
    problems = _problems(counts["stuck"], diagnosis.problems(found), operator=operator)
    return {
        "query": query,
        "places": [(place.slug, place.name) for place in places],
        "workspace_count": len(places),
        "rows": [_shown(row) for row in rows],
        "counts": counts,
        "states": [(key, label) for key, label in import_board.STATES.items() if key],
        "stages": import_board.STAGES,
        "older_url": f"{outside('operations')}?{query.querystring(after=after)}" if after else None,
        "newest_url": f"{outside('operations')}?{query.querystring()}" if query.after else None,
        "live_query": query.querystring(after=query.after),
        "csv_query": query.querystring(),
        "problems": _with_links(problems, operator=operator),
        "stats": _stats(counts, found, operator=operator),
        "found": found if operator else None,
        "programs": _programs(found) if operator else [],
        "jobs": jobs.waiting(places, now=now),
        "failures": jobs.failures() if operator else [],
        "incidents": _incidents(shown, places),
        "now": now,
        **_chrome(request, places, operator),
    }


def _chrome(request: HttpRequest, places: list[WorkspaceLink], operator: bool) -> dict[str, Any]:
    """What is around the page: it lies in no workspace, so the sidebar leads into each of them."""
    own = [
        {"label": "Operations", "icon": "server", "url": outside("operations"), "current": request.path.endswith("/")},
    ]
    if operator:
        own.append({"label": "Platform blacklist", "icon": "ban", "url": outside("platform_blacklist")})
    return {
        "nav": [
            {"label": "", "items": own},
            {
                "label": "Workspaces",
                "items": [{"label": p.name, "icon": "arrow-right", "url": p.url} for p in places[:30]],
            },
        ],
        "signout_url": outside("account_logout"),
        "is_operator": operator,
    }


def _problems(stuck: int, found: list[diagnosis.Problem], *, operator: bool) -> list[diagnosis.Problem]:
    """What is said on top. Members are told of the platform what holds up their imports, and not how the machines are; of
    imports that are stuck, everyone is told of those on the page."""
    shown = [p for p in found if p.code != "imports_stuck"]
    if not operator:
        shown = [p for p in shown if p.code in ("no_worker", "broker_down", "disk_full")]
    return [*shown, *([diagnosis.stuck(stuck)] if stuck else [])]


def _with_links(problems: list[diagnosis.Problem], *, operator: bool) -> list[dict[str, Any]]:
    """Problems, with where one looks next."""
    links = {"imports_stuck": ("Show them", f"{outside('operations')}?state=stuck")}
    if operator:
        links |= dict.fromkeys(
            ("no_worker", "no_beat", "no_drain", "no_files", "database_down", "broker_down"),
            ("Show incidents", outside("operations_incidents")),
        )
    return [{"problem": p, "link": links.get(p.code, ("", ""))} for p in problems]


def _shown(row: import_board.Row) -> dict[str, Any]:
    """A row with where its buttons lead, which depends on the person's role in that workspace."""
    imp, slug = row.imp, row.workspace.slug
    may_act = may(row.workspace.role, "imports.cancel") and row.state != "failed"
    return {
        "row": row,
        "imp": imp,
        "url": inside(slug, "imports:detail", imp.pk),
        "cancel_url": inside(slug, "imports:ask_cancel", imp.pk) if may_act and not imp.undo_direction else "",
        "retry_url": inside(slug, "operations:retry", imp.pk) if may_act and row.may_be_retried else "",
        "front_url": inside(slug, "operations:move_to_front", imp.pk) if may_act and row.state == "waiting" else "",
    }


def _stats(counts: dict[str, int], found: Machinery, *, operator: bool) -> list[dict[str, Any]]:
    """The figures on top."""
    alive = len(found.living("worker"))
    workers = {
        "label": "Workers", "figure": number(alive) if found.broker else "–",
        "note": f"of {settings.WORKERS} expected", "tone": _tone(alive >= settings.WORKERS, alive > 0),
    }  # fmt: skip
    out = [
        workers,
        {"label": "Imports working", "figure": number(counts["working"]), "note": f"and {counts['waiting']} in line"},
        {"label": "Stuck", "figure": number(counts["stuck"]), "note": "no sign of life for 60 s",
         "tone": _tone(not counts["stuck"], False)},
        {"label": "Waiting for a person", "figure": number(counts["person"]), "note": "columns or review"},
    ]  # fmt: skip
    if operator:
        used = whole_percent(found.disk_bytes - found.disk_free, found.disk_bytes)
        lag = found.hits_lag
        out += [
            {"label": "Pixel hits waiting", "figure": number(found.hits_waiting),
             "note": f"the oldest for {duration(lag)}" if lag else "stored at once",
             "tone": _tone((lag or 0) < 5, (lag or 0) < diagnosis.LAG_LIMIT)},
            {"label": "Disk for files", "figure": f"{used} %", "note": f"{filesize(found.disk_free)} free",
             "tone": _tone(used < 80, found.disk_free > settings.LEAST_FREE_BYTES)},
        ]  # fmt: skip
    return out


def _tone(well: bool, bearable: bool) -> str:
    return "ok" if well else "warn" if bearable else "bad"


def _programs(found: Machinery) -> list[dict[str, Any]]:
    """Programs with what they do, for the table."""
    return [
        {
            "name": f"{p.role} {p.pid}",
            "host": p.host,
            "gone": p.is_gone(found.at),
            "doing": _doing(p.doing),
            "since": found.at - p.doing["since"] if p.doing.get("since") else None,
            "beat": max(found.at - p.seen_at, 0.0),
        }
        for p in found.programs
    ]


def _doing(work: dict[str, Any]) -> str:
    """ "imports.work, import 142": by names of code and ids."""
    if not work.get("task"):
        return "waits"
    ids = [f"{name} {work[name]}" for name in work if name not in ("task", "since", "tenant")]
    return ", ".join([work["task"], *ids])


def _incidents(rows: list[Incident], places: list[WorkspaceLink]) -> list[dict[str, Any]]:
    names = {place.id: place.name for place in places}
    return [
        {
            "incident": row,
            "what": row.get_component_display(),
            "workspace": names.get(row.workspace_id or 0, ""),
            "lasted": (row.healed_at - row.began_at).total_seconds() if row.healed_at else None,
            "seconds": row.facts.get("seconds"),
            "doing": _doing(row.facts["doing"]) if row.facts.get("doing", {}).get("task") else "",
        }
        for row in rows
    ]


def _lines(person: int, places: list[WorkspaceLink], query: BoardQuery, *, now: datetime) -> Iterator[str]:
    """Lines of the CSV, a page at a time, each in a context of its own."""
    heads = (
        "workspace", "file", "import", "state", "stage", "age_seconds", "silent_seconds", "rows_a_second", "rows_left",
        "why",
    )  # fmt: skip
    yield csv_output.line(heads)
    after: Place | None = None
    while True:
        with user_context(person):
            rows, after = import_board.page(
                places, BoardQuery(query.workspace, query.state, query.stage, query.q, after), now=now, programs=None,
                rows=500,
            )  # fmt: skip
        for row in rows:
            figures = (row.silent_for, row.rate, row.left)
            yield csv_output.line(
                [row.workspace.slug, row.imp.file_name, str(row.imp.pk), row.state, row.stage, f"{row.age:.0f}",
                 *("" if n is None else f"{n:.0f}" for n in figures), row.why],
            )  # fmt: skip
        if after is None:
            return
