"""Who a token is."""

from typing import Any

from ninja import Router
from pydantic import Field

from api.schemas import Moment, Output
from api.scopes import Scope, may
from tenants.web import workspace_urls

router = Router(tags=["Workspace"])


class WorkspaceOut(Output):
    """A workspace, and what the token may do in it."""

    id: int = Field(examples=[1])
    name: str = Field(examples=["Nordvik Outdoor"])
    slug: str = Field(description="Its part of addresses.", examples=["nordvik"])
    url: str = Field(examples=["https://cdp.example.com/w/nordvik/"])
    country: str = Field(description="Region of phone numbers without +; may be empty.", examples=["GB"])
    time_zone: str = Field(examples=["Europe/London"])
    max_upload_bytes: int = Field(examples=[500_000_000])
    max_rows: int = Field(examples=[5_000_000])
    max_columns: int = Field(examples=[100])
    token: str = Field(description="The name of the token.", examples=["Nightly sync"])
    scopes: list[str] = Field(description="What the token may do now.", examples=[["imports.view", "imports.run"]])
    expires_at: Moment | None = Field(description="Null: never.")


@router.get("/workspace", auth=Scope("workspace.view"), response=WorkspaceOut, summary="Read the workspace")
def read_workspace(request: Any) -> dict[str, Any]:
    """The workspace of the token, its limits, and the scopes of the token. Use it to check a token."""
    tenant, token = request.workspace, request.token
    return {
        "id": tenant.pk,
        "name": tenant.name,
        "slug": tenant.slug,
        "url": workspace_urls.absolute(f"/w/{tenant.slug}/"),
        "country": tenant.country,
        "time_zone": tenant.time_zone,
        "max_upload_bytes": tenant.max_upload_bytes,
        "max_rows": tenant.max_rows,
        "max_columns": tenant.max_columns,
        "token": token.name,
        "scopes": [scope for scope in token.scopes if may(request, scope)],
        "expires_at": token.expires_at,
    }
