"""The list of lookalikes, one of them with its proof, and the form of a new one."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_safe

from audiences import contact_lists
from audiences.contact_lists import ContactList
from audiences.lookalikes import form as forms
from audiences.lookalikes import people, proof, schedule, usage
from audiences.lookalikes.fields import everything as all_fields
from audiences.lookalikes.form import LookalikeForm
from audiences.models import Lookalike, LookalikeMember, LookalikeState
from core.http import invalid, redirect_to, render_page, stop_polling
from core.parse import parse_id
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

MOST = 200
# What is done of the work in each state, of so many parts.
PARTS = {LookalikeState.WAITING: 0, LookalikeState.COUNTING: 0, LookalikeState.TRAINING: 1, LookalikeState.SCORING: 2}


@allow("audiences.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All lookalikes."""
    return render_page(request, "audiences/lookalikes.html", _listed())


@allow("audiences.view")
@require_safe
def list_live(request: WorkspaceRequest) -> HttpResponse:
    """The fragment of the list that asks again while something is in progress."""
    context = _listed()
    response = render_page(request, "audiences/_lookalikes.html", context)
    return response if context["busy"] else stop_polling(response)


def _listed() -> dict[str, Any]:
    found = list(Lookalike.objects.filter(archived_at=None).select_related("created_by").order_by("-pk")[:MOST])
    seeds = contact_lists.names([people.seed_list(one) for one in found])
    rows = [
        {
            "lookalike": one, "seed": seeds.get(people.seed_list(one), ""), "chosen": proof.chosen(one),
            "uses": usage.uses(one.pk),
        }
        for one in found
    ]  # fmt: skip
    return {
        "rows": rows,
        "busy": any(one.active for one in found),
        "deleted": Lookalike.objects.exclude(archived_at=None).count(),
        "most": MOST,
    }


@allow("audiences.view")
@require_safe
def detail(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    """A lookalike: how well it works, what mattered, who is in it."""
    return render_page(request, "audiences/lookalike.html", _shown(_one(lookalike_id)))


@allow("audiences.view")
@require_safe
def live(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    """The fragment of the page that asks again while the lookalike is worked out."""
    lookalike = _one(lookalike_id)
    response = render_page(request, "audiences/_lookalike.html", _shown(lookalike))
    return response if lookalike.active else stop_polling(response)


def _one(lookalike_id: int) -> Lookalike:
    found: Lookalike = get_object_or_404(Lookalike.objects.select_related("created_by"), pk=lookalike_id)
    return found


def _shown(lookalike: Lookalike) -> dict[str, Any]:
    seed = people.seed_list(lookalike)
    name = contact_lists.names([seed]).get(seed, "")
    members = LookalikeMember.objects.filter(lookalike_id=lookalike.pk, place__lte=lookalike.size * 10).count()
    sizes = proof.sizes(lookalike)
    rest = int(lookalike.report.get("others", 0))
    return {
        "lookalike": lookalike,
        "seed_name": name,
        "seed_url": contact_lists.url_of(seed) if name else "",
        "seed_kind": contact_lists.KINDS.get(lookalike.seed_kind, lookalike.seed_kind).lower(),
        "moment": people.MOMENTS.get(lookalike.seed_moment, ""),
        "sizes": sizes,
        "chosen": proof.chosen(lookalike),
        "better": [size for size in sizes if size.passes],
        "chart": proof.curve(lookalike),
        "members": members,
        "report": lookalike.report,
        "uses": usage.uses(lookalike.pk),
        "never": [one.label for one in all_fields() if not one.allowed],
        "proved": bool(lookalike.report.get("lifts")),
        "done": PARTS.get(LookalikeState(lookalike.state), 3),
        "scored": LookalikeMember.objects.filter(lookalike_id=-lookalike.pk).count() if lookalike.active else 0,
        "rest": rest,
    }


@allow("audiences.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """A new lookalike, of a list that the address may name; the same token again finds the first one."""
    if request.method != "POST":
        form = _proposed(ContactList(request.GET.get("kind", ""), parse_id(request.GET.get("list", "")) or 0))
        return render_page(request, "audiences/lookalike_new.html", _form(form, token=uuid.uuid4().hex))
    form, token = LookalikeForm.read(request.POST), request.POST.get("token", "").replace("\x00", "")[:32]
    known = Lookalike.objects.filter(token=token).first() if token else None
    if known is not None:
        return redirect_to(request, "audiences:lookalike", known.pk)
    if form.errors:
        return invalid(request, "audiences/lookalike_new.html", _form(form, token=token))
    made = _created(form, token=token, by=user_id(request))
    if made is None:
        form.errors["name"] = forms.wrong_name(form.name) or "Choose another name."
        return invalid(request, "audiences/lookalike_new.html", _form(form, token=token))
    return redirect_to(request, "audiences:lookalike", made.pk)


def _proposed(seed: ContactList) -> LookalikeForm:
    if seed.kind not in forms.SEEDS or contact_lists.find(seed) is None:
        return LookalikeForm()
    name = f"Like {contact_lists.names([seed])[seed]}"[:120]
    return LookalikeForm(name=_free(name), seed=f"{seed.kind}:{seed.pk}")


def _free(name: str) -> str:
    """A name that no other lookalike has."""
    taken = set(Lookalike.objects.filter(archived_at=None, name__startswith=name[:110]).values_list("name", flat=True))
    numbered: Iterable[str] = (f"{name[:112]} {n}" for n in range(2, len(taken) + 3))
    return next(one for one in (name, *numbered) if one not in taken)


def _created(form: LookalikeForm, *, token: str, by: int | None) -> Lookalike | None:
    """The lookalike; the one of the same token where a second click has been faster; None where the name is taken."""
    try:
        with transaction.atomic():
            made: Lookalike = Lookalike.objects.create(**form.values(), created_by_id=by, token=token or None)
    except IntegrityError:
        return Lookalike.objects.filter(token=token).first() if token else None
    audit.record("lookalike.created", user_id=by, target=made.name, size=made.size)
    schedule.begin(made)
    return made


def _form(form: LookalikeForm, *, token: str) -> dict[str, Any]:
    return {
        "form": form,
        "token": token,
        "seeds": forms.seeds(),
        "sizes": forms.SIZES.items(),
        "moments": [(key, words, forms.MOMENT_HINTS[key]) for key, words in people.MOMENTS.items()],
        "never": [one.label for one in all_fields() if not one.allowed],
    }
