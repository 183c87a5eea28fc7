"""Contacts: made and changed one by one or many at once, read, searched, followed."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field

from api import cursors, upserts
from api.problems import Problem, answers
from api.rendering import sent
from api.schemas import Cursor, Id, Input, Limit, Moment, Output, Page, Search, said
from api.scopes import Scope, may
from api.upserts import ItemOut, UpsertSettings
from contacts import change_feed
from contacts.change_feed import ChangeKind
from contacts.listing import contact_list
from contacts.listing.contact_list import DELETED_ORDERS, LIVING_ORDERS, ListQuery
from contacts.listing.status_filters import FILTERS
from contacts.models import Alias, ConsentRecord, Contact, Merge, StatusReason
from contacts.profile import edit as profile_edit
from imports.cleaning.row_cleaner import collector_paused
from imports.direct_upsert import MAX_ITEMS, Answer
from segments import membership
from segments.rules import rule_text, tree
from segments.rules.tree import RuleError
from tenants import audit
from tenants.web import workspace_urls
from tracking import timeline

router = Router(tags=["Contacts"])
EXAMPLE = {"external_id": "C-1001", "email": "anna@example.com", "first_name": "Anna", "city": "Riga", "vip": True}
ITEM = """\
Field → value, by the keys of fields: `external_id`, `email`, `phone`, `first_name`, `last_name`, `full_name`, standard and
own fields (`GET /attributes`), `email_status` and `phone_status`, `segments` (names of static segments, made where missing),
`contact_id` (our ID, which then decides). Values are texts, numbers, booleans, null, or lists where a field has several
options."""


class Channel(Output):
    """Whether a contact may be written to."""

    status: str = Field(examples=["active"])
    since: Moment | None = Field(description="Null: from the beginning.")
    reason: str | None = Field(description="Why it is not active, in words.", examples=["set by the API"])


class ContactOut(Output):
    """A contact."""

    id: Id
    url: str = Field(description="Its page.", examples=["https://cdp.example.com/w/nordvik/contacts/17/"])
    name: str = Field(description="What it is called: its name, or its best identifier.", examples=["Anna Smith"])
    external_id: str | None = Field(examples=["C-1001"])
    email: str | None = Field(examples=["anna@example.com"])
    phone: str | None = Field(description="E.164.", examples=["+442079460011"])
    first_name: str | None = Field(examples=["Anna"])
    last_name: str | None = Field(examples=["Smith"])
    fields: dict[str, Any] = Field(
        description="Standard and own fields by key.", examples=[{"city": "Riga", "shoe_size": 41}]
    )
    email_status: Channel
    phone_status: Channel
    rating: int | None = Field(description="E-mail rating, 1 to 5.", examples=[4])
    origin: str = Field(description="import, manual, form, order, api or event.", examples=["api"])
    created_at: Moment
    changed_at: Moment
    deleted_at: Moment | None = Field(description="Null: it is not deleted.")
    deleted_reason: str | None = Field(examples=[None])
    merged_into: Id | None = Field(description="The contact that it has become part of.", examples=[None])


class AliasOut(Output):
    """What a contact was known by before."""

    kind: str = Field(examples=["email"])
    value: str = Field(examples=["anna.old@example.com"])
    added_at: Moment


class Named(Output):
    """A row by its name."""

    id: Id
    name: str = Field(examples=["Newsletter"])


class ConsentOut(Output):
    """That somebody has said the person agreed."""

    id: Id
    purpose: Literal["email", "ads"] = Field(description="What the person agreed to.", examples=["email"])
    wording: str = Field(examples=["Yes, send me the newsletter."])
    at: Moment


class MergeOut(Output):
    """Contacts that have become part of this one, and can be taken apart again."""

    id: Id
    contacts: list[int] = Field(description="The contacts that became part of it.", examples=[[18, 19]])
    made_at: Moment


class ContactDetail(ContactOut):
    """A contact with all that is known beside its fields."""

    aliases: list[AliasOut]
    segments: list[Named] | None = Field(
        description="Null without the scope segments.view.", examples=[[{"id": 12, "name": "Newsletter"}]]
    )
    consents: list[ConsentOut] = Field(description="The latest first.")
    merges: list[MergeOut]


SHOWN_CONSENTS = 50


def channel(contact: Contact, name: str) -> dict[str, Any]:
    """A status as Channel."""
    key = f"{name}_status"
    reason = StatusReason.text_of(getattr(contact, f"{key}_reason"))
    return {"status": getattr(contact, key), "since": getattr(contact, f"{key}_at"), "reason": reason}


def shown(request: Any, contact: Contact) -> dict[str, Any]:
    """A contact as ContactOut."""
    names = ("external_id", "email", "phone", "first_name", "last_name", "rating", "origin", "created_at", "changed_at",
             "deleted_at", "deleted_reason", "merged_into")  # fmt: skip
    return {
        "id": contact.pk,
        "url": workspace_urls.absolute(workspace_urls.inside(request.workspace.slug, "contacts:profile", contact.pk)),
        "name": contact.display_name,
        "fields": contact.attributes,
        "email_status": channel(contact, "email"),
        "phone_status": channel(contact, "phone"),
        **{name: getattr(contact, name) for name in names},
    }


def detailed(request: Any, contact: Contact) -> dict[str, Any]:
    """A contact as ContactDetail."""
    aliases = Alias.objects.filter(contact_id=contact.pk).order_by("kind", "value")
    consents = ConsentRecord.objects.filter(contact_id=contact.pk).order_by("-pk")[:SHOWN_CONSENTS]
    merges = Merge.objects.filter(contact_id=contact.pk, undone_at=None).order_by("-pk")
    segments = membership.of_contact(contact.pk) if may(request, "segments.view") else None
    return {
        **shown(request, contact),
        "aliases": [{"kind": a.kind, "value": a.value, "added_at": a.added_at} for a in aliases],
        "segments": None if segments is None else [{"id": s.pk, "name": s.name} for s in segments],
        "consents": [{"id": c.pk, "purpose": c.purpose, "wording": c.wording, "at": c.at} for c in consents],
        "merges": [{"id": m.pk, "contacts": m.losers, "made_at": m.made_at} for m in merges],
    }


# --- make and change ----------------------------------------------------------------------------------------------------


class UpsertBody(Input):
    """One contact."""

    contact: dict[str, Any] = Field(description=ITEM, examples=[EXAMPLE])
    settings: UpsertSettings = UpsertSettings()


class UpsertOut(Output):
    """What became of it, and the contact as it is now."""

    outcome: Literal["created", "updated", "unchanged"] = Field(examples=["created"])
    warnings: list[upserts.ItemProblem]
    undo: Id | None = Field(
        description="For `POST /undo/{id}`, which restores the values before; null: nothing to undo."
    )
    contact: ContactDetail


@router.post(
    "/contacts",
    auth=Scope("contacts.edit"),
    response={200: UpsertOut, 201: UpsertOut},
    summary="Create or change a contact",
)
@answers(422, "contact_invalid")
@answers(422, "contact_skipped")
@answers(422, "setting_invalid")
@answers(403, "setting_not_permitted")
def upsert_contact(request: Any, body: UpsertBody) -> Any:
    """Make a contact, or change the one that the identifiers name, by the rules of imports: who it is, how values are read,
    and that statuses only become stricter. 422 with the problems where it cannot be taken."""
    options = upserts.options_of(request, body.settings)
    return _one(request, body.contact, options)


class ChangeBody(Input):
    """Values that change; null empties a field."""

    contact: dict[str, Any] = Field(description=ITEM, examples=[{"city": "Oslo", "shoe_size": None}])


@router.patch(
    "/contacts/{int:contact_id}", auth=Scope("contacts.edit"), response=UpsertOut, summary="Change a contact by its ID"
)
@answers(422, "contact_invalid")
@answers(422, "contact_skipped")
def change_contact(request: Any, contact_id: int, body: ChangeBody) -> Any:
    """Give a contact values; fields that are not sent stay, and null empties one. Identifiers that belong to another
    contact are not taken."""
    get_object_or_404(Contact.objects.living(), pk=contact_id)
    options = upserts.options_of(request, UpsertSettings(mode="update_only", blank="clear"))
    return _one(request, {**body.contact, "contact_id": contact_id}, options)


def _one(request: Any, item: dict[str, Any], options: Any) -> Any:
    (answer,) = upserts.run(request, [item], options).answers
    notes = [upserts.said(note) for note in answer.problems]
    if answer.contact_id is None:
        errors = [{"field": n["field"], "code": n["code"], "message": n["detail"]} for n in notes]
        code = "contact_skipped" if answer.outcome == "skipped" else "contact_invalid"
        raise Problem(422, code, " ".join(n["detail"] for n in notes), errors=errors)
    contact = Contact.objects.get(pk=answer.contact_id)
    edit = profile_edit.record(contact, answer.changed, user_id=request.user.pk)
    if answer.outcome == "created":
        profile_edit.record_creation(contact, sorted(item), user_id=request.user.pk)
    elif edit is None:
        _record(request, [answer])
    undo = edit.pk if edit else None
    made = {"outcome": answer.outcome, "warnings": notes, "undo": undo, "contact": detailed(request, contact)}
    return Status(201 if answer.outcome == "created" else 200, made)


class BulkBody(Input):
    """Up to 5,000 contacts."""

    contacts: list[dict[str, Any]] = Field(description=ITEM, min_length=1, max_length=MAX_ITEMS, examples=[[EXAMPLE]])
    settings: UpsertSettings = UpsertSettings()


class BulkOut(Output):
    """An answer for each item, in their order."""

    counts: dict[str, int] = Field(description="Items by outcome.", examples=[{"created": 1, "updated": 0, "error": 0}])
    items: list[ItemOut]


@router.post("/contacts/bulk", auth=Scope("contacts.edit"), response=BulkOut, summary="Create or change many contacts")
@answers(422, "setting_invalid")
@answers(403, "setting_not_permitted")
def upsert_contacts(request: Any, body: BulkBody) -> HttpResponse:
    """Take up to 5,000 contacts in one transaction, by the rules of imports. Items in error do not stop the others. While an
    import writes contacts: 409 with `Retry-After`."""
    options = upserts.options_of(request, body.settings)
    with collector_paused():
        answers = upserts.run(request, body.contacts, options).answers
        _record(request, answers)
        return sent({"counts": upserts.counts(answers), "items": [upserts.answered(answer) for answer in answers]})


def _record(request: Any, answers: Sequence[Answer]) -> None:
    counted = {name: n for name, n in upserts.counts(answers).items() if n}
    if counted.keys() & {"created", "updated"}:
        audit.record("contacts.upserted", user_id=request.user.pk, target="contacts", **counted)


# --- read ---------------------------------------------------------------------------------------------------------------


@router.get("/contacts/{int:contact_id}", auth=Scope("contacts.view"), response=ContactDetail, summary="Read a contact")
def read_contact(request: Any, contact_id: int) -> dict[str, Any]:
    """A contact with its fields, statuses, former identifiers, segments and records of consent. Deleted and merged ones are
    found, too."""
    return detailed(request, get_object_or_404(Contact, pk=contact_id))


Order = Literal["-created", "created", "-changed", "changed", "-rating", "rating", "-deleted", "deleted"]
StatusName = Literal[tuple(key for key in FILTERS if key)]  # type: ignore[valid-type]


class SearchBody(Input):
    """Whom to find. All parts must hold."""

    q: str = Field(
        default="", max_length=200, description="As in the search box: name, address, number, ID.", examples=["anna"]
    )
    rule: dict[str, Any] | None = Field(
        default=None, description="A rule as segments have it.",
        examples=[{"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Riga"]}]}],
    )  # fmt: skip
    status: StatusName | None = Field(default=None, description="A status filter of the list.", examples=[None])  # type: ignore[valid-type]
    deleted: bool = Field(default=False, description="Deleted contacts instead of living ones.")
    order: Order | None = Field(
        default=None, description="With deleted: -deleted, deleted, -created or created.", examples=[None]
    )
    cursor: Cursor = ""
    limit: Limit = 50


@router.post(
    "/contacts/search", auth=Scope("contacts.view"), response=Page[ContactOut], summary="Search contacts with a rule"
)
@answers(422, "rule_invalid")
@answers(422, "cursor_invalid")
def search_contacts(request: Any, body: SearchBody) -> dict[str, Any]:
    """Contacts that a search text, a rule and a status filter mean, page by page."""
    rule = ""
    if body.rule is not None:
        try:
            read = tree.parse(body.rule)
            rule = tree.dumps(read)
            rule_text.phrases(read)
        except RuleError as problem:
            raise Problem(422, "rule_invalid", problem.why) from None
    return _found(request, body, rule)


@router.get("/contacts", auth=Scope("contacts.view"), response=Page[ContactOut], summary="List contacts")
@answers(422, "cursor_invalid")
def list_contacts(
    request: Any,
    q: Search = "",
    status: Annotated[StatusName | None, said("A status filter of the list.")] = None,  # type: ignore[valid-type]
    deleted: Annotated[bool, said("Deleted contacts instead of living ones.")] = False,
    order: Annotated[Order | None, said("By what they are sorted; a minus: the latest or largest first.")] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Contacts, the newest first, or those that a search text means."""
    return _found(
        request, SearchBody(q=q[:200], status=status, deleted=deleted, order=order, cursor=cursor, limit=limit), ""
    )


