"""Merging by a list of pairs, as another system that knows who is who can write it: read, looked up, and done in bulk."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contacts.bulk.actions import BulkActionType
from contacts.duplicates import merge
from contacts.errors import NotAllowed
from contacts.models import BulkAction, BulkItem, Contact
from core.parse import parse_id

MOST = 10_000
KINDS = {"contact_id": "Contact IDs", "external_id": "External IDs"}
_SEPARATORS = re.compile(r"[,;\t|]")


@dataclass
class Read:
    """What a list says: pairs of contact IDs, and (line, what is wrong with it)."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


def read(text: str, kind: str) -> Read:
    """Pairs of a list, one a line, with a comma, semicolon, tab or bar between them; lines that cannot be used are said."""
    result = Read()
    cells: list[tuple[int, str, str]] = []
    for line, row in enumerate(text.splitlines(), 1):
        parts = [part.strip().strip('"') for part in _SEPARATORS.split(row)]
        if not any(parts):
            continue
        if len(parts) != 2 or not all(parts):
            result.problems.append((line, "does not have two IDs"))
        elif kind == "contact_id" and any(parse_id(p) is None for p in parts):
            if cells or result.problems or line > 1:  # the first line may be a header
                result.problems.append((line, "has an ID that is not a number"))
        else:
            cells.append((line, parts[0], parts[1]))
    known = _known({one for _line, *both in cells for one in both}, kind)
    for line, one, other in cells:
        missing = [value for value in (one, other) if value not in known]
        if missing and not (line == 1 and len(missing) == 2):
            result.problems.append((line, f"has IDs that match no contact: {', '.join(missing)}"))
        elif not missing and known[one] != known[other]:
            result.pairs.append((known[one], known[other]))
    if len(result.pairs) > MOST:
        result.problems.append((0, f"has more than {MOST:,} pairs"))
    return result


def _known(values: set[str], kind: str) -> dict[str, int]:
    """Value → living contact."""
    living = Contact.objects.living()
    if kind == "contact_id":
        ids = living.filter(pk__in=[int(v) for v in values]).values_list("pk", flat=True)
        there = set(ids)
        return {value: int(value) for value in values if int(value) in there}
    return dict(living.filter(external_id__in=values).values_list("external_id", "pk"))


class MergePairs(BulkActionType):
    """Make each pair one contact, by a rule. Pairs that cannot be are skipped; each merge can also be undone alone."""

    label, past, icon, noun = "Merge pairs", "merged", "merge", "pair"
    writes = False  # each merge notes its own changes
    # A merge looks at many tables: so many pairs a transaction.
    size = 100

    def asking(self, count: int) -> str:
        return f"Merge {count:,} pair{'s' if count != 1 else ''}"

    def gather(self, action: BulkAction) -> int:
        """One item a pair: its number in the list, as the same contact may be in several."""
        pairs = action.options["pairs"]
        BulkItem.objects.bulk_create(
            BulkItem(tenant_id=action.tenant_id, bulk_id=action.pk, contact_id=number)
            for number in range(1, len(pairs) + 1)
        )
        return len(pairs)

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        done = []
        for number in ids:
            made = self._merge(action, action.options["pairs"][number - 1])
            if made is not None:
                BulkItem.objects.filter(bulk_id=action.pk, contact_id=number).update(before={"merge": made})
                done.append(number)
        return done

    def _merge(self, action: BulkAction, pair: Sequence[int]) -> int | None:
        try:
            made = merge.merge(list(pair), rule=action.options["rule"], user_id=action.created_by_id)
        except (NotAllowed, Contact.DoesNotExist):
            return None
        return made.pk if made else None

    def undo(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        merges: dict[int, Any] = dict(
            BulkItem.objects.filter(bulk_id=action.pk, contact_id__in=ids).values_list("contact_id", "before")
        )
        done = []
        for number in sorted(ids, reverse=True):
            try:
                merge.undo(merges[number]["merge"], user_id=action.created_by_id)
            except NotAllowed:
                continue
            done.append(number)
        return done
