"""One value of a contact, changed where it stands."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from contacts.errors import NotAllowed
from contacts.models import Contact
from contacts.profile import edit
from contacts.profile.form import ContactForm, initial_values
from core import formatting
from core.http import redirect_to, render_page
from core.parse import parse_moment
from tenants.models import AuditEntry
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id


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
        entry = _save(form, contact, request.POST.get("seen", ""), user_id=user_id(request))
        editing_ = bool(form.errors)
    return _line(request, contact, form, key, entry=entry, edit=editing_)


def _save(form: ContactForm, contact: Contact, seen: str, *, user_id: int) -> AuditEntry | None:
    """Keep the value, or say at the form why it cannot be."""
    at = parse_moment(seen) or contact.created_at
    if not form.is_valid():
        return None
    try:
        return edit.change(contact.pk, form.cleaned_data, seen=at, user_id=user_id)
    except NotAllowed as problem:
        form.add_error(None, str(problem))
        return None


def _line(
    request: WorkspaceRequest, contact: Contact, form: ContactForm, key: str, *, entry: AuditEntry | None, edit: bool
) -> HttpResponse:
    contact.refresh_from_db()
    has = contact.attributes
    words = formatting.stored(has[key]) if key in has else initial_values(contact).get(key, "")
    context = {
        "contact": contact, "field": form[key], "value": words, "edit": edit, "entry": entry, "form": form,
        "seen": contact.changed_at.isoformat(),
        "back": f"{reverse('contacts:profile', args=[contact.pk])}?tab=attributes",
    }  # fmt: skip
    return render_page(request, "contacts/_value.html", context, status=422 if form.errors else 200)
