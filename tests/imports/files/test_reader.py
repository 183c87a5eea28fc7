"""Bytes in, records with line numbers out: dialects, headers, spans. Whatever the bytes, only a FileProblem may come."""

import csv
import io
import string
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from imports.files import reader
from imports.files.reader import Dialect, FileProblem, Record
from imports.mapping.guess import known_name
from imports.problems.catalogue import PROBLEMS

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def put(tmp_path: Path, data: bytes | str) -> Path:
    path = tmp_path / "people.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def sniff(data: bytes | str) -> Dialect:
    raw = data if isinstance(data, bytes) else data.encode()
    return reader.sniff(raw, size=len(raw), known=known_name)


def read(path: Path, dialect: Dialect, *, unit_bytes: int = 4 << 20) -> list[Record]:
    """All records, span by span."""
    found: list[Record] = []
    raw = path.read_bytes()
    for span in reader.plan_units(path, dialect, unit_bytes=unit_bytes):
        found += reader.records(raw[span.start : span.end].decode(), first_line=span.first_line, dialect=dialect)
    return found


def whole(tmp_path: Path, data: bytes | str, *, unit_bytes: int = 4 << 20) -> list[tuple[int, list[str]]]:
    """Lines and cells as an import reads them: guess, copy where needed, spans."""
    path = put(tmp_path, data)
    dialect = reader.sniff(path.read_bytes()[: 256 << 10], size=path.stat().st_size, known=known_name)
    if reader.needs_utf8_copy(path, dialect):
        copy = tmp_path / "copy.csv"
        reader.to_utf8(path, copy, dialect)
        path = copy
    return [(line, cells) for line, cells, _problem in read(path, dialect, unit_bytes=unit_bytes)]


def code(data: bytes | str, tmp_path: Path) -> str:
    """The code of the problem that stops a file on its way."""
    path = put(tmp_path, data)
    with pytest.raises(FileProblem) as caught:
        _all_steps(path)
    assert caught.value.code in PROBLEMS
    return caught.value.code


def _all_steps(path: Path) -> None:
    dialect = reader.sniff(path.read_bytes(), size=path.stat().st_size, known=known_name)
    reader.preview(path, dialect)
    reader.plan_units(path, dialect)


# --- the first look ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(separator: str) -> None:
    rows = [["email", "name", "note"], ["a@example.com", "Anna", "1,5; a|b"], ["b@example.com", "Otto", "x"]]
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    found = sniff(text.getvalue())
    assert (found.separator, found.header, found.encoding) == (separator, True, "utf-8")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("email\nanna@example.com\n", ","),
        ("email;city\nanna@example.com;Köln, Altstadt\notto@example.com;Bonn, Beuel\n", ";"),
        ('email,note\nanna@example.com,"a;b;c;d"\notto@example.com,"e;f"\n', ","),
        ("email\tname\nanna@example.com\tMüller, Anna\n", "\t"),
        ("sep=;\nemail;city\nanna@example.com;a,b,c\n", ";"),
        ('"sep=|"\r\nemail|city\r\nanna@example.com|x\r\n', "|"),
        ("SEP=\t\nemail\tcity\n", "\t"),
        ('email,"two\nlines",x\nanna@example.com,1,2\n', ","),
        ("email;ltv\nanna@example.com;12,50\notto@example.com;7,00\n", ";"),
    ],
)
def test_guess_of_the_separator(text: str, separator: str) -> None:
    assert sniff(text).separator == separator


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("email,name\nanna@example.com,Anna\n", True),
        ("anna@example.com,Anna\notto@example.com,Otto\n", False),
        ("Anna,+44 7911 123456\n", False),
        ("Anna,2024-05-31\n", False),
        ("name,city\nAnna,Köln\n", True),
        ("E-Mail\nanna@example.com\n", True),
    ],
)
def test_guess_of_the_header(text: str, header: bool) -> None:
    assert sniff(text).header is header


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "file_empty"),
        (b"\xef\xbb\xbf\r\n \r\n", "file_empty"),
        (b"PK\x03\x04rest", "file_type"),
        (b"\x1f\x8brest", "file_type"),
        (b"%PDF-1.7", "file_type"),
        (b"\x89PNG\r\n", "file_type"),
        (b"SQLite format 3\x00", "file_type"),
        (b"  <!DOCTYPE html><p>", "file_type"),
        (b"<?xml version='1.0'?>", "file_type"),
        (b"email\n" + b"\x00\x01\x02\x03" * 100, "nul_bytes"),
        (b"email\n", "no_rows"),
        (b"email,email\na@example.com,b\n", "header_duplicate"),
        (b"Email , email\na@example.com,b\n", "header_duplicate"),
        (b"x" * 129 + b",b\na,b\n", "header_too_long"),
        (b'email,"na"me\na@example.com,b\n', "header_quotes"),
        (b'email,name\na@example.com,"b\nc@example.com,d\n', "unclosed_quote"),
        (b'email,"name\na@example.com,b\n', "unclosed_quote"),
        (b"email,name\na@example.com,\xc3\n\xff\xfe\xfd,\xe2\x82\n" + "Zoë,é\n".encode() * 20, "encoding_unreadable"),
    ],
)
def test_files_that_cannot_be_read(data: bytes, found: str, tmp_path: Path) -> None:
    assert code(data, tmp_path) == found


