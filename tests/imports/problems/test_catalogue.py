"""Every problem has words, and the words are fit to be read by people."""

import re
from pathlib import Path
from string import Formatter

import pytest

from imports.problems import catalogue
from imports.problems.catalogue import PROBLEMS

ROOT = Path(__file__).resolve().parents[3]
# How codes stand in the source: raised, returned, and worked out in SQL.
RAISED = re.compile(
    r"""(?: \b(?:FileProblem|BadValue)\(\s*          # raised
          | \bProblem\([^,()]*,\s*                  # noted
          | \breason\ ?=\s*(?=")(?!"name|"content|"none|"chosen|"new)  # why an import has ended
        )"([a-z]+(?:_[a-z]+)+)" """,
    re.VERBOSE,
)
RETURNED = re.compile(r'return "([a-z]+(?:_[a-z]+)+)"|(?:if|else) "([a-z]+(?:_[a-z]+)+)"')
FACTS = {
    "created": 10, "now": 5, "used": 900, "zone": "CET",
    "example": "31.05.2024",
    "status": "unsubscribed",
    "allowed": "comma, tab",
    "times": 3,
    "encodings": ["Windows-1252", "Windows-1257"],
    "filled": 7,
    "kind": "PDF", "file": "people.csv", "found": 1_000_001, "limit": 1000, "encoding": "UTF-8", "lines": [3, 7], "line": 12,
    "index": 3, "value": "x", "names": "Email", "name": "A long name", "detail": "a detail", "rows": 10, "total": 9,
    "options": "a, b", "task": "orders", "first": "1900-01-01", "last": "2026-01-01",
}  # fmt: skip


def _sources() -> dict[str, str]:
    files = [f for app in ("contacts", "imports", "tracking") for f in (ROOT / app).rglob("*.py")]
    return {str(f.relative_to(ROOT)): f.read_text(encoding="utf-8") for f in files if "migrations" not in f.parts}


def test_every_code_in_the_source_has_words() -> None:
    missing = {
        (name, code) for name, text in _sources().items() for code in RAISED.findall(text) if code not in PROBLEMS
    }
    assert not missing


def test_codes_that_functions_return_have_words() -> None:
    text = _sources()["contacts/values/identifiers.py"]
    found = {a or b for a, b in RETURNED.findall(text)}
    assert "not_an_email" in found
    assert not found - set(PROBLEMS)


def test_every_code_is_used() -> None:
    source = "".join(
        text
        for name, text in _sources().items()
        if name not in ("imports/problems/catalogue.py", "imports/problems/texts.py")
    )
    unused = [code for code in PROBLEMS if code != "unknown" and not re.search(rf"""["']{code}["']""", source)]
    assert not unused


@pytest.mark.parametrize("code", PROBLEMS)
def test_words_are_fit_for_people(code: str) -> None:
    said = [catalogue.title(code), catalogue.sentence(code, **FACTS), catalogue.remedy(code, **FACTS)]
    for text in said:
        assert text
        assert "?" not in text  # a fact that nobody gives
        assert "{" not in text
        assert not re.search(r"invalid|oops|error|illegal|sorry|\bwrong format\b", text, re.IGNORECASE)
    assert not said[0].endswith(".")
    assert said[1].endswith(".")
    assert said[2].endswith((".", '"".'))
    assert len(said[0]) <= 40


def test_sentences_name_known_facts_only() -> None:
    named = {
        name
        for words in PROBLEMS.values()
        for text in (words.sentence, words.remedy)
        for _literal, name, _spec, _conversion in Formatter().parse(text)
        if name
    }
    assert named <= set(FACTS)


def test_facts_are_written_for_people() -> None:
    assert "1,000,001" in catalogue.sentence("too_large", found=1_000_001, limit=1000)
    assert "3, 7" in catalogue.sentence("encoding_unreadable", encoding="UTF-8", lines=[3, 7])
    assert "? bytes" in catalogue.sentence("too_large", limit=1)


def test_an_unknown_code_has_words() -> None:
    assert catalogue.title("no_such_code") == PROBLEMS["unknown"].title
    assert catalogue.sentence("no_such_code")
