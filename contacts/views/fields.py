"""Settings of contacts: their fields, and what people can subscribe to."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.fields import custom_fields
from contacts.fields.custom_fields import BadField
from contacts.models import Attribute, Category
from contacts.subscriptions import categories
from contacts.subscriptions.categories import BadCategory
from contacts.values import vocabulary
from contacts.values.types import CUSTOM_TYPES
from core import edit_conflicts, places
from core.http import redirect_to, render_page
from tenants.roles import allow
from tenants.views.settings import tabs
from tenants.web.request import WorkspaceRequest, user_id


@allow("settings.manage")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All fields, those that were put away last."""
    return render_page(request, "contacts/fields.html", _shown(request))


def _shown(request: WorkspaceRequest, error: str = "") -> dict[str, Any]:
    q = request.GET.get("q", "").strip().lower()[:60]

    def wanted(fields: list[custom_fields.Field]) -> list[custom_fields.Field]:
        return [field for field in fields if q in field.label.lower() or q in field.key]

    return {
        "own": wanted(custom_fields.own()),
        "system": wanted(custom_fields.system()),
        "archived": wanted(custom_fields.own(archived=True)),
        "types": [(t.key, t.label) for t in CUSTOM_TYPES.values()],
        "given": request.POST,
        "q": q,
        "error": error,
        "tabs": tabs("contacts:fields"),
    }


@allow("settings.manage")
@require_POST
def add(request: WorkspaceRequest) -> HttpResponse:
    """A new field."""
    try:
        made = custom_fields.add(*_parts(request), user_id=user_id(request), **_more(request))
    except BadField as problem:
        return render_page(request, "contacts/fields.html", _shown(request, str(problem)), status=422)
    messages.success(request, f"Field {made.label} added. Its column name in files is {made.key}.")
    return redirect_to(request, "contacts:fields")


def _parts(request: WorkspaceRequest) -> tuple[str, str, str]:
    """Name, type and options as they were sent."""
    given = request.POST
    return given.get("label", ""), given.get("type", ""), given.get("options", "")


EDITED = {"label": "Name", "type": "Type", "options": "Options", "required": "Required", "region": "Country"}


def _more(request: WorkspaceRequest) -> dict[str, Any]:
    region = request.POST.get("region", "").strip().upper()
    return {"required": request.POST.get("required") == "1", "region": region}


@allow("settings.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def field(request: WorkspaceRequest, field_id: int) -> HttpResponse:
    """One field: name, type, options."""
    rows = Attribute.objects.filter(pk=field_id)
    row = (rows.select_for_update() if request.method == "POST" else rows).first()
    if row is None:
        raise Http404
    error = edit_conflicts.sentence(request.POST, row, EDITED) if request.method == "POST" else ""
    if request.method == "POST" and not error:
        try:
            _row, action = custom_fields.change(field_id, *_parts(request), user_id=user_id(request), **_more(request))
        except BadField as problem:
            error = str(problem)
        else:
            if action is not None:
                return redirect_to(request, "contacts:bulk_action", action.pk)
            messages.success(request, "Field saved.")
            return redirect_to(request, "contacts:fields")
    options = "\n".join(k if k == label else f"{k}: {label}" for k, label in row.options.items())
    shown = {
        "field": row,
        "seen": edit_conflicts.seen(row, EDITED),
        "label": request.POST.get("label", row.label),
        "type": request.POST.get("type", row.type),
        "options": request.POST.get("options", options),
        "required": request.POST.get("required") == "1" if request.method == "POST" else row.required,
        "region": request.POST.get("region", row.region),
        "types": [(t.key, t.label) for t in CUSTOM_TYPES.values()],
        "used": custom_fields.used(row.key),
        "countries": places.countries(vocabulary.COUNTRY_CODES),
        "workspace_country": places.country(request.workspace.country),
        "error": error,
    }
    return render_page(request, "contacts/field.html", shown, status=422 if error else 200)


@allow("settings.manage")
@require_POST
def archive(request: WorkspaceRequest, field_id: int) -> HttpResponse:
    """Archive a field, or with `back` restore it."""
    back = request.POST.get("back") == "1"
    try:
        row = custom_fields.archive(field_id, back=back, user_id=user_id(request))
    except Attribute.DoesNotExist:
        raise Http404 from None
    said = "restored." if back else "archived. Contacts keep its values, and you can restore it."
    messages.success(request, f"{row.label} {said}")
    return redirect_to(request, "contacts:fields")


@allow("settings.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def subscriptions(request: WorkspaceRequest) -> HttpResponse:
    """What people can subscribe to; POST adds one."""
    error = ""
    if request.method == "POST":
        try:
            made = categories.add(request.POST.get("name", ""), request.POST.get("about", ""), user_id=user_id(request))
        except BadCategory as problem:
            error = str(problem)
        else:
            messages.success(request, f"Category {made.name} added. Contacts can now subscribe to it.")
            return redirect_to(request, "contacts:categories")
    shown = {
        "categories": Category.objects.filter(archived_at=None).order_by("name"),
        "given": request.POST,
        "error": error,
        "tabs": tabs("contacts:categories"),
        "here": reverse("contacts:categories"),
    }
    return render_page(request, "contacts/categories.html", shown, status=422 if error else 200)


@allow("settings.manage")
@require_POST
def archive_category(request: WorkspaceRequest, category_id: int) -> HttpResponse:
    """Nobody can subscribe to it any more."""
    try:
        row = categories.archive(category_id, user_id=user_id(request))
    except Category.DoesNotExist:
        raise Http404 from None
    said = f"Category {row.name} archived. Contacts can no longer subscribe to it. Existing subscriptions stay."
    messages.success(request, said)
    return redirect_to(request, "contacts:categories")