def test_choices_of_a_person() -> None:
    dialect = sniff("email;name\na@example.com;b\n")
    assert reader.changed(dialect) == dialect
    assert reader.changed(dialect, separator="tab").separator == "\t"
    assert reader.changed(dialect, separator="\\t").separator == "\t"
    assert reader.changed(dialect, separator="|", encoding="Windows-1251").encoding == "cp1251"
    assert reader.changed(dialect, header="no").header is False
    assert reader.changed(dialect, header="yes").header is True
    assert reader.changed(dialect, quote="none").quote == ""
    for separator in ("ab", '"', "\n"):
        with pytest.raises(FileProblem) as caught:
            reader.changed(dialect, separator=separator)
        assert caught.value.code in PROBLEMS


def test_dialects_can_be_stored() -> None:
    dialect = sniff("email;name\na@example.com;b\n")
    assert Dialect(**dict(vars(dialect))) == dialect


# --- header and first rows --------------------------------------------------------------------------------------------


def test_preview(tmp_path: Path) -> None:
    path = put(tmp_path, '\ufeff"E-Mail",, Name \u200b\n\na@example.com,x,"two\nlines"\nb@example.com,y\n')
    found = reader.preview(path, sniff(path.read_bytes()))
    assert found.header == ["E-Mail", "Column B", "Name"]
    assert found.rows == [["a@example.com", "x", "two\nlines"], ["b@example.com", "y"]]
    assert found.lines == [3, 5]


def test_preview_without_a_header(tmp_path: Path) -> None:
    path = put(tmp_path, "a@example.com,Anna\nb@example.com,Otto\n")
    found = reader.preview(path, sniff(path.read_bytes()), rows=1)
    assert (found.header, found.rows, found.lines) == (["Column A", "Column B"], [["a@example.com", "Anna"]], [1])


def test_preview_reads_the_encoding_of_the_file(tmp_path: Path) -> None:
    path = put(tmp_path, "имя;email\nИван;a@example.com\n".encode("cp1251"))
    assert reader.preview(path, sniff(path.read_bytes())).rows == [["Иван", "a@example.com"]]


def test_letters() -> None:
    assert [reader.letter(i) for i in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]


