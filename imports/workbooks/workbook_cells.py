"""Cells of a workbook that mean two things: the text a person sees, and the value that the sheet keeps. Pure.

A workbook becomes CSV once, before anybody has said which column is a number. Such a cell carries both, with a sign
between them that no text holds; the columns that are read as dates or numbers take the value, all others the text. A line
break inside of a cell is a sign of its own, so that a row of the sheet is a line of the CSV.
"""

from collections.abc import Collection, Iterable, Iterator

# (line, cells, problem), as imports.rows has it
Row = tuple[int, list[str], str | None]
BETWEEN, BREAK = "\x1f", "\u2028"
# Before the text of a formula whose value the workbook does not hold. A sign that can be seen.
NO_VALUE = "␝="
_BREAKS = str.maketrans({"\r": BREAK, "\n": BREAK, BETWEEN: "\x1e"})


def one_line(text: str) -> str:
    """The text of a cell in the CSV."""
    if "\n" in text or "\r" in text or BETWEEN in text:
        return text.replace("\r\n", BREAK).translate(_BREAKS)
    return text


def both(shown: str, kept: str) -> str:
    """A cell that is `shown` so and is `kept` so in the sheet; blanks around it are looks."""
    shown = shown.strip()
    return shown if shown == kept else f"{shown}{BETWEEN}{kept}"


def chosen(cell: str, *, kept: bool) -> str:
    """One of the two readings, with its line breaks."""
    if BETWEEN in cell:
        cell = cell.split(BETWEEN, 1)[kept]
    return cell.replace(BREAK, "\n")


def rows(read: Iterable[Row], kept: Collection[int]) -> Iterator[Row]:
    """Records with one reading a cell: what the sheet keeps in the columns `kept`, what it shows in the others."""
    for line, cells, problem in read:
        if any(BETWEEN in cell or BREAK in cell for cell in cells):
            cells = [chosen(cell, kept=i in kept) for i, cell in enumerate(cells)]
        yield line, cells, problem


def likeliest(shown: str, kept: str) -> str:
    """The reading by which a column's type is guessed: a code with zeros or letters before its digits is no number."""
    return shown if shown[:1].isalpha() or (shown[:1] in "0+" and shown[1:2].isdigit()) else kept
