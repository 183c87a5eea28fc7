"""Rows of one file that are one person (identity, rule 4). Pure: rows that share something in, decisions out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal, NamedTuple

from contacts.identity.match_query import STRENGTH
from contacts.values.columns import IDENTIFIERS


class SharedIdentifierRow(NamedTuple):
    """One row in one group of rows that share `key`. `contact_id` and `strength` say what it matched, if anything."""

    kind: str
    key: str
    row_no: int
    external_id: str | None
    email: str | None
    contact_id: int | None
    strength: int | None


@dataclass
class InFileGroups:
    """What became of the rows: joined into a winner, refused, or the group's contact for its winner."""

    losers: dict[int, int] = field(default_factory=dict)
    refused: dict[int, tuple[str, int | None]] = field(default_factory=dict)
    contacts: dict[int, int] = field(default_factory=dict)

    def notes(self) -> list[tuple[int, int | None, str | None, int | None]]:
        """(row_no, contact_id, code, other_id) for every row whose verdict differs from its own match."""
        kept: list[tuple[int, int | None, str | None, int | None]] = [
            (row, contact, None, None) for row, contact in self.contacts.items()
        ]
        return kept + [(row, None, code, other) for row, (code, other) in self.refused.items()]


class _Union:
    """Disjoint sets of row numbers."""

    def __init__(self) -> None:
        self.parent: dict[int, int] = {}

    def find(self, row: int) -> int:
        parent = self.parent
        root = row
        while parent.setdefault(root, root) != root:
            root = parent[root]
        while parent[row] != root:
            parent[row], row = root, parent[row]
        return root

    def join(self, rows: Iterable[int]) -> None:
        roots = [self.find(row) for row in rows]
        for root in roots[1:]:
            a, b = self.find(roots[0]), self.find(root)
            if a != b:
                self.parent[max(a, b)] = min(a, b)


def group(
    rows: Iterable[tuple[Any, ...]],
    *,
    duplicates: Literal["last", "first", "error"],
    order: Sequence[str] = IDENTIFIERS,
) -> InFileGroups:
    """Decide groups of rows. `rows` come sorted by kind (external_id, email, contact, phone) and key.

    `order` has the identifiers that take part, strongest first: it says whose contact a group takes.
    The result does not depend on the order of the rows inside a file, except for which row wins.
    """
    union, result = _Union(), InFileGroups()
    rank: dict[int | None, int] = {STRENGTH[name]: i for i, name in enumerate(order)}
    strongest: dict[int, tuple[int, int]] = {}  # row → (strength, contact)
    for (kind, _key), members in groupby(map(SharedIdentifierRow._make, rows), key=lambda r: (r.kind, r.key)):
        shared = list(members)
        for row in shared:
            union.find(row.row_no)
            if row.contact_id is not None:
                strongest[row.row_no] = (rank.get(row.strength, 0), row.contact_id)
        _JOINS[kind](shared, union, result)
    for group_rows in _sets(union, result):
        _decide(group_rows, strongest, result, duplicates)
    return result


def _join_all(rows: list[SharedIdentifierRow], union: _Union, _result: InFileGroups) -> None:
    union.join(row.row_no for row in rows)


def _join_by_email(rows: list[SharedIdentifierRow], union: _Union, result: InFileGroups) -> None:
    """Rows with one e-mail are one person unless their external IDs tell them apart (rule 3)."""
    if any(row.strength == STRENGTH["email"] for row in rows):
        # The e-mail is a known contact's. A row that did not match it has an external ID that contradicts.
        return
    ids = {row.external_id for row in rows if row.external_id is not None}
    if len(ids) <= 1:
        union.join(row.row_no for row in rows)
        return
    for row in rows:
        if row.external_id is None and row.contact_id is None:
            result.refused[row.row_no] = ("shared_identifier", None)


def _join_by_phone(rows: list[SharedIdentifierRow], union: _Union, result: InFileGroups) -> None:
    """A row that has only a phone is the one person of the file with that phone, if there is one."""
    if any(row.strength == STRENGTH["phone"] for row in rows):
        return
    alone = [row for row in rows if row.external_id is None and row.email is None]
    named = (row.row_no for row in rows if row.external_id is not None or row.email is not None)
    people = {union.find(row_no) for row_no in named if row_no not in result.refused}
    if len(people) > 1:
        result.refused |= {row.row_no: ("shared_identifier", None) for row in alone if row.contact_id is None}
        return
    union.join([*people, *(row.row_no for row in alone)])


_JOINS = {"external_id": _join_all, "contact": _join_all, "email": _join_by_email, "phone": _join_by_phone}


def _sets(union: _Union, result: InFileGroups) -> Iterator[list[int]]:
    sets: dict[int, list[int]] = {}
    for row in union.parent:
        if row not in result.refused:
            sets.setdefault(union.find(row), []).append(row)
    for members in sets.values():
        if len(members) > 1:
            yield sorted(members)


def _decide(
    rows: list[int],
    strongest: dict[int, tuple[int, int]],
    result: InFileGroups,
    duplicates: Literal["last", "first", "error"],
) -> None:
    """One group: its contact is that of the strongest match; rows that point at another one are refused (rule 2)."""
    hits = [(*strongest[row], row) for row in rows if row in strongest]
    contact = min(hits, key=lambda hit: (hit[0], hit[2]))[1] if hits else None
    for _strength, other, row in hits:
        if other != contact:
            result.refused[row] = ("ambiguous_match", contact)
    kept = [row for row in rows if row not in result.refused]
    if duplicates == "error" and len(kept) > 1:
        result.refused |= dict.fromkeys(kept, ("duplicate_in_file", None))
        return
    winner = kept[-1] if duplicates == "last" else kept[0]
    result.losers |= {row: winner for row in kept if row != winner}
    if contact is not None:
        result.contacts[winner] = contact
