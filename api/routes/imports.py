"""Imports: made of files, checked, started, watched, canceled, undone."""

from collections.abc import Iterator
from typing import Annotated, Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router
from pydantic import Field

from api import bodies, cursors
from api.problems import Problem, answers
from api.routes import import_settings
from api.schemas import Cursor, Id, Input, Limit, Moment, Output, Page
from api.scopes import Scope, may, require
from core import file_store
from core.long_poll import MOST_SECONDS, NOT_YET
from imports.models import Import, Status, UndoDirection
from imports.options import REVIVING, Options
from imports.pipeline import undo
from imports.results import outcome, review_report
from imports.wizard import configuration, upload
from tenants import audit
from tenants.roles import takes_files

router = Router(tags=["Imports"])


class ImportOut(Output):
    """An import in the list."""

    id: Id
    url: str = Field(description="Its page.", examples=["https://cdp.example.com/w/nordvik/imports/17/"])
    file_name: str = Field(examples=["contacts.csv"])
    description: str = Field(examples=["Nightly export of the shop"])
    origin: str = Field(description="How the file came: browser, command, api …", examples=["api"])
    status: Status = Field(examples=["imported"])
    phase: str = Field(description="The step of the work; new ones may be added.", examples=["done"])
    ended: bool = Field(description="Whether nothing more happens to it by itself.", examples=[True])
    created_at: Moment
    finished_at: Moment | None
    rows: int | None = Field(description="Null until the file is read.", examples=[1204])
    created: int = Field(examples=[1000])
    updated: int = Field(examples=[150])
    unchanged: int = Field(examples=[40])
    duplicates: int = Field(examples=[4])
    skipped: int = Field(examples=[0])
    in_error: int = Field(examples=[10])


class ImportDetail(ImportOut):
    """An import with all counts."""

    reason: str = Field(description="Code of the problem of a failed import, or empty.", examples=[""])
    sentence: str = Field(description="The problem in words, or empty.", examples=[""])
    not_reached: int = Field(description="Rows that a canceled or failed import did not reach.", examples=[0])
    matched_visitors: int = Field(examples=[12])
    events: int = Field(description="Events added.", examples=[0])
    events_known: int = Field(description="Events of the file that were already known.", examples=[0])
    issues_by_code: dict[str, int] = Field(
        description="How often each problem was found.", examples=[{"not_an_email": 10}]
    )
    seconds: float = Field(description="Seconds of work, without waiting for a person.", examples=[4.2])
    parent_id: Id | None = Field(description="The import whose corrected rows this one imports.", examples=[None])


class CancelBody(Input):
    """What happens to rows that are already written."""

    undo: bool = Field(default=False, description="Also undo what was written; needs the scope imports.undo.")


class ReviewSegment(Output):
    """A segment before and after the import."""

    name: str = Field(examples=["Spring"])
    new: bool = Field(examples=[True])
    before: int = Field(examples=[0])
    after: int = Field(examples=[1190])


class ReviewChange(Output):
    """A field that the import changes, with one example."""

    field: str = Field(examples=["city"])
    label: str = Field(examples=["City"])
    contacts: int = Field(examples=[150])
    line: int = Field(description="The line of the example.", examples=[7])
    before: Any = Field(description="Null without the scope imports.rows.", examples=["Riga"])
    after: Any = Field(description="Null without the scope imports.rows.", examples=["Tallinn"])


class ReviewStatus(Output):
    """Contacts whose channel gets a status."""

    channel: str = Field(examples=["email"])
    status: str = Field(examples=["unsubscribed"])
    contacts: int = Field(examples=[12])


class ReviewExample(Output):
    """A row with a problem."""

    line: int = Field(description="Line of the file, as a spreadsheet counts.", examples=[12])
    column: str | None = Field(description="Null: the whole row.", examples=["email"])
    value: str | None = Field(description="Null without the scope imports.rows.", examples=["anna@example"])
    sentence: str = Field(examples=["“anna@example” is not an e-mail address."])


class ReviewFinding(Output):
    """A problem with the number of its rows and the first of them."""

    code: str = Field(examples=["not_an_email"])
    title: str = Field(examples=["Invalid e-mail address"])
    severity: str = Field(description="error, warning, skipped or info", examples=["error"])
    rows: int = Field(examples=[10])
    examples: list[ReviewExample]


class ReviewWarning(Output):
    """What to consider before the start."""

    code: str = Field(examples=["same_file"])
    sentence: str = Field(examples=["Import 12 has already imported this file."])


class MappedColumn(Output):
    """Where a column of the file goes."""

    column: str = Field(examples=["E-mail"])
    target: str = Field(description="A field, or skip.", examples=["email"])
    label: str = Field(examples=["E-mail"])


