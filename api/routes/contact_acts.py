"""What is done to contacts: statuses, consent, deleting, restoring, merging, erasing; and the way back."""

from typing import Annotated, Any, Literal

from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Status
from pydantic import Field

from api import upserts
from api.problems import Problem, answers
from api.routes.contacts import ContactDetail, detailed
from api.routes.contacts import router as router
from api.schemas import Id, Input, Moment, Output, said
from api.scopes import Scope
from api.upserts import UpsertSettings
from contacts.bulk import actions
from contacts.consent import consent_records
from contacts.duplicates import merge, survivorship
from contacts.models import DELETION_REASONS, BulkAction, BulkState, Contact, EmailStatus, Merge, PhoneStatus
from contacts.privacy import erasure
from contacts.profile import edit as profile_edit
from contacts.profile import quick_actions
from contacts.profile import undo as profile_undo
from contacts.profile.quick_actions import QUICK_ACTIONS
from imports.direct_upsert import MAX_ITEMS
from tenants.models import AuditEntry

Reason = Literal[DELETION_REASONS]  # type: ignore[valid-type]
DeletionReason = Annotated[Reason, said("Why, as the page of the contact says it.")]


class ActOut(Output):
    """The contact after an act, and the number by which the act can be undone."""

    contact: ContactDetail
    undo: Id | None = Field(description="For `POST /undo/{id}`; null: nothing was written, or it cannot be undone.")


def acted(request: Any, contact_id: int, entry: AuditEntry | None) -> dict[str, Any]:
    """An act as ActOut."""
    contact = Contact.objects.get(pk=contact_id)
    return {"contact": detailed(request, contact), "undo": entry.pk if entry else None}


class StatusesBody(Input):
    """Statuses that channels get; a channel that is not sent keeps its own."""

    email: EmailStatus | None = Field(default=None, examples=["unsubscribed"])
    phone: PhoneStatus | None = Field(default=None, examples=["blacklisted"])
    milder: bool = Field(
        default=False, description="Whether a status may become milder than it is; needs the scope imports.revive."
    )


@router.put(
    "/contacts/{int:contact_id}/statuses",
    auth=Scope("contacts.edit"),
    response=ActOut,
    summary="Set statuses of channels",
)
@answers(403, "setting_not_permitted")
def set_statuses(request: Any, contact_id: int, body: StatusesBody) -> dict[str, Any]:
    """Set whether a contact may be written to, by the rules of imports: a status only becomes stricter, unless `milder` says
    otherwise. 409 where the contact's own status is stricter."""
    get_object_or_404(Contact.objects.living(), pk=contact_id)
    said = {f"{name}_status": value.value for name in ("email", "phone") if (value := getattr(body, name)) is not None}
    if not said:
        raise Problem(422, "parameters_invalid", "Send the status of at least one channel.")
    settings = UpsertSettings(mode="update_only", consent="file" if body.milder else "stricter")
    options = upserts.options_of(request, settings)
    (answer,) = upserts.run(request, [{"contact_id": contact_id, **said}], options).answers
    if answer.problems:
        raise Problem(409, "conflict", " ".join(upserts.said(note)["detail"] for note in answer.problems))
    contact = Contact.objects.get(pk=contact_id)
    return acted(request, contact_id, profile_edit.record(contact, answer.changed, user_id=request.user.pk))


@router.post(
    "/contacts/{int:contact_id}/unsubscribe",
    auth=Scope("contacts.edit"),
    response=ActOut,
    summary="Unsubscribe a contact",
)
def unsubscribe(request: Any, contact_id: int) -> dict[str, Any]:
    """No more e-mails to a contact. 409 where it has no address, or may not be written to anyway."""
    entry = quick_actions.perform(contact_id, QUICK_ACTIONS["unsubscribe"], user_id=request.user.pk)
    return acted(request, contact_id, entry)


class ConsentBody(Input):
    """That the person agreed to be written to, or to ads."""

    wording: str = Field(
        min_length=1, max_length=4_000, description="What the person was shown.", examples=["Yes, write to me."]
    )
    at: Moment | None = Field(default=None, description="When the person agreed; null: now.")
    purpose: Literal["email", "ads"] = Field(
        default="email", description="What the person agreed to. `ads` also sets the field `ads_consent` to granted."
    )


@router.post(
    "/contacts/{int:contact_id}/consents",
    auth=Scope("contacts.edit"),
    response={201: ActOut},
    summary="Record a consent",
)
def record_consent(request: Any, contact_id: int, body: ConsentBody) -> Any:
    """Keep that somebody agreed, with the wording and the time. A record is never changed, and changes no status; one for
    ads sets the field `ads_consent`."""
    get_object_or_404(Contact.objects.living(), pk=contact_id)
    if body.at is not None and (body.at.tzinfo is None or body.at > timezone.now()):
        raise Problem(422, "parameters_invalid", "Send a time with its zone that is not in the future.")
    consent_records.add(
        contact_id, wording=body.wording, at=body.at or timezone.now(), user_id=request.user.pk, purpose=body.purpose
    )
    return Status(201, acted(request, contact_id, None))


@router.delete("/contacts/{int:contact_id}", auth=Scope("contacts.edit"), response=ActOut, summary="Delete a contact")
def delete_contact(request: Any, contact_id: int, reason: DeletionReason = DELETION_REASONS[-1]) -> dict[str, Any]:
    """Take a contact out of all lists. It can be restored, and imports leave it alone."""
    entry = quick_actions.delete(contact_id, reason=reason, user_id=request.user.pk)
    return acted(request, contact_id, entry)


class RestoreBody(Input):
    """How a contact comes back."""

    without_external_id: bool = Field(
        default=False, description="Restore it without its external ID where another contact has that now."
    )


