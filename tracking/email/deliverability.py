"""What a provider's event means for an address: activity, status, reason. A table, provider by provider. Pure.

django-anymail reads the dialects, but calls soft and hard bounces the same for several providers, and a refusal to send
to somebody who unsubscribed a bounce (15.2); the provider's own words (`esp_event`) tell them apart. Sources: the
providers' own documents of their webhooks, named above each table; docs/subscribing.md has it for people.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Verdict(NamedTuple):
    """`activity` is what the activity of the contact says; `status` the status that the address gets, None: none; `soft`:
    whether it counts among the soft bounces that make a hard one when there are several in a row."""

    activity: str
    status: str | None = None
    reason: str = ""
    soft: bool = False


HARD = Verdict("undelivered", "blacklisted", "a message bounced")
INVALID = Verdict("undelivered", "blacklisted", "the address does not exist")
SOFT = Verdict("undelivered", soft=True)
# Refused for what was sent, or by whom: it says nothing about the address.
REFUSED = Verdict("undelivered")
SPAM = Verdict("spam report", "spam", "reported a message as spam")
UNSUBSCRIBED = Verdict("unsubscribed", "unsubscribed", "unsubscribed from a message")
# The provider does not send to the address any more, and says why.
HELD_BOUNCED = Verdict("undelivered", "blacklisted", "on the provider's suppression list: bounced")
HELD_SPAM = Verdict("undelivered", "spam", "on the provider's suppression list: reported spam")
HELD_UNSUBSCRIBED = Verdict("undelivered", "unsubscribed", "on the provider's suppression list: unsubscribed")
HELD = Verdict("undelivered", "blacklisted", "on the provider's suppression list")

# What needs no second look, by what anymail calls it.
_PLAIN = {
    "sent": Verdict("sent"),
    "delivered": Verdict("delivered"),
    "opened": Verdict("read"),
    "clicked": Verdict("clicked"),
    "complained": SPAM,
    "unsubscribed": UNSUBSCRIBED,
    "bounced": REFUSED,
    "rejected": REFUSED,
    "failed": REFUSED,
}


def classify(provider: str, event: Any) -> Verdict | None:
    """What an event of a provider means; None when it is about no message that reached its end (queued, deferred …)."""
    said = event.esp_event if isinstance(event.esp_event, Mapping) else {}
    own = _JUDGES.get(provider)
    verdict = own(said) if own is not None else None
    if verdict is IGNORED:
        return None
    return verdict or _PLAIN.get(event.event_type)


def recipient(provider: str, event: Any) -> str:
    """Whom an event is about. anymail 15.2 reads only `raw_rcpt_to` of SparkPost, which not every event has."""
    if event.recipient or provider != "sparkpost":
        return str(event.recipient or "")
    outer = event.esp_event.get("msys", {}) if isinstance(event.esp_event, Mapping) else {}
    inner: Any = next(iter(outer.values()), {}) if isinstance(outer, Mapping) else {}
    return _text(inner, "rcpt_to") if isinstance(inner, Mapping) else ""


# What a judge answers for events that say nothing about anybody; None leaves the event to the table of anymail's words.
IGNORED = Verdict("")


def _text(said: Mapping[str, Any], *names: str) -> str:
    """A value some levels down as text in small letters; "" when it is not there."""
    value: Any = said
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return str(value).strip().lower() if isinstance(value, str | int) else ""


# --- Postmark: "Bounce webhook", "Bounce types", "Subscription change webhook" ------------------------------------------

_POSTMARK = {
    "hardbounce": HARD, "bademailaddress": INVALID, "softbounce": SOFT, "transient": SOFT, "dnserror": SOFT,
    "unknown": SOFT, "undeliverable": SOFT, "unsubscribe": UNSUBSCRIBED, "spamcomplaint": SPAM,
    "manuallydeactivated": HELD, "unconfirmed": REFUSED, "blocked": REFUSED, "spamnotification": REFUSED,
    "virusnotification": REFUSED, "smtpapierror": REFUSED, "dmarcpolicy": REFUSED, "templaterenderingfailed": REFUSED,
    "openrelaytest": REFUSED, "autoresponder": IGNORED, "addresschange": IGNORED, "challengeverification": IGNORED,
    "subscribe": IGNORED, "inbounderror": IGNORED,
}  # fmt: skip
_POSTMARK_HELD = {
    "hardbounce": HELD_BOUNCED._replace(activity="undelivered"),
    "spamcomplaint": SPAM,
    "manualsuppression": UNSUBSCRIBED,
}


def _postmark(said: Mapping[str, Any]) -> Verdict | None:
    kind = _text(said, "RecordType")
    if kind in ("bounce", "spamcomplaint"):
        return _POSTMARK.get(_text(said, "Type"), REFUSED)
    if kind == "subscriptionchange":
        if said.get("SuppressSending") is False:
            return IGNORED
        return _POSTMARK_HELD.get(_text(said, "SuppressionReason"), HELD)
    return None


# --- Mailgun: "Events: failed, rejected", reasons of a failure ----------------------------------------------------------

_MAILGUN = {
    "bounce": HARD, "hardfail": HARD, "suppress-bounce": HELD_BOUNCED, "suppress-complaint": HELD_SPAM,
    "suppress-unsubscribe": HELD_UNSUBSCRIBED, "old": SOFT, "generic": SOFT, "greylisted": SOFT, "espblock": REFUSED,
    "policy": REFUSED,
}  # fmt: skip
# The codes of the older form-encoded posts ("dropped").
_MAILGUN_CODES = {"605": HELD_BOUNCED, "606": HELD_UNSUBSCRIBED, "607": HELD_SPAM}


def _mailgun(said: Mapping[str, Any]) -> Verdict | None:
    data = said.get("event-data")
    if not isinstance(data, Mapping):
        return _mailgun_legacy(said)
    if _text(data, "event") != "failed":
        return REFUSED if _text(data, "event") == "rejected" else None
    if _text(data, "severity") == "temporary":
        return IGNORED  # it tries again
    held = _MAILGUN_CODES.get(_text(data, "delivery-status", "code"))
    return held or _MAILGUN.get(_text(data, "reason"), SOFT)


def _mailgun_legacy(said: Mapping[str, Any]) -> Verdict | None:
    kind, code = _text(said, "event"), _text(said, "code")
    if kind == "dropped":
        return _MAILGUN_CODES.get(code) or (HARD if _text(said, "reason") == "hardfail" else SOFT)
    if kind == "bounced":
        return HARD if code.startswith("5") else SOFT
    return None


# --- Brevo: "Transactional webhooks", "Marketing webhooks" --------------------------------------------------------------

_BREVO = {
    "hard_bounce": HARD, "hardbounce": HARD, "soft_bounce": SOFT, "softbounce": SOFT, "invalid_email": INVALID,
    "invalid": INVALID, "spam": SPAM, "complaint": SPAM, "unsubscribe": UNSUBSCRIBED, "unsubscribed": UNSUBSCRIBED,
    "error": REFUSED, "deferred": IGNORED, "request": IGNORED, "list_addition": IGNORED,
}  # fmt: skip


def _brevo(said: Mapping[str, Any]) -> Verdict | None:
    kind = _text(said, "event")
    return _held_by(_text(said, "reason")) if kind == "blocked" else _BREVO.get(kind)


def _held_by(why: str, otherwise: Verdict = REFUSED) -> Verdict:
    """Which list of a provider holds an address, where its own sentence says so."""
    if "unsubscri" in why:
        return HELD_UNSUBSCRIBED
    if "complain" in why or "spam report" in why:
        return HELD_SPAM
    if "bounce" in why or "suppress" in why or "blacklist" in why or "blocklist" in why:
        return HELD_BOUNCED if "bounce" in why else HELD
    return otherwise


# --- Mailjet: "Event API", table of errors ------------------------------------------------------------------------------

_MAILJET_BLOCKED = {
    "user unknown": INVALID, "mailbox inactive": INVALID, "invalid domain": INVALID, "no mail host": INVALID,
    "preblocked": HELD_BOUNCED, "blacklisted": HELD, "spam reporter": HELD_SPAM,
}  # fmt: skip


def _mailjet(said: Mapping[str, Any]) -> Verdict | None:
    kind = _text(said, "event")
    if kind == "bounce":
        return HARD if said.get("hard_bounce") in (True, 1, "1", "true") else SOFT
    return _MAILJET_BLOCKED.get(_text(said, "error"), REFUSED) if kind == "blocked" else None


# --- SparkPost: "Bounce classification codes" ---------------------------------------------------------------------------

_SPARKPOST = {
    "1": SOFT, "10": INVALID, "20": SOFT, "21": SOFT, "22": SOFT, "23": REFUSED, "24": SOFT, "25": REFUSED, "30": INVALID,
    "40": SOFT, "50": REFUSED, "51": REFUSED, "52": REFUSED, "53": REFUSED, "54": REFUSED, "60": IGNORED, "70": SOFT,
    "80": IGNORED, "90": UNSUBSCRIBED, "100": IGNORED,
}  # fmt: skip


def _sparkpost(said: Mapping[str, Any]) -> Verdict | None:
    outer = said.get("msys")
    inner = next(iter(outer.values()), {}) if isinstance(outer, Mapping) and outer else said
    kind = _text(inner, "type")
    if kind in ("bounce", "out_of_band", "policy_rejection", "generation_rejection"):
        verdict = _SPARKPOST.get(_text(inner, "bounce_class"), REFUSED)
        return _held_by(_text(inner, "raw_reason") or _text(inner, "reason")) if verdict is REFUSED else verdict
    return IGNORED if kind == "delay" else None


# --- Mandrill: "Message event webhooks", "Rejection reasons" ------------------------------------------------------------

_MANDRILL = {
    "hard-bounce": HELD_BOUNCED, "soft-bounce": SOFT, "spam": HELD_SPAM, "unsub": HELD_UNSUBSCRIBED, "custom": HELD,
    "invalid": INVALID,
}  # fmt: skip


def _mandrill(said: Mapping[str, Any]) -> Verdict | None:
    kind = _text(said, "event")
    if kind == "reject":
        return _MANDRILL.get(_text(said, "msg", "reject", "reason") or _text(said, "reject", "reason"), REFUSED)
    return {"hard_bounce": HARD, "soft_bounce": SOFT, "deferral": IGNORED}.get(kind)


# --- Amazon SES: "Contents of event data that Amazon SES publishes to Amazon SNS" ---------------------------------------

_SES = {
    ("permanent", "suppressed"): HELD_BOUNCED, ("permanent", "onaccountsuppressionlist"): HELD,
    ("transient", "messagetoolarge"): REFUSED, ("transient", "contentrejected"): REFUSED,
    ("transient", "attachmentrejected"): REFUSED, ("transient", "custom timeout exceeded"): SOFT,
}  # fmt: skip


def _amazon_ses(said: Mapping[str, Any]) -> Verdict | None:
    kind = _text(said, "eventType") or _text(said, "notificationType")
    if kind == "bounce":
        way, more = _text(said, "bounce", "bounceType"), _text(said, "bounce", "bounceSubType")
        return _SES.get((way, more), HARD if way == "permanent" else SOFT)
    if kind == "subscription":
        gone = said.get("subscription", {})
        now = gone.get("newTopicPreferences", {}) if isinstance(gone, Mapping) else {}
        return UNSUBSCRIBED if isinstance(now, Mapping) and now.get("unsubscribeAll") is True else IGNORED
    return IGNORED if kind in ("deliverydelay", "send") else None


# --- SendGrid: "Event webhook reference", bounce classifications --------------------------------------------------------

_SENDGRID_DROPPED = {
    "bounced address": HELD_BOUNCED, "unsubscribed address": HELD_UNSUBSCRIBED, "spam reporting address": HELD_SPAM,
    "invalid": INVALID,
}  # fmt: skip
_SENDGRID_CLASSES = {
    "invalid address": INVALID, "mailbox unavailable": SOFT, "technical failure": SOFT, "frequency or volume too high": SOFT,
    "reputation": REFUSED, "content": REFUSED, "unclassified": SOFT,
}  # fmt: skip


def _sendgrid(said: Mapping[str, Any]) -> Verdict | None:
    kind, classed = _text(said, "event"), _text(said, "bounce_classification")
    if kind == "dropped":
        return _SENDGRID_DROPPED.get(_text(said, "reason"), REFUSED)
    if kind == "bounce" and _text(said, "type") == "blocked":
        verdict = _SENDGRID_CLASSES.get(classed, SOFT)
        return SOFT if verdict is INVALID else verdict
    if kind == "bounce":
        return REFUSED if classed in ("reputation", "content") else HARD
    return IGNORED if kind in ("processed", "deferred", "group_resubscribe") else None


# --- MailerSend: "Webhooks: activity types" -----------------------------------------------------------------------------


def _mailersend(said: Mapping[str, Any]) -> Verdict | None:
    kind = _text(said, "data", "type") or _text(said, "type").removeprefix("activity.")
    return {"soft_bounced": SOFT, "hard_bounced": HARD, "deferred": IGNORED}.get(kind)


# --- Resend: "Webhooks: event types", "Email bounces" -------------------------------------------------------------------


def _resend(said: Mapping[str, Any]) -> Verdict | None:
    kind = _text(said, "type")
    if kind == "email.bounced":
        way = _text(said, "data", "bounce", "type")
        more, words = _text(said, "data", "bounce", "subType"), _text(said, "data", "bounce", "message")
        if "suppress" in more or "suppressed sending" in words:
            return _held_by(words.replace("suppress", ""), HELD)
        if way == "permanent" or (not way and "hard bounce" in words):
            return HARD
        return REFUSED if more in ("contentrejected", "messagetoolarge", "attachmentrejected") else SOFT
    if kind == "email.suppressed":
        return _held_by(_text(said, "data", "suppressed", "message"), HELD)
    return IGNORED if kind in ("email.scheduled", "email.delivery_delayed") else None


_JUDGES: dict[str, Callable[[Mapping[str, Any]], Verdict | None]] = {
    "postmark": _postmark, "mailgun": _mailgun, "brevo": _brevo, "mailjet": _mailjet, "sparkpost": _sparkpost,
    "mandrill": _mandrill, "amazon_ses": _amazon_ses, "sendgrid": _sendgrid, "mailersend": _mailersend, "resend": _resend,
}  # fmt: skip
