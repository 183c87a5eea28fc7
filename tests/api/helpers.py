"""Programs that ask the API: a token of somebody, and calls with it."""

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from api import tokens
from api.models import ApiToken
from api.scopes import SCOPES
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, User
from tests.cast import Actor


@dataclass
class Program:
    """A program with a token."""

    workspace: Tenant
    token: ApiToken
    text: str
    user: User

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """The answer to a call below /api/v1/; a fault of ours is answered, not raised."""
        client = Client(raise_request_exception=False)
        headers = {"Authorization": f"Bearer {self.text}"} | kwargs.pop("headers", {})
        return client.generic(method, f"/api/v1/{path}", headers=headers, **kwargs)

    def get(self, path: str, **query: Any) -> Any:
        client = Client(raise_request_exception=False)
        return client.get(f"/api/v1/{path}", query, headers={"Authorization": f"Bearer {self.text}"})

    def post(self, path: str, data: Any = None, **headers: str) -> Any:
        """Send JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("POST", path, data=json.dumps(data), content_type="application/json", headers=named)

    def form(self, path: str, fields: dict[str, Any], **headers: str) -> Any:
        """Send a multipart form."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        client = Client(raise_request_exception=False)
        return client.post(f"/api/v1/{path}", fields, headers={"Authorization": f"Bearer {self.text}"} | named)


def program(actor: Actor, *scopes: str, name: str = "Sync") -> Program:
    """A program of a member; with all scopes that their role has unless some are named."""
    with tenant_context(actor.workspace.pk):
        from tenants.models import Membership

        role = Membership.objects.get(user=actor.user)
        wanted = scopes or [scope for scope in SCOPES if role.may(scope)]
        token, text = tokens.create(name, scopes=wanted, user=actor.user)
    return Program(actor.workspace, token, text, actor.user)


def problem(response: Any) -> tuple[int, str]:
    """(status, code) of an answer, which has to be a problem with all of its members."""
    assert response.headers["Content-Type"] == "application/problem+json", response.content[:300]
    said = response.json()
    assert said["status"] == response.status_code
    assert all(isinstance(said[name], str) and said[name] for name in ("type", "title", "detail", "code"))
    return response.status_code, said["code"]
