"""Pages of webhooks: the list, one of them with what was sent to it, and one delivery."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from api.webhooks import bodies, deliveries, signatures, subscriptions
from api.webhooks.event_types import EVENT_TYPES
from api.webhooks.models import Delivery, DeliveryState, Webhook
from api.webhooks.subscriptions import BadWebhook
from core import edit_conflicts
from core.http import invalid, redirect_to, render_page, stop_polling
from core.parse import parse_id
from segments.models import Segment
from tenants import audit
from tenants.models import User
from tenants.roles import allow
from tenants.views.settings import tabs
from tenants.web.request import WorkspaceRequest, user_id

PAGE = 50
EDIT = "api/webhook_edit.html"


def _person(request: WorkspaceRequest) -> User:
    user: Any = request.user
    found: User = user
    return found


def _found(webhook_id: int, *, lock: bool = False) -> Webhook:
    webhooks = Webhook.objects.select_for_update() if lock else Webhook.objects
    found: Webhook = get_object_or_404(webhooks, pk=webhook_id)
    return found


@allow("settings.manage")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    webhooks = list(Webhook.objects.order_by("-pk"))
    waiting = Count("pk", filter=Q(state=DeliveryState.WAITING))
    failed = Count("pk", filter=Q(state=DeliveryState.FAILED))
    counted = Delivery.objects.values("webhook_id").annotate(waiting=waiting, failed=failed).order_by()
    counts = {row["webhook_id"]: row for row in counted}
    context = {"rows": [(one, counts.get(one.pk, {})) for one in webhooks], "tabs": tabs("webhooks:list")}
    return render_page(request, "api/webhooks.html", context)


@allow("settings.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """The form of a new webhook; the secret is on the page to which it leads."""
    if request.method != "POST":
        return render_page(request, EDIT, _form(None, {"event_types": ["import.ended"]}))
    given = _given(request.POST)
    try:
        webhook = subscriptions.create(**given, user=_person(request))
    except BadWebhook as problem:
        return invalid(request, EDIT, _form(None, given, problem))
    return redirect_to(request, "webhooks:detail", webhook.pk)


@allow("settings.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: WorkspaceRequest, webhook_id: int) -> HttpResponse:
    webhook = _found(webhook_id, lock=request.method == "POST")
    if request.method != "POST":
        return render_page(request, EDIT, _form(webhook, vars(webhook)))
    given = _given(request.POST)
    if refused := edit_conflicts.sentence(request.POST, webhook, EDITED):
        messages.error(request, refused)
        return invalid(request, EDIT, _form(webhook, given))
    try:
        subscriptions.change(webhook, **given, user=_person(request))
    except BadWebhook as problem:
        return invalid(request, EDIT, _form(webhook, given, problem))
    messages.success(request, "Webhook saved.")
    return redirect_to(request, "webhooks:detail", webhook.pk)


EDITED = {"url": "Address", "description": "Description", "event_types": "Events", "segment_ids": "Segments"}


def _given(post: Any) -> dict[str, Any]:
    segments = [parse_id(text) for text in post.getlist("segment")]
    return {
        "url": post.get("url", "").strip(),
        "description": post.get("description", "").strip(),
        "event_types": post.getlist("event"),
        "segment_ids": [pk for pk in segments if pk is not None],
    }


def _form(webhook: Webhook | None, given: Mapping[str, Any], problem: BadWebhook | None = None) -> dict[str, Any]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, kind in EVENT_TYPES.items():
        groups.setdefault(kind.group, []).append((name, kind.label))
    return {
        "webhook": webhook,
        "seen": edit_conflicts.seen(webhook, EDITED) if webhook else "",
        "given": given,
        "groups": list(groups.items()),
        "segments": Segment.objects.present().order_by("name")[:500],
        "errors": {problem.field: str(problem)} if problem else {},
    }


@allow("settings.manage")
@require_safe
def detail(request: WorkspaceRequest, webhook_id: int) -> HttpResponse:
    webhook = _found(webhook_id)
    context = {
        "webhook": webhook,
        "events": [(name, EVENT_TYPES[name].label) for name in webhook.event_types],
        "segments": Segment.objects.filter(pk__in=webhook.segment_ids).order_by("name"),
        "secret": signatures.secret_of(webhook),
        "log": audit.about(f"webhook {webhook.pk}", count=10) if request.membership.may("audit.view") else [],
        **_deliveries(request, webhook),
    }
    return render_page(request, "api/webhook.html", context)


@allow("settings.manage")
@require_safe
def live(request: WorkspaceRequest, webhook_id: int) -> HttpResponse:
    """The fragment with the deliveries, which asks again while some are about to be sent."""
    context = _deliveries(request, _found(webhook_id)) | {"apart": True}
    response = render_page(request, "api/_deliveries.html", context)
    return response if context["busy"] else stop_polling(response)


def _deliveries(request: WorkspaceRequest, webhook: Webhook) -> dict[str, Any]:
    before, state = parse_id(request.GET.get("before", "")), request.GET.get("state", "")
    found = Delivery.objects.filter(webhook_id=webhook.pk)
    if state in DeliveryState.values:
        found = found.filter(state=state)
    if before is not None:
        found = found.filter(pk__lt=before)
    page = list(found.order_by("-pk")[: PAGE + 1])
    more, page = len(page) > PAGE, page[:PAGE]
    url = reverse("webhooks:detail", args=[webhook.pk])
    query = f"state={state}&" if state in DeliveryState.values else ""
    return {
        "webhook": webhook,
        "deliveries": page,
        "state": state,
        "states": DeliveryState.choices,
        "older_url": f"{url}?{query}before={page[-1].pk}" if more else None,
        "newer_url": f"{url}?{query}" if before is not None else None,
        "busy": before is None and any(one.state == DeliveryState.WAITING and not one.attempts for one in page),
    }


@allow("settings.manage")
@require_safe
def delivery(request: WorkspaceRequest, webhook_id: int, delivery_id: int) -> HttpResponse:
    """One request: what it says, and how it was answered."""
    webhook = _found(webhook_id)
    one = get_object_or_404(Delivery, pk=delivery_id, webhook_id=webhook.pk)
    body = json.loads(bodies.of(one.message_id, one.events))
    context = {"webhook": webhook, "delivery": one, "body": json.dumps(body, indent=2, ensure_ascii=False)}
    return render_page(request, "api/delivery.html", context)


@allow("settings.manage")
@require_POST
def replay(request: WorkspaceRequest, webhook_id: int, delivery_id: int) -> HttpResponse:
    webhook = _found(webhook_id)
    one = get_object_or_404(Delivery, pk=delivery_id, webhook_id=webhook.pk)
    subscriptions.replay(one, webhook, user=_person(request))
    messages.success(request, "The delivery is sent again, under the same ID.")
    return redirect_to(request, "webhooks:detail", webhook.pk)


@allow("settings.manage")
@require_POST
def ping(request: WorkspaceRequest, webhook_id: int) -> HttpResponse:
    """Send something that says nothing, to see whether it arrives."""
    deliveries.ping(_found(webhook_id))
    return redirect_to(request, "webhooks:detail", webhook_id)


@allow("settings.manage")
@require_POST
def rotate(request: WorkspaceRequest, webhook_id: int) -> HttpResponse:
    """A new secret. A second click, or a reload, finds the salt changed and does not make yet another."""
    webhook = _found(webhook_id, lock=True)
    if request.POST.get("salt", "") == webhook.salt[:8]:
        subscriptions.rotate(webhook, user=_person(request))
        messages.success(request, "The secret was changed. The former one is valid for one more day.")
    return redirect_to(request, "webhooks:detail", webhook.pk)


@allow("settings.manage")
@require_POST
def disable(request: WorkspaceRequest, webhook_id: int) -> HttpResponse:
    webhook = _found(webhook_id, lock=True)
    if webhook.is_enabled:
        reason = f"Disabled by {_person(request).display_name}."
        deliveries.disable(webhook, reason=reason, user_id=user_id(request))
    return redirect_to(request, "webhooks:detail", webhook.pk)


@allow("settings.manage")
@require_POST
def enable(request: WorkspaceRequest, webhook_id: int) -> HttpResponse:
    webhook = _found(webhook_id, lock=True)
    if not webhook.is_enabled:
        deliveries.enable(webhook, user_id=user_id(request))
        messages.success(request, "The webhook is enabled. What happened in the meantime is sent now.")
    return redirect_to(request, "webhooks:detail", webhook.pk)


@allow("settings.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: WorkspaceRequest, webhook_id: int) -> HttpResponse:
    """What would go with it, then the deletion."""
    webhook = _found(webhook_id, lock=request.method == "POST")
    if request.method != "POST":
        waiting = Delivery.objects.filter(webhook_id=webhook.pk, state=DeliveryState.WAITING).count()
        return render_page(request, "api/webhook_delete.html", {"webhook": webhook, "waiting": waiting})
    subscriptions.delete(webhook, user=_person(request))
    messages.success(request, "Webhook deleted.")
    return redirect_to(request, "webhooks:list")
