"""Audiences made, changed, deleted, restored and forgotten, each together with the segment that holds its members."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from audiences import contact_lists, definition
from audiences.audience_form import AudienceForm, of_audience
from audiences.contact_lists import ContactList
from audiences.definition import Definition, DefinitionError
from audiences.models import Audience, Lookalike, Use
from segments import refresh
from segments.models import Purpose, Segment, SegmentState
from segments.removal import RESTORE_DAYS
from segments.rules import compiler, tree
from segments.rules.tree import RuleError
from tenants import audit

MOST_NAME = 120


class ChangedSince(ValueError):
    """Another member has changed the audience since the form was opened."""


def version_of(audience: Audience) -> str:
    """What tells a saved audience from what it was before."""
    said = [audience.name, audience.description, audience.use, audience.definition]
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def segment_of(audience: Audience) -> Segment:
    """The segment that holds the members of an audience."""
    segment: Segment = Segment.everything.get(pk=audience.segment_id)
    return segment


def create(form: AudienceForm, *, user_id: int | None, token: str = "") -> Audience | None:
    """A new audience; the same token again finds the first one. None where the form cannot be saved: it says why."""
    if (known := _sent_before(token)) is not None:
        return known
    rule = _checked(form)
    if rule is None:
        return None
    said = form.definition
    try:
        with transaction.atomic():
            segment = Segment.everything.create(
                name=form.name, rule=rule, purpose=Purpose.AUDIENCE, created_by_id=user_id,
                state=SegmentState.BUILDING,
            )  # fmt: skip
            audience: Audience = Audience.objects.create(
                name=form.name, description=form.description, use=form.use, definition=definition.plain(said),
                segment_id=segment.pk, created_by_id=user_id, token=token or None,
            )  # fmt: skip
            refresh.begin(segment, rule_changed=True)
    except IntegrityError:
        # A double click: the transaction of the first one has committed by now.
        if (known := _sent_before(token)) is not None:
            return known
        form.errors["name"] = _taken(form.name)
        return None
    audit.record(
        "audience.created", user_id=user_id, target=f"audience {audience.pk}", name=form.name,
        values={"definition": [None, sentence(said, form.use)]},
    )  # fmt: skip
    return audience


def change(audience: Audience, form: AudienceForm, *, seen: str, user_id: int | None) -> bool:
    """Give an audience what the form says; the caller has locked it. False where the form cannot be saved: it says why.
    Raises ChangedSince."""
    if seen != version_of(audience):
        raise ChangedSince(
            "A member changed this audience while you were editing it. Check your changes and save again to replace the "
            "other version."
        )
    if _is_made_of(audience.pk, form.definition.lists):
        form.errors["include"] = "A list here is a lookalike that is made from this audience. Choose another list."
    rule = _checked(form)
    if rule is None:
        return False
    segment = segment_of(audience)
    before = _described(audience)
    audience.name, audience.description, audience.use = form.name, form.description, form.use
    audience.definition, audience.changed_at = definition.plain(form.definition), timezone.now()
    after = _described(audience)
    try:
        with transaction.atomic():
            audience.save(update_fields=["name", "description", "use", "definition", "changed_at"])
            Segment.everything.filter(pk=segment.pk).update(name=form.name)
            if segment.rule != rule:
                segment.name, segment.rule = form.name, rule
                segment.save(update_fields=["rule"])
                refresh.begin(segment, rule_changed=True)
    except IntegrityError:
        form.errors["name"] = _taken(form.name)
        return False
    values = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if values:
        audit.record("audience.changed", user_id=user_id, target=f"audience {audience.pk}", values=values)
    return True


def copy_of(audience: Audience) -> AudienceForm:
    """A form with all that an audience has, under a name that none has."""
    form = of_audience(audience, definition.of_plain(audience.definition))
    for number in range(1, 1_000):
        name = f"{audience.name} (copy)" if number == 1 else f"{audience.name} (copy {number})"
        if not Audience.objects.filter(name=name, archived_at=None).exists():
            break
    form.name = name[:MOST_NAME]
    return form


def delete(audience: Audience, *, user_id: int | None) -> None:
    """Archive an audience; nobody keeps its members from now on. The caller has asked what uses it."""
    now = timezone.now()
    Audience.objects.filter(pk=audience.pk).update(archived_at=now)
    Segment.everything.filter(pk=audience.segment_id).update(archived_at=now)
    audit.record("audience.deleted", user_id=user_id, target=f"audience {audience.pk}", name=audience.name)
    refresh.watch()


def restore(audience: Audience, name: str, *, user_id: int | None) -> bool:
    """Make a deleted audience available again, under a name; it is built again. False when another one has that name."""
    try:
        with transaction.atomic():
            Audience.objects.filter(pk=audience.pk).update(archived_at=None, name=name)
            Segment.everything.filter(pk=audience.segment_id).update(archived_at=None, name=name)
    except IntegrityError:
        return False
    refresh.begin(segment_of(audience), rule_changed=True)
    audit.record("audience.restored", user_id=user_id, target=f"audience {audience.pk}", name=name)
    return True


def restorable_until(audience: Audience) -> datetime | None:
    """Until when a deleted audience can be restored."""
    return audience.archived_at + timedelta(days=RESTORE_DAYS) if audience.archived_at else None


def forget_deleted(*, now: datetime) -> int:
    """Delete audiences that can no longer be restored; their segments go by the job of segments. Returns how many."""
    return int(Audience.objects.filter(archived_at__lt=now - timedelta(days=RESTORE_DAYS)).delete()[0])


def sentence(said: Definition, use: str) -> str:
    """A definition in words."""
    names = contact_lists.names(said.lists)
    return "".join(piece.text for piece in definition.words(said, use, names))


def _checked(form: AudienceForm) -> dict[str, Any] | None:
    """The rule that the form means; None where it cannot be saved."""
    said = form.definition
    if not form.name or len(form.name) > MOST_NAME:
        form.errors["name"] = f"Enter a name of up to {MOST_NAME} characters."
    if form.use not in Use.values:
        form.errors["use"] = "Choose what the audience is for."
    for side in ("include", "exclude"):
        if any(row.pk is None for row in getattr(form, side)) and getattr(said, side):
            form.errors[side] = "Choose a list in each row, or remove the row."
    try:
        definition.check(said, contact_lists.names(said.lists))
        rule = definition.rule_of(said, form.use)
        tree.check_size(rule)
        compiler.compile_rule(rule, compiler.context())
    except DefinitionError as problem:
        form.errors.setdefault(problem.field, problem.why)
    except RuleError as problem:
        form.errors.setdefault("include", problem.why)
    return None if form.errors else tree.plain(rule)


def _is_made_of(audience_id: int, lists: Iterable[ContactList]) -> bool:
    """Whether one of the lists is a lookalike of the audience, or made of one over others: each refresh would move both."""
    waiting, seen = list(lists), set[ContactList]()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if one == ContactList("audience", audience_id):
            return True
        if one.kind == "lookalike":
            seeds = Lookalike.objects.filter(pk=one.pk).values_list("seed_kind", "seed_id")
            waiting += [ContactList(*seed) for seed in seeds]
        elif one.kind == "audience":
            for plain in Audience.objects.filter(pk=one.pk).values_list("definition", flat=True):
                waiting += definition.of_plain(plain).lists
    return False


def _described(audience: Audience) -> dict[str, Any]:
    said = definition.of_plain(audience.definition)
    return {
        "name": audience.name, "description": audience.description, "use": Use(audience.use).label,
        "definition": sentence(said, audience.use),
    }  # fmt: skip


def _taken(name: str) -> str:
    return f"The audience {name} already exists. Choose another name."


def _sent_before(token: str) -> Audience | None:
    """The audience that the same form has made."""
    audience: Audience | None = Audience.objects.filter(token=token).first() if token else None
    return audience
