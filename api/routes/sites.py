"""Sites with the pixel, and signatures by which their pages say who a visitor is."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router
from pydantic import Field

from api import cursors
from api.problems import Problem, answers
from api.schemas import Cursor, Id, Input, Limit, Moment, Output, Page
from api.scopes import Scope
from contacts.values.columns import IDENTIFIERS
from tracking.models import Site
from tracking.pixel import signatures, site_secrets

router = Router(tags=["Sites"])


class SiteOut(Output):
    """A web site with the pixel."""

    id: Id
    name: str = Field(examples=["shop.example.com"])
    key: str = Field(description="The public key in its snippet.", examples=["1-0123456789abcdef"])
    hosts: list[str] = Field(description="Where its pages are; empty: anywhere.", examples=[["shop.example.com"]])
    last_hit_at: Moment | None = Field(description="Null: nothing has come yet.")
    signs: bool = Field(description="Whether its server has a secret to sign with.", examples=[True])
    created_at: Moment


def _site(site: Site) -> dict[str, Any]:
    names = ("name", "key", "last_hit_at", "created_at")
    return {
        "id": site.pk,
        "hosts": site.hosts.split(),
        "signs": bool(site.secret_salt),
        **{name: getattr(site, name) for name in names},
    }


@router.get("/sites", auth=Scope("sites.view"), response=Page[SiteOut], summary="List sites")
@answers(422, "cursor_invalid")
def list_sites(request: Any, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Sites, in the order in which they were added."""
    sites = Site.objects.order_by("pk")
    if after := cursors.decode(cursor, int):
        sites = sites.filter(pk__gt=after[0])
    rows, following = cursors.page(sites[: limit + 1], limit, "pk")
    return {"results": [_site(site) for site in rows], "next": following}


@router.get("/sites/{int:site_id}", auth=Scope("sites.view"), response=SiteOut, summary="Read a site")
def read_site(request: Any, site_id: int) -> dict[str, Any]:
    """A site."""
    return _site(get_object_or_404(Site, pk=site_id))


class IdentityBody(Input):
    """Who is signed in on a page: at least one identifier, exactly as the page will say it."""

    external_id: str | None = Field(default=None, min_length=1, max_length=300, examples=["C-1001"])
    email: str | None = Field(default=None, min_length=1, max_length=300, examples=["anna@example.com"])
    phone: str | None = Field(default=None, min_length=1, max_length=300, examples=[None])


class SignatureOut(Output):
    """What the page hands to the pixel."""

    identifiers: dict[str, str] = Field(
        description="First argument of `cdp.identify`.",
        examples=[{"external_id": "C-1001", "email": "anna@example.com"}],
    )
    signature: str = Field(description="Second argument of `cdp.identify`.", examples=["5f2d…"])


@router.post(
    "/sites/{int:site_id}/identify", auth=Scope("sites.manage"), response=SignatureOut, summary="Sign who a visitor is"
)
@answers(409, "conflict")
def sign_identity(request: Any, site_id: int, body: IdentityBody) -> dict[str, Any]:
    """Sign the identifiers of somebody who is signed in, for `cdp.identify(identifiers, signature)` on a page of the site:
    the pixel then believes them. 409 while the site has no secret; create one on its page. A server that has the secret can
    sign by itself, and can send hits of its own (docs/pixel.md)."""
    site = get_object_or_404(Site, pk=site_id)
    secrets = site_secrets.secrets_of(site, now=timezone.now())
    if not site.secret_salt or not secrets:
        raise Problem(409, "conflict", "This site has no secret. Create one on its page first.")
    given = {name: value.strip() for name in IDENTIFIERS if (value := getattr(body, name)) is not None}
    if not given or not all(given.values()):
        raise Problem(422, "parameters_invalid", "Send at least one identifier, and none that is empty.")
    try:
        return {"identifiers": given, "signature": signatures.sign_identity(given, secret=secrets[0])}
    except ValueError as problem:
        raise Problem(422, "parameters_invalid", str(problem)) from None
