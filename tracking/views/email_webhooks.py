"""The addresses to which e-mail providers post, and the page on which they are made."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import close_old_connections
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.http import redirect_to, render_page
from core.parse import parse_id
from tenants import audit
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tenants.roles import allow, public
from tenants.views.settings import tabs
from tenants.web.request import WorkspaceRequest
from tracking.email import webhooks
from tracking.email.webhooks import PROVIDERS, BadPost
from tracking.models import MailHook


@public
@csrf_exempt
@require_http_methods(["HEAD", "POST"])
def receive(request: WorkspaceRequest, key: str) -> HttpResponse:
    """What a provider posts. 404 for a key that is none, 413 for too much, 400 for what is not the provider's; else 200."""
    tenant_id = _tenant(key)
    if request.method == "HEAD":
        return HttpResponse()
    if (parse_id(request.META.get("CONTENT_LENGTH") or "") or 0) > webhooks.MAX_BYTES:
        return HttpResponse("too large", status=413, content_type="text/plain")
    close_old_connections()
    with tenant_context(tenant_id):
        hook = MailHook.objects.filter(key=key, archived_at=None).first()
        if hook is None:
            raise Http404
        try:
            if url := webhooks.confirmation(hook.provider, request.body):
                webhooks.ask_to_confirm(hook, url)
                return HttpResponse("to be confirmed by a person", content_type="text/plain")
            told = webhooks.tell(hook, webhooks.read(hook.provider, request))
        except BadPost as problem:
            return HttpResponse(f"not a post of {hook.provider}: {problem}", status=400, content_type="text/plain")
    return HttpResponse(
        f"{told.new} new, {told.known} known, {told.strangers} for unknown contacts", content_type="text/plain"
    )


def _tenant(key: str) -> int:
    number, _dash, secret = key.partition("-")
    try:
        tenant_id = int(number, 16)
    except ValueError:
        raise Http404 from None
    if len(secret) != 40 or len(number) > 15 or not Tenant.open.filter(pk=tenant_id).exists():
        raise Http404
    return tenant_id


@allow("settings.manage")
@require_safe
def hooks(request: WorkspaceRequest) -> HttpResponse:
    """Addresses of this workspace, with when they were last used."""
    base = settings.SITE_URL.rstrip("/")
    shown: dict[str, Any] = {
        "hooks": [(hook, PROVIDERS[hook.provider][0], f"{base}/hooks/{hook.key}/")
                  for hook in MailHook.objects.filter(archived_at=None).order_by("pk")],
        "providers": [(key, name) for key, (name, _path) in PROVIDERS.items()],
        "soft_bounces": request.workspace.soft_bounces,
        "soft_days": webhooks.SOFT_DAYS,
        "tabs": tabs("tracking:hooks"),
    }  # fmt: skip
    return render_page(request, "tracking/hooks.html", shown)


@allow("settings.manage")
@require_POST
def add_hook(request: WorkspaceRequest) -> HttpResponse:
    """A new address."""
    provider = request.POST.get("provider", "")
    if provider not in PROVIDERS:
        messages.warning(request, "Choose a provider.")
        return redirect_to(request, "tracking:hooks")
    made = webhooks.add(provider)
    audit.record("hook.added", user_id=request.user.pk, target=f"webhook {made.pk}", provider=provider)
    name = PROVIDERS[provider][0]
    messages.success(request, f"The URL for {name} is ready. Enter it there as the webhook for all events.")
    return redirect_to(request, "tracking:hooks")


@allow("settings.manage")
@require_POST
def set_soft_bounces(request: WorkspaceRequest) -> HttpResponse:
    """How many soft bounces in a row make a hard one."""
    wanted = parse_id(request.POST.get("soft_bounces", ""))
    if wanted is None or not 0 <= wanted <= MOST_SOFT:
        messages.warning(request, f"Enter a number from 0 (never) to {MOST_SOFT}.")
        return redirect_to(request, "tracking:hooks")
    workspace: Tenant = request.workspace
    before, workspace.soft_bounces = workspace.soft_bounces, wanted
    workspace.save(update_fields=["soft_bounces"])
    audit.record("hook.soft_bounces", user_id=request.user.pk, target="soft bounces", before=before, after=wanted)
    messages.success(request, "Soft bounce limit saved.")
    return redirect_to(request, "tracking:hooks")


MOST_SOFT = 20


@allow("settings.manage")
@require_POST
def remove_hook(request: WorkspaceRequest, hook_id: int) -> HttpResponse:
    """Posts to the address are refused from now on."""
    hook = get_object_or_404(MailHook, pk=hook_id, archived_at=None)
    hook.archive()
    audit.record("hook.removed", user_id=request.user.pk, target=f"webhook {hook.pk}", provider=hook.provider)
    messages.success(request, "URL revoked. Posts to it are now refused.")
    return redirect_to(request, "tracking:hooks")
