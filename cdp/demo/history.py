"""What people have done in the demo workspace: duplicates, people who left, blacklists, messages, a broken file.

Each part is made by the product's own road, and only if it is not there yet.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import RequestFactory

from contacts.consent import blacklist
from contacts.linkage import job, schedule
from contacts.models import DELETION_REASONS, BlacklistEntry, Contact, EmailStatus, ProbableSearch
from contacts.profile import edit, quick_actions
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, User
from tracking.email import webhooks
from tracking.models import MailHook

# E-mails whose status another program has told, and how many of each.
STATUSES = {"unsubscribed": 14, "not_confirmed": 9, "spam": 4, "blacklisted": 5}
# Of people whom somebody has entered again by hand: the same address (exact), or another spelling of the name (probable).
DUPLICATES, LIKES, GONE, LISTED = 6, 6, 7, 4
MESSAGES = ("Spring tents", "Your order", "New boots in stock")
WRITTEN_TO = 40


def statuses() -> list[list[str]]:
    """Rows of the file that another program for newsletters has left: address, first name, status."""
    kinds = [status for status, count in STATUSES.items() for _ in range(count)]
    return [[f"reader{i:03}@letters.example", f"Reader{i}", status] for i, status in enumerate(kinds)]


def cut_off() -> str:
    """A file of which the end is missing, in the middle of a cell: large enough that its beginning looks whole."""
    lines = [f"visitor{i:05}@stores.example,Visitor{i},Store number {i % 40} of Leeds" for i in range(8_000)]
    return "\n".join(["Email,First name,Town", *lines, 'last@stores.example,Last,"Store num'])


def make(tenant: Tenant, owner: User) -> None:
    """All of it that is not there yet."""
    with tenant_context(tenant.pk):
        if not Contact.objects.exclude(deleted_at=None).exists():
            _leave(owner)
        if not BlacklistEntry.objects.exists():
            _blacklist(owner)
        if not MailHook.objects.exists():
            _write(owner)
        search = None if ProbableSearch.objects.exists() else _duplicate(owner)
    if search is not None:
        job.work(tenant.pk, search)


def _some(count: int, *, skip: int) -> list[Contact]:
    """Contacts with everything that the parts need; each part takes others."""
    whole = Contact.objects.living().filter(email_status=EmailStatus.ACTIVE).exclude(email=None).exclude(last_name=None)
    return list(whole.exclude(phone=None).order_by("pk")[skip : skip + count])


def _leave(owner: User) -> None:
    for number, contact in enumerate(_some(GONE, skip=500)):
        quick_actions.delete(contact.pk, reason=DELETION_REASONS[number % len(DELETION_REASONS)], user_id=owner.pk)


def _blacklist(owner: User) -> None:
    addresses = [str(contact.email) for contact in _some(LISTED, skip=600)]
    blacklist.add("email", [*addresses, "press@competitor.example"], reason="asked us on the phone", user_id=owner.pk)
    phones = [str(contact.phone) for contact in _some(2, skip=700)]
    blacklist.add("phone", phones, reason="wrong number", user_id=owner.pk)


def _duplicate(owner: User) -> int:
    """People who are there twice; returns the number of the search that finds those who probably are."""
    for contact in _some(DUPLICATES, skip=0):
        edit.create({"email": (contact.email, None), "first_name": contact.first_name}, user_id=owner.pk)
    for number, contact in enumerate(_some(LIKES, skip=100)):
        name = str(contact.last_name)
        values: dict[str, Any] = {
            "first_name": contact.first_name, "last_name": name[:-1] + name[-1] * 2,
            "phone": (contact.phone, None),
            "email": (f"again{number}.{str(contact.email).rpartition('@')[0]}@mail.example", None),
        }  # fmt: skip
        edit.create(
            values | {k: v for k, v in contact.attributes.items() if k in ("city", "birthday")}, user_id=owner.pk
        )
    return int(schedule.start(user_id=owner.pk).pk)


def _write(_owner: User) -> None:
    """Messages of the last weeks, as the provider has told of them: delivered, opened, clicked; some came back."""
    hook = webhooks.add("postmark")
    now = datetime.now(UTC)
    for number, contact in enumerate(_some(WRITTEN_TO, skip=200)):
        for place, name in enumerate(MESSAGES[: 1 + number % len(MESSAGES)]):
            at = now - timedelta(days=3 + 9 * place, hours=number)
            for said in _told(number, place, at):
                body = {"MessageID": f"demo-{number}-{place}", "Tag": name, "ServerID": 1, "Metadata": {}, **said}
                body |= {"Email": contact.email, "Recipient": contact.email}
                request = RequestFactory().post("/", json.dumps(body), content_type="application/json")
                webhooks.tell(hook, webhooks.read("postmark", request))


def _told(number: int, place: int, at: datetime) -> list[dict[str, Any]]:
    if number == 7 and place == 0:
        return [{"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "ID": 7, "BouncedAt": at.isoformat()}]
    if number == 11 and place == 0:
        return [
            {
                "RecordType": "SpamComplaint",
                "Type": "SpamComplaint",
                "TypeCode": 512,
                "ID": 11,
                "BouncedAt": at.isoformat(),
            }
        ]
    records = [{"RecordType": "Delivery", "DeliveredAt": at.isoformat()}]
    if number % 2:
        records.append({"RecordType": "Open", "ReceivedAt": (at + timedelta(hours=2)).isoformat()})
    if number % 4 == 1:
        records.append({"RecordType": "Click", "ReceivedAt": (at + timedelta(hours=2, minutes=1)).isoformat()})
    return records
