"""Segments: listed, counted, made; members read and changed, with the way back."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field, model_validator

from api import cursors
from api.problems import Problem, answers, not_found
from api.routes.contacts import ContactOut, shown
from api.schemas import Cursor, Id, Input, Limit, Moment, Output, Page, said
from api.scopes import Scope, require
from contacts.models import Contact
from contacts.values.identifiers import normal_email
from segments import dynamic, member_edits, member_list, membership, segment_form
from segments.models import Member, Segment, SegmentEdit
from segments.rules import compiler, rule_counts, rule_form, rule_text, tree
from segments.rules.tree import Group, RuleError
from tenants.web import workspace_urls

router = Router(tags=["Segments"])
RULE = {"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Riga"]}]}
MOST = 5_000


class SegmentOut(Output):
    """A segment."""

    id: Id
    url: str = Field(description="Its page.", examples=["https://cdp.example.com/w/nordvik/segments/12/"])
    name: str = Field(examples=["Newsletter"])
    description: str = Field(examples=["Signed up in the shop"])
    kind: Literal["static", "dynamic"] = Field(description="Members are added, or follow from a rule.")
    size: int | None = Field(description="Members; null while a dynamic segment is being built.", examples=[1204])
    state: str = Field(description="ready, building, refreshing or failed.", examples=["ready"])
    refreshed_at: Moment | None = Field(description="Of a dynamic segment: when its members were last right.")
    created_at: Moment


class SegmentDetail(SegmentOut):
    """A segment with its rule."""

    rule: dict[str, Any] | None = Field(description="Null: static.", examples=[RULE])
    conditions: list[str] = Field(description="The rule in words.", examples=[["City is Riga"]])
    reason: str = Field(description="Why it failed, in words.", examples=[""])


def _segment(request: Any, segment: Segment, sizes: dict[int, int]) -> dict[str, Any]:
    static = segment.rule is None
    stored = static or segment.refreshed_at is not None
    return {
        "id": segment.pk,
        "url": workspace_urls.absolute(workspace_urls.inside(request.workspace.slug, "segments:detail", segment.pk)),
        "kind": "static" if static else "dynamic",
        "size": sizes.get(segment.pk, 0) if static else segment.size if stored else None,
        **{name: getattr(segment, name) for name in ("name", "description", "state", "refreshed_at", "created_at")},
    }


def _detail(request: Any, segment: Segment) -> dict[str, Any]:
    sizes = {segment.pk: member_list.size(segment)} if segment.rule is None else {}
    try:
        phrases = rule_text.phrases(tree.parse(segment.rule)) if segment.rule else []
    except RuleError as problem:
        phrases = [problem.why]
    return {**_segment(request, segment, sizes), "rule": segment.rule, "conditions": phrases, "reason": segment.reason}


@router.get("/segments", auth=Scope("segments.view"), response=Page[SegmentOut], summary="List segments")
@answers(422, "cursor_invalid")
def list_segments(
    request: Any,
    kind: Annotated[Literal["static", "dynamic"] | None, said("Only segments of this kind.")] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Segments, the newest first."""
    segments = Segment.objects.present().order_by("-pk")
    if kind:
        segments = segments.filter(rule__isnull=kind == "static")
    if after := cursors.decode(cursor, int):
        segments = segments.filter(pk__lt=after[0])
    rows, following = cursors.page(segments[: limit + 1], limit, "pk")
    sizes = member_edits.sizes([segment.pk for segment in rows if segment.rule is None])
    return {"results": [_segment(request, segment, sizes) for segment in rows], "next": following}


@router.get("/segments/{int:segment_id}", auth=Scope("segments.view"), response=SegmentDetail, summary="Read a segment")
def read_segment(request: Any, segment_id: int) -> dict[str, Any]:
    """A segment with its rule, as JSON and in words."""
    return _detail(request, get_object_or_404(Segment.objects.present(), pk=segment_id))


class MemberOut(Output):
    """A member of a segment."""

    added_at: Moment | None = Field(description="Null where it is not known.")
    contact: ContactOut


