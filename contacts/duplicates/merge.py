"""Making several contacts one, and taking them apart again (docs/merging.md).

One contact remains, with the values that were chosen and the strictest status of each channel; the others leave all lists
and lead to it. What they had in other apps moves. Everything is written down, so that for `MERGE_UNDO_DAYS` the merge can be
undone: each value that nobody has changed since gets its old state, and everybody gets back what was theirs.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from contacts import value_state, write_lock
from contacts.consent import address_status
from contacts.duplicates import survivorship
from contacts.errors import NotAllowed
from contacts.models import Alias, Contact, Merge
from contacts.privacy import data_providers
from contacts.values import channel_status
from contacts.values.columns import IDENTIFIERS
from tenants import audit

MERGED, UNMERGED = "contact.merged", "contact.unmerged"
MERGE_UNDO_DAYS = 30
# More people than anybody can compare; a larger group is no person.
MAX_MERGED_CONTACTS = 10


def merge(
    contact_ids: Sequence[int],
    *,
    rule: str = survivorship.RULE,
    chosen: Mapping[str, int] | None = None,
    survivor: int | None = None,
    user_id: int | None,
) -> Merge | None:
    """Make the contacts one; `chosen` has, by field, the contact whose value stays, the rule decides the rest. `survivor` is
    the contact that stays, else the first that was made.

    Contacts that are one already are left as they are (None: nothing was written). Raises Contact.DoesNotExist, NotAllowed.
    """
    lock = write_lock.lock()
    if lock.holder is not None:
        raise NotAllowed("An import is changing contacts right now. Try again when it has finished.")
    contacts = _people(contact_ids)
    if len(contacts) < 2:
        return None
    stays = next((c for c in contacts if c.pk == survivor), survivorship.survivor(contacts))
    losers = [c for c in contacts if c.pk != stays.pk]
    now = timezone.now()
    after = _after(contacts, rule=rule, chosen=chosen or {})
    before = {key: value_state.state_of(stays, key) for key in after}
    made: Merge = Merge.objects.create(
        contact_id=stays.pk, losers=[c.pk for c in losers], made_by_id=user_id, made_at=now,
        values={key: [before[key], after[key]] for key in after if before[key] != after[key]},
    )  # fmt: skip
    _send_away(losers, stays, now)
    value_state.write_states(stays, after, now)
    for key, (was, is_now) in address_status.take(stays, now=now).items():
        made.values[key] = [made.values[key][0] if key in made.values else was, is_now]
    made.moved = data_providers.move([c.pk for c in losers], to=stays.pk)
    made.moved["aliases"] = _alias(contacts, stays, made)
    made.save(update_fields=["moved", "values"])
    write_lock.bump_version()
    _note(MERGED, made, user_id)
    return made


def undo(merge_id: int, *, user_id: int | None) -> int:
    """Take a merge apart; returns how many values stay because somebody has changed them since. Twice changes nothing.

    Raises Merge.DoesNotExist, NotAllowed: it is too long ago, a later merge builds on it, or somebody has an identifier now.
    """
    lock = write_lock.lock()
    made = Merge.objects.select_for_update().get(pk=merge_id)
    if made.undone_at is not None:
        return 0
    now = timezone.now()
    if lock.holder is not None:
        raise NotAllowed("An import is changing contacts right now. Try again when it has finished.")
    if made.made_at < now - timedelta(days=MERGE_UNDO_DAYS):
        raise NotAllowed(f"This merge can no longer be undone: it is more than {MERGE_UNDO_DAYS} days old.")
    stays = Contact.objects.select_for_update().filter(pk=made.contact_id).first()
    if stays is None:
        raise NotAllowed("This merge cannot be undone: the remaining contact no longer exists.")
    losers = list(Contact.objects.select_for_update().filter(pk__in=made.losers).order_by("pk"))
    mine = {key: before for key, (before, after) in made.values.items() if value_state.state_of(stays, key) == after}
    _refuse_undo(made, stays, losers, mine.get("external_id", [stays.external_id])[0])
    _forget_aliases(made)
    value_state.write_states(stays, mine, now)
    _restore(losers, now)
    address_status.take_all([c.pk for c in (stays, *losers)], now=now)
    data_providers.restore({name: moved for name, moved in made.moved.items() if name != "aliases"}, of=stays.pk)
    made.undone_at, made.undone_by_id = now, user_id
    made.save(update_fields=["undone_at", "undone_by"])
    write_lock.bump_version()
    kept = len(made.values) - len(mine)
    _note(UNMERGED, made, user_id, kept=kept)
    return kept


def current_contact(contact: Contact) -> Contact:
    """The contact that a merged one has become part of, over any number of merges; itself when it was not merged."""
    while contact.merged_into is not None:
        contact = Contact.objects.get(pk=contact.merged_into)
    return contact


def merged_ids(contact_id: int) -> list[int]:
    """The contact and all those that have become part of it: whose rows of imports are its history."""
    ids, level = [contact_id], [contact_id]
    while level:
        level = list(Contact.objects.filter(merged_into__in=level).order_by("pk").values_list("pk", flat=True))
        ids += level
    return ids


def _people(contact_ids: Sequence[int]) -> list[Contact]:
    """The contacts, locked, those that were merged replaced by what they have become part of."""
    by_id = {}
    for contact_id in sorted(set(contact_ids)):
        contact = current_contact(Contact.objects.get(pk=contact_id))
        by_id[contact.pk] = contact
    locked = list(Contact.objects.select_for_update().filter(pk__in=by_id).order_by("pk"))
    if any(c.deleted_at is not None for c in locked):
        raise NotAllowed("One of these contacts was deleted. Select the others again.")
    if len(locked) > MAX_MERGED_CONTACTS:
        raise NotAllowed(f"You can merge up to {MAX_MERGED_CONTACTS} contacts at once.")
    return locked


def _after(contacts: Sequence[Contact], *, rule: str, chosen: Mapping[str, int]) -> dict[str, Any]:
    """Key of a value → what the contact that stays will have: forms and dates go with their value."""
    by_id = {c.pk: c for c in contacts}
    after = {}
    for field in survivorship.fields(contacts, labels={}, rule=rule, chosen=chosen):
        if field.result is not None:
            after[field.key] = value_state.state_of(by_id[field.result.contact_id], field.key)
    for channel in channel_status.ORDERS:
        key = f"{channel}_status"
        after[key] = value_state.state_of(survivorship.strictest(contacts, channel), key)
    return after


def _send_away(losers: Sequence[Contact], stays: Contact, now: datetime) -> None:
    """Out of all lists; before the one that stays is written, because it may take over an external ID."""
    for loser in losers:
        loser.deleted_at, loser.deleted_reason, loser.merged_into = now, f"Merged into contact {stays.pk}", stays.pk
        value_state.write_states(loser, {}, now)


def _alias(contacts: Sequence[Contact], stays: Contact, made: Merge) -> dict[str, list[Any]]:
    """What the others were known by leads to the one that stays from now on, and aliases that they had already."""
    own = {kind: getattr(stays, kind) for kind in IDENTIFIERS}
    # `contacts` still have the identifiers they had; only the one that stays was written.
    known = [(kind, getattr(c, kind)) for c in contacts for kind in IDENTIFIERS if c.pk != stays.pk]
    known += [(kind, state[0][0]) for kind, state in made.values.items() if kind in IDENTIFIERS]
    new = {(kind, value) for kind, value in known if value and value != own[kind]}
    has = set(Alias.objects.filter(contact_id=stays.pk).values_list("kind", "value"))
    moved = []
    for alias in Alias.objects.filter(contact_id__in=made.losers).order_by("pk"):
        if (alias.kind, alias.value) not in has:  # one alias leads to a contact once
            has.add((alias.kind, alias.value))
            moved.append((alias.pk, alias.contact_id))
    Alias.objects.filter(pk__in=[pk for pk, _contact in moved]).update(contact_id=stays.pk)
    Alias.objects.bulk_create(
        [Alias(kind=kind, value=value, contact_id=stays.pk, merge_id=made.pk) for kind, value in sorted(new)],
        ignore_conflicts=True,
    )
    return {"moved": [list(pair) for pair in moved]}


def _forget_aliases(made: Merge) -> None:
    Alias.objects.filter(merge_id=made.pk).delete()
    for pk, contact_id in made.moved["aliases"]["moved"]:
        Alias.objects.filter(pk=pk, contact_id=made.contact_id).update(contact_id=contact_id)


def _refuse_undo(made: Merge, stays: Contact, losers: Sequence[Contact], own_id: str | None) -> None:
    """`own_id`: the external ID that the contact which stayed will have. Looked at before anything is written."""
    if stays.merged_into is not None:
        raise NotAllowed(
            f"Contact {stays.pk} was later merged into contact {stays.merged_into}. Undo that merge first."
        )
    if len(losers) < len(made.losers) or any(c.merged_into != made.contact_id for c in losers):
        raise NotAllowed("One of these contacts was changed or restored since the merge.")
    ids = [c.external_id for c in losers if c.external_id]
    taken = Contact.objects.living().filter(external_id__in=ids).exclude(pk=stays.pk).first()
    if taken is not None:
        raise NotAllowed(
            f"{taken.display_name} (contact {taken.pk}) now has the external ID {taken.external_id}. Change it there first."
        )
    if own_id in ids:
        raise NotAllowed(f"Contact {stays.pk} now has the external ID {own_id}. Change it there first.")


def _restore(losers: Sequence[Contact], now: datetime) -> None:
    for loser in losers:
        loser.deleted_at = loser.deleted_reason = loser.merged_into = None
        value_state.write_states(loser, {}, now)


def _note(verb: str, made: Merge, user_id: int | None, **detail: Any) -> None:
    audit.record(
        verb, user_id=user_id, target=f"contact {made.contact_id}", contact=made.contact_id, merged=made.losers,
        merge=made.pk, **detail,
    )  # fmt: skip
