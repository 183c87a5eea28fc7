"""Columns that say whether a person may be written to, or be shown ads: how other programs call them, and what their cells
mean. Pure.

The names are those of the exports of Mailchimp, Klaviyo, HubSpot, Brevo, listmonk, Mautic, MailerLite, ActiveCampaign,
Campaign Monitor and Shopify, and the words that people use for it in the languages that the import understands. A name is
compared by its words: "Email Marketing Consent", `email_marketing_consent` and "emailMarketingConsent" are one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from contacts.values import ads_consent, channel_status
from contacts.values.identifiers import name_key
from contacts.values.parsers import BadValue
from contacts.values.vocabulary import BOOLEANS


class Meaning(NamedTuple):
    """What a column says, of a channel or of ADS. `yes` is the status that a cell which says yes, or holds a date, means;
    None: cells name the status themselves. `sure`: whether the name alone says so, whatever the cells hold."""

    channel: str
    yes: str | None
    sure: bool


# The field of what is no channel: whether ads may be aimed at a person.
ADS = ads_consent.KEY
# Words of names, in their normal form (lower case, without accents), with what a "yes" in such a column means.
_REFUSED = """unsubscribed|unsubscribe|unsub|unsub time|unsubscribed at|unsubscribed date|unsubscribe date|unsubscribe time
|opted out|opt out|optout|optedout|opt out date|opt out time|opted out at|email opt out|do not contact|do not email
|do not mail|do not call|do not text|donotcontact|donotemail|dnc|no email|no emails|no marketing|no newsletter
|unsubscribed from all email|unsubscribed from all emails|email opted out|is unsubscribed|has opted out of email
|hasoptedoutofemail|has opted out|opted out of email|withdrawn|consent withdrawn|abgemeldet|abgemeldet am|abmeldung
|abmeldedatum|keine werbung|werbesperre|widerspruch|desabonne|desinscrit|desabonnement|date de desabonnement
|desinscription|date de desinscription|baja|fecha de baja|dado de baja|cancelado|disiscritto|data disiscrizione
|disiscrizione|cancelou|descadastrado|data de cancelamento|uitgeschreven|uitschrijfdatum|afgemeld|wypisany|wypisano
|data wypisania|rezygnacja|відписаний|відписка|дата відписки|отписан|отписался|отписка|дата отписки
|atrakstijies|atrakstisanas datums"""
_SILENCED = """bounced|bounce|bounced at|bounce date|hard bounce|hard bounced|hardbounce|hardbounced|is bounced|cleaned
|clean time|cleaned at|blacklisted|blacklist|blocklisted|blocklist|email blacklisted|email blocklisted|emailblacklisted
|is blacklisted|sms blacklisted|sms blocklisted|smsblacklisted|suppressed|suppression|email suppressions|email suppressed
|is suppressed|undeliverable|invalid email|email bounced|email hard bounced|gesperrt|unzustellbar|rejete|bloque|bloqueado
|rebotado|rimbalzato|devolvido|geblokkeerd|zablokowany|odbity|заблокований|заблокирован|blokets"""
_COMPLAINED = """complained|complaint|complained at|complaint date|spam|spam complaint|spam report|spam reported
|reported spam|marked as spam|marked spam|abuse|abuse complaint|beschwerde|spam beschwerde|plainte|queja|reclamo|klacht
|skarga|скарга|жалоба|sudziba"""
_ACCEPTED = """subscribed|is subscribed|subscriber|opt in|optin|opted in|optedin|double opt in|double optin|doi|email opt in
|email optin|sms opt in|sms optin|marketing opt in|marketing optin|newsletter opt in|accepts marketing
|accepts email marketing|accepts sms marketing|acceptsmarketing|buyer accepts marketing|marketing accepted
|marketing consent|email consent|sms consent|email marketing consent given|consent|consent given|has consent
|gdpr consent|gdpr|permission|marketing permission|marketing permissions|email permission|newsletter
|newsletter subscription|newsletter subscriber|subscribed to newsletter|subscribe to newsletter|receive newsletter
|wants newsletter|mailing list|email marketing|sms marketing|marketing emails|marketing allowed|may contact
|can email|allow emails|email allowed|email marketing opt in|einwilligung|werbeeinwilligung|newsletter einwilligung
|marketing einwilligung|zustimmung|abonniert|abonnent|newsletter abonniert|newsletter abonnement|werbung erlaubt
|consentement|consentement marketing|accepte le marketing|abonne|abonne newsletter|inscrit newsletter|inscrit a la newsletter
|consentimiento|acepta marketing|acepta publicidad|suscrito|suscriptor|boletin|consenso|consenso marketing|iscritto
|iscritto alla newsletter|accetta il marketing|consentimento|aceita marketing|inscrito|assinante|toestemming
|marketing toestemming|ingeschreven|nieuwsbrief|aangemeld|zgoda|zgoda marketingowa|zgoda na marketing|subskrybent
|zapisany|згода|згода на розсилку|підписаний|підписка|розсилка|согласие|согласие на рассылку|подписан|подписка|рассылка
|piekrisana|abonets|jaunumi"""
_STATUS = """email status|e mail status|phone status|sms status|mobile status|subscription status|subscriber status
|email subscription status|email subscriber status|sms subscription status|sms subscriber status|consent status
|email consent status|sms consent status|email marketing status|sms marketing status|email marketing consent
|sms marketing consent|marketing status|marketing contact status|newsletter status|mailing status|list status
|optin status|opt in status|email opt in status|email deliverability|email quality status|unsubscribe status
|bounce status|permission status|e mail statuss|abo status|abonnement status|abonnentenstatus|statut email
|statut e mail|statut d abonnement|statut abonnement|estado de suscripcion|estado de correo|estado email
|stato iscrizione|stato email|status da inscricao|status do email|abonnementsstatus|inschrijfstatus|status subskrypcji
|status e mail|статус підписки|статус email|статус подписки|статус рассылки|статус e mail|abonementa statuss"""
_ADS_GRANTED = """ads consent|ad consent|advertising consent|ad user data|ad personalization|ad personalisation
|ads personalization|ads personalisation|ad storage|ads opt in|ad opt in|ads optin|advertising opt in|ads allowed
|accepts ads|allows ads|targeted ads|targeted advertising|personalized ads|personalised ads|personalized advertising
|personalised advertising|remarketing consent|retargeting consent|einwilligung anzeigen|consentement publicitaire"""
_ADS_DENIED = """ads opt out|ad opt out|ads optout|advertising opt out|opted out of ads|opt out of ads|no ads|refused ads
|do not sell|do not share|do not sell or share|do not sell or share my personal information|limit ad tracking"""
# Names of many meanings: the cells have to say that it is this one.
_PERHAPS = """status|state|contact status|member status|customer status|account status|user status|person status|statut
|estado|stato|stan|статус|statuss|do not disturb|active|aktiv|enabled|inactive"""

_ADS: dict[str, str] = {
    " ".join(name.split()): value
    for names, value in ((_ADS_GRANTED, ads_consent.GRANTED), (_ADS_DENIED, ads_consent.DENIED))
    for name in names.split("|")
}
_TABLE: dict[str, tuple[str | None, bool]] = {}
for _names, _yes, _sure in (
    (_PERHAPS, None, False),
    (_ACCEPTED, "active", True),
    (_STATUS, None, True),
    (_REFUSED, "unsubscribed", True),
    (_SILENCED, "blacklisted", True),
    (_COMPLAINED, "spam", True),
):
    _TABLE |= dict.fromkeys((" ".join(name.split()) for name in _names.split("|")), (_yes, _sure))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NO_WORD = re.compile(r"[\W_]+")
_PHONE = _words("""sms phone mobile text texts whatsapp call handy telefon telephone telefono viber""")
_EMAIL = _words("""email e mail emails mails correo courriel""")
# What a name may have around the words of the table: "Customer: Accepts marketing", "hs_email_optout", "$consent".
_AROUND = _words("""customer contact person profile user subscriber member lead recipient hs mc is has the for from your list
general main primary address our of all email e mail emails sms phone mobile whatsapp marketing newsletter
status date at time on timestamp""")
# When somebody has agreed is no status: most programs give that time of people who have gone since, too.
_WHEN = _words("date time at timestamp on datum fecha data")
# Names with these words say when, why or from where, not whether.
_ABOUT = _words("""reason campaign title ip source country id count number rate score url link ref note notes""")


def normal(name: str) -> str:
    """The form in which names of columns are compared here: lower case, without accents and signs, one blank a gap."""
    words = _NO_WORD.sub(" ", _CAMEL.sub(" ", unicodedata.normalize("NFC", name)))
    return " ".join(name_key(words).split())


def meaning(name: str) -> Meaning | None:
    """What a column of this name says about consent; None when its name says nothing of it."""
    text = normal(name)
    words = text.split()
    if not words or not _ABOUT.isdisjoint(words):
        return None
    if (said := _of_ads(text, words)) is not None:
        return Meaning(ADS, said, True)
    entry = _TABLE.get(text) or _inside(words)
    if entry is None:
        return None
    yes, sure = entry
    if yes == "active" and not _WHEN.isdisjoint(words):
        return None
    channel = "phone" if not _PHONE.isdisjoint(words) and _EMAIL.isdisjoint(words) else "email"
    return Meaning(channel, yes, sure)


def _of_ads(text: str, words: Sequence[str]) -> str | None:
    """What a "yes" means in a column about ads; None for other columns, and for those that say when somebody agreed."""
    if (said := _ADS.get(text)) is not None:
        return said
    said = _ADS.get(" ".join(word for word in words if word not in _AROUND))
    return None if said == ads_consent.GRANTED and not _WHEN.isdisjoint(words) else said


def ads_formats(name: str) -> tuple[str, ...]:
    """How the cells of a column of this name are read as ads consent (contacts.values.ads_consent)."""
    column = meaning(name)
    refused = column is not None and column.yes in (ads_consent.DENIED, "unsubscribed", "blacklisted")
    return (ads_consent.REFUSALS,) if refused else ()


def _inside(words: Sequence[str]) -> tuple[str | None, bool] | None:
    """The longest run of words that the table has, where nothing but words around it is left over."""
    for length in range(len(words) - 1, 0, -1):
        for start in range(len(words) - length + 1):
            entry = _TABLE.get(" ".join(words[start : start + length]))
            rest = {*words[:start], *words[start + length :]}
            if (
                entry is not None
                and rest <= _AROUND
                and (entry[1] or rest & {*_EMAIL, *_PHONE, "marketing", "newsletter"})
            ):
                return entry[0], True
    return None


# Cells that are about nothing else: whoever skips a column with them is asked.
_TELLING_WORDS = """unsubscribed|subscribed|never subscribed|opted out|opted in|opt out|opt in|bounced|hard bounce
|hard bounced|cleaned|blacklisted|blocklisted|spam report|spam|complained|not confirmed|unconfirmed|abgemeldet|desabonne
|unsub"""
_TELLING = frozenset(" ".join(word.split()) for word in _TELLING_WORDS.split("|"))


def looks_like(name: str, values: Iterable[str]) -> bool:
    """Whether a column must not be left out without a word: by its name, or because its cells say so."""
    column = meaning(name)
    said = {normal(value) for value in values if value.strip()}
    if said & _TELLING:
        return True
    if column is None:
        return False
    return column.sure or (bool(said) and all(_known(value) for value in said) and not said <= set(BOOLEANS))


def _known(text: str) -> bool:
    try:
        channel_status.status(text, channel="email")
    except BadValue:
        return False
    return True


_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{9,13}$").match


def reader(name: str, channel: str) -> Callable[[str], str | None]:
    """A function from the trimmed text of a cell in a column of this name to the status that it means for the channel; None
    when it says nothing. It raises BadValue("not_a_status")."""
    column = meaning(name)
    yes = column.yes if column is not None and column.channel != ADS else None

    def read(text: str) -> str | None:
        if yes is None:
            return channel_status.status(text, channel=channel)
        word = normal(text)
        told = BOOLEANS.get(word)
        if told is None:
            # A date says when it happened; anything else has to be the name of a status.
            if _DATE(text):
                return _for(yes, channel)
            return channel_status.status(text, channel=channel)
        if yes == "active":
            return _for("active" if told else "unsubscribed", channel)
        return _for(yes, channel) if told else None

    return read


def _for(status: str, channel: str) -> str:
    return status if channel == "email" or status == "active" else "blacklisted"


def fits(name: str, values: Sequence[str]) -> bool:
    """Whether a column of this name can be read as statuses: all of its values, where only they can say that it is one."""
    column = meaning(name)
    if column is None:
        return False
    read: Callable[[str], str | None] = (
        ads_consent.reader(refusals=column.yes == ads_consent.DENIED)
        if column.channel == ADS
        else reader(name, column.channel)
    )
    good = 0
    for value in values:
        try:
            read(value.strip())
            good += 1
        except BadValue:
            continue
    if not values:
        return column.sure
    return 2 * good > len(values) if column.sure else good == len(values) and looks_like(name, values)
