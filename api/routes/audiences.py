"""Audiences: listed, counted before they are saved, made, changed, deleted and restored; their members."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field

from api import cursors
from api.problems import Problem, answers
from api.routes.contacts import shown
from api.routes.segments import MemberOut
from api.schemas import Cursor, Id, Input, Limit, Moment, Output, Page, said
from api.scopes import Scope, require
from audiences import address_refusals, audience_form, contact_lists, definition, funnel, lifecycle, usage
from audiences.audience_form import SIDES, AudienceForm, ListRow
from audiences.contact_lists import ContactList
from audiences.definition import CONDITIONS, PROPOSED, DefinitionError
from audiences.models import Audience, Use
from contacts.models import Contact
from segments import refresh
from segments.models import Member, Segment
from tenants.web import workspace_urls

router = Router(tags=["Audiences"])
Kind = Literal["source", "segment", "lookalike"]
ConditionKey = Literal[tuple(CONDITIONS)]  # type: ignore[valid-type]
WORDS = "Contacts in Newsletter, who agreed to ads and are not suppressed."


class ListBody(Input):
    """A list that an audience is made of."""

    kind: Kind = Field(examples=["segment"])
    id: Id


class ListOut(Output):
    """A list that an audience is made of."""

    kind: Kind = Field(examples=["segment"])
    id: Id
    name: str | None = Field(description="Null: it no longer exists.", examples=["Newsletter"])


Include = Annotated[
    list[ListBody],
    Field(
        max_length=definition.MOST_LISTS,
        description="Lists; a contact has to be in one of them at least.",
        examples=[[{"kind": "segment", "id": 17}]],
    ),
]
Exclude = Annotated[
    list[ListBody],
    Field(max_length=definition.MOST_LISTS, description="Lists whose contacts are not in it.", examples=[[]]),
]
Conditions = Annotated[
    list[ConditionKey],  # type: ignore[valid-type]
    Field(
        max_length=len(CONDITIONS),
        description="What all have to meet. Audiences for networks always have “ads”, all are free of those suppressed.",
        examples=[["ads"]],
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=lifecycle.MOST_NAME, examples=["Newsletter, ads"])]
Description = Annotated[str, Field(max_length=300, examples=["For the spring campaign"])]


class AudienceOut(Output):
    """A smart audience."""

    id: Id
    url: str = Field(description="Its page.", examples=["https://cdp.example.com/w/nordvik/audiences/12/"])
    name: Name
    description: Description
    use: Use = Field(description="What it is for.", examples=["google"])
    include: list[ListOut]
    exclude: list[ListOut]
    conditions: list[str] = Field(description="Those that hold, with those that always do.", examples=[["ads"]])
    words: str = Field(description="The definition as a sentence.", examples=[WORDS])
    size: int | None = Field(description="Members; null while they are first looked for.", examples=[1204])
    state: str = Field(description="ready, building, refreshing or failed.", examples=["ready"])
    refreshed_at: Moment | None = Field(description="When its members were last right.")
    version: str = Field(description="For PATCH: what you have read.", examples=["5f0c1a2b3c4d5e6f"])
    created_at: Moment
    changed_at: Moment
    archived_at: Moment | None = Field(description="When it was deleted; null: it was not.")


def shown_audiences(request: Any, audiences: Sequence[Audience]) -> list[dict[str, Any]]:
    """Rows as AudienceOut, with a few queries in all."""
    segments = Segment.everything.in_bulk([one.segment_id for one in audiences])
    definitions = {one.pk: definition.of_plain(one.definition) for one in audiences}
    names = contact_lists.names([of for one in definitions.values() for of in one.lists])
    facts = ("name", "description", "use", "created_at", "changed_at", "archived_at")
    return [
        {
            "id": one.pk,
            "url": workspace_urls.absolute(workspace_urls.inside(request.workspace.slug, "audiences:detail", one.pk)),
            **{name: getattr(one, name) for name in facts},
            **{side: _named(getattr(of, side), names) for side in SIDES},
            "conditions": [condition.key for condition in of.active(one.use)],
            "words": "".join(piece.text for piece in definition.words(of, one.use, names)),
            "size": segment.size if segment.refreshed_at else None,
            "state": segment.state,
            "refreshed_at": segment.refreshed_at,
            "version": lifecycle.version_of(one),
        }
        for one in audiences
        if (of := definitions[one.pk]) and (segment := segments[one.segment_id])
    ]


def _named(lists: Sequence[ContactList], names: Mapping[ContactList, str]) -> list[dict[str, Any]]:
    return [{"kind": of.kind, "id": of.pk, "name": names.get(of)} for of in lists]


def _one(request: Any, audience_id: int) -> dict[str, Any]:
    return shown_audiences(request, [Audience.objects.get(pk=audience_id)])[0]


def present(audience_id: int, *, lock: bool = False) -> Audience:
    """An audience that is not deleted. Raises Http404."""
    audiences = Audience.objects.filter(archived_at=None)
    found: Audience = get_object_or_404(audiences.select_for_update() if lock else audiences, pk=audience_id)
    return found


@router.get("/audiences", auth=Scope("audiences.view"), response=Page[AudienceOut], summary="List audiences")
@answers(422, "cursor_invalid")
def list_audiences(
    request: Any,
    use: Annotated[Use | None, said("Only audiences for this.")] = None,
    deleted: Annotated[bool, said("Those that were deleted, and can be restored, instead.")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Audiences, the newest first."""
    audiences = Audience.objects.filter(archived_at__isnull=not deleted).order_by("-pk")
    if use:
        audiences = audiences.filter(use=use)
    if after := cursors.decode(cursor, int):
        audiences = audiences.filter(pk__lt=after[0])
    rows, following = cursors.page(audiences[: limit + 1], limit, "pk")
    return {"results": shown_audiences(request, rows), "next": following}


