"""Whether a contact may be written to: the statuses of a channel, from mild to strict, and the words files use. Pure.

An import makes a status stricter, never milder, unless somebody with the permission has said so (identity, rule 5).
"""

from contacts.identifiers import name_key
from contacts.values import BadValue

# The mildest first (reliability rule R37): who has complained stays silent whatever a list says.
EMAIL_ORDER = ("active", "not_confirmed", "blacklisted", "unsubscribed", "spam")
PHONE_ORDER = ("active", "blacklisted")
ORDERS = {"email": EMAIL_ORDER, "phone": PHONE_ORDER}

_WORDS = {
    "active": "active|subscribed|subscribe|subscriber|opted in|opt in|opt-in|yes|y|true|1|confirmed|ja|oui|si|sim"
    "|tak|так|да|jā|abonniert|abonné|suscrito|iscritto|inscrito|subskrybowany",
    "not_confirmed": "not confirmed|not_confirmed|unconfirmed|pending|never subscribed|not subscribed|none"
    "|unbestätigt|en attente",
    "blacklisted": "blacklisted|blocked|bounced|bounce|hard bounce|cleaned|invalid|suppressed|undeliverable",
    "unsubscribed": "unsubscribed|unsubscribe|opted out|opt out|opt-out|no|n|false|0|nein|non|não|nao|nee|nie|ні|нет|nē|"
    "abgemeldet|désabonné|baja|disiscritto",
    "spam": "spam|spam report|complained|complaint|abuse|marked as spam",
}
_STATUSES = {name_key(word): status for status, words in _WORDS.items() for word in words.split("|")}


def status(text: str, *, channel: str) -> str:
    """The status that a cell means. Raises BadValue("not_a_status") for a word that means none, or none of this channel.

    For phones, everything that forbids messages is `blacklisted`: they have no finer statuses.
    """
    found = _STATUSES.get(name_key(text))
    if found is None:
        raise BadValue("not_a_status")
    if channel == "phone":
        return "active" if found == "active" else "blacklisted"
    return found


def is_stricter(new: str, old: str, *, channel: str) -> bool:
    """Whether the new status allows less than the old one."""
    order = ORDERS[channel]
    return order.index(new) > order.index(old)
