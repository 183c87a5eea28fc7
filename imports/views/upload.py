"""The first step: a file comes in, by drop, by choice or as pasted text."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from contacts.models import Attribute
from contacts.values.types import CORE, SYSTEM, TYPES
from core.http import invalid, redirect_to, render_page
from imports.files.reader import FileProblem
from imports.models import Import
from imports.problems import catalogue
from imports.wizard import upload as file_upload
from tenants import audit
from tenants.roles import allow, takes_files
from tenants.web.request import WorkspaceRequest

# Fields of the workspace's own that the upload page names.
OWN_SHOWN = 8


def workspace_of(request: WorkspaceRequest) -> Any:
    """The workspace that the middleware has let the person into."""
    return request.workspace


@allow("imports.run")
@require_http_methods(["GET", "HEAD"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """The upload page, with the limits before the work."""
    return render_page(request, "imports/upload.html", page_context())


def page_context(**more: Any) -> dict[str, Any]:
    """Limits are settings of the workspace; what a column may be called is told by examples. `upload_url`, `title` and
    `lead` may be others where an app above uses the page."""
    hints = {"email": "anna@example.com", "phone": "+44 7911 123456", "external_id": "C-004512", "first_name": "Anna"}
    known = [(label, hints.get(key, "Smith")) for key, label in CORE.items()]
    known += [(SYSTEM[key].label, TYPES[SYSTEM[key].type].hint) for key in ("birthday", "country", "language")]
    own = Attribute.objects.filter(archived_at=None).order_by("label")[:OWN_SHOWN]
    # A second click on the form is told by this mark.
    once = uuid.uuid4().hex
    return {
        "steps": steps("upload"),
        "upload_url": reverse("imports:upload"),
        "once": once,
        "known": known + [(a.label, TYPES[a.type].hint) for a in own],
        **more,
    }


@takes_files
@allow("imports.run")
@require_POST
def upload(request: WorkspaceRequest) -> HttpResponse:
    """Take a file or pasted text. A script gets JSON with the next address; a browser is sent there."""
    try:
        imp = receive(request)
    except FileProblem as problem:
        return refused_page(request, problem)
    audit.record("import.uploaded", user_id=request.user.pk, target=f"import {imp.pk}", file=imp.file_name)
    if is_by_script(request):
        return JsonResponse({"location": reverse("imports:detail", args=[imp.pk])}, status=201)
    return redirect_to(request, "imports:detail", imp.pk)


def is_by_script(request: WorkspaceRequest) -> bool:
    """Whether the page's script sends a file, which wants JSON or a fragment for an answer."""
    return request.headers.get("Accept") == "application/json"


def refused_page(request: WorkspaceRequest, problem: FileProblem, **more: Any) -> HttpResponse:
    """Why the file cannot be taken: for a script as a fragment, else in the page, which is given `more`. Pasted text stays
    in its field."""
    said = {"problem": spoken(problem.code, problem.facts)}
    if hasattr(request, "too_large"):  # nothing of the body is to be read
        refused = {**said, "file_name": "Your file", "size": request.too_large}
        text = ""
    else:
        file, text = request.FILES.get("file"), request.POST.get("text", "")
        refused = {**said, "file_name": file.name if file else "Pasted rows", "size": file.size if file else None}
    if is_by_script(request):
        return invalid(request, "imports/_refused.html", refused)
    return invalid(request, "imports/upload.html", page_context(**refused, text=text, **more))


def receive(request: WorkspaceRequest) -> Import:
    """Store the file or the text of a request. Raises FileProblem."""
    user: Any = request.user
    if size := getattr(request, "too_large", 0):
        raise FileProblem("too_large", limit=workspace_of(request).max_upload_bytes, found=size)
    file = request.FILES.get("file")
    if file is not None:
        chunks, name = file.chunks(), file.name or "upload.csv"
    else:
        chunks, name = _pasted(request.POST.get("text", "")), "pasted.csv"
    once = request.POST.get("once", "")[:64]
    return file_upload.store_upload(chunks, file_name=name, tenant=workspace_of(request), user=user, once=once)


def _pasted(text: str) -> Iterator[bytes]:
    yield text.encode()


def spoken(code: str, facts: dict[str, Any]) -> dict[str, str]:
    """A problem in words, for a note on a page."""
    return {
        "title": catalogue.title(code),
        "sentence": catalogue.sentence(code, **facts),
        "remedy": catalogue.remedy(code, **facts),
    }


STEPS = (("upload", "Upload"), ("map", "Map"), ("review", "Review"), ("run", "Run"), ("result", "Result"))


def steps(current: str) -> list[dict[str, Any]]:
    """The steps of the wizard, for ui/steps.html."""
    names = [name for name, _label in STEPS]
    at = names.index(current)
    states = ["done" if i < at else "current" if i == at else "todo" for i in range(len(names))]
    return [{"label": label, "state": state, "url": None} for (_n, label), state in zip(STEPS, states, strict=True)]
