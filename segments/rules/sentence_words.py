"""The words that sentences are made of, whatever the workspace (segments.rules.sentence). All in small letters."""

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that say nothing by themselves, and are never reported as not understood.
FILLER = _words(
    "a all already also an any anyone are as at be been by contact contacts customer customers do did does each ever "
    "everyone find for from get give had has have i in is list me my of on our people person persons show that "
    "the their them then they those to us user users want was we were which who whom whose with you living based located "
    "currently clients client buyers shoppers interested speak speaks speaking live lives"
) | {"everybody"}
AND = _words("and but , & plus while though")
OR = _words("or nor")
_SHORT = "didn't haven't hasn't isn't aren't don't doesn't wasn't weren't hadn't"
# Also as people type them who leave the apostrophe out.
NOT = _words(f"not never without no neither except excluding cannot {_SHORT} {_SHORT.replace(chr(39), '')}")
# After these, a “not” before an “or” holds no longer: “did not open or click”, but “did not open or are from Riga”.
BREAKS = _words("who that which whose are is was were have has had with from in do did but")
ARTICLES = _words("a an the any some our my their its of")
# What people do → the activity.
VERBS: Mapping[str, str] = {
    word: key
    for key, words in (
        ("order", "order ordered orders ordering buy bought buys buying purchase purchased purchases"),
        ("order_total", "spend spent spends spending"),
        ("read", "open opened opens opening read reads"),
        ("clicked", "click clicked clicks clicking"),
        ("delivered", "receive received receives got"),
        ("sent", "sent"),
        ("undelivered", "bounce bounced"),
        ("page", "visit visited visits visiting view viewed views browse browsed saw seen"),
        ("landing", "landed land arrived"),
    )
    for word in words.split()
}
CREATED, CHANGED = _words("created joined added registered"), _words("changed updated")
# Objects of verbs that say no more than the verb does.
OBJECTS = ARTICLES | _words(
    "anything something message messages e-mail e-mails email emails mail mails newsletter newsletters us site website shop "
    "store page pages product products in on at to link links it them one your order orders"
)
PREPOSITIONS = _words("in on at to the of")
_CODES = "EUR USD GBP SEK NOK DKK PLN CHF CZK JPY AUD CAD UAH INR HUF"
CURRENCIES: Mapping[str, str] = {
    "€": "EUR", "$": "USD", "£": "GBP", "euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "pound": "GBP",
    "pounds": "GBP", **{code.lower(): code for code in _CODES.split()},
}  # fmt: skip
# Before and behind a number → the comparison.
COMPARED: tuple[tuple[tuple[str, ...], str], ...] = tuple(
    (tuple(lead.split()), op)
    for op, leads in (
        ("at_least", ("at least", "minimum")),
        ("at_most", ("at most", "up to", "no more than", "maximum")),
        ("more", ("more than", "over", "above")),
        ("less", ("less than", "fewer than", "under", "below")),
        ("exactly", ("exactly", "only")),
    )
    for lead in leads
)
AFTERWARDS = ((("or", "more"), "at_least"), (("or", "less"), "at_most"), (("or", "fewer"), "at_most"))
# With what a period can begin, months aside.
SPAN_START = _words(
    "in within during for over since before after until between from on this last past previous today yesterday more "
    "longer the"
)
# How fields are also called.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "email": ("e-mail", "email", "mail", "e-mail address", "email address", "mail address", "address"),
    "phone": ("phone", "phone number", "mobile", "telephone", "mobile number"),
    "first_name": ("first name", "name", "forename"),
    "last_name": ("last name", "surname", "family name"),
    "external_id": ("external id", "customer id", "customer number"),
    "birthday": ("birthday", "birthdays", "birth date", "date of birth", "born"),
    "rating": ("e-mail rating", "email rating", "rating", "rated"),
    "company": ("company", "organisation", "organization", "employer"),
    "job_title": ("job title", "job", "position"),
    "city": ("city", "town"),
    "postal_code": ("postal code", "postcode", "zip code", "zip"),
    "region": ("region", "state", "county", "province"),
    "visit.visits": ("number of visits",),
    "visit.pages": ("page views", "number of page views", "pages"),
    "visit.seconds": ("seconds", "seconds spent on pages", "seconds on pages"),
    "visit.last": ("last visit", "last visited", "last seen"),
    "visit.first": ("first visit", "first visited", "first seen"),
    "created_at": ("creation date",),
}
# How genders are also called, by what contacts have.
GENDERS: Mapping[str, tuple[str, ...]] = dict.fromkeys(("female", "f", "woman"), ("female", "women", "woman")) | (
    dict.fromkeys(("male", "m", "man"), ("male", "men", "man"))
)
# How values of statuses are also called.
VALUES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("email_status", "active"): ("subscribed", "reachable", "active e-mail", "active email"),
    ("email_status", "unsubscribed"): ("unsubscribed", "opted out"),
    ("email_status", "spam"): ("spam report", "reported spam", "complained"),
    ("email_status", "not_confirmed"): ("not confirmed", "unconfirmed"),
    ("email_status", "blacklisted"): ("blacklisted",),
    ("visit.stage", "2"): ("abandoned cart", "abandoned carts", "abandoned a cart"),
}
