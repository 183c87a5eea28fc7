"""Every kind of event of every provider, by their documented payloads: the activity, and what the address becomes."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import BlacklistEntry, Contact
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.workspace_copies import copy_workspace
from tracking.email import deliverability, webhooks
from tracking.models import Event, MailHook

ANN = "ann@example.com"
NOW = int(timezone.now().timestamp())


def postmark(kind: str, **more: Any) -> dict[str, Any]:
    return {"RecordType": kind, "MessageID": "m-1", "ServerID": 1, "Email": ANN, "Recipient": ANN, **more}


def bounce(kind: str) -> dict[str, Any]:
    return postmark("Bounce", Type=kind, ID=7, BouncedAt="2026-11-20T10:00:00Z")


def held(reason: str, **more: Any) -> dict[str, Any]:
    more = {"SuppressSending": True, "SuppressionReason": reason, **more}
    return postmark("SubscriptionChange", ChangedAt="2026-11-20T10:00:00Z", **more)


def mailgun(kind: str, **more: Any) -> dict[str, Any]:
    about = {
        "event": kind,
        "recipient": ANN,
        "timestamp": NOW,
        "id": "e-1",
        "message": {"headers": {"message-id": "m"}},
    }
    return {"signature": {"token": "t", "timestamp": str(NOW), "signature": "s"}, "event-data": {**about, **more}}


def failed(severity: str, reason: str, code: int = 550) -> dict[str, Any]:
    return mailgun("failed", severity=severity, reason=reason, **{"delivery-status": {"code": code, "message": "no"}})


def brevo(kind: str, **more: Any) -> dict[str, Any]:
    return {"event": kind, "email": ANN, "message-id": "<m@x>", "ts_epoch": NOW * 1000, "tags": ["t"], **more}


def mailjet(kind: str, **more: Any) -> list[dict[str, Any]]:
    return [{"event": kind, "email": ANN, "time": NOW, "MessageID": 1, **more}]


def sparkpost(kind: str, inner: str = "message_event", **more: Any) -> list[dict[str, Any]]:
    about = {"type": kind, "rcpt_to": ANN, "raw_rcpt_to": ANN, "timestamp": str(NOW), "event_id": "1", "rcpt_meta": {}}
    return [{"msys": {inner: {**about, **more}}}]


def mandrill(kind: str, **message: Any) -> dict[str, str]:
    event = {"event": kind, "_id": "m", "ts": NOW, "msg": {"email": ANN, "tags": [], "metadata": {}, **message}}
    return {"mandrill_events": json.dumps([event])}


def ses(kind: str, **more: Any) -> dict[str, Any]:
    about = {"eventType": kind, "mail": {"messageId": "m", "destination": [ANN], "headers": []}, **more}
    return {
        "Type": "Notification",
        "MessageId": "n-1",
        "Timestamp": "2026-11-20T10:00:00Z",
        "Message": json.dumps(about),
    }


def ses_bounce(way: str, more: str) -> dict[str, Any]:
    who = [{"emailAddress": ANN, "diagnosticCode": "x"}]
    return ses("Bounce", bounce={"bounceType": way, "bounceSubType": more, "bouncedRecipients": who})


def sendgrid(kind: str, **more: Any) -> list[dict[str, Any]]:
    return [{"event": kind, "email": ANN, "timestamp": NOW, "sg_event_id": "e", "sg_message_id": "m", **more}]


def mailersend(kind: str) -> dict[str, Any]:
    email = {"message": {"id": "m"}, "recipient": {"email": ANN}, "tags": []}
    data = {"type": kind, "id": "e", "created_at": "2026-11-20T10:00:00Z", "email": email}
    return {"type": f"activity.{kind}", "created_at": "2026-11-20T10:00:00Z", "data": data}


def resend(kind: str, **more: Any) -> dict[str, Any]:
    data = {"email_id": "m", "to": [ANN], "created_at": "2026-11-20T10:00:00Z", "headers": [], **more}
    return {"type": kind, "created_at": "2026-11-20T10:00:00.000Z", "data": data}


def resend_bounce(way: str, more: str, message: str) -> dict[str, Any]:
    return resend("email.bounced", bounce={"type": way, "subType": more, "message": message})


WHO, TOPIC = [{"emailAddress": ANN}], {"unsubscribeAll": False}
U, R, B = "undelivered", "read", "blacklisted"
# provider, post, activity ("": none), status, whether soft
CASES: list[tuple[str, Any, str, str, bool]] = [
    ("postmark", postmark("Delivery", DeliveredAt="2026-11-20T10:00:00Z"), "delivered", "active", False),
    ("postmark", postmark("Open", ReceivedAt="2026-11-20T10:00:00Z"), R, "active", False),
    ("postmark", bounce("HardBounce"), U, B, False),
    ("postmark", bounce("BadEmailAddress"), U, B, False),
    ("postmark", bounce("SoftBounce"), U, "active", True),
    ("postmark", bounce("Transient"), U, "active", True),
    ("postmark", bounce("DnsError"), U, "active", True),
    ("postmark", bounce("VirusNotification"), U, "active", False),
    ("postmark", bounce("Blocked"), U, "active", False),
    ("postmark", bounce("DMARCPolicy"), U, "active", False),
    ("postmark", bounce("SpamNotification"), U, "active", False),
    ("postmark", bounce("SMTPApiError"), U, "active", False),
    ("postmark", bounce("ManuallyDeactivated"), U, B, False),
    ("postmark", bounce("AutoResponder"), "", "active", False),
    ("postmark", bounce("ChallengeVerification"), "", "active", False),
    ("postmark", bounce("Unsubscribe"), "unsubscribed", "unsubscribed", False),
    ("postmark", postmark("SpamComplaint", Type="SpamComplaint", ID=7), "spam report", "spam", False),
    ("postmark", held("ManualSuppression"), "unsubscribed", "unsubscribed", False),
    ("postmark", held("HardBounce"), U, B, False),
    ("postmark", held("SpamComplaint"), "spam report", "spam", False),
    ("postmark", held("", SuppressSending=False), "", "active", False),
    ("mailgun", mailgun("delivered"), "delivered", "active", False),
    ("mailgun", failed("temporary", "generic", 421), "", "active", False),
    ("mailgun", failed("permanent", "bounce"), U, B, False),
    ("mailgun", failed("permanent", "suppress-bounce", 605), U, B, False),
    ("mailgun", failed("permanent", "suppress-unsubscribe", 606), U, "unsubscribed", False),
    ("mailgun", failed("permanent", "suppress-complaint", 607), U, "spam", False),
    ("mailgun", failed("permanent", "generic", 552), U, "active", True),
    ("mailgun", failed("permanent", "old", 602), U, "active", True),
    ("mailgun", mailgun("rejected", reject={"reason": "virus"}), U, "active", False),
    ("mailgun", mailgun("unsubscribed"), "unsubscribed", "unsubscribed", False),
    ("mailgun", mailgun("complained"), "spam report", "spam", False),
    ("brevo", brevo("delivered"), "delivered", "active", False),
    ("brevo", brevo("hard_bounce", reason="550"), U, B, False),
    ("brevo", brevo("soft_bounce", reason="mailbox full"), U, "active", True),
    ("brevo", brevo("invalid_email"), U, B, False),
    ("brevo", brevo("deferred"), "", "active", False),
    ("brevo", brevo("request"), "", "active", False),
    ("brevo", brevo("blocked", reason="blocked : due to blacklist user"), U, B, False),
    ("brevo", brevo("blocked", reason="unsubscribed contact"), U, "unsubscribed", False),
    ("brevo", brevo("blocked", reason="policy"), U, "active", False),
    ("brevo", brevo("error"), U, "active", False),
    ("brevo", brevo("spam"), "spam report", "spam", False),
    ("brevo", brevo("unsubscribe"), "unsubscribed", "unsubscribed", False),
    ("mailjet", mailjet("sent"), "delivered", "active", False),
    ("mailjet", mailjet("bounce", hard_bounce=True, error="user unknown"), U, B, False),
    ("mailjet", mailjet("bounce", hard_bounce=False, error="quota exceeded"), U, "active", True),
    ("mailjet", mailjet("blocked", error="preblocked"), U, B, False),
    ("mailjet", mailjet("blocked", error="spam reporter"), U, "spam", False),
    ("mailjet", mailjet("blocked", error="duplicate in campaign"), U, "active", False),
    ("mailjet", mailjet("blocked", error="content blocked"), U, "active", False),
    ("mailjet", mailjet("spam"), "spam report", "spam", False),
    ("mailjet", mailjet("unsub"), "unsubscribed", "unsubscribed", False),
    ("sparkpost", sparkpost("delivery"), "delivered", "active", False),
    ("sparkpost", sparkpost("bounce", bounce_class="10"), U, B, False),
    ("sparkpost", sparkpost("bounce", bounce_class="30"), U, B, False),
    ("sparkpost", sparkpost("bounce", bounce_class="22"), U, "active", True),
    ("sparkpost", sparkpost("bounce", bounce_class="40"), U, "active", True),
    ("sparkpost", sparkpost("bounce", bounce_class="51"), U, "active", False),
    ("sparkpost", sparkpost("bounce", bounce_class="60"), "", "active", False),
    ("sparkpost", sparkpost("bounce", bounce_class="90"), "unsubscribed", "unsubscribed", False),
    ("sparkpost", sparkpost("out_of_band", bounce_class="70"), U, "active", True),
    ("sparkpost", sparkpost("policy_rejection", bounce_class="25", raw_reason="recipient suppressed"), U, B, False),
    ("sparkpost", sparkpost("delay", bounce_class="20"), "", "active", False),
    ("sparkpost", sparkpost("spam_complaint"), "spam report", "spam", False),
    ("sparkpost", sparkpost("list_unsubscribe", "unsubscribe_event"), "unsubscribed", "unsubscribed", False),
    ("mandrill", mandrill("send"), "sent", "active", False),
    ("mandrill", mandrill("hard_bounce"), U, B, False),
    ("mandrill", mandrill("soft_bounce"), U, "active", True),
    ("mandrill", mandrill("deferral"), "", "active", False),
    ("mandrill", mandrill("reject", reject={"reason": "unsub"}), U, "unsubscribed", False),
    ("mandrill", mandrill("reject", reject={"reason": "spam"}), U, "spam", False),
    ("mandrill", mandrill("reject", reject={"reason": "hard-bounce"}), U, B, False),
    ("mandrill", mandrill("reject", reject={"reason": "soft-bounce"}), U, "active", True),
    ("mandrill", mandrill("reject", reject={"reason": "test-mode-limit"}), U, "active", False),
    ("mandrill", mandrill("spam"), "spam report", "spam", False),
    ("mandrill", mandrill("unsub"), "unsubscribed", "unsubscribed", False),
    ("amazon_ses", ses("Delivery", delivery={"recipients": [ANN], "smtpResponse": "ok"}), "delivered", "active", False),
    ("amazon_ses", ses_bounce("Permanent", "General"), U, B, False),
    ("amazon_ses", ses_bounce("Permanent", "NoEmail"), U, B, False),
    ("amazon_ses", ses_bounce("Permanent", "Suppressed"), U, B, False),
    ("amazon_ses", ses_bounce("Permanent", "OnAccountSuppressionList"), U, B, False),
    ("amazon_ses", ses_bounce("Transient", "MailboxFull"), U, "active", True),
    ("amazon_ses", ses_bounce("Transient", "General"), U, "active", True),
    ("amazon_ses", ses_bounce("Transient", "ContentRejected"), U, "active", False),
    ("amazon_ses", ses_bounce("Transient", "MessageTooLarge"), U, "active", False),
    ("amazon_ses", ses_bounce("Undetermined", "Undetermined"), U, "active", True),
    (
        "amazon_ses",
        ses("Complaint", complaint={"complainedRecipients": [{"emailAddress": ANN}]}),
        "spam report",
        "spam",
        False,
    ),
    (
        "amazon_ses",
        ses("Subscription", subscription={"newTopicPreferences": {"unsubscribeAll": True}}),
        "unsubscribed",
        "unsubscribed",
        False,
    ),
    (
        "amazon_ses",
        ses("Subscription", subscription={"newTopicPreferences": {"unsubscribeAll": False}}),
        "",
        "active",
        False,
    ),
    ("sendgrid", sendgrid("delivered"), "delivered", "active", False),
    ("sendgrid", sendgrid("processed"), "", "active", False),
    ("sendgrid", sendgrid("deferred"), "", "active", False),
    ("sendgrid", sendgrid("bounce", type="bounce", bounce_classification="Invalid Address"), U, B, False),
    ("sendgrid", sendgrid("bounce", type="bounce"), U, B, False),
    ("sendgrid", sendgrid("bounce", type="bounce", bounce_classification="Content"), U, "active", False),
    ("sendgrid", sendgrid("bounce", type="blocked", bounce_classification="Mailbox Unavailable"), U, "active", True),
    ("sendgrid", sendgrid("bounce", type="blocked", bounce_classification="Reputation"), U, "active", False),
    ("sendgrid", sendgrid("dropped", reason="Bounced Address"), U, B, False),
    ("sendgrid", sendgrid("dropped", reason="Unsubscribed Address"), U, "unsubscribed", False),
    ("sendgrid", sendgrid("dropped", reason="Spam Reporting Address"), U, "spam", False),
    ("sendgrid", sendgrid("dropped", reason="Spam Content"), U, "active", False),
    ("sendgrid", sendgrid("spamreport"), "spam report", "spam", False),
    ("sendgrid", sendgrid("group_unsubscribe"), "unsubscribed", "unsubscribed", False),
    ("mailersend", mailersend("delivered"), "delivered", "active", False),
    ("mailersend", mailersend("hard_bounced"), U, B, False),
    ("mailersend", mailersend("soft_bounced"), U, "active", True),
    ("mailersend", mailersend("unsubscribed"), "unsubscribed", "unsubscribed", False),
    ("mailersend", mailersend("spam_complaint"), "spam report", "spam", False),
    ("resend", resend("email.delivered"), "delivered", "active", False),
    ("resend", resend("email.delivery_delayed"), "", "active", False),
    ("resend", resend_bounce("Permanent", "General", "sent a hard bounce message"), U, B, False),
    ("resend", resend_bounce("Transient", "MailboxFull", "inbox was full"), U, "active", True),
    ("resend", resend_bounce("Permanent", "Suppressed", "Resend has suppressed sending to this address"), U, B, False),
    ("resend", resend_bounce("Transient", "ContentRejected", "content"), U, "active", False),
    ("resend", resend("email.complained"), "spam report", "spam", False),
]


def told(who: Actor) -> list[tuple[str, bool]]:
    with tenant_context(who.workspace.pk):
        events = Event.objects.filter(kind="message").order_by("pk")
        return [(e.properties["status"], e.properties.get("bounce") == "soft") for e in events]


def post(hook: MailHook, body: Any) -> Any:
    if "mandrill_events" in body:
        form = "application/x-www-form-urlencoded"
        return Client().post(f"/hooks/{hook.key}/", urlencode(body), content_type=form)
    return Client().post(f"/hooks/{hook.key}/", json.dumps(body), content_type="application/json")


def hook_of(who: Actor, provider: str) -> MailHook:
    with tenant_context(who.workspace.pk):
        return webhooks.add(provider)


def ann_twice(alice: Actor) -> None:
    bring(alice.workspace, f"external id,email\nC-1,{ANN}\nC-2,{ANN}\n")


@pytest.mark.parametrize(("provider", "body", "activity", "status", "soft"), CASES)
def test_each_event(alice: Actor, provider: str, body: Any, activity: str, status: str, soft: bool) -> None:
    copy_workspace(alice, ann_twice)
    assert post(hook_of(alice, provider), body).status_code == 200
    assert told(alice) == ([(activity, soft)] if activity else [])
    with tenant_context(alice.workspace.pk):
        # Consent belongs to the address: every contact that has it.
        assert set(Contact.objects.values_list("email_status", flat=True)) == {status}
        assert BlacklistEntry.objects.filter(value=ANN).exists() == (status == B)


def test_sparkpost_without_the_raw_recipient(alice: Actor) -> None:
    bring(alice.workspace, f"email\n{ANN}\n")
    [body] = sparkpost("spam_complaint")
    del body["msys"]["message_event"]["raw_rcpt_to"]
    assert post(hook_of(alice, "sparkpost"), [body]).status_code == 200
    assert told(alice) == [("spam report", False)]


def test_every_provider_has_cases_and_a_judge() -> None:
    assert {provider for provider, *_rest in CASES} == set(webhooks.PROVIDERS) == set(deliverability._JUDGES)


# --- soft bounces in a row --------------------------------------------------------------------------------------------


def soft_then(who: Actor, hook: MailHook, days_ago: list[float], ends: dict[int, str] | None = None) -> None:
    """Soft bounces so many days ago, oldest first; `ends` has other kinds of events by position."""
    for n, days in enumerate(days_ago):
        at = (timezone.now() - timedelta(days=days)).isoformat()
        kind = (ends or {}).get(n, "SoftBounce")
        body = (
            postmark("Delivery", MessageID=f"m-{n}", DeliveredAt=at)
            if kind == "Delivery"
            else postmark("Bounce", Type=kind, ID=100 + n, MessageID=f"m-{n}", BouncedAt=at)
        )
        assert post(hook, body).status_code == 200


def ann(alice: Actor) -> None:
    bring(alice.workspace, f"email\n{ANN}\n")


@pytest.mark.parametrize(
    ("days", "ends", "status"),
    [
        ([5, 4, 3, 2], {}, "active"),
        ([5, 4, 3, 2, 1], {}, "blacklisted"),
        ([6, 5, 4, 3, 2, 1], {2: "Delivery"}, "active"),
        ([9, 8, 7, 6, 5, 4, 3, 2, 1], {3: "Delivery"}, "blacklisted"),
        ([40, 4, 3, 2, 1], {}, "active"),
        ([31, 5, 4, 3, 2, 1], {}, "blacklisted"),
        ([6, 5, 4, 3, 2, 1], {2: "Blocked"}, "blacklisted"),
    ],
)
def test_five_soft_bounces_in_a_row_make_a_hard_one(
    alice: Actor, days: list[float], ends: dict[int, str], status: str
) -> None:
    copy_workspace(alice, ann)
    soft_then(alice, hook_of(alice, "postmark"), days, ends)
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get()
        assert contact.email_status == status
        if status != "active":
            assert contact.email_status_reason == "soft bounces in a row"


def test_the_number_is_a_setting(alice: Actor, bob: Any) -> None:
    bring(alice.workspace, f"email\n{ANN}\n")
    for bad in ("", "x", "-1", "21", "1e9"):
        alice.post("settings/providers/soft/", {"soft_bounces": bad})
    assert Tenant.objects.get(pk=alice.workspace.pk).soft_bounces == 5
    assert "Soft bounces" in alice.get("settings/providers/").content.decode()
    alice.post("settings/providers/soft/", {"soft_bounces": "2"})
    soft_then(alice, hook_of(alice, "postmark"), [2, 1])
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.get().email_status == "blacklisted"


def test_zero_means_never(alice: Actor) -> None:
    bring(alice.workspace, f"email\n{ANN}\n")
    alice.post("settings/providers/soft/", {"soft_bounces": "0"})
    soft_then(alice, hook_of(alice, "postmark"), [9, 8, 7, 6, 5, 4, 3, 2, 1])
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.get().email_status == "active"


# --- Amazon's confirmation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x", True),
        ("https://sns.eu-west-1.amazonaws.com.example.com/?Token=x", False),
        ("https://example.com/", False),
    ],
)
def test_a_person_confirms_at_amazon(alice: Actor, url: str, shown: bool) -> None:
    hook = hook_of(alice, "amazon_ses")
    body = {"Type": "SubscriptionConfirmation", "MessageId": "1", "Token": "x", "TopicArn": "arn", "SubscribeURL": url}
    assert post(hook, body).status_code == (200 if shown else 400)
    assert ("subscription at Amazon" in alice.get("settings/providers/").content.decode()) == shown