@router.get(
    "/segments/{int:segment_id}/members", auth=Scope("segments.view"), response=Page[MemberOut], summary="List members"
)
@answers(422, "cursor_invalid")
def list_members(request: Any, segment_id: int, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """The living contacts that are in a segment, in the order of their IDs. Needs the scope contacts.view, too."""
    require(request, "contacts.view")
    segment = get_object_or_404(Segment.objects.present(), pk=segment_id)
    members = membership.contacts(segment).order_by("pk")
    if after := cursors.decode(cursor, int):
        members = members.filter(pk__gt=after[0])
    contacts, following = cursors.page(members[: limit + 1], limit, "pk")
    of_segment = Member.objects.filter(segment_id=segment.pk, contact_id__in=[c.pk for c in contacts])
    times = dict(of_segment.values_list("contact_id", "added_at"))
    rows = [{"added_at": times.get(contact.pk), "contact": shown(request, contact)} for contact in contacts]
    return {"results": rows, "next": following}


# --- rules --------------------------------------------------------------------------------------------------------------


class RuleBody(Input):
    """A rule, as docs/rules.md has it."""

    rule: dict[str, Any] = Field(examples=[RULE])
    deleted: bool = Field(default=False, description="Count deleted contacts instead of living ones.")


class CountOut(Output):
    """How many contacts a rule means."""

    count: int = Field(examples=[1204])
    exact: bool = Field(description="Otherwise estimated from a sample.", examples=[True])
    conditions: list[str] = Field(description="The rule in words.", examples=[["City is Riga"]])


def read_rule(rule: dict[str, Any]) -> Group:
    """The rule of a body. Raises Problem 422."""
    try:
        read = tree.parse(rule)
        tree.check_size(read)
        if _is_empty(read):
            raise RuleError("Each group of a rule needs at least one condition.")
        compiler.compile_rule(read, compiler.context())
    except RuleError as problem:
        raise Problem(422, "rule_invalid", problem.why) from None
    return read


def _is_empty(group: Group) -> bool:
    """Whether a group, or one inside of it, says nothing: it would mean everybody."""
    return not group.parts or any(isinstance(part, Group) and _is_empty(part) for part in group.parts)


@router.post("/segments/count", auth=Scope("segments.view"), response=CountOut, summary="Count a rule")
@answers(422, "rule_invalid")
def count_rule(request: Any, body: RuleBody) -> dict[str, Any]:
    """How many contacts a rule means. Nothing is stored."""
    rule = read_rule(body.rule)
    form = rule_form.validate(rule_form.of_rule(rule), compiler.context())
    if form.rule is None or form.problem or not form.complete:
        raise Problem(422, "rule_invalid", form.problem)
    total = rule_counts.count(form, deleted=body.deleted, patient=True).total
    return {"count": total.number, "exact": not total.step, "conditions": rule_text.phrases(rule)}


class SegmentBody(Input):
    """A new segment: static, or with a rule dynamic."""

    name: str = Field(min_length=1, max_length=120, examples=["Newsletter"])
    description: str = Field(default="", max_length=300, examples=["Signed up in the shop"])
    rule: dict[str, Any] | None = Field(default=None, description="Null: a static segment.", examples=[None])


@router.post("/segments", auth=Scope("segments.edit"), response={201: SegmentDetail}, summary="Create a segment")
@answers(422, "rule_invalid")
def create_segment(request: Any, body: SegmentBody) -> Any:
    """A new segment. A static one has no members yet; those of a dynamic one are found in the background."""
    form = segment_form.SegmentForm.read({"name": body.name, "description": body.description})
    if form.errors:
        raise Problem(422, "parameters_invalid", " ".join(form.errors.values()))
    if body.rule is None:
        made = segment_form.make_static(form, user_id=request.user.pk)
        if made is None:
            raise Problem(409, "conflict", form.errors["name"])
        return Status(201, _detail(request, made))
    try:
        kept = dynamic.save_dynamic_segment(read_rule(body.rule), form.name, user_id=request.user.pk)
    except dynamic.BadSegment as problem:
        raise Problem(409, "conflict", str(problem)) from None
    if form.description and not segment_form.change(kept, form, user_id=request.user.pk):
        raise Problem(409, "conflict", form.errors["name"])
    return Status(201, _detail(request, Segment.objects.get(pk=kept.pk)))


# --- members ------------------------------------------------------------------------------------------------------------


class Contacts(Input):
    """Contacts by their IDs, or by an identifier of theirs; at least one. Those that are not known are told."""

    contacts: list[Id] = Field(default=[], max_length=MOST, description="Our IDs.", examples=[[17, 18]])
    external_ids: list[str] = Field(default=[], max_length=MOST, description="External IDs.", examples=[["C-1001"]])
    emails: list[str] = Field(
        default=[], max_length=MOST, description="E-mail addresses: all contacts that have one.", examples=[[]]
    )

    @model_validator(mode="after")
    def few(self) -> "Contacts":
        """Bounds them all together."""
        if len(self.contacts) + len(self.external_ids) + len(self.emails) > MOST:
            raise ValueError(f"Send at most {MOST:,} contacts at once.")
        return self


class EditOut(Output):
    """What a change of the members did."""

    edit_id: Id | None = Field(description="For `POST /segment-edits/{id}/undo`; null: nothing had to change.")
    added: int = Field(examples=[2])
    removed: int = Field(examples=[0])
    unknown: list[str | int] = Field(description="What names no living contact, at most 100.", examples=[[]])
    size: int = Field(description="Members now.", examples=[1206])


SHOWN_UNKNOWN = 100


def _found(body: Contacts) -> tuple[list[int], list[str | int]]:
    """(IDs of living contacts, what names none)."""
    living = Contact.objects.living()
    ids = set(living.filter(pk__in=body.contacts).values_list("pk", flat=True)) if body.contacts else set()
    unknown: list[str | int] = [pk for pk in body.contacts if pk not in ids]
    own = {text.strip(): text for text in body.external_ids}
    by_id = dict(living.filter(external_id__in=own).values_list("external_id", "pk")) if own else {}
    unknown += [text for key, text in own.items() if key not in by_id]
    typed = {normal_email(text.strip()) or "": text for text in body.emails}
    by_email = list(living.filter(email__in=set(typed) - {""}).values_list("email", "pk")) if typed else []
    unknown += [text for key, text in typed.items() if key not in {email for email, _pk in by_email}]
    return sorted({*ids, *by_id.values(), *(pk for _email, pk in by_email)}), unknown


def _edited(segment_id: int, edit: SegmentEdit, unknown: Sequence[str | int]) -> dict[str, Any]:
    return {
        "edit_id": edit.pk,
        "added": edit.entered,
        "removed": edit.departed,
        "unknown": list(unknown[:SHOWN_UNKNOWN]),
        "size": member_edits.sizes([segment_id]).get(segment_id, 0),
    }


def _static(segment_id: int) -> Segment:
    """The static segment, locked. Raises Problem 404, and 409 for a dynamic one."""
    segment = member_edits.lock(segment_id)
    if segment is None:
        if Segment.objects.dynamic().filter(pk=segment_id).exists():
            raise Problem(409, "conflict", "This is a dynamic segment. Its rule decides which contacts it contains.")
        raise not_found()
    return segment


@router.post("/segments/{int:segment_id}/members", auth=Scope("segments.edit"), response=EditOut, summary="Add members")
def add_members(request: Any, segment_id: int, body: Contacts) -> dict[str, Any]:
    """Add contacts to a static segment. It can be undone."""
    segment, (ids, unknown) = _static(segment_id), _found(body)
    return _edited(segment_id, member_edits.add(segment, ids, user_id=request.user.pk), unknown)


@router.post(
    "/segments/{int:segment_id}/members/remove", auth=Scope("segments.edit"), response=EditOut, summary="Remove members"
)
def remove_members(request: Any, segment_id: int, body: Contacts) -> dict[str, Any]:
    """Remove contacts from a static segment. It can be undone."""
    segment, (ids, unknown) = _static(segment_id), _found(body)
    return _edited(segment_id, member_edits.remove(segment, ids, user_id=request.user.pk), unknown)


class ReplaceBody(Contacts):
    """All members that a segment will have."""

    confirm: Literal["REPLACE"] = Field(
        description="The word REPLACE: contacts that are not listed leave the segment.", examples=["REPLACE"]
    )


@router.put(
    "/segments/{int:segment_id}/members", auth=Scope("segments.edit"), response=EditOut, summary="Replace all members"
)
def replace_members(request: Any, segment_id: int, body: ReplaceBody) -> dict[str, Any]:
    """Let a static segment contain these contacts and no others. It can be undone. For more than 5,000 members, upload a
    file on the page of the segment, or replace with the first and add the others."""
    segment, (ids, unknown) = _static(segment_id), _found(body)
    return _edited(segment_id, member_edits.replace(segment, ids, user_id=request.user.pk), unknown)


@router.post(
    "/segment-edits/{int:edit_id}/undo",
    auth=Scope("segments.edit"),
    response=EditOut,
    summary="Undo a change of members",
)
def undo_edit(request: Any, edit_id: int) -> dict[str, Any]:
    """Undo a change of the members: who was added leaves, who was removed returns. A second undo changes nothing."""
    edit = get_object_or_404(SegmentEdit, pk=edit_id)
    if member_edits.lock(edit.segment_id) is None:
        raise Problem(409, "conflict", "This segment was deleted. Restore it first.")
    edit.refresh_from_db()
    left, returned = member_edits.undo(edit, user_id=request.user.pk)
    size = member_edits.sizes([edit.segment_id]).get(edit.segment_id, 0)
    return {"edit_id": edit.pk, "added": returned, "removed": left, "unknown": [], "size": size}