@router.get(
    "/audiences/{int:audience_id}", auth=Scope("audiences.view"), response=AudienceOut, summary="Read an audience"
)
def read_audience(request: Any, audience_id: int) -> dict[str, Any]:
    """An audience with its definition, as JSON and in words; also one that was deleted and can be restored."""
    return shown_audiences(request, [get_object_or_404(Audience, pk=audience_id)])[0]


# --- counted ------------------------------------------------------------------------------------------------------------


class ReasonOut(Output):
    """Why contacts are excluded, or what is special about them."""

    reason: str = Field(examples=["never asked"])
    contacts: int = Field(examples=[120])


class StepOut(Output):
    """A step of the funnel: `remain` of it and `less` are together what the step before had."""

    key: str = Field(examples=["ads"])
    label: str = Field(examples=["Agreed to ads"])
    remain: int = Field(examples=[1204])
    less: int = Field(description="Excluded by this step.", examples=[120])
    reasons: list[ReasonOut]


class SizedList(ListOut):
    """A list with how many contacts it has now."""

    contacts: int = Field(examples=[1324])


class FunnelOut(Output):
    """How many contacts an audience has, and why the others are excluded."""

    size: int = Field(examples=[1204])
    words: str = Field(examples=[WORDS])
    steps: list[StepOut]
    sent: StepOut | None = Field(
        description="For ads: of the size, whom data syncs send. The others share an address with a contact that refused.",
    )
    lists: list[SizedList]
    enter: int = Field(description="Who would become a member.", examples=[1204])
    leave: int = Field(description="Who would no longer be one.", examples=[0])


