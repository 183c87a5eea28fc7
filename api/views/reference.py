"""The document of the API, and its reference for developers."""

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from api import reference
from api.document import document
from core.http import render_page
from imports.problems.catalogue import PROBLEMS
from tenants.roles import public

ICONS = {"Workspace": "building-2", "Imports": "download", "Rows of imports": "rows-3", "Files and problems": "file-text",
         "Contacts": "users", "Segments": "blend", "Sources": "database", "Duplicates": "copy", "Sites": "globe",
         "Events": "activity", "Webhooks": "webhook"}  # fmt: skip


@public
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document. It says nothing of any workspace, so it needs no token."""
    text = orjson.dumps(document(), default=str, option=orjson.OPT_NON_STR_KEYS)
    answer = HttpResponse(text, content_type="application/json")
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@public
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Every operation with an example, for developers. It needs nobody to be signed in."""
    sections = reference.sections()
    chapters = [("Getting started", "start", "book-open"), ("Changelog", "changelog", "history"),
                ("Problems", "problems", "circle-alert")]  # fmt: skip
    context = {
        "sections": sections,
        "problems": reference.problem_rows(),
        "row_problems": [{"code": code, **vars(text)} for code, text in sorted(PROBLEMS.items())],
        "changelog": reference.CHANGELOG,
        "base": f"{settings.SITE_URL}/api/v1",
        "document_url": reverse("api:openapi"),
        "limit": settings.API_REQUESTS_PER_MINUTE,
        "nav": [
            {"label": "API", "items": [_item(*chapter) for chapter in chapters]},
            {
                "label": "Operations",
                "items": [_item(s["title"], s["anchor"], ICONS.get(s["title"], "braces")) for s in sections],
            },
        ],
    }
    return render_page(request, "api/reference.html", context)


def _item(label: str, anchor: str, icon: str) -> dict[str, object]:
    return {"label": label, "url": f"#{anchor}", "icon": icon, "current": False, "count": "", "busy": False}