# --- records and their lines ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ("email,b\na@example.com,1\nb@example.com,2", [(2, ["a@example.com", "1"]), (3, ["b@example.com", "2"])]),
        ("email,b\r\na@example.com,1\r\nb@example.com,2\r\n", [(2, ["a@example.com", "1"]), (3, ["b@example.com", "2"])]),
        ("email,b\ra@example.com,1\rb@example.com,2\r", [(2, ["a@example.com", "1"]), (3, ["b@example.com", "2"])]),
        ("email,b\r\na@example.com,1\nb@example.com,2\rc@example.com,3",
         [(2, ["a@example.com", "1"]), (3, ["b@example.com", "2"]), (4, ["c@example.com", "3"])]),
        ("\n\nemail,b\n\n\na@example.com,1\n\n", [(6, ["a@example.com", "1"])]),
        ('email,b\na@example.com,"1\n2"\nb@example.com,3\n', [(2, ["a@example.com", "1\n2"]), (4, ["b@example.com", "3"])]),
        ('email,b\na@example.com,"say ""hi"""\n', [(2, ["a@example.com", 'say "hi"'])]),
        ('email,b\na@example.com,5" pipe\nb@example.com,2\n',
         [(2, ["a@example.com", '5" pipe']), (3, ["b@example.com", "2"])]),
        ("sep=;\nemail;b\na@example.com;1\n", [(3, ["a@example.com", "1"])]),
        ('\ufeff"email","b"\n"a@example.com","1"\n', [(2, ["a@example.com", "1"])]),
        ("\ufeffsep=;\r\nemail;b\r\na@example.com;1\r\n", [(3, ["a@example.com", "1"])]),
        ('"email\nline two",b\na@example.com,1\n', [(3, ["a@example.com", "1"])]),
        ("email\na@example.com\n\nb@example.com\n", [(2, ["a@example.com"]), (4, ["b@example.com"])]),
        ("a@example.com,1\nb@example.com,2\n", [(1, ["a@example.com", "1"]), (2, ["b@example.com", "2"])]),
        ("email,b\na@example.com,x\u2028y\x0bz\x85\n", [(2, ["a@example.com", "x\u2028y\x0bz\x85"])]),
        ('email,b\na@example.com,"x"\r\nb@example.com,""\r\n', [(2, ["a@example.com", "x"]), (3, ["b@example.com", ""])]),
    ],
)  # fmt: skip
def test_records(data: str, rows: list[tuple[int, list[str]]], tmp_path: Path) -> None:
    for unit_bytes in (1, 7, 4 << 20):
        assert whole(tmp_path, data, unit_bytes=unit_bytes) == rows


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings(encoding: str, tmp_path: Path) -> None:
    data = "email,name\r\na@example.com,Łukasz\r\nb@example.com,Zoë\r\n".encode(encoding)
    assert whole(tmp_path, data) == [(2, ["a@example.com", "Łukasz"]), (3, ["b@example.com", "Zoë"])]


def test_text_after_a_closing_quote_is_a_problem_of_its_row(tmp_path: Path) -> None:
    path = put(tmp_path, 'email,b\na@example.com,1\nb@example.com,"x" y\nc@example.com,3\n')
    found = read(path, sniff(path.read_bytes()))
    assert [(r.line, r.problem) for r in found] == [(2, None), (3, "bad_quotes"), (4, None)]


def test_an_unclosed_quote_names_its_line(tmp_path: Path) -> None:
    path = put(tmp_path, 'email,b\na@example.com,1\nb@example.com,"x\n' + "c@example.com,3\n" * 50)
    for unit_bytes in (1, 64, 1 << 20):
        with pytest.raises(FileProblem) as caught:
            reader.plan_units(path, Dialect(), unit_bytes=unit_bytes)
        assert (caught.value.code, caught.value.facts["line"]) == ("unclosed_quote", 3)


def test_a_file_without_quotes(tmp_path: Path) -> None:
    path = put(tmp_path, 'email,b\na@example.com,"x\nb@example.com,5" pipe\n')
    found = read(path, reader.changed(Dialect(), quote="none"))
    assert [r.cells for r in found] == [["a@example.com", '"x'], ["b@example.com", '5" pipe']]


def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "email,b\na@example.com,1\nb@example.com," + "x" * (1 << 20) + "\n")
    with pytest.raises(FileProblem) as caught:
        reader.plan_units(path, Dialect())
    assert (caught.value.code, caught.value.facts["line"]) == ("record_too_long", 3)


def test_a_few_zero_bytes_are_left_to_the_rows(tmp_path: Path) -> None:
    rows = whole(tmp_path, "email,b\n" + "a@example.com,some more text\n" * 20 + "b@example.com,x\x00y\n")
    assert rows[-1] == (22, ["b@example.com", "x\x00y"])


def test_zero_bytes_are_counted_over_the_whole_file(tmp_path: Path) -> None:
    """However it is cut: a span that holds most of them is no reason to refuse a file that has few."""
    path = put(tmp_path, "email,b\n" + "b@example.com,x\x00y\n" + "a@example.com,some more text\n" * 20)
    assert len(reader.plan_units(path, Dialect(), unit_bytes=64)) > 5
    path = put(tmp_path, "email,b\n" + "a@example.com,some more text\n" * 20 + "\x00\x00\n" * 5)
    for size in (64, 100_000):
        with pytest.raises(FileProblem, match="nul_bytes"):
            reader.plan_units(path, Dialect(), unit_bytes=size)


def test_lone_returns_need_a_copy(tmp_path: Path) -> None:
    for data, needed in (
        (b"a\r\nb\r\n", False),
        (b"a\nb\n", False),
        (b"a\rb", True),
        (b"a\r\nb\r", True),
        (b"\r", True),
    ):
        assert reader.needs_utf8_copy(put(tmp_path, data), Dialect()) is needed


