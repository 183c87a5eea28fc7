"""Mail that is written with the news it carries and sent afterwards, once."""

import logging
import smtplib
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import Notice, Outbox, User

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 8


def put_mail(key: str, *, to: str, subject: str, body: str) -> None:
    """Queue one mail in the caller's transaction; the same key again changes nothing."""
    line = " ".join(subject.split())[:200]  # a file's name must not add headers
    _mail, made = Outbox.objects.get_or_create(key=key, defaults={"to": to, "subject": line, "body": body})
    if made:
        pending_work.mark_pending("outbox")


def withdraw(keys: Sequence[str]) -> None:
    """Those of these mails that nobody is sending yet are not sent any more."""
    waiting = Outbox.objects.select_for_update(skip_locked=True).filter(key__in=keys, sent_at=None)
    Outbox.objects.filter(pk__in=[mail.pk for mail in waiting]).delete()


def put_notice(user: User, *, text: str, url: str, tone: str = "neutral") -> None:
    """Tell a person something in the application."""
    Notice.objects.create(user=user, text=text[:300], url=url, tone=tone)


def send_waiting(tenant_id: int) -> int:
    """Send what waits in one workspace; returns how many went out. A failure is stored with its reason and retried."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        ids = list(Outbox.objects.filter(sent_at=None, attempts__lt=MAX_ATTEMPTS).values_list("pk", flat=True)[:100])
        if not ids:
            pending_work.clear_pending("outbox", seen_at=seen_at)
    return sum(_send(tenant_id, pk) for pk in ids)


def _send(tenant_id: int, pk: int) -> bool:
    # The row lock keeps a second sender away. A process that dies between the mail server's answer and the commit
    # repeats the mail with the same Message-ID; that is the only way in which it can arrive twice.
    with tenant_context(tenant_id), transaction.atomic():
        mail = Outbox.objects.select_for_update(skip_locked=True).filter(pk=pk, sent_at=None).first()
        if mail is None:
            return False
        mail.attempts += 1
        headers = {"Message-ID": f"<{tenant_id}.{mail.pk}.{mail.key}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2]}>"}
        try:
            EmailMessage(mail.subject, mail.body, to=[mail.to], headers=headers).send()
        except (smtplib.SMTPException, OSError) as problem:
            mail.error = str(problem)
            log.warning("mail %s of workspace %s not sent: %s", mail.key, tenant_id, problem)
        else:
            mail.sent_at, mail.error = timezone.now(), ""
        mail.save()
        return mail.sent_at is not None
