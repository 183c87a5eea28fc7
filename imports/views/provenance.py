"""The fragment that a profile shows beside its values: where each came from."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from contacts.models import Contact
from contacts.views.profile import facts
from core.http import render_page
from imports.results import provenance
from tenants.roles import allow


@allow("contacts.view")
@require_safe
def of_contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """All values of a contact with their origin: source, line, date."""
    contact = get_object_or_404(Contact, pk=contact_id)
    by_key, made = provenance.of_contact(contact.pk)
    rows = [fact | {"origin": by_key.get(fact["key"], made)} for fact in facts(contact)]
    return render_page(request, "imports/_origins.html", {"facts": rows, "contact": contact})