def test_spans_are_of_about_the_wanted_size_and_leave_nothing_out(tmp_path: Path) -> None:
    lines = [f"a{i}@example.com,{'x' * (i % 40)}\n" for i in range(2000)]
    path = put(tmp_path, "email,b\n" + "".join(lines))
    spans = reader.plan_units(path, Dialect(), unit_bytes=1000)
    assert [s.start for s in spans[1:]] == [s.end for s in spans[:-1]]
    assert (spans[0].start, spans[-1].end) == (8, path.stat().st_size)
    assert all(900 < s.end - s.start < 1200 for s in spans[:-1])
    assert (spans[0].first_line, spans[1].first_line) == (2, 2 + path.read_bytes()[8 : spans[0].end].count(b"\n"))


# --- whatever the file ------------------------------------------------------------------------------------------------

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
TRICKY = st.text(st.sampled_from('",;\n\r\t |ab\u2028\x0b\ufeff'), max_size=8)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.one_of(CELL, TRICKY), min_size=width, max_size=width), min_size=1, max_size=8)
)


@SETTINGS
@given(rows=TABLES, unit_bytes=st.integers(1, 60), ends=st.sampled_from(["\n", "\r\n"]), separator=st.sampled_from(",;\t|"),
       quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))  # fmt: skip
@example(rows=[["\r"], ['"']], unit_bytes=1, ends="\r\n", separator=",", quoting=csv.QUOTE_ALL)
def test_any_table_comes_back(
    rows: list[list[str]], unit_bytes: int, ends: str, separator: str, quoting: Any, tmp_path: Path
) -> None:
    """Cells and line numbers, whatever the size of a unit. A CR in a cell is quoted, and is no line end."""
    text = io.StringIO()
    # Python's writer quotes a CR only where it is part of the line ends that it writes.
    writer = csv.writer(
        text, delimiter=separator, lineterminator=ends, quoting=quoting if ends == "\r\n" else csv.QUOTE_ALL
    )
    names = [string.ascii_lowercase[i] for i in range(len(rows[0]))]
    writer.writerow(names)
    expected = []
    for cells in rows:
        expected.append((text.getvalue().count("\n") + 1, cells))
        writer.writerow(cells)
    path = put(tmp_path, text.getvalue())
    dialect = Dialect(separator=separator)
    found = [(r.line, r.cells) for r in _records(path, dialect, unit_bytes)]
    # Only a row without anything in it may be left out.
    assert found == [row for row in expected if row in found or any(cell.strip() for cell in row[1])]


def _records(path: Path, dialect: Dialect, unit_bytes: int) -> list[Record]:
    try:
        return read(path, dialect, unit_bytes=unit_bytes)
    except FileProblem as problem:
        if problem.code != "no_rows":
            raise
        return []


def _filled(records: list[Record]) -> list[Record]:
    """Without rows of blanks alone, which may be left out: where a unit has nothing else, it is not made."""
    return [record for record in records if any(cell.strip() for cell in record.cells)]


@SETTINGS
@given(data=st.one_of(st.binary(max_size=200), TRICKY.map(str.encode)), unit_bytes=st.integers(1, 50))
@example(data=b'"', unit_bytes=1)
@example(data=b'a\n"b"c"d\n', unit_bytes=3)
@example(data=b"\xef\xbb\xbf", unit_bytes=1)
@example(data=b"sep=;", unit_bytes=1)
@example(data=b"\xff\xfe", unit_bytes=1)
@example(data=b"a\rb", unit_bytes=1)
@example(data=b"a\r \rb\r", unit_bytes=1)
def test_any_bytes_are_read_or_refused(data: bytes, unit_bytes: int, tmp_path: Path) -> None:
    path, copy = put(tmp_path, data), tmp_path / "copy.csv"
    try:
        dialect = reader.sniff(data, size=len(data), known=known_name)
        reader.preview(path, dialect)
        if reader.needs_utf8_copy(path, dialect):
            reader.to_utf8(path, copy, dialect)
            path = copy
        small = _filled(read(path, dialect, unit_bytes=unit_bytes))
        assert small == _filled(read(path, dialect))
        assert all(a.line < b.line for a, b in pairwise(small))
    except FileProblem as problem:
        if problem.code not in PROBLEMS:
            raise
