"""The queue of probable duplicates: groups with the reasons, and what a person says to them."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from contacts.duplicates import merge
from contacts.linkage import review, schedule
from contacts.linkage.review import GROUPS
from contacts.models import Decision, ProbableSearch
from contacts.views.duplicates import COMPARED, tabs
from contacts.views.merge import compared
from core.http import redirect_to, render_page
from core.parse import parse_id
from tenants.roles import allow
from tenants.web.request import safe_next, user_id

SAID = {
    Decision.NOT_SAME: "Marked as different people. They are shown again only if one of them changes.",
    Decision.LATER: "Postponed. You can find them under “Postponed”.",
    Decision.OPEN: "Moved back to “To decide”.",
}
VIEWS = {"": "To decide", "later": "Postponed", "not_same": "Different people"}


@allow("contacts.view")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Groups that wait for a decision, were put off, or are no duplicates; one of them open."""
    search = ProbableSearch.objects.select_related("created_by").order_by("-pk").first()
    if request.headers.get("HX-Target") == "probable-search":
        return render_page(request, "contacts/_probable_search.html", {"search": search})
    decision = request.GET.get("view", "") if request.GET.get("view", "") in VIEWS else ""
    groups = review.page(decision, after=request.GET.get("after", "")[:60])
    group_id = parse_id(request.GET.get("group", "")) or (groups[0].pk if groups else None)
    members = review.members(group_id) if group_id else []
    beside = 2 <= len(members) <= COMPARED
    following = review.neighbours(groups, group_id) if group_id else None
    here = _url(decision, group=str(group_id or ""), after=request.GET.get("after", ""))
    goes_on = _url(decision, group=str(following or ""), after=request.GET.get("after", ""))
    context = {
        **(compared(members, request.GET, f"{request.path}{goes_on}") if beside else {}),
        "compare": beside,
        "search": search,
        "view": decision,
        "views": [(label, _url(key), key == decision, review.count(key)) for key, label in VIEWS.items()],
        "groups": [(group, _url(decision, group=str(group.pk))) for group in groups[:GROUPS]],
        "group_id": group_id,
        "members": members,
        "judged": review.scored_pairs(group_id, members) if group_id else [],
        "most": merge.MAX_MERGED_CONTACTS,
        "tabs": tabs("probable"),
        "older_url": _url(decision, after=groups[GROUPS - 1].key) if len(groups) > GROUPS else None,
        "first_url": _url(decision) if request.GET.get("after") else None,
        "here": f"{request.path}{here}",
        "next": f"{request.path}{goes_on}",
    }
    return render_page(request, "contacts/probable.html", context)


def _url(view: str, **values: str) -> str:
    return f"?{urlencode({name: value for name, value in {'view': view, **values}.items() if value})}"


@allow("contacts.edit")
@require_POST
def search(request: HttpRequest) -> HttpResponse:
    """Start a search through all contacts; while one is under way, nothing more is started."""
    schedule.start(user_id=user_id(request))
    return redirect_to(request, "contacts:probable")


@allow("contacts.edit")
@require_POST
def decide(request: HttpRequest, group_id: int) -> HttpResponse:
    """Say that a group is not one person, put it off, or open it again."""
    decision = request.POST.get("decision", "")
    back = safe_next(request) or reverse("contacts:probable")
    if decision not in Decision.values:
        messages.warning(request, "Choose whether these contacts are the same person.")
        return redirect_to(request, back)
    if not schedule.decide(group_id, decision, user_id=user_id(request)):
        raise Http404
    messages.success(request, SAID[Decision(decision)])
    return redirect_to(request, back)
