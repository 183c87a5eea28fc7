"""The made-up people: always the same, mostly right, wrong in known shares."""

from pathlib import Path

import pytest

from cdp.demo import people
from contacts.values.identifiers import normal_email, normal_phone


def test_a_seed_always_gives_the_same_rows() -> None:
    assert list(people.rows(500, 1)) == list(people.rows(500, 1))
    assert list(people.rows(500, 1)) != list(people.rows(500, 2))


def test_files_with_overlapping_numbers_share_people() -> None:
    one = {r[2]: r for r in people.rows(200, 1, bad=0, duplicates=0, malformed=0)}
    two = {r[2]: r for r in people.rows(200, 1, first=100, salt=5, bad=0, duplicates=0, malformed=0)}
    shared = one.keys() & two.keys()
    assert len(shared) == 100
    emails = [(normal_email(one[i][0]), normal_email(two[i][0])) for i in shared if one[i][0] and two[i][0]]
    assert all(a == b for a, b in emails)
    assert sum(one[i] != two[i] for i in shared) > 90


def test_clean_rows_are_right() -> None:
    found = list(people.rows(5000, 3, bad=0, duplicates=0, malformed=0))
    assert {len(r) for r in found} == {len(people.HEADER)}
    assert all(normal_email(r[0]) for r in found if r[0])
    phones = [normal_phone(r[1], r[6]) for r in found if r[1]]
    assert phones.count(None) < len(phones) * 0.005
    assert len({r[2] for r in found}) == 5000


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_the_shares_are_those_asked_for(share: float) -> None:
    found = list(people.rows(20_000, 3, bad=share, duplicates=share, malformed=share))
    short = sum(len(r) != len(people.HEADER) for r in found)
    whole = [r for r in found if len(r) == len(people.HEADER)]
    bad = sum(bool(r[0]) and not normal_email(r[0]) for r in whole)
    duplicates = len(whole) - len({r[2] for r in whole})
    assert short == pytest.approx(share * 20_000, rel=0.1)
    assert bad == pytest.approx(share / 2 * 20_000, rel=0.15)
    assert duplicates == pytest.approx(share * 20_000, rel=0.1)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_files_are_written_as_asked(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "people.csv"
    assert people.write(path, people.western(300, 1), encoding=encoding, separator=";") == 300
    text = path.read_bytes().decode(encoding)
    assert text.splitlines()[0] == ";".join(people.HEADER)
    assert any(ord(c) > 127 for c in text)
