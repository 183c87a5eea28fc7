"""Connectors: listed, run now, their files and the imports that came of them. No answer has a secret, or where files are."""

from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field

from api import cursors
from api.problems import Problem, answers
from api.schemas import Cursor, Id, Limit, Moment, Output, Page, said
from api.scopes import Scope
from connectors import manual_runs
from connectors.models import Connector, ConnectorFile, FileState, Protocol
from imports.models import SavedMapping
from tenants.web import workspace_urls

router = Router(tags=["Connectors"])


class ConnectorOut(Output):
    """A way on which files come: a user of the file servers, or a place that is fetched from."""

    id: Id
    url: str = Field(description="Its page.", examples=["https://cdp.example.com/w/nordvik/connectors/4/"])
    name: str = Field(examples=["Shop customers"])
    protocol: Protocol = Field(examples=["sftp"])
    mapping: str | None = Field(description="Name of its saved mapping.", examples=["Customers"])
    enabled: bool
    last_seen_at: Moment | None = Field(description="The last sign-in, or when a place was last looked at.")
    next_at: Moment | None = Field(description="Of a place that is fetched from.")
    error: str = Field(description="The last one, in words.", examples=[""])
    error_at: Moment | None
    created_at: Moment


class ConnectorFileOut(Output):
    """A file of a connector, from when it was seen first."""

    id: Id
    name: str = Field(examples=["customers.csv"])
    size: int = Field(description="Bytes.", examples=[20_480])
    state: FileState = Field(examples=["imported"])
    note: str = Field(description="Why it waits or was not imported, in words.", examples=[""])
    import_id: Id | None = Field(description="For `GET /imports/{id}`; null: none.", examples=[17])
    found_at: Moment
    taken_at: Moment | None
    ended_at: Moment | None


def _shown(request: Any, connectors: list[Connector]) -> list[dict[str, Any]]:
    ids = [one.mapping_id for one in connectors if one.mapping_id]
    mappings = dict(SavedMapping.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    names = ("name", "protocol", "last_seen_at", "next_at", "error", "error_at", "created_at")
    return [
        {
            "id": one.pk,
            "url": workspace_urls.absolute(workspace_urls.inside(request.workspace.slug, "connectors:detail", one.pk)),
            "mapping": mappings.get(one.mapping_id or 0),
            "enabled": one.active,
            **{name: getattr(one, name) for name in names},
        }
        for one in connectors
    ]


def _found(connector_id: int) -> Connector:
    connector: Connector = get_object_or_404(Connector.objects.filter(deleted_at=None), pk=connector_id)
    return connector


@router.get("/connectors", auth=Scope("connectors.view"), response=Page[ConnectorOut], summary="List connectors")
@answers(422, "cursor_invalid")
def list_connectors(request: Any, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Connectors, the newest first."""
    found = Connector.objects.filter(deleted_at=None).order_by("-pk")
    if after := cursors.decode(cursor, int):
        found = found.filter(pk__lt=after[0])
    rows, following = cursors.page(found[: limit + 1], limit, "pk")
    return {"results": _shown(request, rows), "next": following}


@router.get(
    "/connectors/{int:connector_id}", auth=Scope("connectors.view"), response=ConnectorOut, summary="Read a connector"
)
def read_connector(request: Any, connector_id: int) -> dict[str, Any]:
    """A connector, and whether it works."""
    return _shown(request, [_found(connector_id)])[0]


@router.post(
    "/connectors/{int:connector_id}/run", auth=Scope("connectors.manage"), response={202: ConnectorOut},
    summary="Run a connector now",
)  # fmt: skip
def run_connector(request: Any, connector_id: int) -> Any:
    """Import what is complete, or fetch what is new, in the background. 409 for a connector that is disabled."""
    connector = _found(connector_id)
    if not connector.active:
        raise Problem(409, "conflict", "The connector is disabled. Enable it on its page first.")
    manual_runs.start(connector, user_id=request.user.pk)
    return Status(202, _shown(request, [connector])[0])


@router.get(
    "/connectors/{int:connector_id}/files", auth=Scope("connectors.view"), response=Page[ConnectorFileOut],
    summary="List files of a connector",
)  # fmt: skip
@answers(422, "cursor_invalid")
def list_connector_files(
    request: Any,
    connector_id: int,
    state: Annotated[FileState | None, said("Only files in this state.")] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """The files that came through a connector, the latest first, each with its import."""
    found = ConnectorFile.objects.filter(connector_id=_found(connector_id).pk).order_by("-pk")
    if state:
        found = found.filter(state=state)
    if after := cursors.decode(cursor, int):
        found = found.filter(pk__lt=after[0])
    rows, following = cursors.page(found[: limit + 1], limit, "pk")
    return {"results": [_file(one) for one in rows], "next": following}


def _file(one: ConnectorFile) -> dict[str, Any]:
    names = ("name", "size", "state", "note", "import_id", "found_at", "taken_at", "ended_at")
    return {"id": one.pk, **{name: getattr(one, name) for name in names}}
