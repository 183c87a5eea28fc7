"""Writes docs/encodings.md: made-up names in every encoding, and how they are read. `python -m tests.docs.encodings`."""

import random
from pathlib import Path

from imports.files import encoding_candidates
from imports.files.encodings import CHOICES
from tests.imports.made_up_names import SIZES, WRITTEN, file_of, people

PAGE = Path(__file__).resolve().parents[2] / "docs" / "encodings.md"
LISTS = 40
HEAD = """\
# Encodings

A file does not state its encoding. A byte order mark decides; then strict UTF-8; then the zero bytes of UTF-16. What
remains is text with one or two bytes per letter. For each supported encoding, `imports/files/encoding_candidates.py`
scores the decoded text: how common its letters are in a language (`imports/files/alphabets.py`), word by word, so
that ą next to á counts against a reading; unlikely text, such as letters of two scripts in one word, symbols inside
words, and capitals after small letters; how many programs write the encoding; and the country of the workspace.
Encodings that produce the same text are one reading.

If the best readings score almost the same, we do not guess: the mapping page shows the cells that differ side by
side, and the import cannot start until a member has chosen. On the command line the import ends with
`encoding_unsure`; choose with `--set encoding=…`. If a chosen encoding does not fit the file, the import fails with
`encoding_unreadable`.

We use no library for this: chardet 7.7, tested with generated files of 5, 50 and 400 rows, was right for 87 to 94 %
of them.

## How often it is right

Tested with lists of made-up names that all have non-ASCII letters, {lists} per language and number of names, with an ASCII
header and addresses. The figures are: right / asked, with the right one among the choices / silently wrong, or asked
without it, in percent. “Mixed” lists have names from six (Western) or four (Central European) languages. Written by
`python -m tests.docs.encodings`; the names are in `tests/imports/made_up_names.py`.

| Encoding | Languages | {sizes} |
| --- | --- | {lines} |
"""


def tried(encoding: str, size: int, *, lists: int) -> tuple[int, int, int]:
    """(right, asked with the right one, wrong) over lists of `size` names in an encoding, of each of its languages."""
    right = asked = wrong = 0
    for language in WRITTEN[encoding]:
        rng = random.Random(f"{encoding} {language} {size}")
        for _ in range(lists):
            data = file_of(people(language, size, rng, encoding=encoding), encoding)
            found = encoding_candidates.weigh(data)
            choices = encoding_candidates.doubtful(found) or (found[0].encoding,)
            wanted = data.decode(encoding)
            hit = any(data.decode(choice) == wanted for choice in choices)
            right, asked, wrong = (
                right + (hit and len(choices) == 1),
                asked + (hit and len(choices) > 1),
                wrong + (not hit),
            )
    return right, asked, wrong


def page() -> str:
    """The whole page."""
    sizes = [f"{size} name{'s' if size > 1 else ''}" for size in SIZES]
    head = HEAD.format(lists=LISTS, sizes=" | ".join(sizes), lines=" | ".join("---" for _ in SIZES))
    totals = {size: [0, 0, 0] for size in SIZES}
    rows = []
    for encoding, languages in WRITTEN.items():
        cells = []
        for size in SIZES:
            found = tried(encoding, size, lists=LISTS)
            totals[size] = [a + b for a, b in zip(totals[size], found, strict=True)]
            cells.append(_shares(found))
        rows.append(f"| {CHOICES[encoding].split(' (')[0]} | {', '.join(languages)} | {' | '.join(cells)} |\n")
    rows.append(f"| **All** | | {' | '.join(_shares(totals[size]) for size in SIZES)} |\n")
    return head + "".join(rows)


def _shares(found: list[int] | tuple[int, ...]) -> str:
    return " / ".join(f"{100 * n / sum(found):.1f}".replace(".0", "") for n in found)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
