"""A new contact, changing one, or one value in place: the same form, read by the rules of imports."""

from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from contacts.contact_limit import ContactsFull
from contacts.errors import NotAllowed
from contacts.listing import search_box
from contacts.models import Contact
from contacts.profile import edit as profile_edit
from contacts.profile.form import ContactForm, initial_values
from contacts.values.types import in_words
from core.http import invalid, redirect_to, render_page
from core.parse import parse_id, parse_moment
from tenants.models import AuditEntry
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, safe_next, user_id

LIKES = 5


@allow("contacts.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """Asks for everything about a person, and for the confirmation that the person agreed."""
    workspace: Any = request.workspace
    if request.method != "POST":
        return render_page(request, "contacts/edit.html", {"form": ContactForm(workspace=workspace)})
    form = ContactForm(request.POST, workspace=workspace)
    if form.is_valid():
        try:
            contact = profile_edit.create(form.cleaned_data, user_id=user_id(request))
        except NotAllowed as problem:
            form.add_error(None if isinstance(problem, ContactsFull) else "external_id", str(problem))
        else:
            messages.success(request, f"{contact.display_name} was added.")
            return redirect_to(request, "contacts:profile", contact.pk)
    return invalid(request, "contacts/edit.html", {"form": form})


@allow("contacts.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """Changes a contact, unless it has changed since the person saw it."""
    workspace: Any = request.workspace
    contact = get_object_or_404(Contact.objects.living(), pk=contact_id)
    back = safe_next(request) or reverse("contacts:profile", args=[contact.pk])
    shown = {"contact": contact, "back": back, "seen": contact.changed_at.isoformat()}
    if request.method != "POST":
        return render_page(
            request, "contacts/edit.html", {**shown, "form": ContactForm(workspace=workspace, contact=contact)}
        )
    form = ContactForm(request.POST, workspace=workspace, contact=contact)
    seen = parse_moment(request.POST.get("seen", ""))
    if form.is_valid() and seen is not None:
        try:
            entry = profile_edit.change(contact.pk, form.cleaned_data, seen=seen, user_id=user_id(request))
        except NotAllowed as problem:
            form.add_error(None, str(problem))
        else:
            _say(request, contact, entry, back)
            return redirect_to(request, back)
    return invalid(request, "contacts/edit.html", {**shown, "form": form})


def _say(request: WorkspaceRequest, contact: Contact, entry: Any, back: str) -> None:
    if entry is None:
        messages.info(request, "No changes to save.")
        return
    n = len(entry.detail["values"])
    way_back = f"{reverse('contacts:undo', args=[entry.pk])}?{urlencode({'next': back})}"
    messages.success(
        request, f"Saved {n} change{'s' if n != 1 else ''} to {contact.display_name}.", extra_tags=way_back
    )


@allow("contacts.edit")
@require_safe
def likes(request: WorkspaceRequest) -> HttpResponse:
    """Who may be the person that is being typed: with one of the identifiers, or by the weights of the last search."""
    workspace: Any = request.workspace
    form = ContactForm(request.GET, workspace=workspace)
    form.is_valid()
    typed = {key: value for key, value in form.cleaned_data.items() if value} if hasattr(form, "cleaned_data") else {}
    values = {key: value[0] if key in ("email", "phone") and isinstance(value, tuple) else value
              for key, value in typed.items()}  # fmt: skip
    but = request.GET.get("but", "")
    own = parse_id(but)
    same = search_box.same(values).exclude(pk=own)[:LIKES]
    similar = [(contact, "has the same e-mail, phone or external ID") for contact in same]
    # Loaded only here: comparing needs arrays, which cost thirty megabytes.
    likely = import_module("contacts.linkage.job").similar(values, but=own) if values else []
    known = Contact.objects.in_bulk([pk for pk, _probability in likely])
    seen = {contact.pk for contact, _why in similar}
    similar += [
        (known[pk], f"probably the same person, {p * 100:.0f} %") for pk, p in likely if pk in known and pk not in seen
    ]
    return render_page(request, "contacts/_likes.html", {"likes": similar[:LIKES]})


@allow("contacts.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def value(request: WorkspaceRequest, contact_id: int, key: str) -> HttpResponse:
    """The fragment of one line: GET: the value, with ?edit its form. POST: the value, changed, with the way back."""
    workspace: Any = request.workspace
    contact = get_object_or_404(Contact.objects.living(), pk=contact_id)
    given = (request.POST,) if request.method == "POST" else ()
    form = ContactForm(*given, workspace=workspace, contact=contact, only=key)
    if key not in form.fields:
        raise Http404
    if not request.headers.get("HX-Request"):
        return redirect_to(request, "contacts:edit", contact.pk)  # without script, all values are changed together
    editing_, entry = "edit" in request.GET, None
    if request.method == "POST":
        entry = _save_value(form, contact, request.POST.get("seen", ""), user_id=user_id(request))
        editing_ = bool(form.errors)
    return _value_line(request, contact, form, key, entry=entry, edit=editing_)


def _save_value(form: ContactForm, contact: Contact, seen: str, *, user_id: int) -> AuditEntry | None:
    """Keep the value, or say at the form why it cannot be."""
    at = parse_moment(seen) or contact.created_at
    if not form.is_valid():
        return None
    try:
        return profile_edit.change(contact.pk, form.cleaned_data, seen=at, user_id=user_id)
    except NotAllowed as problem:
        form.add_error(None, str(problem))
        return None


def _value_line(
    request: WorkspaceRequest, contact: Contact, form: ContactForm, key: str, *, entry: AuditEntry | None, edit: bool
) -> HttpResponse:
    contact.refresh_from_db()
    has = contact.attributes
    words = in_words(key, has[key]) if key in has else initial_values(contact).get(key, "")
    context = {
        "contact": contact, "field": form[key], "value": words, "edit": edit, "entry": entry, "form": form,
        "seen": contact.changed_at.isoformat(),
        "back": f"{reverse('contacts:profile', args=[contact.pk])}?tab=attributes",
    }  # fmt: skip
    return render_page(request, "contacts/_value.html", context, status=422 if form.errors else 200)
