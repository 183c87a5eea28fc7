"""Whether a contact may be written to: the statuses of a channel, from mild to strict, and the words files use. Pure.

An import makes a status stricter, never milder, unless somebody with the permission has said so (identity, rule 5).
"""

import re

from contacts.values.identifiers import name_key
from contacts.values.parsers import BadValue

# The mildest first (reliability rule R37): who has complained stays silent whatever a list says.
EMAIL_ORDER = ("active", "not_confirmed", "blacklisted", "unsubscribed", "spam")
PHONE_ORDER = ("active", "blacklisted")
ORDERS = {"email": EMAIL_ORDER, "phone": PHONE_ORDER}

_WORDS = {
    "active": "active|subscribed|subscribe|subscriber|opted in|opt in|opt-in|optin|yes|y|true|1|confirmed|enabled"
    "|granted|given|allowed|double opt in|confirmed opt in|single opt in|marketing contact|soft bounce"
    "|soft bounced|soft|on|ja|oui|si|sim|tak|так|да|jā|aktiv|abonniert|bestätigt|abonné|actif|suscrito"
    "|activo|iscritto|attivo|inscrito|ativo|actief|ingeschreven|subskrybowany|aktywny|підписаний|активний"
    "|подписан|активен|активный|aktīvs",
    "not_confirmed": "not confirmed|not_confirmed|unconfirmed|pending|pending confirmation|never subscribed|not subscribed"
    "|none|awaiting confirmation|unbestätigt|nicht bestätigt|en attente|non confirmé|no confirmado"
    "|non confermato|não confirmado|niet bevestigd|niepotwierdzony|не підтверджений|не подтвержден"
    "|nav apstiprināts",
    "blacklisted": "blacklisted|blacklist|blocklisted|blocklist|blocked|bounced|bounce|hard bounce|hard bounced"
    "|hardbounce|hard|cleaned|invalid|suppressed|undeliverable|gesperrt|unzustellbar|bloqué|bloqueado"
    "|bloccato|geblokkeerd|zablokowany|заблокований|заблокирован",
    "unsubscribed": "unsubscribed|unsubscribe|unsub|opted out|opt out|opt-out|optout|no|n|false|0|off|disabled|denied"
    "|declined|withdrawn|revoked|removed|deleted|archived|manual|non subscribed|nonsubscribed"
    "|transactional|non marketing contact|do not contact|inactive|nein|non|não|nao|nee|nie|ні|нет|nē"
    "|abgemeldet|inaktiv|désabonné|désinscrit|inactif|baja|dado de baja|inactivo|disiscritto|inattivo"
    "|descadastrado|inativo|uitgeschreven|inactief|wypisany|nieaktywny|відписаний|неактивний|отписан"
    "|неактивен|atrakstījies",
    "spam": "spam|spam report|spam complaint|complained|complaint|abuse|marked as spam|reported as spam|junk"
    "|beschwerde|plainte|queja|skarga|скарга|жалоба",
}


def _normal(text: str) -> str:
    return " ".join(_NO_WORD.sub(" ", name_key(text)).split())


_NO_WORD = re.compile(r"[\W_]+")
_STATUSES = {_normal(word): status for status, words in _WORDS.items() for word in words.split("|")}


def status(text: str, *, channel: str) -> str:
    """The status that a cell means. Raises BadValue("not_a_status") for a word that means none, or none of this channel.

    For phones, everything that forbids messages is `blacklisted`: they have no finer statuses.
    """
    meaning = _STATUSES.get(_normal(text))
    if meaning is None:
        raise BadValue("not_a_status")
    if channel == "phone":
        return "active" if meaning == "active" else "blacklisted"
    return meaning


def is_stricter(new: str, old: str, *, channel: str) -> bool:
    """Whether the new status allows less than the old one."""
    order = ORDERS[channel]
    return order.index(new) > order.index(old)
