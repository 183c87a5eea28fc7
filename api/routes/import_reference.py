"""What files can look like and how they are mapped: columns, a template, saved mappings; and every problem in words."""

from typing import Any

from django.http import HttpResponse
from ninja import Router
from pydantic import Field

from api import cursors, problems
from api.schemas import Cursor, Id, Limit, Moment, Output, Page
from api.scopes import Scope
from imports.mapping import column_reference
from imports.models import SavedMapping
from imports.problems.catalogue import PROBLEMS

router = Router(tags=["Files and problems"])


class ColumnOut(Output):
    """A column that files can have."""

    name: str = Field(description="Its name in a file, and the target of a mapping.", examples=["email"])
    label: str = Field(examples=["E-mail"])
    type: str = Field(examples=["E-mail address"])
    format: str = Field(examples=["anna@example.com"])
    examples: list[str] = Field(examples=[["anna@example.com", "jonas@example.com"]])
    group: str = Field(examples=["Contact"])


class ColumnsOut(Output):
    """All columns of the workspace."""

    results: list[ColumnOut]


class SavedMappingOut(Output):
    """A mapping with its settings under a name, which the setting `saved` takes."""

    id: Id
    name: str = Field(examples=["Weekly"])
    saved_at: Moment
    targets: list[str] = Field(description="Where each column goes, in order.", examples=[["email", "skip"]])
    settings: dict[str, Any] = Field(examples=[{"mode": "update_only"}])


class ProblemOut(Output):
    """A problem that a request, a file, a row or a cell can have. Words in braces are facts."""

    code: str = Field(examples=["not_an_email"])
    title: str = Field(examples=["Invalid e-mail address"])
    sentence: str = Field(examples=["“{value}” is not an e-mail address."])
    remedy: str = Field(examples=["Correct the address."])
    of: str = Field(description="api: of requests; import: of files, rows and cells.", examples=["import"])


class ProblemsOut(Output):
    """The catalogue of problems."""

    results: list[ProblemOut]


@router.get("/imports/columns", auth=Scope("imports.run"), response=ColumnsOut, summary="List columns of files")
def list_columns(request: Any) -> dict[str, Any]:
    """Every column that the workspace knows, with its format and two examples."""
    return {
        "results": [
            {"name": field.name, "label": field.label, "type": field.type, "format": field.format,
             "examples": list(field.examples), "group": group}
            for group, fields in column_reference.groups() for field in fields
        ]
    }  # fmt: skip


@router.get(
    "/imports/template.csv",
    auth=Scope("imports.run"),
    summary="Download a template",
    openapi_extra={"responses": {200: {"description": "CSV", "content": {"text/csv": {"schema": {"type": "string"}}}}}},
)
def download_template(request: Any) -> HttpResponse:
    """A CSV with the columns of the workspace and two rows that can be imported."""
    lines = "".join(column_reference.template(request.workspace))
    response = HttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="template.csv"'
    return response


@router.get("/saved-mappings", auth=Scope("imports.run"), response=Page[SavedMappingOut], summary="List saved mappings")
def list_saved_mappings(request: Any, cursor: Cursor = "", limit: Limit = cursors.USUAL) -> dict[str, Any]:
    """Saved mappings in the order of their making."""
    saved = SavedMapping.objects.order_by("pk")
    if after := cursors.decode(cursor, int):
        saved = saved.filter(pk__gt=after[0])
    shown, following = cursors.page(saved[: limit + 1], limit, "pk")
    results = [
        {
            "id": mapping.pk,
            "name": mapping.name,
            "saved_at": mapping.saved_at,
            "targets": [column["target"] for column in mapping.columns],
            "settings": mapping.options,
        }
        for mapping in shown
    ]
    return {"results": results, "next": following}


@router.get("/problems", auth=Scope("workspace.view"), response=ProblemsOut, summary="List problems")
def list_problems(request: Any) -> dict[str, Any]:
    """Every code that answers and rows can have, with its words. A code never changes its meaning."""
    own = [
        {"code": code, "title": kind.title, "sentence": kind.title, "remedy": kind.remedy, "of": "api"}
        for code, kind in problems.KINDS.items()
    ]
    rows = [
        {"code": code, "title": text.title, "sentence": text.sentence, "remedy": text.remedy, "of": "import"}
        for code, text in PROBLEMS.items()
    ]
    return {"results": own + rows}
