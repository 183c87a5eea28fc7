"""Files made by chance from a number: the same number makes the same file, so that a failure can be looked at again."""

import codecs
import random
import re
from collections.abc import Callable, Sequence

PIECES = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b'"', b"'", b'""', b'"x"y', b"\n", b"\r", b"\r\n", b"\n\n", b",",
    b";", b"\t", b"|", b"sep=;\n", b"\xc3", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"@", b"a" * 300,
    b"=1+1", b"\x1f\x8b", b"PK\x03\x04", b"\x0b\x0c\x1c\x85", b"<html", b"\\", b"+AD4-",
)  # fmt: skip
NAMES = (
    "email", "E-Mail", "phone", "external id", "first name", "last name", "name", "city", "country", "birthday",
    "website", "x", "", "=1", "\u05e9\u05dd", "id", "__proto__", "na\u200bme", "a" * 200, 'a"b', "email",
)  # fmt: skip
CELLS = (
    "", " ", "a@example.com", "A@Example.COM ", "nobody", "a@b@c.de", "x@ex\xe4mple.com", "+34651234567", "3.46E+10",
    "007", "-0", "1.234,5", "2024-02-30", "03/04/2024", "31.12.1999", "yes", "\u2713", "a|b|a", "=1+1", "'=1", "'",
    "\ufeff", "\u202e", "\u2028", "\x00", "\x1c", "\x85", "Zo\xeb", "\u0418\u0432\u0430\u043d", "\U0001f600", "a\nb",
    "a\r\nb", "a,b;c\td|e", 'say "hi"', "\\N", "\\", "https://example.com", "javascript:x", "Z" + "\u0301" * 30,
    "C-1", "0", "de", "Germany", "1e400", "NaN", "\u0663", "\\.",
)  # fmt: skip
ENCODINGS = (
    *["utf-8"] * 12, "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1251", "shift_jis",
    "gb18030",
)  # fmt: skip
ENDS = (["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"], ["\n", "\r\n", "\r", "\n\n"])


def file(number: int, known: Sequence[bytes]) -> bytes:
    """A file of any kind, some of them `known` ones, with up to six places changed."""
    chance = random.Random(number)
    kinds: list[tuple[float, Callable[[random.Random], bytes]]] = [
        (40, lambda c: c.choice(known)), (35, table), (10, anything), (8, pieces),
        (4, large), (1.5, wide), (1, long), (0.5, empty),
    ]  # fmt: skip
    data = chance.choices([kind for _weight, kind in kinds], [weight for weight, _kind in kinds])[0](chance)
    for _ in range(chance.choice((0, 1, 1, 2, 3, 6))):
        data = changed(data, chance)
    return data


def changed(data: bytes, chance: random.Random) -> bytes:
    """With one place inserted, replaced, removed, doubled, moved, or the end cut off."""
    at, piece = chance.randint(0, len(data)), chance.choice(PIECES)
    cut = data[at : at + chance.choice((1, 1, 2, 8, 40, 400))]
    rest = data[at + len(cut) :]
    what = chance.choice(("insert", "insert", "replace", "remove", "double", "end", "front", "odd"))
    if what == "odd":  # half of a character, from there on
        return data[:at] + data[at + 1 :]
    if what == "front":
        return cut + data[:at] + rest
    new = {"insert": piece + cut, "replace": piece, "remove": b"", "double": cut + cut, "end": b""}[what]
    return data[:at] + new + (b"" if what == "end" else rest)


def table(chance: random.Random, *, rows: int | None = None) -> bytes:
    """Rows that mostly fit a header, cells quoted by chance and rarely wrongly, lines ended in any way, in any encoding."""
    separator, width = chance.choice(",,,;\t|"), chance.randint(1, 8)
    header = chance.sample(NAMES, width)
    if chance.random() < 0.7:
        header[chance.randrange(width)] = "email"
    fault = chance.choice((0, 0, 0, 0.02, 0.3))
    ends = chance.choice(ENDS)
    lines = [separator.join(_quoted(name, separator, chance, 0) for name in header)]
    for _ in range(chance.randint(0, 30) if rows is None else rows):
        count = width if chance.random() > fault else chance.randint(0, width + 2)
        lines.append(separator.join(_quoted(chance.choice(CELLS), separator, chance, fault) for _ in range(count)))
    text = "".join(line + chance.choice(ends) for line in lines)
    return text.encode(chance.choice(ENCODINGS), "replace")


def _quoted(cell: str, separator: str, chance: random.Random, fault: float) -> str:
    if chance.random() < fault:
        return chance.choice((f'"{cell}"x', f'"{cell}', cell, f"'{cell}'", f'x"{cell}"'))
    if chance.random() < 0.2 or re.search(f'["\r\n{re.escape(separator)}]', cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def large(chance: random.Random) -> bytes:
    """Thousands of rows or some: enough for several spans."""
    return table(chance, rows=chance.choice((100, 300, 1000)))


def wide(chance: random.Random) -> bytes:
    """Tens to thousands of columns."""
    count = chance.choice((99, 100, 101, 3000, 20_000))
    header = b",".join([b"email", *(b"c%d" % i for i in range(count - 1))])
    return header + b"\n" + (b"a@example.com" + b"," * (count - 1) + b"\n") * chance.choice((0, 1, 3))


def long(chance: random.Random) -> bytes:
    """One cell or line that goes on and on."""
    size = chance.choice((4_096, 4_097, 33_000, 131_073, 300_000, 1_048_570, 1_048_577))
    piece = chance.choice((b"x", b'""', b"\n", b"y\n", "\xe9".encode()))
    body = piece * (min(size, 131_073) // 2 if piece == b"y\n" else size // len(piece))
    quote = chance.choice((b'"', b""))
    return (
        b"email,first name\na@example.com," + quote + body + quote + chance.choice((b"\n", b"", b"\nb@example.com,z\n"))
    )


def anything(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(0, 400))


def pieces(chance: random.Random) -> bytes:
    return b"".join(chance.choices((*PIECES, *(cell.encode() for cell in CELLS)), k=chance.randint(0, 40)))


def empty(chance: random.Random) -> bytes:
    return chance.choice(
        (b"", b" ", b"\n", b"\r\n\r\n", b"\x00", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE)
    )
