"""The pages on which people subscribe, confirm and unsubscribe themselves, and those on which the forms are made."""

from typing import Any

from django.contrib import messages
from django.db import close_old_connections
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from contacts import write_lock
from contacts.models import Category, Contact, SignupForm
from contacts.subscriptions import signup
from contacts.subscriptions.signup import KEY, InvalidLink, SignupRejected
from core.http import client_network, redirect_to, render_page
from tenants import audit
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tenants.roles import allow, public
from tenants.views.settings import tabs
from tenants.web import workspace_urls
from tenants.web.request import WorkspaceRequest, user_id


@public
@csrf_exempt  # embedded forms come from other sites, and nobody is signed in here
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The hosted form; an embedded one posts here too. Whoever fills it, the answer is the same."""
    tenant_id = signup.tenant_of(key)
    if tenant_id is None:
        raise Http404
    close_old_connections()
    with tenant_context(tenant_id):
        form = SignupForm.objects.filter(key=key, archived_at=None).first()
        if form is None:
            raise Http404
        shown = {
            "form": form,
            "workspace_name": Tenant.objects.get(pk=tenant_id).name,
            "seen": signup.seen_token(),
        }
        if request.method != "POST":
            return render_page(request, "contacts/subscribe.html", shown)
        return _submitted(request, form, shown)


def _submitted(request: WorkspaceRequest, form: SignupForm, shown: dict[str, Any]) -> HttpResponse:
    given = {
        name: request.POST.get(name, "").replace("\x00", "")[:320] for name in ("email", "name", "seen", "website")
    }
    embedded = request.POST.get("embedded") == "1"
    if signup.too_many("form", client_network(request), most=signup.PER_HOUR):
        error = "Too many forms were sent from your network in the last hour. Try again in an hour."
        return render_page(request, "contacts/subscribe.html", {**shown, "given": given, "error": error}, status=429)
    human = not given["website"] if embedded else signup.looks_human(given["seen"], given["website"])
    if request.POST.get("agree") != "on":
        error = "Tick the box to agree."
        return render_page(request, "contacts/subscribe.html", {**shown, "given": given, "error": error}, status=422)
    if human:
        try:
            signup.ask(form, email=given["email"], name=given["name"])
        except SignupRejected as problem:
            return render_page(
                request, "contacts/subscribe.html", {**shown, "given": given, "error": str(problem)}, status=422
            )
    return render_page(
        request, "contacts/subscribed.html", {**shown, "email": given["email"], "days": signup.CONFIRM_DAYS}
    )


@public
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: WorkspaceRequest, token: str) -> HttpResponse:
    """The link of the mail: a button, since mail scanners open links too; the press confirms."""
    try:
        signup_request = signup.read(token)
        with tenant_context(signup_request.tenant_id):
            form = SignupForm.objects.filter(pk=signup_request.form_id).first()
            shown = {"signup_request": signup_request, "form": form, "done": request.method == "POST"}
            if form is None:
                raise InvalidLink
            if request.method == "POST":
                _form, contact = signup.confirm(signup_request)
                shown["leave_url"] = workspace_urls.outside("unsubscribe", signup.leave_token(contact))
            return render_page(request, "contacts/confirm.html", shown)
    except InvalidLink:
        return render_page(request, "contacts/dead_link.html", {}, status=410)


@public
@csrf_exempt  # the one-click header of mails posts without a page
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: WorkspaceRequest, token: str) -> HttpResponse:
    """What somebody is subscribed to, and the way out of it; a one-click post (RFC 8058) means out of everything."""
    try:
        tenant_id, contact_id = signup.read_leave(token)
    except InvalidLink:
        return render_page(request, "contacts/dead_link.html", {}, status=410)
    with tenant_context(tenant_id):
        write_lock.lock()
        contact = Contact.objects.select_for_update().filter(pk=contact_id, deleted_at=None).first()
        if contact is None:
            return render_page(request, "contacts/dead_link.html", {}, status=410)
        done = False
        if request.method == "POST":
            some = request.POST.get("what") == "some"
            signup.leave(contact, keep=request.POST.getlist("keep") if some else None)
            done = True
        shown = {
            "contact": contact,
            "has": contact.attributes.get(KEY) or [],
            "about": dict(Category.objects.values_list("name", "about")),
            "done": done,
            "workspace_name": Tenant.objects.get(pk=tenant_id).name,
        }
        return render_page(request, "contacts/unsubscribe.html", shown)


@allow("settings.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def forms(request: WorkspaceRequest) -> HttpResponse:
    """The forms of the workspace; POST makes one."""
    given = {name: " ".join(request.POST.get(name, "").split())[:500] for name in ("title", "text", "wording")}
    error = ""
    if request.method == "POST":
        if given["title"] and given["wording"]:
            return _add(request, given)
        error = "Enter a title and the consent wording."
    workspace: Any = request.workspace
    signup_forms = SignupForm.objects.filter(archived_at=None).order_by("pk")
    shown = {
        "forms": [
            (form, workspace_urls.absolute(workspace_urls.outside("subscribe", form.key))) for form in signup_forms
        ],
        "categories": Category.objects.filter(archived_at=None).order_by("name"),
        "given": given,
        "usual": f"I want to receive e-mails from {workspace.name}. I can unsubscribe at any time.",
        "error": error,
        "tabs": tabs("contacts:signup_forms"),
    }
    return render_page(request, "contacts/signup_forms.html", shown, status=422 if error else 200)


def _add(request: WorkspaceRequest, given: dict[str, str]) -> HttpResponse:
    workspace: Any = request.workspace
    names = set(Category.objects.filter(archived_at=None).values_list("name", flat=True))
    made = SignupForm.objects.create(
        key=signup.new_key(workspace.pk), title=given["title"][:120], text=given["text"], wording=given["wording"],
        categories=[name for name in request.POST.getlist("categories") if name in names],
    )  # fmt: skip
    audit.record("form.added", user_id=user_id(request), target=f"form {made.pk}", title=made.title)
    messages.success(request, f"Form “{made.title}” added.")
    return redirect_to(request, "contacts:signup_forms")


@allow("settings.manage")
@require_POST
def archive_form(request: WorkspaceRequest, form_id: int) -> HttpResponse:
    """Nobody can subscribe by it any more; links that are under way still count."""
    form = get_object_or_404(SignupForm, pk=form_id, archived_at=None)
    form.archived_at = timezone.now()
    form.save(update_fields=["archived_at"])
    audit.record("form.archived", user_id=user_id(request), target=f"form {form.pk}", title=form.title)
    messages.success(request, f"Form “{form.title}” archived. It no longer accepts subscriptions.")
    return redirect_to(request, "contacts:signup_forms")
