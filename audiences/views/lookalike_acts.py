"""What can be done with a lookalike: refresh, another size, rename, delete, restore, its members, its fields."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audiences.lookalikes import fields, proof, schedule, usage
from audiences.lookalikes import form as forms
from audiences.models import Lookalike, LookalikeField, LookalikeMember, LookalikeState
from contacts.models import Contact
from core.http import invalid, not_found, redirect_to, render_page
from core.parse import parse_id
from imports import csv_output
from tenants import audit
from tenants.isolation.context import current_tenant
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

PAGE, CSV_PAGE = 50, 2_000
BUSY = "The lookalike is being worked out this very moment. Nothing was changed. Try again in a minute."


def _locked(lookalike_id: int) -> tuple[Lookalike | None, bool]:
    """(the lookalike, locked; whether a worker has it now)."""
    present = Lookalike.objects.filter(pk=lookalike_id, archived_at=None)
    found = present.select_for_update(skip_locked=True).first()
    return found, found is None and present.exists()


def _busy(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    messages.warning(request, BUSY)
    return redirect_to(request, "audiences:lookalike", lookalike_id)


@allow("audiences.edit")
@require_POST
def start_refresh(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    """Count, learn and judge again now."""
    lookalike, busy = _locked(lookalike_id)
    if lookalike is None:
        return _busy(request, lookalike_id) if busy else not_found(request)
    schedule.begin(lookalike)
    return redirect_to(request, "audiences:lookalike", lookalike.pk)


@allow("audiences.edit")
@require_POST
def resize(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    """Choose another size, one that is better than chance. Where the former one was not, the work begins again."""
    lookalike, busy = _locked(lookalike_id)
    if lookalike is None:
        return _busy(request, lookalike_id) if busy else not_found(request)
    size = parse_id(request.POST.get("size", "")) or 0
    wanted = next((one for one in proof.sizes(lookalike) if one.percent == size), None)
    if wanted is None or not wanted.passes:
        messages.error(request, "This size is not better than chance. Nothing was changed.")
    elif size != lookalike.size:
        before, lookalike.size = lookalike.size, size
        lookalike.save(update_fields=["size"])
        audit.record("lookalike.resized", user_id=user_id(request), target=lookalike.name, before=before, after=size)
        schedule.tell()
        if lookalike.state == LookalikeState.REFUSED:
            schedule.begin(lookalike)
        else:
            messages.success(request, f"The lookalike now holds the closest {size} %.")
    return redirect_to(request, "audiences:lookalike", lookalike.pk)


@allow("audiences.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    """Change the name."""
    lookalike = get_object_or_404(Lookalike, pk=lookalike_id, archived_at=None)
    if request.method != "POST":
        return render_page(request, "audiences/lookalike_rename.html", {"lookalike": lookalike, "name": lookalike.name})
    name = forms.cleaned(request.POST.get("name", ""))
    if error := forms.wrong_name(name, but=lookalike.pk):
        context = {"lookalike": lookalike, "name": name, "error": error}
        return invalid(request, "audiences/lookalike_rename.html", context)
    locked, busy = _locked(lookalike_id)
    if locked is None:
        return _busy(request, lookalike_id) if busy else not_found(request)
    if name != locked.name:
        audit.record("lookalike.renamed", user_id=user_id(request), target=name, before=locked.name, after=name)
        locked.name = name
        locked.save(update_fields=["name"])
        messages.success(request, "Name saved.")
    return redirect_to(request, "audiences:lookalike", lookalike.pk)


@allow("audiences.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    """Delete a lookalike, after a confirmation; refused, with the reason, while something uses it."""
    lookalike = get_object_or_404(Lookalike, pk=lookalike_id, archived_at=None)
    users = usage.uses(lookalike.pk)
    if request.method != "POST" or users:
        status = 409 if request.method == "POST" else 200
        context = {"lookalike": lookalike, "uses": users, "days": schedule.RESTORE_DAYS, "members": _size(lookalike)}
        return render_page(request, "audiences/lookalike_delete.html", context, status=status)
    locked, busy = _locked(lookalike_id)
    if locked is None:
        return _busy(request, lookalike_id) if busy else not_found(request)
    locked.archived_at = timezone.now()
    locked.save(update_fields=["archived_at"])
    audit.record("lookalike.deleted", user_id=user_id(request), target=locked.name)
    messages.success(request, f"{locked.name} was deleted. You can restore it for {schedule.RESTORE_DAYS} days.")
    return redirect_to(request, "audiences:lookalikes")


def _size(lookalike: Lookalike) -> int:
    members = LookalikeMember.objects.filter(lookalike_id=lookalike.pk, place__lte=lookalike.size * 10)
    return int(members.count())


@allow("audiences.edit")
@require_safe
def deleted(request: WorkspaceRequest) -> HttpResponse:
    """Lookalikes that can be restored."""
    gone = Lookalike.objects.exclude(archived_at=None).order_by("-archived_at")[:200]
    return render_page(
        request, "audiences/lookalikes_deleted.html", {"lookalikes": gone, "days": schedule.RESTORE_DAYS}
    )


@allow("audiences.edit")
@require_POST
def restore(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    """Restore a lookalike; it is refreshed. Where its name was taken since, it gets a number."""
    gone = Lookalike.objects.filter(pk=lookalike_id).select_for_update(skip_locked=True).first()
    if gone is None:
        return not_found(request)
    if gone.archived_at is not None:
        name, n = gone.name, 2
        while forms.wrong_name(gone.name, but=gone.pk):
            gone.name, n = f"{name[:112]} {n}", n + 1
        gone.archived_at = None
        gone.save(update_fields=["archived_at", "name"])
        audit.record("lookalike.restored", user_id=user_id(request), target=gone.name)
        schedule.begin(gone)
        messages.success(request, f"{gone.name} was restored.")
    return redirect_to(request, "audiences:lookalike", gone.pk)


# --- members ------------------------------------------------------------------------------------------------------------


@allow("audiences.view")
@require_safe
def members(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    """Who is in a lookalike, the closest first, in keyset pages."""
    lookalike = get_object_or_404(Lookalike, pk=lookalike_id)
    place, _dot, contact = request.GET.get("after", "").partition(".")
    after = (parse_id(place) or 0, parse_id(contact) or 0)
    found = LookalikeMember.objects.filter(lookalike_id=lookalike.pk, place__lte=lookalike.size * 10)
    if after[0]:
        found = found.filter(Q(place=after[0], contact_id__gt=after[1]) | Q(place__gt=after[0]))
    page = list(found.order_by("place", "contact_id")[: PAGE + 1])
    contacts = Contact.objects.living().in_bulk([one.contact_id for one in page])
    last = page[PAGE - 1] if len(page) > PAGE else None
    return render_page(
        request,
        "audiences/lookalike_members.html",
        {
            "lookalike": lookalike,
            "chances": proof.tells_chances(lookalike),
            "least": proof.LEAST_FOR_CHANCES,
            "rows": [(one, contacts[one.contact_id]) for one in page[:PAGE] if one.contact_id in contacts],
            "members": _size(lookalike),
            "first_url": "?" if after[0] else None,
            "older_url": f"?after={last.place}.{last.contact_id}" if last else None,
        },
    )


HEADS = ("contact_id", "external_id", "email", "phone", "first_name", "last_name", "closest_percent", "chance")


@allow("contacts.export")
@require_POST
def download(request: WorkspaceRequest, lookalike_id: int) -> HttpResponseBase:
    """The contacts of a lookalike as CSV. A POST, because the audit log tells who has taken them."""
    lookalike = get_object_or_404(Lookalike, pk=lookalike_id)
    audit.record("lookalike.exported", user_id=user_id(request), target=lookalike.name)
    lines = csv_output.streamed(request.workspace.pk, _lines(lookalike))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="lookalike-{lookalike.pk}.csv"'
    return response


def _lines(lookalike: Lookalike) -> Iterator[str]:
    yield csv_output.line(HEADS)
    after, chances = 0, proof.tells_chances(lookalike)
    found = LookalikeMember.objects.filter(lookalike_id=lookalike.pk, place__lte=lookalike.size * 10)
    while page := list(found.filter(contact_id__gt=after).order_by("contact_id")[:CSV_PAGE]):
        after = page[-1].contact_id
        contacts = Contact.objects.living().in_bulk([one.contact_id for one in page])
        for one in page:
            if contact := contacts.get(one.contact_id):
                yield csv_output.line(_cells(one, contact, chances=chances))


def _cells(member: LookalikeMember, contact: Contact, *, chances: bool) -> list[str]:
    own = [contact.external_id, contact.email_display, contact.phone_display, contact.first_name, contact.last_name]
    return [
        str(contact.pk),
        *(value or "" for value in own),
        f"{member.place / 10:.1f}",
        f"{member.score:.4f}" if chances else "",
    ]


# --- fields -------------------------------------------------------------------------------------------------------------


@allow("audiences.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def choose_fields(request: WorkspaceRequest) -> HttpResponse:
    """Which fields the lookalikes of the workspace may use."""
    every = fields.everything()
    if request.method != "POST":
        return render_page(request, "audiences/lookalike_fields.html", {"fields": every})
    wanted = set(request.POST.getlist("field"))
    changed = {one.label: one.key in wanted for one in every if one.allowed != (one.key in wanted)}
    if changed:
        rows: list[Any] = [
            LookalikeField(tenant_id=current_tenant(), key=one.key, allowed=one.key in wanted)
            for one in every
            if one.label in changed
        ]
        LookalikeField.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["tenant_id", "key"], update_fields=["allowed"]
        )
        audit.record("lookalike.fields_changed", user_id=user_id(request), target="lookalikes", after=changed)
        messages.success(request, "Saved. Each lookalike follows at its next refresh.")
    return redirect_to(request, "audiences:lookalikes")
