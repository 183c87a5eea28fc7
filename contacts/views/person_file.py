"""What the workspace knows about one person, as a file to hand out."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from contacts.models import Contact
from contacts.privacy import person_file
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id


@allow("contacts.disclose")
@require_POST
def download(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """The file, and an entry in the audit log that it was made."""
    contact = get_object_or_404(Contact, pk=contact_id)
    made = person_file.content(contact.pk)
    audit.record("contact.disclosed", user_id=user_id(request), target=f"contact {contact.pk}", contact=contact.pk)
    response = HttpResponse(made, content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="contact-{contact.pk}.json"'
    return response
