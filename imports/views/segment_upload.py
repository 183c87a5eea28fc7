"""A file for a static segment: uploaded, its columns chosen, reviewed, confirmed."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.models import Contact
from contacts.values.columns import SHOWN_IDENTIFIERS
from contacts.values.types import CORE
from core.http import invalid, redirect_to, render_page, stop_polling
from imports import segment_upload
from imports.files import reader
from imports.files.encodings import CHOICES
from imports.files.reader import FileProblem
from imports.models import SegmentUpload, UploadMode, UploadState
from imports.problems import catalogue
from imports.segment_upload import BadColumns, Found
from imports.views.upload import spoken, workspace_of
from imports.wizard import column_choices
from imports.wizard import upload as file_upload
from imports.wizard.forms import DialectForm
from segments.models import EditKind, Segment, SegmentEdit
from tenants import audit
from tenants.roles import allow, takes_files
from tenants.web.request import WorkspaceRequest, user_id

MODES = {
    UploadMode.ADD: ("Add them", "Contacts of the file enter. Those that are in the segment stay."),
    UploadMode.REPLACE: ("Replace the members", "The segment then contains the contacts of the file and no others."),
    UploadMode.SUBTRACT: ("Remove them", "Contacts of the file leave. All others stay."),
}
GONE = "The file is no longer available. Cancel this upload, then upload the file again."
# Rows of the file that the page of columns shows, and the last uploads that the first page lists.
ROWS, LATEST = 5, 10
TARGETS = [("skip", "Not used"), *((name, CORE[name]) for name in SHOWN_IDENTIFIERS)]


@takes_files
@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """The file, and what it does to the segment."""
    segment = get_object_or_404(Segment.objects.static(), pk=segment_id)
    if request.method != "POST":
        return render_page(request, "imports/segment_upload.html", _first_page(segment))
    try:
        upload = _receive(request, segment)
    except FileProblem as problem:
        said = {"problem": spoken(problem.code, problem.facts)}
        chosen, text = ("", "") if hasattr(request, "too_large") else (_mode(request), request.POST.get("text", ""))
        return invalid(
            request, "imports/segment_upload.html", {**_first_page(segment), **said, "chosen": chosen, "text": text}
        )
    audit.record(
        "segment.file_uploaded", user_id=user_id(request), target=f"segment {segment.pk}", file=upload.file_name
    )
    return redirect_to(request, "segment_uploads:detail", segment.pk, upload.pk)


def _first_page(segment: Segment) -> dict[str, Any]:
    uploads = SegmentUpload.objects.filter(segment_id=segment.pk).select_related("created_by").order_by("-pk")
    return {
        "segment": segment,
        "modes": [(mode.value, *words) for mode, words in MODES.items()],
        "chosen": UploadMode.ADD.value,
        "once": uuid.uuid4().hex,
        "uploads": uploads[:LATEST],
    }


def _receive(request: WorkspaceRequest, segment: Segment) -> SegmentUpload:
    """Store the file or the text of a request. Raises FileProblem."""
    workspace = workspace_of(request)
    if size := getattr(request, "too_large", 0):
        raise FileProblem("too_large", limit=workspace.max_upload_bytes, found=size)
    file, text = request.FILES.get("file"), request.POST.get("text", "")
    chunks, name = (file.chunks(), file.name or "upload.csv") if file is not None else (iter([text.encode()]), "")
    return segment_upload.receive(
        chunks,
        segment=segment,
        mode=_mode(request),
        file_name=name or "pasted.csv",
        tenant=workspace,
        user=request.user,
        once=request.POST.get("once", "")[:64],
    )


def _mode(request: WorkspaceRequest) -> str:
    given = request.POST.get("mode", "")
    return given if given in UploadMode.values else UploadMode.ADD.value


@allow("segments.edit")
@require_safe
def detail(request: WorkspaceRequest, segment_id: int, upload_id: int) -> HttpResponse:
    """Where the upload is: its columns, its progress, its review, or what it did."""
    return _show(request, _upload(SegmentUpload.objects, segment_id, upload_id))


@allow("segments.edit")
@require_safe
def live(request: WorkspaceRequest, segment_id: int, upload_id: int) -> HttpResponse:
    """The fragment of the progress, which asks again; when the work is done it leads to the page."""
    upload = _upload(SegmentUpload.objects, segment_id, upload_id)
    if upload.active:
        return render_page(request, "imports/_segment_progress.html", _frame(upload))
    return stop_polling(redirect_to(request, "segment_uploads:detail", segment_id, upload_id))


def _frame(upload: SegmentUpload) -> dict[str, Any]:
    done = {UploadState.READING: upload.cursor, UploadState.MATCHING: len(upload.spans)}
    return {
        "upload": upload,
        "segment": get_object_or_404(Segment, pk=upload.segment_id),
        "through": done.get(UploadState(upload.state), 0),
        "parts": len(upload.spans),
    }


def _show(request: WorkspaceRequest, upload: SegmentUpload, *, error: str = "") -> HttpResponse:
    context = {**_frame(upload), "error": error}
    if upload.state == UploadState.DRAFT:
        there = segment_upload.has_file(upload)
        context |= _columns(upload) if there else {"error": error or GONE}
        return render_page(request, "imports/segment_columns.html", context, status=422 if error else 200)
    if upload.state == UploadState.REVIEW or upload.ended:
        context |= _review(upload)
    return render_page(request, "imports/segment_review.html", context, status=422 if error else 200)


def _columns(upload: SegmentUpload) -> dict[str, Any]:
    """The columns of the file with their first values, and how the file is read."""
    known: Any = upload
    unsure = upload.dialect.get("unsure") or []
    seen = column_choices.preview(known, rows=ROWS)
    columns = [
        {
            "index": i,
            "letter": reader.letter(i),
            "name": name,
            "target": upload.mapping[i]["target"],
            "samples": [row[i].strip()[:60] for row in seen.rows if i < len(row) and row[i].strip()][:3],
        }
        for i, name in enumerate(upload.header)
    ]
    return {
        "columns": columns,
        "targets": TARGETS,
        "modes": [(mode.value, *words) for mode, words in MODES.items()],
        "dialect": DialectForm.of(upload.dialect),
        "unsure": [(name, CHOICES[name]) for name in unsure],
    }


def _review(upload: SegmentUpload) -> dict[str, Any]:
    found = Found(**upload.found)
    ids = [*found.entering_samples, *found.leaving_samples]
    people = Contact.objects.in_bulk(ids)
    edit = SegmentEdit.objects.filter(pk=upload.edit_id, kind=EditKind.UPLOAD).first() if upload.edit_id else None
    return {
        "found": found,
        "by": [(CORE[name], count) for name, count in found.by.items()],
        "problems": sorted(((catalogue.title(code), count) for code, count in found.problems.items()), key=str),
        "entering": [people[pk] for pk in found.entering_samples if pk in people],
        "leaving": [people[pk] for pk in found.leaving_samples if pk in people],
        "refused": segment_upload.refuses(upload) if upload.state == UploadState.REVIEW else "",
        "has_file": segment_upload.has_file(upload),
        "edit": edit,
    }


def _upload(uploads: Any, segment_id: int, upload_id: int) -> SegmentUpload:
    """An upload of a segment that exists."""
    segment = get_object_or_404(Segment, pk=segment_id)
    found: SegmentUpload = get_object_or_404(uploads, pk=upload_id, segment_id=segment.pk)
    return found


def _locked(segment_id: int, upload_id: int) -> SegmentUpload:
    return _upload(SegmentUpload.objects.select_for_update(), segment_id, upload_id)


@allow("segments.edit")
@require_POST
def read_again(request: WorkspaceRequest, segment_id: int, upload_id: int) -> HttpResponse:
    """Read the file in another encoding, by another separator, or from another sheet."""
    upload = _locked(segment_id, upload_id)
    if upload.state != UploadState.DRAFT:
        return redirect_to(request, "segment_uploads:detail", segment_id, upload_id)
    if not segment_upload.has_file(upload):
        return _show(request, upload, error=GONE)
    known: Any = upload
    try:
        if "sheet" in request.POST:
            file_upload.select_sheet(known, workspace_of(request), request.POST["sheet"])
        else:
            changes = DialectForm.changes(request.POST, upload.dialect)
            column_choices.reread_file(known, workspace_of(request), changes)
    except FileProblem as problem:
        said = spoken(problem.code, problem.facts)
        return _show(request, upload, error=f"{said['sentence']} {said['remedy']}")
    except file_upload.BadSheet as problem:
        return _show(request, upload, error=str(problem))
    segment_upload.keep_identifying(upload)
    return redirect_to(request, "segment_uploads:detail", segment_id, upload_id)


@allow("segments.edit")
@require_POST
def check(request: WorkspaceRequest, segment_id: int, upload_id: int) -> HttpResponse:
    """Take the columns and let a worker look for the contacts. A second click finds it under way."""
    upload = _locked(segment_id, upload_id)
    if upload.state != UploadState.DRAFT:
        return redirect_to(request, "segment_uploads:detail", segment_id, upload_id)
    targets = [request.POST.get(f"column-{i}", "skip") for i in range(len(upload.header))]
    try:
        if upload.dialect.get("unsure"):
            raise BadColumns("Choose the encoding of the file first.")
        segment_upload.choose_columns(upload, targets, _mode(request))
    except BadColumns as problem:
        for column, target in zip(upload.mapping, targets, strict=True):
            column["target"] = target if target in SHOWN_IDENTIFIERS else "skip"
        return _show(request, upload, error=str(problem))
    segment_upload.begin(upload)
    return redirect_to(request, "segment_uploads:detail", segment_id, upload_id)


@allow("segments.edit")
@require_POST
def confirm(request: WorkspaceRequest, segment_id: int, upload_id: int) -> HttpResponse:
    """Change the segment as the review says. A second click changes nothing."""
    upload = _locked(segment_id, upload_id)
    if upload.state == UploadState.REVIEW and (why := segment_upload.refuses(upload)):
        return _show(request, upload, error=why)
    if not segment_upload.confirm(upload):
        messages.warning(request, "This file no longer waits for a confirmation. Nothing was changed.")
    return redirect_to(request, "segment_uploads:detail", segment_id, upload_id)


@allow("segments.edit")
@require_POST
def cancel(request: WorkspaceRequest, segment_id: int, upload_id: int) -> HttpResponse:
    """End an upload that has changed nothing."""
    upload = _locked(segment_id, upload_id)
    if segment_upload.cancel(upload):
        messages.success(request, "Upload canceled. The segment was not changed.")
        return redirect_to(request, "segments:detail", segment_id)
    messages.warning(request, "This upload can no longer be canceled. You can undo what it did.")
    return redirect_to(request, "segment_uploads:detail", segment_id, upload_id)


@allow("imports.run")
@require_POST
def import_file(request: WorkspaceRequest, segment_id: int, upload_id: int) -> HttpResponse:
    """Make an import of the same file, to create the contacts that were not found."""
    upload = _locked(segment_id, upload_id)
    if upload.import_id is None and not segment_upload.has_file(upload):
        messages.warning(request, "The file was removed. Upload it again in a new import.")
        return redirect_to(request, "imports:new")
    imp = segment_upload.as_import(upload, user=request.user)
    audit.record("import.uploaded", user_id=user_id(request), target=f"import {imp.pk}", file=imp.file_name)
    return redirect_to(request, "imports:detail", imp.pk)
