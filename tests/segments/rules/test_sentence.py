"""Sentences and the rules that they are read as: a table, and that nothing makes the reader fail."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.rules import rule_fields, sentence
from segments.rules.sentence import Meaning, Vocabulary, negated, words_of
from segments.rules.tree import (
    ActivityCondition,
    FieldCondition,
    Group,
    InList,
    InSegment,
    Node,
    Period,
    PropertyFilter,
    check_size,
)

FIELDS = rule_fields.standard() | {
    "shoe_size": rule_fields.RuleField("shoe_size", "Shoe size", "Own", "number", "integer"),
    "vip": rule_fields.RuleField("vip", "VIP", "Own", "boolean", "boolean"),
    "plan": rule_fields.RuleField("plan", "Plan", "Own", "option", "choice", options={"gold": "Gold", "free": "Free"}),
    "interests": rule_fields.RuleField("interests", "Interests", "Own", "options", "choices"),
    "renewal": rule_fields.RuleField("renewal", "Renewal", "Own", "date", "date"),
}
SYNONYMS = {
    "email": ["e-mail", "email"], "phone": ["phone", "phone number"], "birthday": ["birthday", "born"],
    "rating": ["rating", "rated"], "company": ["company"], "first_name": ["first name"], "visit.last": ["last visit"],
    "visit.pages": ["page views"], "city": ["city"],
}  # fmt: skip
VALUES = {
    ("city", "Rīga"): ["Riga"], ("city", "Oslo"): ["Oslo"], ("city", "New York"): ["New York"],
    ("country", "LV"): ["Latvia"], ("country", "NO"): ["Norway"], ("language", "lv"): ["Latvian"],
    ("plan", "gold"): ["gold"],
    ("interests", "hiking"): ["hiking"], ("subscriptions", "News"): ["News"], ("gender", "female"): ["female"],
    ("email_status", "unsubscribed"): ["unsubscribed"], ("email_status", "active"): ["subscribed"],
    ("visit.stage", "2"): ["abandoned cart"],
}  # fmt: skip


def _phrases() -> dict[tuple[str, ...], tuple[Meaning, ...]]:
    found: dict[tuple[str, ...], tuple[Meaning, ...]] = {}

    def add(text: str, meaning: Meaning) -> None:
        found[words_of(text)] = (*found.get(words_of(text), ()), meaning)

    for key, subject in FIELDS.items():
        for text in dict.fromkeys([subject.label.lower(), *SYNONYMS.get(key, [])]):
            if text not in ("created", "changed", "deleted"):
                add(text, Meaning("field", key))
    for (key, value), texts in VALUES.items():
        for text in texts:
            add(text, Meaning("value", key, value))
    add("Signed up", Meaning("event", "track", "Signed up"))
    add("Trade fair", Meaning("event", "action", "Trade fair"))
    add("Newsletter", Meaning("segment", "segment", number=7))
    add("contacts.csv", Meaning("list", "import", number=3))
    add("Customers", Meaning("list", "source", number=5))
    add("Like the club", Meaning("list", "lookalike", number=6))
    return found


KNOWN = Vocabulary(FIELDS, _phrases(), date(2026, 11, 29))
QUARTER, MONTH = Period("this", unit="quarter"), Period("this", unit="month")


def field(key: str, op: str, *values: str) -> FieldCondition:
    return FieldCondition(key, op, values)


def did(what: str, times: str = "at_least", count: str = "1", period: Period | None = None, **more: object) -> Node:
    return ActivityCondition(what, times, "" if times in ("never", "first", "last") else count, period, **more)  # type: ignore[arg-type]


def last(count: int, unit: str = "days") -> Period:
    return Period("last", count, unit)


def days(start: str, stop: str) -> Period:
    return Period("between", start=start, stop=stop)


BOOTS = PropertyFilter("items", "contains", "hiking boots")
RIGA = field("city", "is", "Rīga")
# A sentence → what must all be true (a Group stands for itself), and what was not understood.
CASES: list[tuple[str, list[Node], list[str]]] = [
    (
        "people from Riga who ordered twice this quarter and did not open anything",
        [RIGA, did("order", count="2", period=QUARTER), did("read", "never")], [],
    ),
    ("Customers in Latvia", [field("country", "is", "LV")], []),
    ("contacts from Riga or Oslo", [field("city", "is", "Rīga", "Oslo")], []),
    ("from Riga, Oslo or New York", [field("city", "is", "Rīga", "Oslo", "New York")], []),
    ("from New York and not from Norway", [field("city", "is", "New York"), field("country", "is_not", "NO")], []),
    ("people in riga who speak Latvian", [RIGA, field("language", "is", "lv")], []),
    ("birthday in the next 7 days", [field("birthday", "comes", "7")], []),
    ("whose birthday is in the next two weeks", [field("birthday", "comes", "14")], []),
    ("born in May", [field("birthday", "between", "--05-01", "--05-31")], []),
    ("born before 1990", [field("birthday", "before", "1990-01-01")], []),
    ("birthday was in the last 3 days", [field("birthday", "came", "3")], []),
    ("renewal in the next 30 days", [field("renewal", "ahead", "30")], []),
    ("renewal more than 90 days ago", [field("renewal", "longer_ago", "90")], []),
    ("renewal on 2026-12-24", [field("renewal", "on", "2026-12-24")], []),
    ("renewal between 1 May 2026 and 3 June 2026", [field("renewal", "between", "2026-05-01", "2026-06-03")], []),
    ("created in the last 30 days", [field("created_at", "within", "30")], []),
    ("joined since May", [field("created_at", "after", "2026-04-30")], []),
    ("added this month", [field("created_at", "between", "2026-11-01", "2026-11-30")], []),
    ("changed today", [field("changed_at", "on", "2026-11-29")], []),
    ("without a phone", [field("phone", "empty")], []),
    ("with an e-mail but no phone number", [field("email", "filled"), field("phone", "empty")], []),
    ("email is missing", [field("email", "empty")], []),
    ("anna@example.com", [field("email", "is", "anna@example.com")], []),
    ("company contains Acme", [field("company", "contains", "acme")], []),
    ('company is "Acme Ltd"', [field("company", "is", "Acme Ltd")], []),
    ("company is not Acme", [field("company", "is_not", "acme")], []),
    ("first name starts with An", [field("first_name", "begins", "an")], []),
    ("city is Riga or Oslo", [field("city", "is", "Rīga", "Oslo")], []),
    ("shoe size at least 42", [field("shoe_size", "at_least", "42")], []),
    ("shoe size 42", [field("shoe_size", "is", "42")], []),
    ("shoe size between 40 and 42", [field("shoe_size", "between", "40", "42")], []),
    ("rated 4 or more", [field("rating", "at_least", "4")], []),
    ("rating under 3", [field("rating", "less", "3")], []),
    ("vip customers", [field("vip", "yes")], []),
    ("not VIP", [field("vip", "no")], []),
    ("gold plan", [field("plan", "is", "gold")], []),
    ("plan is gold", [field("plan", "is", "gold")], []),
    ("interests hiking", [field("interests", "any_of", "hiking")], []),
    ("not interested in hiking", [field("interests", "none_of", "hiking")], []),
    ("not frobnicated Riga", [RIGA], ["not frobnicated"]),
    ("subscribed to News", [field("subscriptions", "any_of", "News")], []),
    ("not subscribed to News", [field("subscriptions", "none_of", "News")], []),
    ("unsubscribed contacts in Oslo", [field("email_status", "is", "unsubscribed"), field("city", "is", "Oslo")], []),
    ("women in Riga", [RIGA], ["women"]),
    ("female customers", [field("gender", "is", "female")], []),
    ("ordered", [did("order")], []),
    ("who never ordered", [did("order", "never")], []),
    ("haven't ordered for 90 days", [did("order", "never", period=last(90))], []),
    ("have not bought anything in 6 months", [did("order", "never", period=last(6, "months"))], []),
    ("ordered at least 3 times in the last year", [did("order", count="3", period=Period("previous", unit="year"))], []),
    ("ordered more than three times in the past 12 months", [did("order", count="4", period=last(12, "months"))], []),
    ("ordered less than 3 times", [did("order", "at_most", "2")], []),
    ("ordered exactly once", [did("order", "exactly", "1")], []),
    ("ordered between 2 and 5 times", [did("order", "between", "2", until="5")], []),
    ("with more than 5 orders", [did("order", count="6")], []),
    ("with at most 2 visits", [field("visit.visits", "at_most", "2")], []),
    ("more than 10 page views", [did("page", count="11")], []),
    ("ordered over 100 EUR", [did("order_total", "more", "100", currency="EUR")], []),
    ("ordered for more than €1,000 this quarter", [did("order_total", "more", "1000", QUARTER, currency="EUR")], []),
    ("spent at least 50 dollars in 2025",
     [did("order_total", count="50", period=days("2025-01-01", "2025-12-31"), currency="USD")], []),
    ("average order value over 75.50 GBP", [did("order_average", "more", "75.50", currency="GBP")], []),
    ("total order value between 100 and 200 EUR", [did("order_total", "between", "100", until="200", currency="EUR")], []),
    ("last order more than 90 days ago", [did("order", "last", period=Period("ago", 90))], []),
    ("last ordered more than a year ago", [did("order", "last", period=Period("ago", 12, "months"))], []),
    ("first ordered in May", [did("order", "first", period=days("2026-05-01", "2026-05-31"))], []),
    ("ordered for the first time this month", [did("order", "first", period=MONTH)], []),
    ("bought a tent in the last 30 days",
     [did("order", period=last(30), where=(PropertyFilter("items", "contains", "tent"),))], []),
    ('ordered "Big tent"', [did("order", where=(PropertyFilter("items", "contains", "Big tent"),))], []),
    ("opened a message in the last 2 weeks", [did("read", period=last(14))], []),
    ("opened but did not click", [did("read"), did("clicked", "never")], []),
    ("did not open or click anything in the last 30 days",
     [did("read", "never"), did("clicked", "never", period=last(30))], []),
    ("opened or clicked in the last 30 days",
     [Group("any", (did("read", period=last(30)), did("clicked", period=last(30))))], []),
    ("received 3 times but opened nothing", [did("delivered", count="3"), did("read", "never")], []),
    ("bounced since yesterday", [did("undelivered", period=Period("since", start="2026-11-28"))], []),
    ("viewed /boots at least twice this week",
     [did("page", count="2", period=Period("this", unit="week"), where=(PropertyFilter("url", "contains", "/boots"),))], []),
    ("visited the site in the last 24 hours", [did("page", period=last(24, "hours"))], []),
    ("landed on shop.example/tents", [did("landing", where=(PropertyFilter("url", "contains", "shop.example/tents"),))], []),
    ("signed up last month", [did("track", name="Signed up", period=Period("previous", unit="month"))], []),
    ("was at the trade fair", [did("action", name="Trade fair")], []),
    ("last visit more than 30 days ago", [field("visit.last", "longer_ago", "30")], []),
    ("abandoned cart", [field("visit.stage", "is", "2")], []),
    ("with a probable duplicate", [field("probable_duplicate", "yes")], []),
    ("not identified", [field("visit.matched", "no")], []),
    ("in segment Newsletter", [InSegment(7)], []),
    ("from Riga, not in Newsletter", [RIGA, InSegment(7, "not_in")], []),
    ("from import contacts.csv", [InList("import", 3)], []),
    ("not in source Customers", [InList("source", 5, "not_in")], []),
    ("in lookalike Like the club", [InList("lookalike", 6)], []),
    ("from Riga or ordered twice", [Group("any", (RIGA, did("order", count="2")))], []),
    ("people from Riga who ordered or clicked", [RIGA, Group("any", (did("order"), did("clicked")))], []),
    ("not rated 4 or more", [Group("none", (field("rating", "at_least", "4"),))], []),
    ("contacts without e-mail or phone", [field("email", "empty"), field("phone", "empty")], []),
    ("without e-mail and phone", [field("email", "empty"), field("phone", "empty")], []),
    ("without a phone and with an e-mail", [field("phone", "empty"), field("email", "filled")], []),
    ("who never ordered or are from Oslo", [Group("any", (did("order", "never"), field("city", "is", "Oslo")))], []),
    ("not from Riga or Oslo", [field("city", "is_not", "Rīga", "Oslo")], []),
    ("ordered in the last 30 days but not in the last 7 days",
     [did("order", period=last(30)), did("order", "never", period=last(7))], []),
    ("ordered 3 times or more", [did("order", count="3")], []),
    ("bought hiking boots since March",
     [did("order", period=Period("since", start="2026-03-01"), where=(BOOTS,))], []),
    ("ordered in Riga", [did("order"), RIGA], []),
    ("rating 4 or 5", [field("rating", "is", "4", "5")], []),
    ("anniversary of the renewal in the next 7 days", [field("renewal", "comes", "7")], []),
    ("renewal anniversary in the last 7 days", [field("renewal", "came", "7")], []),
    ("e-mail ends with gmail.com", [], ["e-mail ends", "gmail.com"]),
    ("vip or gold customers in Oslo",
     [Group("any", (field("vip", "yes"), field("plan", "is", "gold"))), field("city", "is", "Oslo")], []),
    ("frobnicated xyzzy", [], ["frobnicated xyzzy"]),
    ("from Riga and frobnicated or ordered", [RIGA, did("order")], ["frobnicated"]),
    ("from Riga or frobnicated or ordered", [Group("any", (RIGA, did("order")))], ["frobnicated"]),
    ("from Riga who frobnicated twice", [RIGA], ["frobnicated twice"]),
    ("", [], []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts", "missed"), CASES)
def test_a_sentence_is_read(text: str, parts: list[Node], missed: list[str]) -> None:
    found = sentence.read(text, KNOWN)
    shown = list(found.rule.parts) if found.rule and found.rule.match == "all" else [found.rule] if found.rule else []
    assert shown == parts
    assert [text[start:stop] for start, stop in found.missed] == missed


def test_there_are_enough_sentences() -> None:
    assert len(CASES) >= 60


def test_a_sentence_in_pieces_is_the_sentence() -> None:
    text = "people from Riga who frobnicated  twice, and ordered"
    pieces = sentence.read(text, KNOWN).pieces(text)
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.text for piece in pieces if piece.missed] == ["frobnicated  twice"]


def test_of_a_long_text_only_the_beginning_is_read() -> None:
    text = "from Riga " * 100
    found = sentence.read(text, KNOWN)
    assert found.rule is not None
    assert found.missed[-1] == (sentence.MAX_LENGTH, len(text))


WORDS = sorted(
    {word for phrase in KNOWN.phrases for word in phrase}
    | {word for text, _parts, _missed in CASES for word in text.split()}
    | {
        "not",
        "or",
        "and",
        "never",
        "between",
        "times",
        "0",
        "€",
        "-1",
        "1.5",
        "32 May",
        "31 February",
        "''",
        "99999999999",
    }
)


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(max_size=80))
def test_nothing_makes_it_fail_and_places_are_places(text: str) -> None:
    found = sentence.read(text, KNOWN)
    assert "".join(piece.text for piece in found.pieces(text)) == text
    at = 0
    for start, stop in found.missed:
        assert at <= start < stop <= len(text)
        at = stop
    if found.rule is not None:
        check_size(found.rule)


@pytest.mark.parametrize(
    "node", [part for _text, parts, _missed in CASES for part in parts if not isinstance(part, Group)]
)
def test_the_opposite_of_an_opposite(node: Node) -> None:
    assert not isinstance(node, Group)
    assert negated(node) != node
