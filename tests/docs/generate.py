"""Writes docs/problems.md from imports.problems.catalogue: `python -m tests.docs.generate`."""

from pathlib import Path

from imports.problems.catalogue import PROBLEMS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "problems.md"
HEAD = """\
# Problem codes

What a file, its mapping, a row, a cell or an import can have. The words are in `imports/problems/texts.py`; parts in braces
are filled in when the problem is shown. Codes never change their meaning. This page is written by
`python -m tests.docs.generate`.

| Code | Title | What is wrong | What to do |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    rows = ((f"`{code}`", words.title, words.sentence, words.remedy) for code, words in PROBLEMS.items())
    return HEAD + "".join(f"| {' | '.join(map(cell, row))} |\n" for row in rows)


def cell(text: str) -> str:
    """A text that stands in one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
