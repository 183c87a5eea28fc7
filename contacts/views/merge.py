"""Comparing contacts side by side, making them one, and taking a merge apart."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from contacts.bulk import actions
from contacts.duplicates import merge as contact_merge
from contacts.duplicates import pair_list as pairs_of
from contacts.duplicates import survivorship
from contacts.duplicates.survivorship import RULES
from contacts.errors import NotAllowed
from contacts.models import Attribute, Contact, Merge
from contacts.privacy import data_providers
from contacts.values import channel_status
from contacts.values.columns import IDENTIFIERS
from contacts.values.types import CORE, SYSTEM
from core.http import redirect_to, render_page
from core.parse import parse_id, parse_ids
from tenants.roles import allow
from tenants.web.request import safe_next, user_id

_FIELD = "field."
# A list of pairs is a small file.
MAX_LIST = 1_000_000


@allow("contacts.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: HttpRequest) -> HttpResponse:
    """GET, or POST with `preview` or another rule to `take`: the contacts named by `id` side by side, as they would become
    one. POST: makes them one."""
    given = request.POST if request.method == "POST" else request.GET
    ids = parse_ids(given.getlist("id"))
    contacts = list(Contact.objects.living().filter(pk__in=ids[: contact_merge.MAX_MERGED_CONTACTS + 1]).order_by("pk"))
    back = safe_next(request) or reverse("contacts:duplicates")
    if request.method == "POST" and "take" not in given and given.get("preview") != "1":
        return _merge(request, ids, given, back)
    shown = compared(contacts, given, back) if contacts else {"compared": [], "back": back}
    fragment = request.headers.get("HX-Target") == "contacts-compare"
    return render_page(request, "contacts/_compare.html" if fragment else "contacts/merge.html", shown)


def _merge(request: HttpRequest, ids: Sequence[int], given: Mapping[str, str], back: str) -> HttpResponse:
    try:
        made = contact_merge.merge(ids, rule=_rule(given), chosen=_chosen(given), user_id=user_id(request))
    except Contact.DoesNotExist:
        raise Http404 from None
    except NotAllowed as problem:
        messages.warning(request, str(problem))
        return redirect_to(request, back)
    if made is None:
        messages.info(request, "These contacts are already merged.")
        return redirect_to(request, back)
    way_back = f"{reverse('contacts:unmerge', args=[made.pk])}?{urlencode({'next': back})}"
    n = len(made.losers) + 1
    messages.success(request, f"Merged {n} contacts into contact {made.contact_id}.", extra_tags=way_back)
    return redirect_to(request, back)


@allow("contacts.edit")
@require_POST
def unmerge(request: HttpRequest, merge_id: int) -> HttpResponse:
    """Take a merge apart."""
    back = safe_next(request) or reverse("contacts:merged")
    try:
        kept = contact_merge.undo(merge_id, user_id=user_id(request))
    except Merge.DoesNotExist:
        raise Http404 from None
    except NotAllowed as problem:
        messages.warning(request, str(problem))
    else:
        values = f"{kept} value{'s' if kept != 1 else ''}"
        stayed = f", except for {values} changed after the merge" if kept else ""
        messages.success(request, f"Merge undone{stayed}.")
    return redirect_to(request, back)


def compared(contacts: Sequence[Contact], given: Mapping[str, str], back: str) -> dict[str, Any]:
    """What the comparison of contacts shows."""
    rule, labels = _rule(given), _labels()
    fields = survivorship.fields(contacts, labels=labels, rule=rule, chosen=_chosen(given))
    stays = survivorship.survivor(contacts)
    return {
        "compared": contacts,
        "fields": fields,
        "differing": sum(f.differs for f in fields),
        "rule": rule,
        "rules": list(RULES.items()),
        "channels": [_channel(contacts, channel) for channel in channel_status.ORDERS],
        "stays": stays,
        "moves": data_providers.held([c.pk for c in contacts if c.pk != stays.pk]),
        "until": timezone.now() + timedelta(days=contact_merge.MERGE_UNDO_DAYS),
        "back": back,
        "identifiers": IDENTIFIERS,
    }


def _channel(contacts: Sequence[Contact], channel: str) -> dict[str, Any]:
    statuses = [getattr(c, f"{channel}_status") for c in contacts]
    return {
        "label": {"email": "E-mail status", "phone": "Phone status"}[channel],
        "statuses": statuses,
        "result": getattr(survivorship.strictest(contacts, channel), f"{channel}_status"),
        "differs": len(set(statuses)) > 1,
    }


def _labels() -> dict[str, str]:
    own = dict(Attribute.objects.values_list("key", "label"))
    return {**own, **{key: s.label for key, s in SYSTEM.items()}, **CORE}


def _rule(given: Mapping[str, str]) -> str:
    rule = given.get("take") or given.get("rule", "")
    return rule if rule in RULES else survivorship.RULE


def _chosen(given: Mapping[str, str]) -> dict[str, int]:
    """Key of a field → contact whose value somebody has chosen."""
    chosen = {name.removeprefix(_FIELD): given[name] for name in given if name.startswith(_FIELD)}
    return {key: number for key, n in chosen.items() if (number := parse_id(n)) is not None}


@allow("contacts.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def pairs(request: HttpRequest) -> HttpResponse:
    """Merging by a list of pairs: asks for it, shows what it would do, and with `confirm` begins."""
    given = request.POST
    kind = given.get("kind", "") if given.get("kind", "") in pairs_of.KINDS else "contact_id"
    shown: dict[str, Any] = {
        "kind": kind,
        "kinds": pairs_of.KINDS.items(),
        "rules": RULES.items(),
        "rule": _rule(given),
    }
    shown |= {
        "text": given.get("pairs", ""),
        "days": contact_merge.MERGE_UNDO_DAYS,
        "most": pairs_of.MOST,
        "token": secrets.token_hex(16),
    }
    if request.method != "POST":
        return render_page(request, "contacts/pairs.html", shown)
    upload = request.FILES.get("file")
    if upload is not None and not isinstance(upload, list):
        shown["text"] = upload.read(MAX_LIST).decode("utf-8-sig", errors="replace")
    result = pairs_of.read(shown["text"].replace("\x00", ""), kind)
    shown |= {"found": result, "problems": result.problems[:20], "more": max(0, len(result.problems) - 20)}
    if not result.pairs or given.get("confirm") != "1":
        return render_page(request, "contacts/pairs.html", shown, status=200 if result.pairs else 422)
    token = given.get("token", "")[:32] or None
    action = actions.begin("pairs", {}, user_id=user_id(request), token=token, pairs=result.pairs, rule=shown["rule"])
    return redirect_to(request, "contacts:bulk_action", action.pk)