def _found(request: Any, asked: SearchBody, rule: str) -> dict[str, Any]:
    orders = DELETED_ORDERS if asked.deleted else LIVING_ORDERS
    order: str = asked.order or next(iter(orders))
    if order not in orders:
        raise Problem(422, "parameters_invalid", f"Choose one of these orders: {', '.join(orders)}.")
    (after,) = cursors.decode(asked.cursor, str) or [""]
    if after and not contact_list.is_key(after, orders[order]):
        raise Problem(422, "cursor_invalid")
    query = ListQuery(
        deleted=asked.deleted, status=asked.status or "", q=asked.q.strip(), rule=rule, order=order, size=asked.limit,
        after=after, region=request.workspace.country or None,
    )  # fmt: skip
    if rule and not query.rule_phrases:
        raise Problem(422, "rule_invalid")
    page = contact_list.page(query, contact_list.cached_rule_result(query))
    following = cursors.encode(page.older) if page.older else None
    return {"results": [shown(request, contact) for contact in page.contacts], "next": following}


# --- activity -----------------------------------------------------------------------------------------------------------


class ActivityOut(Output):
    """Something that the contact did, was sent, or that was done with it."""

    at: Moment
    kind: str = Field(description="page, track, order, message, action … of events; else change.", examples=["order"])
    name: str | None = Field(examples=["order"])
    url: str | None = Field(examples=["https://shop.example.com/tents"])
    properties: dict[str, Any] = Field(examples=[{"amount": 129.90, "currency": "EUR"}])
    text: str = Field(description="Of a change: what happened, in words.", examples=["Unsubscribed"])
    import_id: Id | None = Field(description="The import that it came from.", examples=[None])


