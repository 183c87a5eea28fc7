"""The mapping page between upload and check: kept at every change, and come back to from the review."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from core.http import redirect_to, render_page
from imports.models import Import, Phase
from imports.views import mapping
from imports.wizard import drafts, upload
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest


@allow("imports.run")
@require_POST
def keep(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Save the page as it is, whether or not it could be checked so. A script gets what follows from the choices; a
    browser without one gets the page, with a word that it is kept."""
    imp = get_object_or_404(Import.objects.select_for_update(), pk=import_id)
    if imp.phase != Phase.DRAFT:
        return redirect_to(request, "imports:detail", imp.pk)
    guessed = drafts.keep(imp, request.POST, task=request.POST.get("take", ""))
    if not request.headers.get("HX-Request"):
        if "take" not in request.POST:
            messages.success(request, "Draft saved. You can leave this page and continue later.")
        return redirect_to(request, "imports:detail", imp.pk)
    kept: dict[str, Any] = drafts.form(imp)
    if guessed:
        context = mapping.context_of(imp, mapping.form_of(request, imp), kept)
    else:
        own = {key: attribute.type for key, attribute in upload.custom_attributes().items()}
        context = mapping.state(imp, kept, own)
    return render_page(request, "imports/_mapping_kept.html", context | {"guessed": guessed, "kept_at": timezone.now()})


@allow("imports.run")
@require_POST
def reopen(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Go back from the review to the mapping. A second click changes nothing."""
    imp = get_object_or_404(Import, pk=import_id)
    if upload.reopen(imp):
        audit.record("import.reopened", user_id=request.user.pk, target=f"import {imp.pk}")
        messages.success(request, "You can change the mapping now. All your choices are still there.")
    elif not imp.ended:
        messages.warning(request, "This import has already started, so its mapping cannot be changed.")
    return redirect_to(request, "imports:detail", imp.pk)
