"""A sentence read as a rule, by a small grammar of our own: “people from Riga who ordered twice this quarter”. Pure.

The sentence is a row of clauses: a place or another known value, a field with a comparison, an activity with how often and
when, a segment. “Or” joins a clause to the one before it, more tightly than “and”. What is in no clause is not guessed at:
its places are returned, so that the page can underline them. Nothing is sent anywhere.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from contacts.values.identifiers import name_key
from segments.rules import sentence_periods as times
from segments.rules import sentence_words as words
from segments.rules.activity_conditions import ACTIVITIES
from segments.rules.periods import months_before
from segments.rules.rule_fields import RuleField
from segments.rules.tree import (
    MAX_CONDITIONS,
    ActivityCondition,
    Condition,
    FieldCondition,
    Group,
    InList,
    InSegment,
    Node,
    Period,
    PropertyFilter,
)

MAX_LENGTH, MAX_WORDS = 500, 6


@dataclass(frozen=True)
class Meaning:
    """What a phrase stands for. `what`: a field (`key`), a value of one (`key`, `value`), an event or action (`key` is the
    activity, `value` the name), or a segment or a list (`key` is its kind, `number` its ID)."""

    what: Literal["field", "value", "event", "segment", "list"]
    key: str = ""
    value: str = ""
    number: int = 0


@dataclass(frozen=True)
class Vocabulary:
    """What words mean in a workspace: phrases, as tuples of folded words, to their meanings."""

    fields: Mapping[str, RuleField]
    phrases: Mapping[tuple[str, ...], tuple[Meaning, ...]]
    today: date


@dataclass(frozen=True)
class Piece:
    """A part of a sentence; `missed`: it was not understood."""

    text: str
    missed: bool = False


@dataclass(frozen=True)
class Understood:
    """The rule of a sentence (None: nothing was understood), and the places [start, stop) of what was not understood."""

    rule: Group | None
    missed: tuple[tuple[int, int], ...] = ()

    def pieces(self, text: str) -> list[Piece]:
        """The whole sentence in pieces, in order."""
        found, at = [], 0
        for start, stop in self.missed:
            found += [Piece(text[at:start]), Piece(text[start:stop], missed=True)]
            at = stop
        return [piece for piece in [*found, Piece(text[at:])] if piece.text]


@dataclass(frozen=True)
class _Token:
    start: int
    stop: int
    word: str
    quoted: str = ""


_TOKEN = re.compile(r'"[^"]+"|“[^”]+”|\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|[€$£]|,|[^\s,;:!?()"“”€$£]+')


# What is no item of an order.
_TAKEN = (
    words.FILLER | words.AND | words.OR | words.NOT | words.OBJECTS | words.SPAN_START | words.VERBS.keys()
    | words.CREATED | words.CHANGED | {"worth", "once", "twice", "nothing", "times", "time", "first", "exactly", "least"}
)  # fmt: skip


@dataclass(frozen=True)
class _Amount:
    """A comparison with a number: an operator of activity_conditions, and the currency if it is an amount."""

    op: str
    count: str
    until: str = ""
    currency: str = ""


@dataclass
class _Clause:
    """A condition that was read, and where it ends."""

    node: Condition | Group
    stop: int


@dataclass
class _Said:
    """What has been said since the last clause. `negation`: where a “not” is; `carried`: the last clause had one (`word`);
    `lost`: something was not understood, to which an “or” would belong."""

    negation: int | None = None
    carried: bool = False
    word: str = ""
    lost: bool = False

    def connect(self, word: str) -> None:
        self.carried = self.carried and (word in words.OR or (word == "and" and self.word in ("without", "no")))

    def holds(self, node: Condition | Group, joined: str) -> bool:
        """Whether the last “not” holds for this clause, too: did not open or click; without e-mail and phone."""
        if not self.carried or isinstance(node, Group):
            return False
        return joined == "or" or (isinstance(node, FieldCondition) and node.op == "filled")


@dataclass
class _Reader:
    words: Sequence[str]
    tokens: Sequence[_Token]
    known: Vocabulary
    missed: list[int] = field(default_factory=list)
    activity: ActivityCondition | None = None  # the last one

    # --- the sentence ---------------------------------------------------------------------------------------------------

    def read(self) -> list[list[Node]]:
        """Clauses that must all be true, each a list of which one has to be."""
        found: list[list[Node]] = []
        at, joined, said = 0, "and", _Said()
        while at < len(self.words) and sum(map(len, found)) < MAX_CONDITIONS:
            word = self.words[at]
            if word in words.AND or word in words.OR:
                joined = _joined(word, before=joined, lost=said.lost)
                said.connect(word)
                at += 1
            elif word in words.NOT:
                self.missed += [said.negation] if said.negation is not None else []
                said.negation, at = at, at + 1
            elif (clause := self.clause(at)) is None:
                self._pass(at, said, joined)
                at += 1
            else:
                own, inherited = said.negation is not None, said.holds(clause.node, joined)
                node = negated(clause.node) if own or inherited else clause.node
                if joined == "or" and found and not (inherited and not own):
                    found[-1].append(node)
                else:
                    found.append([node])
                self.activity = clause.node if isinstance(clause.node, ActivityCondition) else self.activity
                last = self.word(said.negation) if said.negation is not None else said.word
                said = _Said(carried=own or inherited, word=last)
                at, joined = clause.stop, "and"
        self.missed += [said.negation] if said.negation is not None else []
        self.missed += range(at, len(self.words))
        return found

    def _pass(self, at: int, said: "_Said", joined: str) -> None:
        """Go by a word that is in no clause."""
        word = self.words[at]
        if word in words.FILLER:
            said.carried = said.carried and word not in words.BREAKS
            return
        # A “not” before it is lost with it.
        self.missed += [at] if said.negation is None else [said.negation, at]
        said.negation, said.lost = None, joined == "and"

    def clause(self, at: int) -> _Clause | None:
        """The clause that begins here."""
        for read in (
            self._segment, self._subscribed, self._order_phrase, self._activity, self._since, self._field, self._flag,
            self._event, self._value, self._address, self._again,
        ):  # fmt: skip
            found = read(at)
            if found is not None:
                return found
        return None

    def _again(self, at: int) -> _Clause | None:
        """Ordered in the last 30 days, but not in the last 7 days: the activity is the one before."""
        found = self.period(at) if self.activity and self.word(at - 1) in words.NOT else None
        if found is None or self.activity is None or self.activity.times in ("first", "last"):
            return None
        return _Clause(replace(self.activity, times="at_least", count="1", until="", period=found[0]), found[1])

    # --- words ----------------------------------------------------------------------------------------------------------

    def word(self, at: int) -> str:
        return self.words[at] if 0 <= at < len(self.words) else ""

    def starts(self, at: int, *phrase: str) -> bool:
        return tuple(self.words[at : at + len(phrase)]) == phrase

    def phrase(self, at: int, *what: str) -> tuple[list[Meaning], int] | None:
        """The longest known phrase here that means one of these."""
        for size in range(min(MAX_WORDS, len(self.words) - at), 0, -1):
            meanings = [m for m in self.known.phrases.get(tuple(self.words[at : at + size]), ()) if m.what in what]
            if meanings:
                return meanings, at + size
        return None

    def skip(self, at: int, passed: frozenset[str]) -> int:
        while self.word(at) in passed:
            at += 1
        return at

    def period(self, at: int) -> tuple[Period, int] | None:
        return (
            times.period(self.words, at, self.known.today)
            if self.word(at) in words.SPAN_START | set(times.MONTHS)
            else None
        )

    def amount(self, at: int) -> tuple[_Amount, int] | None:
        """A comparison: at least 3, over 100 EUR, between 2 and 5, 4 or more, twice."""
        if self.word(at) == "between":
            return self._two_numbers(at + 1)
        op, start = next(((op, at + len(lead)) for lead, op in words.COMPARED if self.starts(at, *lead)), ("", at))
        found = self._number(start)
        if found is None:
            return None
        count, currency, stop = found
        for trail, after in words.AFTERWARDS:
            if self.starts(stop, *trail):
                op, stop = after, stop + len(trail)
        return _Amount(op or "at_least", count, "", currency), stop

    def _two_numbers(self, at: int) -> tuple[_Amount, int] | None:
        first = self._number(at)
        second = self._number(first[2] + 1) if first and self.word(first[2]) in ("and", "to") else None
        if first is None or second is None:
            return None
        return _Amount("between", first[0], second[0], second[1] or first[1]), second[2]

    def _number(self, at: int) -> tuple[str, str, int] | None:
        """(number, currency, where it ends)."""
        currency = words.CURRENCIES.get(self.word(at), "")
        found = times.number(self.words, at + bool(currency))
        if found is None:
            return None
        count, stop = found
        after = words.CURRENCIES.get(self.word(stop), "")
        return count, currency or after, stop + bool(after)

    # --- activity -------------------------------------------------------------------------------------------------------

    def _activity(self, at: int) -> _Clause | None:
        """Ordered twice this quarter; last opened a message more than 90 days ago; viewed /boots."""
        first = self.word(at) if self.word(at) in ("first", "last") else ""
        if first and self.phrase(at, "field"):
            return None  # last visit
        verb = at + bool(first)
        if self.starts(verb, "looked", "at"):
            return self._modified(ActivityCondition("page", "at_least", "1"), verb + 2)
        if self.starts(verb, "placed") and self.word(self.skip(verb + 1, words.ARTICLES)) in ("order", "orders"):
            verb = self.skip(verb + 1, words.ARTICLES)
        key = words.VERBS.get(self.word(verb))
        if key is None:
            return self._counted_noun(at)
        did = ActivityCondition(key, "at_least", "1")
        if first:
            found = self.period(self.skip(verb + 1, words.OBJECTS - {"in", "on", "at", "the"}))
            return _Clause(replace(did, times=first, count="", period=found[0]), found[1]) if found else None
        return self._modified(did, verb + 1)

    def _counted_noun(self, at: int) -> _Clause | None:
        """With 3 orders, more than 5 visits, no purchases."""
        found = self.amount(at)
        nouns = {"orders": "order", "order": "order", "purchases": "order", "purchase": "order", "views": "page"}
        if found is None or found[0].currency or self.word(found[1]) not in {*nouns, "visits", "page"}:
            return None
        stop = found[1] + (2 if self.starts(found[1], "page", "views") else 1)
        if self.word(found[1]) == "visits":
            return (
                _Clause(self._compared("visit.visits", found[0]), stop) if "visit.visits" in self.known.fields else None
            )
        did = self._counted(ActivityCondition(nouns.get(self.word(found[1]), "page"), "at_least", "1"), found[0])
        return self._modified(did, stop) if did else None

    def _order_phrase(self, at: int) -> _Clause | None:
        """Total order value over 100 EUR; average order value; last order more than 90 days ago; first order in May."""
        leads = {
            ("total", "order", "value"): "order_total", ("total", "orders"): "order_total",
            ("average", "order", "value"): "order_average", ("average", "order"): "order_average",
            ("value", "of", "the", "last", "order"): "order_last", ("last", "order"): "order_last",
            ("first", "order"): "order",
        }  # fmt: skip
        lead = next((lead for lead in leads if self.starts(at, *lead)), None)
        if lead is None:
            return None
        key, passed = leads[lead], frozenset({"of", "is", "was", "for", "value"})
        stop = self.skip(at + len(lead), passed - ({"for", "of"} if key == "order" else set()))
        if key in ("order_last", "order") and (found := self.period(stop)):
            return _Clause(
                ActivityCondition("order", lead[0] if lead[0] != "value" else "last", "", found[0]), found[1]
            )
        amount = self.amount(stop) if key != "order" else None
        if amount is None:
            return None
        said = amount[0]
        did = ActivityCondition(key, said.op, said.count, until=said.until, currency=said.currency)
        return self._modified(did, amount[1])

    def _modified(self, did: ActivityCondition, at: int) -> _Clause:
        """What follows a verb: objects, how often, for how much, when."""
        stop = at
        while at < len(self.words):
            step = self._modifier(did, at)
            if step is None:
                if self.word(at) in words.OBJECTS:
                    at += 1
                    continue
                break
            did, at = step
            stop = at
        return _Clause(did, max(stop, self._objects(at if at > stop else stop)))

    def _objects(self, at: int) -> int:
        """Where words end that belong to the verb: those before a preposition that opens the next clause do not."""
        while at > 0 and self.word(at - 1) in words.PREPOSITIONS:
            at -= 1
        return at

    def _modifier(self, did: ActivityCondition, at: int) -> tuple[ActivityCondition, int] | None:
        if self.word(at) == "nothing":
            return replace(did, times="never", count=""), at + 1
        if self.starts(at, "for", "the", "first", "time"):
            found = self.period(at + 4)
            return (replace(did, times="first", count="", period=found[0]), found[1]) if found else None
        if did.period is None and (found := self.period(at)):
            return replace(did, period=found[0]), found[1]
        return self._often(did, at) or self._target(did, at)

    def _often(self, did: ActivityCondition, at: int) -> tuple[ActivityCondition, int] | None:
        """How often, or for how much."""
        found = self.amount(at + (self.word(at) == "for"))
        if found is None:
            return None
        said, stop = found
        is_times = self.word(stop) in ("time", "times") or self.word(stop - 1) in times.ONCE
        stop += self.word(stop) in ("time", "times")
        for trail, op in words.AFTERWARDS:
            if self.starts(stop, *trail):
                said, stop = replace(said, op=op), stop + len(trail)
        if is_times and not said.currency:
            counted = self._counted(did, said)
            return (counted, stop) if counted else None
        if did.what in ("order", "order_total") and (said.currency or did.what == "order_total"):
            spent = replace(did, what="order_total", times=said.op, count=said.count, until=said.until)
            return replace(spent, currency=said.currency), stop
        return None

    def _counted(self, did: ActivityCondition, said: _Amount) -> ActivityCondition | None:
        """An activity that often; whole numbers only, and more than 3 times is at least 4."""
        numbers = [Decimal(text) for text in (said.count, said.until) if text]
        if any(n != int(n) or n > 1_000_000 for n in numbers) or ACTIVITIES[did.what].is_amount:
            return None
        count = int(numbers[0])
        if said.op in ("more", "less"):
            count += 1 if said.op == "more" else -1
            return replace(did, times="at_least" if said.op == "more" else "at_most", count=str(max(count, 0)))
        return replace(did, times=said.op, count=str(count), until=str(int(numbers[1])) if said.until else "")

    def _target(self, did: ActivityCondition, at: int) -> tuple[ActivityCondition, int] | None:
        """The page that was viewed, or what was bought."""
        token = self.tokens[at]
        if did.what in ("page", "landing") and (token.quoted or token.word.startswith("/") or "." in token.word[1:-1]):
            one = PropertyFilter("url", "contains", token.quoted or token.word)
            return replace(did, where=(*did.where, one)), at + 1
        if did.what == "order" and not did.where and self._is_item(at):
            stop = at + 1
            while not token.quoted and stop < len(self.words) and stop < at + 3 and self._is_item(stop):
                stop += 1
            text = token.quoted or " ".join(self.words[at:stop])
            return replace(did, where=(PropertyFilter("items", "contains", text),)), stop
        return None

    def _is_item(self, at: int) -> bool:
        word = self.word(at)
        if self.tokens[at].quoted:
            return True
        if not word.isalpha() or len(word) < 3 or word in _TAKEN or self.phrase(at, "field"):
            return False
        # Bought hiking boots, but: ordered in Riga.
        return self.phrase(at, "value") is None or self.word(at - 1) not in words.PREPOSITIONS | {"from", "for"}

    def _event(self, at: int) -> _Clause | None:
        """An event or a source action by its name, perhaps behind “did”."""
        found = self.phrase(at, "event")
        if found is None:
            return None
        meaning = found[0][0]
        return self._modified(ActivityCondition(meaning.key, "at_least", "1", name=meaning.value), found[1])

    # --- segments, lists, flags -------------------------------------------------------------------------------------------

    def _segment(self, at: int) -> _Clause | None:
        """In segment Newsletter, from import contacts.csv, in source Customers; a segment also without its word."""
        start = self.skip(at, frozenset({"in", "of", "from", "with", "the", "came"}))
        kind = _LIST_WORDS.get(self.word(start))
        found = self.phrase(start + (kind is not None), "segment", "list")
        if found is None or (kind is None and (start == at or found[0][0].what != "segment")):
            return None
        for meaning in found[0]:
            if kind in (None, meaning.key):
                if meaning.what == "segment":
                    return _Clause(InSegment(meaning.number), found[1])
                return _Clause(InList(meaning.key, meaning.number), found[1])
        return None

    def _subscribed(self, at: int) -> _Clause | None:
        """Subscribed to News; unsubscribed from nothing in particular is a status, and known by its name."""
        if not (self.word(at) == "subscribed" and self.word(at + 1) == "to"):
            return None
        found = self.phrase(at + 2, "value")
        names = [m.value for m in found[0] if m.key == "subscriptions"] if found else []
        if found is None or not names:
            return None
        return _Clause(FieldCondition("subscriptions", "any_of", tuple(names)), found[1])

    def _flag(self, at: int) -> _Clause | None:
        phrases = {
            ("probable", "duplicate"): "probable_duplicate", ("probable", "duplicates"): "probable_duplicate",
            ("identified", "visitor"): "visit.matched", ("identified", "visitors"): "visit.matched",
            ("matched",): "visit.matched", ("identified",): "visit.matched",
        }  # fmt: skip
        for phrase, key in phrases.items():
            if self.starts(at, *phrase) and key in self.known.fields:
                return _Clause(FieldCondition(key, "yes"), at + len(phrase))
        return None

    # --- fields -----------------------------------------------------------------------------------------------------------

    def _since(self, at: int) -> _Clause | None:
        """Created since May, joined in the last 30 days."""
        key = "created_at" if self.word(at) in words.CREATED else "changed_at" if self.word(at) in words.CHANGED else ""
        subject = self.known.fields.get(key)
        return self._when(subject, at + 1) if subject else None

    def _field(self, at: int) -> _Clause | None:
        """A field by its name, with what is said of it: birthday in the next 7 days, company contains Acme, a phone."""
        found = self.phrase(self.skip(at + 1, words.ARTICLES) if self.word(at) in _ANNIVERSARY else at, "field")
        if found is None:
            return None
        subject = self.known.fields[found[0][0].key]
        stop = found[1]
        if self.word(at) in _ANNIVERSARY or self.word(stop) in _ANNIVERSARY:
            return self._when(subject, stop + (self.word(stop) in _ANNIVERSARY), yearly=True)
        for read in (self._when, self._compared_with, self._emptiness, self._told):
            clause = read(subject, stop)
            if clause is not None:
                return clause
        if subject.kind == "total" or not self._is_end(stop):
            return None  # something is said of it that is not understood
        op = {"boolean": "yes", "flag": "yes"}.get(subject.kind, "filled")
        return _Clause(FieldCondition(subject.key, op), stop)

    def _is_end(self, at: int) -> bool:
        """Whether nothing more can be said of a field: the sentence ends, or another clause begins."""
        word = self.word(at)
        known = words.FILLER | words.AND | words.OR | words.NOT | words.VERBS.keys() | words.CREATED | words.CHANGED
        return not word or word in known or self.phrase(at, "field", "value", "event", "segment", "list") is not None

    def _when(self, subject: RuleField | None, at: int, *, yearly: bool = False) -> _Clause | None:
        """What is said of a day; `yearly`: of its anniversaries."""
        if subject is None or subject.kind not in ("date", "birthday", "time", "moment", "visited"):
            return None
        at = self.skip(at, frozenset({"is", "was", "falls", "are", "were", "comes"}))
        coming, yearly = times.ahead(self.words, at), yearly or subject.kind == "birthday"
        if coming and (yearly or subject.kind in ("date", "time")):
            op = "comes" if yearly else "ahead"
            return _Clause(FieldCondition(subject.key, op, (str(coming[0]),)), coming[1])
        found = self.period(at)
        node = self._on_days(subject, found[0], yearly=yearly) if found else None
        return _Clause(node, found[1]) if found and node else None

    def _on_days(self, subject: RuleField, period: Period, *, yearly: bool) -> FieldCondition | None:
        today, key = self.known.today, subject.key
        if period.kind in ("last", "ago"):
            if period.unit == "hours":
                return None
            day = (
                months_before(today, period.count) if period.unit == "months" else today - timedelta(days=period.count)
            )
            op = "longer_ago" if period.kind == "ago" else "came" if yearly else "within"
            return FieldCondition(key, op, (str((today - day).days),))
        if period.kind in ("before", "after"):
            return FieldCondition(key, period.kind, (period.start,))
        if period.kind == "since":
            return FieldCondition(key, "after", ((date.fromisoformat(period.start) - timedelta(days=1)).isoformat(),))
        span = times.span_of(period, today)
        if span is None:
            return None
        days = (f"{span.start}", f"{span.last}")
        # A birthday in May is one of any year.
        if yearly and span.stop - span.start <= timedelta(days=31):
            days = (f"--{span.start:%m-%d}", f"--{span.last:%m-%d}")
        return FieldCondition(key, "on", days[:1]) if days[0] == days[1] else FieldCondition(key, "between", days)

    def _compared_with(self, subject: RuleField, at: int) -> _Clause | None:
        """What is said of a number."""
        if subject.kind not in ("number", "count", "total"):
            return None
        at = self.skip(at, frozenset({"is", "was", "of", "are", "="}))
        found = self.amount(at)
        if found is None or found[0].currency:
            return None
        said, plain = found[0], found[0].op == "at_least" and times.number(self.words, at) is not None
        if not plain or self.word(found[1] - 1) == "more":
            return _Clause(self._compared(subject.key, said), found[1])
        values, stop = [said.count], found[1]
        while self.word(stop) == "or" and (other := times.number(self.words, stop + 1)):
            values.append(other[0])
            stop = other[1]
        return _Clause(FieldCondition(subject.key, "is", tuple(values)), stop)

    def _compared(self, key: str, said: _Amount) -> FieldCondition:
        values = (said.count, said.until) if said.op == "between" else (said.count,)
        return FieldCondition(key, "is" if said.op == "exactly" else said.op, values)

    def _emptiness(self, subject: RuleField, at: int) -> _Clause | None:
        at = self.skip(at, frozenset({"is", "are"}))
        if self.word(at) in ("empty", "missing", "unknown", "blank") and subject.kind not in ("flag", "total"):
            return _Clause(FieldCondition(subject.key, "empty"), at + 1)
        return None

    def _told(self, subject: RuleField, at: int) -> _Clause | None:
        """A value behind the name of a field: is, is not, contains, starts with, has."""
        lead = at
        at = self.skip(at, frozenset({"is", "are", "=", "has", "of", "was"}))
        negative = self.word(at) == "not"
        at += negative
        op = _PARTS.get(self.word(at), "is")
        at += (op != "is") + (op == "begins" and self.word(at + 1) == "with")
        if op != "is" and subject.kind in ("option", "options", "exact", "boolean", "flag"):
            return None
        found = self._values(subject, at) if op == "is" else None
        if found is None and subject.kind in ("text", "name", "identifier") and (at > lead) and at < len(self.words):
            token = self.tokens[at]
            if token.quoted or op != "is" or token.word not in words.FILLER | words.AND | words.OR | words.NOT:
                found = ((token.quoted or token.word,), at + 1)
        if found is None or not self._fits(subject, op, found[0]):
            return None
        node: Condition | Group = FieldCondition(subject.key, "any_of" if subject.kind == "options" else op, found[0])
        return _Clause(negated(node) if negative else node, found[1])

    def _fits(self, subject: RuleField, op: str, values: tuple[str, ...]) -> bool:
        """Whether an identifier is one, so that the condition can be compiled."""
        if subject.key == "email" and op == "is":
            return all(re.fullmatch(r"[a-z0-9._+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}", value) for value in values)
        return (subject.key, op) != ("phone", "is") and subject.kind != "boolean"

    def _values(self, subject: RuleField, at: int) -> tuple[tuple[str, ...], int] | None:
        """Known values of a field, with or between them."""
        values: list[str] = []
        stop = at
        while True:
            found = self.phrase(at, "value")
            own = [m.value for m in found[0] if m.key == subject.key] if found else []
            if found is None or not own:
                break
            values += own
            stop = found[1]
            at = stop + 1 if self.word(stop) in ("or", ",") else len(self.words)
        return (tuple(dict.fromkeys(values))[:50], stop) if values else None

    def _value(self, at: int) -> _Clause | None:
        """A known value without the name of its field: Riga, women, unsubscribed, gold."""
        found = self.phrase(at, "value")
        if found is None:
            return None
        subject = self.known.fields[found[0][0].key]
        values = self._values(subject, at)
        assert values is not None
        # Gold plan: the field may follow.
        after = self.phrase(values[1], "field")
        stop = after[1] if after and any(m.key == subject.key for m in after[0]) else values[1]
        op = "any_of" if subject.kind == "options" else "is"
        return _Clause(FieldCondition(subject.key, op, values[0]), stop)

    def _address(self, at: int) -> _Clause | None:
        """An e-mail address."""
        word = self.word(at)
        subject = self.known.fields.get("email")
        if subject is None or not self._fits(subject, "is", (word,)):
            return None
        return _Clause(FieldCondition("email", "is", (word,)), at + 1)


_ANNIVERSARY = frozenset({"anniversary", "anniversaries"})
_LIST_WORDS = {
    "segment": "segment", "import": "import", "file": "import", "source": "source", "lookalike": "lookalike",
}  # fmt: skip
_PARTS = {"contains": "contains", "containing": "contains", "includes": "contains", "starts": "begins"}
_OPPOSITES = {
    "is": "is_not", "contains": "contains_not", "filled": "empty", "empty": "filled", "yes": "no", "any_of": "none_of",
}  # fmt: skip


def negated(node: Condition | Group) -> Condition | Group:
    """The opposite of a condition, as plain as it can be said."""
    if isinstance(node, FieldCondition) and node.op in _OPPOSITES:
        return replace(node, op=_OPPOSITES[node.op])
    if isinstance(node, InSegment | InList):
        return replace(node, op="not_in" if node.op == "in" else "in")
    if isinstance(node, ActivityCondition):
        if node.times == "at_least" and node.count == "1":
            return replace(node, times="never", count="")
        if node.times == "never":
            return replace(node, times="at_least", count="1")
    return Group("none", (node,))


def read(text: str, known: Vocabulary) -> Understood:
    """What a sentence says. Never raises; of a longer one only the beginning is read."""
    tokens = _tokens(text[:MAX_LENGTH])
    reader = _Reader([token.word for token in tokens], tokens, known)
    clauses = [_shared(parts) for parts in reader.read()]
    nodes = tuple(parts[0] if len(parts) == 1 else Group("any", tuple(parts)) for parts in clauses)
    rule = None
    if len(nodes) == 1 and isinstance(nodes[0], Group) and nodes[0].match == "any":
        rule = nodes[0]
    elif nodes:
        rule = Group("all", nodes)
    places = [(tokens[i].start, tokens[i].stop) for i in sorted(set(reader.missed))]
    if len(text) > MAX_LENGTH:
        places.append((MAX_LENGTH, len(text)))
    return Understood(rule, tuple(_merged(text, places)))


def words_of(text: str) -> tuple[str, ...]:
    """A phrase as it is looked up."""
    return tuple(token.word for token in _tokens(text))


def _joined(word: str, *, before: str, lost: bool) -> str:
    """How a connecting word joins what follows; a comma as the word before it did."""
    if word in words.OR:
        return "and" if lost else "or"
    return before if word == "," else "and"


def _shared(parts: list[Node]) -> list[Node]:
    """“Opened or clicked in the last 30 days”: the period is that of both."""
    last = parts[-1]
    if not isinstance(last, ActivityCondition) or last.period is None:
        return parts
    return [
        replace(part, period=last.period) if isinstance(part, ActivityCondition) and part.period is None else part
        for part in parts
    ]


def _tokens(text: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(text):
        whole, start, stop = match.group(), match.start(), match.end()
        if whole[0] in '"“':
            quoted = " ".join(whole[1:-1].split())[:200]
            found.append(_Token(start, stop, name_key(quoted), quoted))
            continue
        plain = whole.rstrip(".'’") or whole
        word = name_key(plain.replace("’", "'"))
        found.append(_Token(start, start + len(plain), word.removesuffix("'s")))
    return found


def _merged(text: str, places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Places with nothing but blanks between them are one."""
    merged: list[tuple[int, int]] = []
    for start, stop in places:
        if merged and not text[merged[-1][1] : start].strip():
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
