"""People who subscribe and unsubscribe themselves: a form, a mail, a link that is opened, and a press of a button there.

A new contact is *not confirmed* until the press (double opt-in). The answer of the form is the same for everybody, so that
nobody can find out who is known. Links are signed and name the workspace; nothing is looked up before that is checked.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.utils import timezone

from contacts import value_state, write_lock
from contacts.consent import address_status, blacklist, platform_blacklist, suppression
from contacts.models import ConsentRecord, Contact, EmailStatus, Origin, SignupForm
from contacts.values.identifiers import name_key, normal_email
from tenants import audit, outbox
from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tenants.web import workspace_urls
from tenants.workspaces import is_open

CONFIRM_SALT, LEAVE_SALT, SEEN_SALT = "subscribe", "unsubscribe", "form"
CONFIRM_DAYS = 7
# People take longer than this to fill a form; programs do not. And nobody keeps a page open for longer than that.
FASTEST_SECONDS, OPEN_SECONDS = 2, 86_400
# From one network address, and to one e-mail address, at most so many an hour.
PER_HOUR, MAILS_PER_HOUR = 20, 3
KEY = "subscriptions"
# Statuses that the owner of an address lifts by confirming it, and what unsubscribing makes stricter.
LIFTED = (EmailStatus.NOT_CONFIRMED, EmailStatus.UNSUBSCRIBED)
REACHABLE = (EmailStatus.ACTIVE, EmailStatus.NOT_CONFIRMED)


class SignupRejected(Exception):
    """The argument is a sentence for the person."""


class InvalidLink(Exception):
    """A link that is too old, damaged, or none of ours."""


@dataclass(frozen=True)
class SignupRequest:
    """Who wants to subscribe to what, as the link of the mail says it."""

    tenant_id: int
    form_id: int
    email: str
    name: str


def new_key(tenant_id: int) -> str:
    """The key of a form: it names the tenant, so that it can be looked up in the tenant's own rows."""
    return f"{tenant_id:x}-{secrets.token_hex(8)}"


def tenant_of(key: str) -> int | None:
    """The tenant that a key names, if there is one."""
    number, _dash, _rest = key.partition("-")
    try:
        tenant_id = int(number, 16)
    except ValueError:
        return None
    return tenant_id if tenant_id < 2**62 and Tenant.open.filter(pk=tenant_id).exists() else None


def seen_token() -> str:
    """Says when a page with the form was made; comes back with the form."""
    return signing.dumps("", salt=SEEN_SALT)


def looks_human(token: str, trap: str) -> bool:
    """Whether the hidden field is empty, and the form was open as long as a person needs."""
    if trap:
        return False
    try:
        signing.loads(token, salt=SEEN_SALT, max_age=OPEN_SECONDS)
    except signing.BadSignature:
        return False
    try:
        signing.loads(token, salt=SEEN_SALT, max_age=FASTEST_SECONDS)
    except signing.SignatureExpired:
        return True
    return False


def too_many(what: str, of: str, *, most: int) -> bool:
    """Whether something has happened too often in this hour; counts it. Only a digest of what it is about is kept."""
    digest = blake2b(f"{settings.SECRET_KEY} {what} {of}".encode(), digest_size=16).hexdigest()
    key = f"subscribe:{digest}"
    cache.add(key, 0, 3600)
    return int(cache.incr(key)) > most


def ask(form: SignupForm, *, email: str, name: str) -> None:
    """Somebody has filled the form: keep them as not confirmed if they are new, and send the mail with the link.

    Raises SignupRejected: the address is none. Says nothing about who is known.
    """
    normal = normal_email(email)
    if normal is None:
        raise SignupRejected("Enter an e-mail address such as name@example.com.")
    if too_many("mail", f"{current_tenant()} {normal}", most=MAILS_PER_HOUR):
        return
    if platform_blacklist.blocks(normal):
        return
    write_lock.lock()
    known = Contact.objects.living().filter(email=normal).exists()
    # Who was deleted or erased comes back by the press of the button only.
    if not known and not suppression.holds("email", normal) and suppression.deleted_with("email", normal) is None:
        _make(form, normal, email.strip(), " ".join(name.split())[:200])
    workspace = Tenant.objects.get(pk=current_tenant())
    token = signing.dumps([workspace.pk, form.pk, normal, name[:200]], salt=CONFIRM_SALT, compress=True)
    link = workspace_urls.absolute(workspace_urls.outside("confirm", token))
    outbox.put_mail(
        f"subscribe-{secrets.token_hex(8)}",
        to=normal,
        subject=f"Confirm your subscription: {form.title}",
        body=(
            f"Someone, probably you, filled in the form “{form.title}” from {workspace.name}.\n\n"
            f"Confirm within {CONFIRM_DAYS} days:\n"
            f"{link}\n\nIf this was not you, ignore this e-mail. Without confirmation you will not receive any messages.\n"
        ),
    )


