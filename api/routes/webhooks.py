"""Webhooks: made, changed, paused and deleted; what was sent to them, and sent again. The functions of their pages."""

from typing import Annotated, Any, Literal

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field

from api import cursors
from api.problems import Problem, answers
from api.schemas import Cursor, Id, Input, Limit, Moment, Output, Page, said
from api.scopes import Scope
from api.webhooks import deliveries, signatures, subscriptions
from api.webhooks.event_types import EVENT_TYPES
from api.webhooks.models import Delivery, DeliveryState, Webhook
from api.webhooks.subscriptions import BadWebhook
from tenants.web import workspace_urls

router = Router(tags=["Webhooks"])
EventName = Literal[tuple(EVENT_TYPES)]  # type: ignore[valid-type]
MANAGE = "settings.manage"

Address = Annotated[
    str, Field(min_length=1, max_length=500, description="https://…", examples=["https://shop.example.com/cdp"])
]
Events = Annotated[
    list[EventName],  # type: ignore[valid-type]
    Field(min_length=1, max_length=len(EVENT_TYPES), description="What it is told.", examples=[["import.ended"]]),
]
Segments = Annotated[
    list[Id], Field(max_length=500, description="Of events about segments: these only; empty: all.", examples=[[]])
]
Description = Annotated[str, Field(max_length=subscriptions.MAX_DESCRIPTION, examples=["Shop"])]


class WebhookOut(Output):
    """An address that is told what happens. Its secret is not in here."""

    id: Id
    url: Address
    page: str = Field(description="Its page.", examples=["https://cdp.example.com/w/nordvik/settings/webhooks/4/"])
    description: Description
    events: list[str] = Field(examples=[["import.ended"]])
    segments: list[Id] = Field(examples=[[]])
    enabled: bool
    disabled_reason: str = Field(examples=[""])
    failures: int = Field(description="One after the other.", examples=[0])
    paused_until: Moment | None = Field(description="After failures: until when nothing is sent.")
    last_success_at: Moment | None
    created_at: Moment


class NewWebhookOut(WebhookOut):
    """A webhook with its secret, which no other answer has."""

    secret: str | None = Field(
        description="What requests are signed with. Null in an answer that is repeated for its Idempotency-Key.",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )


def _shown(request: Any, webhook: Webhook) -> dict[str, Any]:
    slug = request.workspace.slug
    names = ("url", "description", "disabled_reason", "failures", "paused_until", "last_success_at", "created_at")
    return {
        "id": webhook.pk,
        "page": workspace_urls.absolute(workspace_urls.inside(slug, "webhooks:detail", webhook.pk)),
        "events": webhook.event_types,
        "segments": webhook.segment_ids,
        "enabled": webhook.is_enabled,
        **{name: getattr(webhook, name) for name in names},
    }


def _found(webhook_id: int, *, lock: bool = False) -> Webhook:
    webhook: Webhook = get_object_or_404(Webhook.objects.select_for_update() if lock else Webhook, pk=webhook_id)
    return webhook


def _with_secret(request: Any, webhook: Webhook) -> dict[str, Any]:
    """The answer that shows the secret; api.idempotency stores it without."""
    request.shown_once = signatures.secret_of(webhook)
    return {**_shown(request, webhook), "secret": request.shown_once}


