"""The first step: a file comes in, by drop, by choice or as pasted text."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from cdp.http import go, invalid, page
from imports import intake, problems
from imports.models import Import
from imports.reader import FileProblem
from tenants import audit
from tenants.roles import allow


def _workspace(request: HttpRequest) -> Any:
    return request.workspace  # type: ignore[attr-defined]


@allow("imports.run")
@require_http_methods(["GET", "HEAD"])
def new(request: HttpRequest) -> HttpResponse:
    """The upload page, with the limits before the work."""
    return page(request, "imports/upload.html", {"steps": steps("upload")})


@allow("imports.run")
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file or pasted text. A script gets JSON with the next address; a browser is sent there."""
    try:
        imp = _receive(request)
    except FileProblem as problem:
        context = {"steps": steps("upload"), "problem": spoken(problem.code, problem.facts)}
        return invalid(request, "imports/upload.html", context)
    audit.record("import.uploaded", user_id=request.user.pk, target=f"import {imp.pk}", file=imp.file_name)
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"location": reverse("imports:detail", args=[imp.pk])}, status=201)
    return go(request, "imports:detail", imp.pk)


def _receive(request: HttpRequest) -> Import:
    user: Any = request.user
    file = request.FILES.get("file")
    if file is not None:
        chunks, name = file.chunks(), file.name or "upload.csv"
    else:
        chunks, name = _pasted(request.POST.get("text", "")), "pasted.csv"
    return intake.receive(chunks, file_name=name, tenant=_workspace(request), user=user)


def _pasted(text: str) -> Iterator[bytes]:
    yield text.encode()


def spoken(code: str, facts: dict[str, Any]) -> dict[str, str]:
    """A problem in words, for a note on a page."""
    return {
        "title": problems.title(code),
        "sentence": problems.sentence(code, **facts),
        "remedy": problems.remedy(code, **facts),
    }


STEPS = (("upload", "Upload"), ("map", "Map"), ("review", "Review"), ("run", "Run"), ("result", "Result"))


def steps(current: str) -> list[dict[str, Any]]:
    """The steps of the wizard, for ui/steps.html."""
    names = [name for name, _label in STEPS]
    at = names.index(current)
    states = ["done" if i < at else "current" if i == at else "todo" for i in range(len(names))]
    return [{"label": label, "state": state, "url": None} for (_n, label), state in zip(STEPS, states, strict=True)]
