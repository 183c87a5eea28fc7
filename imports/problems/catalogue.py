"""Every problem that a file, its header, a row or a cell can have: code → what is wrong, and what to do. Pure.

Records hold codes and facts; the sentence is made when it is shown. Codes never change their meaning.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from imports.problems.texts import WORDS


class Problem(NamedTuple):
    """A problem as data. `column` is the index of the column; None means the row, or the file. `facts` are not changed."""

    column: int | None
    code: str
    value: str | None
    facts: dict[str, Any] = {}  # noqa: RUF012 - a tuple, not a class; millions of these are made


@dataclass(frozen=True)
class ProblemText:
    """How a problem is said: a title for lists, a sentence with facts, a remedy."""

    title: str
    sentence: str
    remedy: str


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def _words(code: str) -> ProblemText:
    return PROBLEMS.get(code, PROBLEMS["unknown"])


def title(code: str) -> str:
    """A few words, for lists and filters."""
    return _words(code).title


def sentence(code: str, **facts: Any) -> str:
    """What is wrong, with the values found."""
    return _words(code).sentence.format_map(_Facts(_shown(facts)))


def remedy(code: str, **facts: Any) -> str:
    """What to do about it."""
    return _words(code).remedy.format_map(_Facts(_shown(facts)))


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    def show(value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            return f"{value:,}"
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    return {name: show(value) for name, value in facts.items()}


def _read(text: str) -> dict[str, ProblemText]:
    lines = [line for line in text.strip().splitlines() if not line.startswith("#")]
    heads = (line.partition(": ") for line in lines[::3])
    return {
        code: ProblemText(title, sentence.strip(), remedy.strip())
        for (code, _colon, title), sentence, remedy in zip(heads, lines[1::3], lines[2::3], strict=True)
    }


PROBLEMS: dict[str, ProblemText] = _read(WORDS)