class Review(Output):
    """What an import will do, in exact figures, before it writes anything."""

    id: Id
    status: Status = Field(examples=["ready_for_review"])
    rows: int = Field(examples=[1204])
    counts: dict[str, int] = Field(
        description="The six outcomes, rows and visitors.",
        examples=[{"created": 1000, "updated": 150, "unchanged": 40, "duplicates": 4, "skipped": 0, "in_error": 10}],
    )
    changes: list[ReviewChange]
    statuses: list[ReviewStatus]
    visitors: dict[str, int] = Field(description="Visitors matched, by identifier.", examples=[{"email": 12}])
    segments: list[ReviewSegment]
    events: dict[str, int] = Field(description="Events added, known and in error.", examples=[{}])
    problems: list[ReviewFinding]
    warnings: list[ReviewWarning]
    mapping: list[MappedColumn]
    settings: dict[str, Any] = Field(examples=[{"mode": "create_and_update", "blank": "keep"}])


def listed(request: Any, imp: Import) -> dict[str, Any]:
    """An import as ImportOut."""
    names = ("file_name", "description", "origin", "status", "phase", "ended", "created_at", "finished_at", "rows")
    return {
        "id": imp.pk,
        "url": outcome.url_of(request.workspace, imp),
        **{name: getattr(imp, name) for name in (*names, *Import.OUTCOMES)},
    }


def detailed(request: Any, imp: Import) -> dict[str, Any]:
    """An import as ImportDetail."""
    more = {"sentence": outcome.sentence(imp), "parent_id": imp.parent_id}
    return {**listed(request, imp), **outcome.describe(request.workspace, imp), **more}


def record(request: Any, verb: str, imp: Import, **detail: Any) -> None:
    """Put what a token did with an import into the audit log."""
    audit.record(f"import.{verb}", user_id=request.user.pk, target=f"import {imp.pk}", **detail)


def fresh(imp: Import) -> Import:
    """The import as it is after something was asked of it."""
    found: Import = Import.objects.get(pk=imp.pk)
    return found


@router.post(
    "/imports",
    auth=Scope("imports.run"),
    response={201: ImportDetail},
    summary="Create an import",
    openapi_extra=import_settings.documented(),
)
@answers(422, "setting_invalid")
@answers(422, "mapping_invalid")
@answers(422, "saved_mapping_unknown")
@answers(422, "object_unknown")
@answers(422, "format_ambiguous")
@answers(422, "file_type")
@answers(422, "file_empty")
@answers(403, "setting_not_permitted")
@takes_files
def create_import(request: Any) -> dict[str, Any]:
    """Upload a file and import it: as a form with the field `file`, as the whole body, or by its name in the object store
    (`object`). Settings have the names of the command line; `map.HEADER` says where the column HEADER goes (a field, `skip`,
    or `new:TYPE:KEY`), `format.HEADER` how its dates or numbers are written. With `review`, the file is only checked: read
    the review, then start the import."""
    chunks, name = _file(request)
    wanted, review = import_settings.read(request)
    revive = may(request, "imports.revive")
    about = {"file_name": name, "tenant": request.workspace, "user": request.user, "origin": "api"}
    imp = configuration.create(chunks, **about, wanted=wanted, review=review, may_revive=revive)
    record(request, "uploaded", imp, file=imp.file_name, without_review=not review)
    imp = fresh(imp)
    options = Options.parse(imp.options)
    if options.revives:
        record(request, "may_revive", imp, **{name: getattr(options, name) for name in REVIVING})
    return detailed(request, imp)


def _file(request: Any) -> tuple[Iterator[bytes], str]:
    """The file of a request in parts, and its name. Raises Problem 415, 422."""
    if name := request.GET.get("object", ""):
        return _stored(request, name)
    if request.content_type == import_settings.FORM:
        file: Any = request.FILES.get("file")
        if file is None:
            missing = [{"field": "form.file", "message": "Field required", "code": "missing"}]
            raise Problem(422, "parameters_invalid", "The form has no field “file” with a file.", errors=missing)
        return file.chunks(), file.name or "upload.csv"
    if request.content_type not in import_settings.FILE_TYPES:
        kinds = ", ".join((import_settings.FORM, *import_settings.FILE_TYPES))
        raise Problem(415, "content_type_unknown", f"Send a file as one of: {kinds}.")
    return bodies.chunks(request), request.GET.get("file_name") or "upload.csv"


def _stored(request: Any, name: str) -> tuple[Iterator[bytes], str]:
    """A file that lies in the object store for the workspace."""
    if int(request.META.get("CONTENT_LENGTH") or 0):
        raise Problem(422, "parameters_invalid", "Send a file, or name one with “object”; not both.")
    try:
        path = file_store.fetch_incoming(request.workspace.pk, name)
    except FileNotFoundError:
        raise Problem(
            422, "object_unknown", f"There is no file {name} in the incoming folder of the workspace."
        ) from None
    return bodies.parts_of(path), name.rpartition("/")[2]