@router.get("/webhooks", auth=Scope(MANAGE), response=Page[WebhookOut], summary="List webhooks")
@answers(422, "cursor_invalid")
def list_webhooks(request: Any, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Webhooks, the newest first."""
    found = Webhook.objects.order_by("-pk")
    if after := cursors.decode(cursor, int):
        found = found.filter(pk__lt=after[0])
    rows, following = cursors.page(found[: limit + 1], limit, "pk")
    return {"results": [_shown(request, webhook) for webhook in rows], "next": following}


@router.get("/webhooks/{int:webhook_id}", auth=Scope(MANAGE), response=WebhookOut, summary="Read a webhook")
def read_webhook(request: Any, webhook_id: int) -> dict[str, Any]:
    """A webhook, and whether it works."""
    return _shown(request, _found(webhook_id))


class WebhookBody(Input):
    """A new webhook."""

    url: Address
    events: Events
    segments: Segments = Field(default=[])
    description: Description = ""


class WebhookChange(Input):
    """What changes; what is not sent stays."""

    url: Address | None = None
    events: Events | None = None
    segments: Segments | None = None
    description: Description | None = None


@router.post("/webhooks", auth=Scope(MANAGE), response={201: NewWebhookOut}, summary="Create a webhook")
@answers(422, "webhook_invalid")
def create_webhook(request: Any, body: WebhookBody) -> Any:
    """A new webhook that is told what happens from now on. Its secret is in this answer alone."""
    try:
        webhook = subscriptions.create(
            body.url,
            event_types=body.events,
            segment_ids=body.segments,
            description=body.description,
            user=request.user,
        )
    except BadWebhook as problem:
        raise Problem(422, "webhook_invalid", str(problem)) from None
    return Status(201, _with_secret(request, webhook))


@router.patch("/webhooks/{int:webhook_id}", auth=Scope(MANAGE), response=WebhookOut, summary="Change a webhook")
@answers(422, "webhook_invalid")
def change_webhook(request: Any, webhook_id: int, body: WebhookChange) -> dict[str, Any]:
    """Another address, other events. What waits goes to the address as it is then."""
    webhook = _found(webhook_id, lock=True)

    def or_else(value: Any, before: Any) -> Any:
        return before if value is None else value

    try:
        subscriptions.change(
            webhook, or_else(body.url, webhook.url), event_types=or_else(body.events, webhook.event_types),
            segment_ids=or_else(body.segments, webhook.segment_ids),
            description=or_else(body.description, webhook.description), user=request.user,
        )  # fmt: skip
    except BadWebhook as problem:
        raise Problem(422, "webhook_invalid", str(problem)) from None
    return _shown(request, webhook)


@router.delete("/webhooks/{int:webhook_id}", auth=Scope(MANAGE), response=WebhookOut, summary="Delete a webhook")
def delete_webhook(request: Any, webhook_id: int) -> dict[str, Any]:
    """Remove a webhook with what was sent to it and what waits. It cannot be restored; `pause` keeps it."""
    webhook = _found(webhook_id, lock=True)
    said = _shown(request, webhook)
    subscriptions.delete(webhook, user=request.user)
    return said


@router.post("/webhooks/{int:webhook_id}/pause", auth=Scope(MANAGE), response=WebhookOut, summary="Pause a webhook")
def pause_webhook(request: Any, webhook_id: int) -> dict[str, Any]:
    """Send nothing until it is resumed. What happens in the meantime is sent then, as far as 30 days back."""
    webhook = _found(webhook_id, lock=True)
    if webhook.is_enabled:
        deliveries.disable(webhook, reason=f"Disabled by {request.user.display_name}.", user_id=request.user.pk)
    return _shown(request, webhook)


@router.post("/webhooks/{int:webhook_id}/resume", auth=Scope(MANAGE), response=WebhookOut, summary="Resume a webhook")
def resume_webhook(request: Any, webhook_id: int) -> dict[str, Any]:
    """Go on, also where it was disabled after failures."""
    webhook = _found(webhook_id, lock=True)
    if not webhook.is_enabled:
        deliveries.enable(webhook, user_id=request.user.pk)
    return _shown(request, webhook)


@router.post(
    "/webhooks/{int:webhook_id}/rotate", auth=Scope(MANAGE), response=NewWebhookOut, summary="Change the secret"
)
def rotate_webhook(request: Any, webhook_id: int) -> dict[str, Any]:
    """A new secret, in this answer alone. Requests are signed with the former one as well for a day."""
    webhook = _found(webhook_id, lock=True)
    subscriptions.rotate(webhook, user=request.user)
    return _with_secret(request, webhook)


class DeliveryOut(Output):
    """One request to a webhook, with its latest attempt."""

    id: Id
    message_id: str = Field(description="The same for every attempt.", examples=["msg_5f2b8c"])
    events: list[str] = Field(description="Types of what it tells.", examples=[["import.ended"]])
    state: DeliveryState = Field(examples=["sent"])
    attempts: int = Field(examples=[1])
    next_at: Moment | None = Field(description="Of one that waits: when it is tried next.")
    status: int | None = Field(description="HTTP status of the answer; null: none.", examples=[204])
    answer: str = Field(description="The beginning of the answer, or what went wrong.", examples=[""])
    seconds: float | None = Field(examples=[0.12])
    replay: bool = Field(description="Whether it is an earlier one, sent again.")
    created_at: Moment
    ended_at: Moment | None


def _delivery(one: Delivery) -> dict[str, Any]:
    names = ("message_id", "state", "attempts", "status", "answer", "seconds", "created_at", "ended_at")
    return {
        "id": one.pk,
        "events": sorted({event["type"] for event in one.events}),
        "next_at": one.next_at if one.state == DeliveryState.WAITING else None,
        "replay": one.is_replay,
        **{name: getattr(one, name) for name in names},
    }


@router.get(
    "/webhooks/{int:webhook_id}/deliveries", auth=Scope(MANAGE), response=Page[DeliveryOut], summary="List deliveries"
)
@answers(422, "cursor_invalid")
def list_deliveries(
    request: Any,
    webhook_id: int,
    state: Annotated[DeliveryState | None, said("Only deliveries in this state.")] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """What was sent to a webhook and what waits, the latest first."""
    found = Delivery.objects.filter(webhook_id=_found(webhook_id).pk).order_by("-pk")
    if state:
        found = found.filter(state=state)
    if after := cursors.decode(cursor, int):
        found = found.filter(pk__lt=after[0])
    rows, following = cursors.page(found[: limit + 1], limit, "pk")
    return {"results": [_delivery(one) for one in rows], "next": following}


@router.post(
    "/webhooks/{int:webhook_id}/deliveries/{int:delivery_id}/retry", auth=Scope(MANAGE), response={202: DeliveryOut},
    summary="Send a delivery again",
)  # fmt: skip
def retry_delivery(request: Any, webhook_id: int, delivery_id: int) -> Any:
    """Send it once more, under the ID that its receiver knows. 409 where the webhook is paused, or it still waits."""
    webhook = _found(webhook_id, lock=True)
    one = get_object_or_404(Delivery, pk=delivery_id, webhook_id=webhook.pk)
    if not webhook.is_enabled:
        raise Problem(409, "conflict", "The webhook is paused. Resume it first.")
    if one.state == DeliveryState.WAITING:
        raise Problem(409, "conflict", "This delivery is waiting: it is tried again without being asked.")
    return Status(202, _delivery(subscriptions.replay(one, webhook, user=request.user)))