def _funnel(of: definition.Definition, use: str, *, saved: int | None = None) -> dict[str, Any]:
    names = contact_lists.names(of.lists)
    permitted = address_refusals.permitted(of, use)
    found = funnel.of_cells(funnel.count(of, saved=saved), of, use, names=names, permitted=permitted)
    return {
        "size": found.size,
        "words": "".join(piece.text for piece in definition.words(of, use, names)),
        "steps": [_step(step) for step in found.steps],
        "sent": _step(found.sent) if found.sent else None,
        "lists": [{**row, "contacts": found.sizes.get(one, 0)} for row, one in zip(
            _named(of.lists, names), of.lists, strict=True
        )],
        "enter": found.enter,
        "leave": found.leave,
    }  # fmt: skip


def _step(step: funnel.Step) -> dict[str, Any]:
    reasons = [{"reason": reason, "contacts": contacts} for reason, contacts in step.reasons]
    return {"key": step.key, "label": step.label, "remain": step.remain, "less": step.less, "reasons": reasons}


class PreviewBody(Input):
    """An audience as it could be."""

    use: Use = Field(examples=["google"])
    include: Include = Field(min_length=1)
    exclude: Exclude = Field(default=[])
    conditions: Conditions | None = Field(default=None, description="Null: those that the use proposes.")


@router.post("/audiences/preview", auth=Scope("audiences.view"), response=FunnelOut, summary="Count an audience")
@answers(422, "definition_invalid")
def preview_audience(request: Any, body: PreviewBody) -> dict[str, Any]:
    """The size after each step, before anything is saved. Nothing is stored."""
    of = _form(body).definition
    try:
        definition.check(of, contact_lists.names(of.lists))
    except DefinitionError as problem:
        raise Problem(422, "definition_invalid", problem.why) from None
    return _funnel(of, body.use)


@router.get(
    "/audiences/{int:audience_id}/funnel", auth=Scope("audiences.view"), response=FunnelOut, summary="Count its steps"
)
def read_funnel(request: Any, audience_id: int) -> dict[str, Any]:
    """The size of a saved audience after each step, counted now."""
    audience = present(audience_id)
    return _funnel(definition.of_plain(audience.definition), audience.use, saved=audience.segment_id)


