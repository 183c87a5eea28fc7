"""Static segments: the list, and who is in one."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_safe

from cdp.http import page
from contacts.models import Contact
from contacts.views.bulk import asked_for, begun, preview
from segments import membership
from segments.models import Member, Segment
from tenants.roles import allow

PAGE = 50


@allow("segments.view")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """All segments with their sizes."""
    segments = list(Segment.objects.order_by("name")[:500])
    sizes = dict(
        Member.objects.filter(segment_id__in=[s.pk for s in segments])
        .values("segment_id")
        .annotate(n=Count("contact_id"))
        .values_list("segment_id", "n")
    )
    return page(request, "segments/list.html", {"segments": [(s, sizes.get(s.pk, 0)) for s in segments]})


@allow("segments.view")
@require_safe
def detail(request: HttpRequest, segment_id: int) -> HttpResponse:
    """The members of a segment, in keyset pages."""
    segment = get_object_or_404(Segment, pk=segment_id)
    after = request.GET.get("after", "")
    members = Member.objects.filter(segment_id=segment.pk)
    if after.isascii() and after.isdigit() and len(after) < 18:
        members = members.filter(contact_id__gt=int(after))
    ids = list(members.order_by("contact_id").values_list("contact_id", flat=True)[: PAGE + 1])
    contacts = Contact.objects.living().filter(pk__in=ids[:PAGE]).order_by("pk")
    size = Member.objects.filter(segment_id=segment.pk).count()
    context = {
        "segment": segment,
        "contacts": contacts,
        "size": size,
        "older_url": f"?after={ids[PAGE - 1]}" if len(ids) > PAGE else None,
        "first_url": "?" if after else None,
    }
    return page(request, "segments/detail.html", context)


@allow("segments.view")
@require_safe
def of_contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """The fragment of a profile: the segments that a contact is in."""
    contact = get_object_or_404(Contact, pk=contact_id)
    ids = Member.objects.filter(contact_id=contact.pk).values_list("segment_id", flat=True)
    segments = Segment.objects.filter(pk__in=list(ids)).order_by("name")
    return page(request, "segments/_of_contact.html", {"segments": segments})


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Contacts that were selected into static segments, existing or new. GET: the preview."""
    posted = request.method == "POST"
    given = request.POST if posted else request.GET
    asked = asked_for(given)
    ids = [int(n) for n in given.getlist("segment") if n.isascii() and n.isdigit() and len(n) < 18]
    segments = list(Segment.objects.filter(pk__in=ids).values_list("pk", flat=True))
    name = given.get("name", "").replace("\x00", "").strip()[:120]
    if posted and (segments or name):
        new = [membership.named(name).pk] if name else []
        return begun(request, "segments", asked, segments=sorted({*segments, *new}))
    shown = {**preview("segments", asked), "segments": Segment.objects.order_by("name")[:500]}
    return page(request, "segments/add.html", shown, status=422 if posted else 200)
