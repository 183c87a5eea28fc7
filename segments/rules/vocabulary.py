"""What words mean in the current workspace: fields, their options, values that contacts have, events and segments."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from contacts.extensions import rule_lists
from contacts.values.identifiers import name_key
from segments.models import Segment
from segments.rules import sentence_words, suggestions
from segments.rules.compiler import Context
from segments.rules.rule_fields import RuleField
from segments.rules.sentence import MAX_WORDS, Meaning, Vocabulary, words_of

# Of these texts, the values that contacts have are known; of other fields, the options.
PLACES = ("city", "region", "gender", "company")
MOST_SEGMENTS = 500
# Words of the grammar are no values, unless a field is named before them.
_TAKEN = (
    sentence_words.FILLER
    | sentence_words.AND
    | sentence_words.OR
    | sentence_words.NOT
    | sentence_words.VERBS.keys()
    | sentence_words.SPAN_START
    | {
        "yes",
        "no",
        "other",
        "none",
        "new",
        "order",
        "import",
        "form",
        "manual",
        "event",
        "api",
        "visitor",
        "email",
        "phone",
    }
)
Phrase = tuple[str, Meaning]


def of_workspace(scope: Context) -> Vocabulary:
    """The vocabulary of the current workspace."""
    phrases: dict[tuple[str, ...], list[Meaning]] = defaultdict(list)
    for source in (
        _fields(scope.subjects),
        _options(scope.subjects),
        _values(scope.subjects),
        _events(),
        _segments(scope),
    ):
        for text, meaning in source:
            words = words_of(text)
            if 0 < len(words) <= MAX_WORDS and meaning not in phrases[words]:
                phrases[words].append(meaning)
    return Vocabulary(scope.subjects, {words: tuple(found) for words, found in phrases.items()}, scope.clock.today)


def _fields(fields: Mapping[str, RuleField]) -> Iterator[Phrase]:
    for key, subject in fields.items():
        if key == "deleted_at":
            continue
        for text in (subject.label, key.replace("_", " "), *sentence_words.SYNONYMS.get(key, ())):
            # “Created” is a verb of its own.
            if name_key(text) not in sentence_words.CREATED | sentence_words.CHANGED:
                yield text, Meaning("field", key)


def _options(fields: Mapping[str, RuleField]) -> Iterator[Phrase]:
    """Options by their names and their keys: Latvia, gold, unsubscribed. Phone statuses are called like those of e-mails."""
    for key, subject in fields.items():
        if key == "phone_status":
            continue
        for value, label in subject.options.items():
            # Countries and languages have their code behind the name.
            for text in (label.removesuffix(f" ({value})"), value, *sentence_words.VALUES.get((key, value), ())):
                if len(text) > 2 and name_key(text) not in _TAKEN and not text.isdigit():
                    yield text, Meaning("value", key, value)


def _values(fields: Mapping[str, RuleField]) -> Iterator[Phrase]:
    """Values that contacts have, the most frequent ones."""
    for key in PLACES:
        for value in suggestions.values_of(fields[key]):
            also = sentence_words.GENDERS.get(name_key(value), ()) if key == "gender" else ()
            for text in (value, *also):
                if len(text) > 2 and name_key(text) not in _TAKEN:
                    yield text, Meaning("value", key, value)


def _events() -> Iterator[Phrase]:
    for activity in ("track", "action"):
        for name in suggestions.event_names(activity):
            if name_key(name) not in _TAKEN:
                yield name, Meaning("event", activity, name)


def _segments(scope: Context) -> Iterator[Phrase]:
    for pk, name in (
        Segment.objects.exclude(pk__in=scope.inside).order_by("-pk").values_list("pk", "name")[:MOST_SEGMENTS]
    ):
        yield name, Meaning("segment", "segment", number=pk)
    for kind, known in rule_lists().items():
        for pk, name in known.choices():
            for text in {name, name.partition(",")[0], name.partition(",")[0].rpartition(".")[0]}:
                yield text, Meaning("list", kind, number=pk)