def _make(form: SignupForm, email: str, written: str, name: str) -> Contact:
    now = timezone.now()
    contact = Contact(origin=Origin.FORM, created_at=now)
    values: dict[str, list[str | None]] = {
        "email": [email, None if written == email else written],
        "email_status": [EmailStatus.NOT_CONFIRMED, now.isoformat(), f"form {form.title}"],
    }
    if name:
        values["first_name"] = [name, name_key(name)]
    value_state.write_states(contact, values, now)
    address_status.take(contact, now=now)
    blacklist.suppress_contacts([contact.pk])
    write_lock.bump_version()
    return contact


def read(token: str) -> SignupRequest:
    """What the link of a mail asks for. Raises InvalidLink."""
    try:
        tenant_id, form_id, email, name = signing.loads(token, salt=CONFIRM_SALT, max_age=timedelta(days=CONFIRM_DAYS))
    except (signing.BadSignature, ValueError, TypeError) as problem:
        raise InvalidLink from problem
    if not is_open(int(tenant_id)):
        raise InvalidLink
    return SignupRequest(int(tenant_id), int(form_id), str(email), str(name))


def confirm(signup: SignupRequest) -> tuple[SignupForm, Contact]:
    """The person has pressed the button: active, with the form's categories. In the tenant's context. Raises InvalidLink.

    Who had unsubscribed is active again, since nobody but the owner of the address can press it; complaints and blacklists
    stay. A person who was erased has come back by themselves.
    """
    form = SignupForm.objects.filter(pk=signup.form_id).first()
    if form is None:
        raise InvalidLink
    write_lock.lock()
    contact = Contact.objects.living().filter(email=signup.email).order_by("pk").select_for_update().first()
    if contact is None:
        suppression.remove("email", signup.email)
        contact = _make(form, signup.email, signup.email, signup.name)
    now = timezone.now()
    values: dict[str, list[object]] = {}
    reason = f"confirmed, form {form.title}"
    if contact.email_status in LIFTED:
        values["email_status"] = [EmailStatus.ACTIVE, now.isoformat(), reason]
    address_status.set_email(
        signup.email, EmailStatus.ACTIVE, instead_of=LIFTED, reason=reason, but=contact.pk, now=now
    )
    has = list(contact.attributes.get(KEY) or [])
    wanted = [*has, *(name for name in form.categories if name not in has)]
    if wanted != has:
        values[KEY] = [wanted]
    if values:
        value_state.write_states(contact, values, now)
        write_lock.bump_version()
        ConsentRecord.objects.create(contact_id=contact.pk, wording=form.wording, at=now)
    return form, contact


def leave_token(contact: Contact) -> str:
    """The signed part of the address by which a contact unsubscribes; it does not expire."""
    return signing.dumps([contact.tenant_id, contact.pk], salt=LEAVE_SALT)


def read_leave(token: str) -> tuple[int, int]:
    """(tenant, contact) of such an address. Raises InvalidLink."""
    try:
        tenant_id, contact_id = signing.loads(token, salt=LEAVE_SALT)
    except (signing.BadSignature, ValueError, TypeError) as problem:
        raise InvalidLink from problem
    return int(tenant_id), int(contact_id)


def leave(contact: Contact, *, keep: Sequence[str] | None) -> None:
    """Unsubscribe from everything (`keep` None), or from all categories but some. The contact is locked by the caller.

    Unsubscribing from everything counts for the address: every contact that has it is unsubscribed."""
    now = timezone.now()
    has = list(contact.attributes.get(KEY) or [])
    values: dict[str, list[object]] = {}
    if keep is None:
        reason = "unsubscribed on the unsubscribe page"
        if contact.email_status in REACHABLE:
            values["email_status"] = [EmailStatus.UNSUBSCRIBED, now.isoformat(), reason]
        if contact.email:
            silent = EmailStatus.UNSUBSCRIBED
            address_status.set_email(
                contact.email, silent, instead_of=REACHABLE, reason=reason, but=contact.pk, now=now
            )
        kept: list[str] = []
    else:
        kept = [name for name in has if name in keep]
    if kept != has:
        values[KEY] = [kept or None]
    if values:
        value_state.write_states(contact, values, now)
        write_lock.bump_version()
        audit.record("contact.left", user_id=None, target=f"contact {contact.pk}", contact=contact.pk, all=keep is None)
