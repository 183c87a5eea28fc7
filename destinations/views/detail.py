"""One data sync: who is sent and who is not, ten contacts as the destination gets them, runs, and what is set."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from audiences import contact_lists
from core.formatting import number, percent
from core.http import render_page, stop_polling
from core.outcome_bar import Part
from core.parse import parse_id
from destinations import connections, eligibility, kinds, review, syncs
from destinations.models import Destination, Sync, SyncRun, SyncState
from destinations.normal_forms import Identifier, Person
from imports import csv_output
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

PAGE, REQUESTS = 20, 50
ICONS = {"E-mail": "mail", "Phone": "phone", "Name and address": "id-card", "External ID": "hash"}
# By which kinds of identifiers a network knows what the review counts.
SENT_AS = {
    "E-mail": {"email"}, "Phone": {"phone"}, "Name and address": {"address", "first_name"},
    "External ID": {"external_id"},
}  # fmt: skip
# Somebody of whom everything is known: tells what a kind sends at all.
COMPLETE = Person(
    0,
    "anna@example.com",
    "+46701740605",
    "C-1",
    "Anna",
    "Berg",
    "SE",
    "111 22",
    "Malmö",
    "Skåne",
    "1990-05-31",
    "female",
)
LABELS = {
    "email": "E-mail", "phone": "Phone", "address": "Name and address", "external_id": "External ID",
    "first_name": "First name", "last_name": "Last name", "city": "City", "region": "Region",
    "postal_code": "Postal code", "country": "Country", "gender": "Gender", "birth_year": "Year of birth",
    "birth_month": "Month of birth", "birth_day": "Day of birth",
}  # fmt: skip
# Reasons of destinations.eligibility that are one figure.
ADS = {"never_asked": "never asked", "refused": "refused", "address": "refused for the same address"}
# Tones of the parts of a list: sent, and not.
SENT, LEFT_OUT = "ok", "skip"


def found(sync_id: int, *, lock: bool = False) -> tuple[Sync, Destination]:
    """A sync that is not deleted, and its destination, else a 404."""
    present = syncs.present()
    sync: Sync = get_object_or_404(present.select_for_update() if lock else present, pk=sync_id)
    return sync, Destination.objects.get(pk=sync.destination_id)


@allow("syncs.view")
@require_safe
def detail(request: WorkspaceRequest, sync_id: int) -> HttpResponse:
    sync, destination = found(sync_id)
    summary, form = syncs.summary(sync), kinds.form(destination.kind)
    now = timezone.now()
    expires = destination.expires_at
    return render_page(
        request,
        "destinations/detail.html",
        {
            "sync": sync,
            "destination": destination,
            "kind": kinds.of(destination.kind),
            "summary": summary,
            "list_label": contact_lists.KINDS[sync.list_kind],
            "target": [(field.label, sync.settings.get(field.key, "")) for field in form.TARGET if not field.secret],
            "expires_soon": expires is not None and expires < now + connections.WARN_BEFORE,
            "log": audit.about(f"sync {sync.pk}", count=20) if request.membership.may("audit.view") else [],
            **_runs(request, sync),
        },
    )


@allow("syncs.view")
@require_safe
def live(request: WorkspaceRequest, sync_id: int) -> HttpResponse:
    """The runs, which ask again while one is under way."""
    sync, _destination = found(sync_id)
    context = _runs(request, sync)
    response = render_page(request, "destinations/_runs.html", context)
    return response if context["busy"] else stop_polling(response)


def _runs(request: WorkspaceRequest, sync: Sync) -> dict[str, Any]:
    before = parse_id(request.GET.get("before", ""))
    page = syncs.runs(sync, before=before, count=PAGE + 1)
    more, page = len(page) > PAGE, page[:PAGE]
    url = reverse("destinations:sync", args=[sync.pk])
    return {
        "sync": sync,
        "runs": page,
        "older_url": f"{url}?before={page[-1].pk}" if more else None,
        "newer_url": url if before is not None else None,
        "busy": before is None and any(run.state in SyncRun.ACTIVE for run in page),
    }


@allow("syncs.view")
@require_safe
def review_of(request: WorkspaceRequest, sync_id: int) -> HttpResponse:
    """Who would be sent, by figures, and ten of them as the destination gets them: counted now, for the page to load."""
    sync, destination = found(sync_id)
    if sync.state == SyncState.REMOVING:
        return HttpResponse(headers={"HX-Reswap": "delete"})
    return render_page(request, "destinations/_review.html", _review(request, sync, destination))


def _review(request: WorkspaceRequest, sync: Sync, destination: Destination) -> dict[str, Any]:
    after = parse_id(request.GET.get("after", "")) or 0
    figures, kind = review.of(sync, destination, after=after), kinds.of(destination.kind)
    kinds_sent = {one.kind for one in kinds.normalizer(destination.kind)(COMPLETE)}
    url = reverse("destinations:review", args=[sync.pk])
    return {
        "sync": sync,
        "kind": kind,
        "counted_at": timezone.now(),
        "parts": [
            Part(SENT, "Are sent", figures.sent, percent(figures.sent, figures.size), ""),
            *_left_out(figures.left_out),
        ],
        "total": figures.size,
        "sent": figures.sent,
        "identifiers": [
            {
                "label": label,
                "count": count,
                "icon": ICONS.get(label, "circle"),
                "sent": bool(SENT_AS[label] & kinds_sent),
            }
            for label, count in figures.have
            if label in SENT_AS
        ],
        "samples": [_sample(sample, kind) for sample in figures.samples],
        "hashes": kind.advertises,
        "addresses": "address" in kind.keys,
        "others_url": f"{url}?after={figures.samples[-1].contact_id}"
        if len(figures.samples) == review.SAMPLE
        else None,
        "first_url": url if after else "",
        "csv_url": f"{reverse('destinations:samples_csv', args=[sync.pk])}?after={after}",
    }


def _left_out(counted: Sequence[tuple[str, str, int]]) -> list[Part]:
    """Why contacts are not sent, as parts of the whole; all that is about ads consent as one."""
    others = [(key, label, count) for key, label, count in counted if key not in ADS]
    parts = [Part(LEFT_OUT, label, count, eligibility.NOTES.get(key, ""), "") for key, label, count in others]
    ads = {key: count for key, _label, count in counted if key in ADS}
    if ads:
        note = ", ".join(f"{ADS[key]} {number(count)}" for key, count in ads.items())
        parts.insert(0, Part(LEFT_OUT, "No ads consent", sum(ads.values()), note, ""))
    return parts


def _sample(sample: review.Sample, kind: kinds.Kind) -> dict[str, Any]:
    """A contact with the identifiers that find it, and the others, which narrow it down."""
    shown = [(one.kind in kind.keys, _shown(one)) for one in sample.identifiers]
    finds, others = [one for key, one in shown if key], [one for key, one in shown if not key]
    return {"sample": sample, "identifiers": finds or others, "others": others if finds else []}


def _shown(one: Identifier) -> dict[str, str]:
    """An identifier as the table shows it: hashes are shortened."""
    short = one.sent if len(one.sent) != 64 or one.sent == one.normal else f"{one.sent[:12]}…{one.sent[-6:]}"
    if one.kind == "address":
        short = " ".join(f"{part[:6]}…" if len(part) == 64 else part for part in one.sent.split(" "))
    return {"label": LABELS.get(one.kind, one.kind), "value": one.value, "normal": one.normal, "short": short}


@allow("contacts.export")
@require_POST
def samples_csv(request: WorkspaceRequest, sync_id: int) -> HttpResponseBase:
    """The ten contacts of the review with hashes in full. A POST, because the audit log tells who has taken them."""
    sync, destination = found(sync_id)
    samples = review.samples(sync, destination, after=parse_id(request.GET.get("after", "")) or 0)
    audit.record("sync.samples_exported", user_id=user_id(request), target=f"sync {sync.pk}", contacts=len(samples))
    lines = [csv_output.line(["Contact ID", "Identifier", "Value", "Normal form", "Sent"])]
    lines += [
        csv_output.line([str(sample.contact_id), LABELS.get(one.kind, one.kind), one.value, one.normal, one.sent])
        for sample in samples
        for one in sample.identifiers
    ]
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="data-sync-{sync.pk}-ten.csv"'
    return response


@allow("syncs.view")
@require_safe
def run_detail(request: WorkspaceRequest, sync_id: int, run_id: int) -> HttpResponse:
    """One run: its figures, why contacts were not sent, and its requests."""
    sync, destination = found(sync_id)
    run: SyncRun = get_object_or_404(SyncRun, pk=run_id, sync_id=sync.pk)
    after = parse_id(request.GET.get("after", "")) or 0
    page = syncs.batches_of(run, after=after, count=REQUESTS + 1)
    more, page = len(page) > REQUESTS, page[:REQUESTS]
    url = reverse("destinations:run_detail", args=[sync.pk, run.pk])
    here = "this workspace"
    return render_page(
        request,
        "destinations/run.html",
        {
            "sync": sync,
            "run": run,
            "stats": [
                {"label": "Processed", "figure": number(run.processed), "note": "contacts of the list"},
                {"label": "Added", "figure": number(run.added)},
                {"label": "Changed", "figure": number(run.changed), "note": "with other identifiers"},
                {"label": "Removed", "figure": number(run.removed)},
                {"label": "Rejected", "figure": number(run.rejections), "note": f"by {destination.name}"},
            ],
            "reasons": [
                *((eligibility.REASONS.get(key, key), here, count) for key, count in run.left_out.items() if count),
                *((reason, destination.name, count) for reason, count in run.rejected.items() if count),
            ],
            "batches": page,
            "older_url": f"{url}?after={page[-1].place}" if more else None,
            "newer_url": url if after else None,
        },
    )