@router.get(
    "/audiences/{int:audience_id}/members", auth=Scope("audiences.view"), response=Page[MemberOut],
    summary="List members of an audience",
)  # fmt: skip
@answers(422, "cursor_invalid")
def list_audience_members(request: Any, audience_id: int, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """The living contacts that are in an audience, in the order of their IDs. Needs the scope contacts.view, too."""
    require(request, "contacts.view")
    members = Member.objects.filter(segment_id=present(audience_id).segment_id).order_by("contact_id")
    if after := cursors.decode(cursor, int):
        members = members.filter(contact_id__gt=after[0])
    page, following = cursors.page(members[: limit + 1], limit, "contact_id")
    contacts = Contact.objects.living().in_bulk([one.contact_id for one in page])
    rows = [
        {"added_at": one.added_at, "contact": shown(request, contacts[one.contact_id])}
        for one in page
        if one.contact_id in contacts
    ]
    return {"results": rows, "next": following}


# --- made and changed ---------------------------------------------------------------------------------------------------


class AudienceBody(PreviewBody):
    """A new audience."""

    name: Name
    description: Description = ""


class AudienceChange(Input):
    """What changes; what is not sent stays."""

    version: str | None = Field(
        default=None, max_length=32, description="As read: 409 where it has changed since.", examples=[None]
    )
    name: Name | None = None
    description: Description | None = None
    use: Use | None = Field(default=None, examples=["meta"])
    include: Include | None = Field(default=None, min_length=1)
    exclude: Exclude | None = None
    conditions: Conditions | None = None


def _form(body: Any, base: AudienceForm | None = None) -> AudienceForm:
    """The form that a body means: what it does not say is as in `base`."""
    form = base or AudienceForm(conditions=list(PROPOSED[body.use]))
    for name in ("name", "description", "use"):
        if (value := getattr(body, name, None)) is not None:
            setattr(form, name, " ".join(str(value).split()))
    for side in SIDES:
        if (lists := getattr(body, side)) is not None:
            setattr(form, side, [ListRow(one.kind, one.id) for one in lists])
    if body.conditions is not None:
        form.conditions = list(body.conditions)
    return form


def _refuse(form: AudienceForm) -> Problem:
    """What is wrong with a form that could not be saved: a name that is taken, or what it says."""
    sentence = " ".join(form.errors.values())
    if form.name and set(form.errors) == {"name"}:
        return Problem(409, "conflict", sentence)
    return Problem(422, "definition_invalid", sentence)


@router.post("/audiences", auth=Scope("audiences.edit"), response={201: AudienceOut}, summary="Create an audience")
@answers(422, "definition_invalid")
def create_audience(request: Any, body: AudienceBody) -> Any:
    """A new audience. Its members are found in the background, and follow every change from then on."""
    form = _form(body)
    made = lifecycle.create(form, user_id=request.user.pk)
    if made is None:
        raise _refuse(form)
    return Status(201, _one(request, made.pk))


@router.patch(
    "/audiences/{int:audience_id}", auth=Scope("audiences.edit"), response=AudienceOut, summary="Change an audience"
)
@answers(422, "definition_invalid")
def change_audience(request: Any, audience_id: int, body: AudienceChange) -> dict[str, Any]:
    """Other lists, conditions, another use or name. The members follow in the background."""
    audience = present(audience_id, lock=True)
    form = _form(body, audience_form.of_audience(audience, definition.of_plain(audience.definition)))
    try:
        seen = body.version or lifecycle.version_of(audience)
        if not lifecycle.change(audience, form, seen=seen, user_id=request.user.pk):
            raise _refuse(form)
    except lifecycle.ChangedSince as problem:
        raise Problem(409, "conflict", str(problem)) from None
    return _one(request, audience_id)


@router.delete(
    "/audiences/{int:audience_id}", auth=Scope("audiences.edit"), response=AudienceOut, summary="Delete an audience"
)
def delete_audience(request: Any, audience_id: int) -> dict[str, Any]:
    """Put an audience away; it can be restored for 30 days. 409 while something uses it."""
    audience = present(audience_id, lock=True)
    if users := usage.uses([audience.pk])[audience.pk]:
        named = ", ".join(f"{one.kind} {one.name}" for one in users[:5])
        raise Problem(409, "conflict", f"The audience is used by: {named}. Remove it there first.")
    lifecycle.delete(audience, user_id=request.user.pk)
    return _one(request, audience_id)


class AudienceRestore(Input):
    """How an audience comes back."""

    name: Name | None = Field(default=None, description="Null: its name.", examples=[None])


@router.post(
    "/audiences/{int:audience_id}/restore", auth=Scope("audiences.edit"), response=AudienceOut,
    summary="Restore an audience",
)  # fmt: skip
def restore_audience(request: Any, audience_id: int, body: AudienceRestore) -> dict[str, Any]:
    """Make a deleted audience available again, and build it. 409 where another one has its name by now; one that was not
    deleted is left alone."""
    audience = get_object_or_404(Audience.objects.select_for_update(), pk=audience_id)
    if audience.archived_at is not None:
        name = " ".join((body.name or audience.name).split())
        if not name:
            raise Problem(422, "definition_invalid", "Enter a name.")
        if not lifecycle.restore(audience, name, user_id=request.user.pk):
            raise Problem(409, "conflict", f"The audience {name} already exists. Choose another name.")
    return _one(request, audience_id)


@router.post(
    "/audiences/{int:audience_id}/refresh", auth=Scope("audiences.edit"), response=AudienceOut,
    summary="Compare an audience again",
)  # fmt: skip
def refresh_audience(request: Any, audience_id: int) -> dict[str, Any]:
    """Compare all contacts with the definition, in the background. Members follow changes without it."""
    refresh.begin(lifecycle.segment_of(present(audience_id)))
    return _one(request, audience_id)