@router.post(
    "/contacts/{int:contact_id}/restore", auth=Scope("contacts.edit"), response=ActOut, summary="Restore a contact"
)
def restore_contact(request: Any, contact_id: int, body: RestoreBody) -> dict[str, Any]:
    """Restore a deleted contact as it was."""
    entry = quick_actions.restore(contact_id, user_id=request.user.pk, without_id=body.without_external_id)
    return acted(request, contact_id, entry)


@router.post("/undo/{int:act_id}", auth=Scope("contacts.edit"), response=ActOut, summary="Undo an act")
def undo_act(request: Any, act_id: int) -> dict[str, Any]:
    """Undo an act by the number in its answer. 409 where somebody has changed the same thing since."""
    contact = profile_undo.undo(act_id, user_id=request.user.pk)
    return acted(request, contact.pk, None)


# --- merge --------------------------------------------------------------------------------------------------------------


class MergeBody(Input):
    """Contacts that are one person."""

    contacts: list[Id] = Field(min_length=2, max_length=merge.MAX_MERGED_CONTACTS, examples=[[17, 18]])
    survivor: Id | None = Field(
        default=None,
        description="The contact that stays, with its ID; null: the one that was made first.",
        examples=[17],
    )
    rule: Literal[tuple(survivorship.RULES)] = Field(  # type: ignore[valid-type]
        default=survivorship.RULE, description="Whose value stays where several have one."
    )
    values: dict[str, Id] = Field(
        default={}, description="Field → contact whose value stays.", examples=[{"city": 18}], max_length=200
    )


class MergedOut(Output):
    """The contact that stays, and the number of the merge."""

    merge_id: Id | None = Field(description="For `POST /merges/{id}/undo`; null: they were one contact already.")
    contact: ContactDetail


@router.post("/contacts/merge", auth=Scope("contacts.edit"), response=MergedOut, summary="Merge contacts")
def merge_contacts(request: Any, body: MergeBody) -> dict[str, Any]:
    """Make several contacts one. It keeps the strictest status of each channel and answers to all identifiers. It can be
    undone for 30 days."""
    if body.survivor is not None and body.survivor not in body.contacts:
        raise Problem(422, "parameters_invalid", "The survivor has to be one of the contacts.")
    made = merge.merge(
        body.contacts, rule=body.rule, chosen=body.values, survivor=body.survivor, user_id=request.user.pk
    )
    stays = Contact.objects.get(pk=body.contacts[0]) if made is None else Contact.objects.get(pk=made.contact_id)
    return {"merge_id": made.pk if made else None, "contact": detailed(request, merge.current_contact(stays))}


class UnmergedOut(Output):
    """The contact that had stayed, and what was not given back."""

    kept: int = Field(description="Values that stay because a member or program has changed them since.", examples=[0])
    restored: list[int] = Field(description="Contacts that are there again.", examples=[[18]])
    contact: ContactDetail


@router.post("/merges/{int:merge_id}/undo", auth=Scope("contacts.edit"), response=UnmergedOut, summary="Undo a merge")
def unmerge_contacts(request: Any, merge_id: int) -> dict[str, Any]:
    """Take a merge apart: everybody gets back what was theirs. 409 where that is no longer possible."""
    kept = merge.undo(merge_id, user_id=request.user.pk)
    made = Merge.objects.get(pk=merge_id)
    return {
        "kept": kept,
        "restored": made.losers,
        "contact": detailed(request, Contact.objects.get(pk=made.contact_id)),
    }


# --- erase --------------------------------------------------------------------------------------------------------------


class EraseBody(Input):
    """Deleted contacts that are erased for good."""

    contacts: list[Id] = Field(min_length=1, max_length=MAX_ITEMS, examples=[[17]])
    confirm: Literal["ERASE"] = Field(description="The word ERASE: this cannot be undone.", examples=["ERASE"])


class BulkActionOut(Output):
    """Work on many contacts that goes on in the background."""

    id: Id
    kind: str = Field(examples=["erase"])
    state: BulkState = Field(examples=["working"])
    total: int = Field(description="Contacts that it is about.", examples=[1])
    done: int = Field(examples=[1])
    skipped: int = Field(description="Contacts that it no longer applies to.", examples=[0])
    finished_at: Moment | None


def bulk_action(action: BulkAction) -> dict[str, Any]:
    """A bulk action as BulkActionOut."""
    names = ("kind", "state", "total", "done", "skipped", "finished_at")
    return {"id": action.pk, **{name: getattr(action, name) for name in names}}


@router.post(
    "/contacts/erase",
    auth=Scope("contacts.erase"),
    response={202: BulkActionOut},
    summary="Erase deleted contacts for good",
)
def erase_contacts(request: Any, body: EraseBody) -> Any:
    """Remove contacts from every store, for good: only digests stay, which keep them from being imported again. They have to
    be deleted before; 409 where one is not."""
    found = Contact.objects.filter(pk__in=body.contacts)
    if found.count() < len(set(body.contacts)):
        raise Problem(404, "not_found", "At least one of the contacts does not exist.")
    if found.exclude(deleted_at__isnull=False, merged_into=None).exists():
        raise Problem(
            409, "conflict", "Delete the contacts before you erase them. Merged ones go with what they are part of."
        )
    selection = {"ids": sorted(set(body.contacts))}
    return Status(202, bulk_action(actions.begin("erase", selection, user_id=request.user.pk, word=erasure.WORD)))


@router.get(
    "/bulk-actions/{int:action_id}", auth=Scope("contacts.view"), response=BulkActionOut, summary="Read a bulk action"
)
def read_bulk_action(request: Any, action_id: int) -> dict[str, Any]:
    """How far work on many contacts is."""
    return bulk_action(get_object_or_404(BulkAction, pk=action_id))