@router.get("/imports", auth=Scope("imports.view"), response=Page[ImportOut], summary="List imports")
def list_imports(
    request: Any,
    status: Annotated[Status | None, Field(description="Only imports with this status.")] = None,
    origin: Annotated[str, Field(max_length=12, description="How the file came, such as api.")] = "",
    cursor: Cursor = "",
    limit: Limit = cursors.USUAL,
) -> dict[str, Any]:
    """Imports, the newest first, of one status and origin or of all."""
    imports = Import.objects.order_by("-pk")
    if status:
        imports = imports.filter(status=status)
    if origin:
        imports = imports.filter(origin=origin)
    if after := cursors.decode(cursor, int):
        imports = imports.filter(pk__lt=after[0])
    shown, following = cursors.page(imports[: limit + 1], limit, "pk")
    return {"results": [listed(request, imp) for imp in shown], "next": following}


Wait = Annotated[
    int, Field(ge=0, le=MOST_SECONDS, description="Seconds to wait until it has ended or needs an answer.")
]


@router.get("/imports/{int:import_id}", auth=Scope("imports.view"), response=ImportDetail, summary="Read an import")
def read_import(request: Any, import_id: int, response: HttpResponse, wait: Wait = 0) -> dict[str, Any]:
    """An import with its counts. With `wait`, the answer comes as soon as the import has ended or waits for its review, or
    when the time is over."""
    imp = get_object_or_404(Import, pk=import_id)
    if wait and not outcome.rests(imp):
        response.headers[NOT_YET] = str(wait)
    return detailed(request, imp)


@router.get(
    "/imports/{int:import_id}/review",
    auth=Scope("imports.view"),
    response=Review,
    summary="Read the review of an import",
)
@answers(409, "conflict")
def read_review(request: Any, import_id: int) -> dict[str, Any]:
    """What an import will do, or has done: counts, changes by field with an example, statuses, segments, problems with
    their first rows, and warnings. 409 while the file is still being checked."""
    imp = get_object_or_404(Import, pk=import_id)
    if not imp.review:
        raise Problem(409, "conflict", "The check has not ended. Wait for the status ready_for_review.")
    return review_report.describe(imp, cells=may(request, "imports.rows"))


@router.post(
    "/imports/{int:import_id}/start", auth=Scope("imports.run"), response=ImportDetail, summary="Start an import"
)
def start_import(request: Any, import_id: int) -> dict[str, Any]:
    """Write what the review has shown. 409 when the import does not wait for its review."""
    imp = get_object_or_404(Import, pk=import_id)
    if Options.parse(imp.options).revives:
        require(request, "imports.revive")
    if not upload.confirm(imp):
        raise Problem(409, "conflict", "This import does not wait for its review.")
    record(request, "started", imp, **imp.review["counts"])
    return detailed(request, fresh(imp))


@router.post(
    "/imports/{int:import_id}/cancel", auth=Scope("imports.cancel"), response=ImportDetail, summary="Cancel an import"
)
def cancel_import(request: Any, import_id: int, body: CancelBody | None = None) -> dict[str, Any]:
    """End an import that has not ended. What is written stays, or is undone. Wait for the status canceled."""
    imp = get_object_or_404(Import, pk=import_id)
    take_back = body is not None and body.undo
    if take_back:
        require(request, "imports.undo")
    if not upload.cancel(imp, take_back=take_back):
        raise Problem(409, "conflict", "This import has ended, or is being undone.")
    record(request, "canceled", imp, take_back=take_back)
    return detailed(request, fresh(imp))


@router.post(
    "/imports/{int:import_id}/undo", auth=Scope("imports.undo"), response=ImportDetail, summary="Undo an import"
)
def undo_import(request: Any, import_id: int) -> dict[str, Any]:
    """Take out what an import has written, within 30 days. Values that changed since then stay. Wait for the status
    undone."""
    return _turn(request, import_id, UndoDirection.UNDO, "This import has nothing to undo, or it is too late.")


@router.post(
    "/imports/{int:import_id}/redo", auth=Scope("imports.undo"), response=ImportDetail, summary="Redo an import"
)
def redo_import(request: Any, import_id: int) -> dict[str, Any]:
    """Write again what was undone. Wait for the status imported."""
    return _turn(request, import_id, UndoDirection.REDO, "This import was not undone, or it is too late.")


def _turn(request: Any, import_id: int, direction: UndoDirection, refusal: str) -> dict[str, Any]:
    imp = get_object_or_404(Import, pk=import_id)
    if not undo.request(imp, direction, user=request.user):
        raise Problem(409, "conflict", refusal)
    record(request, direction, imp)
    return detailed(request, fresh(imp))