@router.get(
    "/contacts/{int:contact_id}/activity",
    auth=Scope("contacts.view"),
    response=Page[ActivityOut],
    summary="List activity",
)
@answers(422, "cursor_invalid")
def list_activity(
    request: Any,
    contact_id: int,
    kind: Annotated[str, said("Only entries of this kind, such as order; empty: all.")] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """What the contact did, the latest first: events of sites and imports, messages, orders, and changes by people."""
    contact = get_object_or_404(Contact, pk=contact_id)
    known = [key for key, _label in timeline.kinds()]
    if kind not in known:
        raise Problem(422, "parameters_invalid", f"Choose one of these kinds: {', '.join(filter(None, known))}.")
    (after,) = cursors.decode(cursor, str) or [""]
    if after and not timeline.is_key(after):
        raise Problem(422, "cursor_invalid")
    page = timeline.page(contact.pk, kind=kind, after=after, size=limit)
    return {
        "results": [_activity(entry) for entry in page.entries],
        "next": cursors.encode(page.older) if page.older else None,
    }


def _activity(entry: Any) -> dict[str, Any]:
    event = entry.event
    if event is None:
        text = " ".join(part for part in (entry.text, entry.subject, entry.more) if part)
        return {"at": entry.at, "kind": "change", "name": None, "url": None, "properties": {}, "text": text,
                "import_id": entry.import_id}  # fmt: skip
    return {"at": event.at, "kind": event.kind, "name": event.name, "url": event.url, "properties": event.properties,
            "text": "", "import_id": event.import_id}  # fmt: skip


# --- changes ------------------------------------------------------------------------------------------------------------


class ChangeOut(Output):
    """What has become of a contact."""

    contact_id: Id
    kind: ChangeKind = Field(examples=["changed"])
    at: Moment
    into: Id | None = Field(description="Of a merged contact: the one that it has become part of.", examples=[None])
    contact: ContactOut | None = Field(description="The contact as it is now; null when it is no more.")


class ChangesOut(Output):
    """Changes, and where to go on."""

    results: list[ChangeOut]
    next: str = Field(
        description="Cursor for the next request, also when nothing has changed: keep it.", examples=["Wzcs…"]
    )
    more: bool = Field(description="Whether others follow already.", examples=[False])


ChangeCursor = Annotated[str, said("`next` of the answer before; empty: from now on.")]


@router.get("/contacts/changes", auth=Scope("contacts.view"), response=ChangesOut, summary="Follow changes of contacts")
@answers(422, "cursor_invalid")
@answers(410, "cursor_expired")
def list_changes(request: Any, cursor: ChangeCursor = "", limit: Limit = 50) -> dict[str, Any]:
    """What has happened to contacts since a cursor: created, changed, deleted, merged, erased. No change is left out,
    whatever commits late; several changes of one contact between two requests are one. Without a cursor nothing is listed,
    and `next` is the place from now on: read all contacts then, and go on from there. Cursors older than 30 days: 410."""
    if not cursor:
        return {"results": [], "next": change_feed.now(), "more": False}
    try:
        page = change_feed.read(cursor[:2_000], most=limit)
    except change_feed.BadCursor as problem:
        raise Problem(422, "cursor_invalid", str(problem)) from None
    except change_feed.CursorExpired as problem:
        raise Problem(410, "cursor_expired", str(problem)) from None
    known = Contact.objects.in_bulk([change.contact_id for change in page.changes])
    return {
        "results": [
            {
                "contact_id": change.contact_id, "kind": change.kind, "at": change.at, "into": change.into,
                "contact": shown(request, known[change.contact_id]) if change.contact_id in known else None,
            }
            for change in page.changes
        ],
        "next": page.cursor,
        "more": page.more,
    }  # fmt: skip
