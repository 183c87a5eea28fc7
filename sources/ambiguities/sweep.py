"""Finding ambiguities, and closing those that are none any more: set-based, only where something has changed.

The pixel and imports refuse what points at two people (identity, rule 7) and go on; nobody waits for this. The sweep looks
afterwards at the visitors that have named themselves since it last looked, at those that use an identifier of a contact that
has changed, and at rows of imports that have ended. A visitor that is found to lead to one contact now is matched with it.
It reads under the write lock, so that no contact changes while it does, and gives way to an import that is writing.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from django.db import OperationalError
from django.utils import timezone

from contacts import write_lock
from contacts.models import Change
from core import keyset
from imports.models import Import, RejectedRow, RowIssue, Severity, Status
from imports.pipeline import parse_unit
from sources.ambiguities import closing
from sources.models import Ambiguity, AmbiguitySweep
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tracking import claims, queries

log = logging.getLogger(__name__)
WAKE = pending_work.IDENTITY
CODES = ("ambiguous_match", "shared_identifier")
# So many identifiers, visitors, changes of contacts and imports in one transaction, and so many transactions in one sweep.
NAMES, VISITORS, CHANGES, IMPORTS, TURNS = 20_000, 5_000, 10_000, 5, 20
# Of one import so many rows are listed; the others are on its own page of rows in error.
MOST_ROWS = 500
Candidate = dict[str, Any]


def run(tenant_id: int) -> None:
    """Look at all that has changed in a workspace, a few thousand visitors at a time. A workspace whose contacts are being
    written is left for the next sweep."""
    for _turn in range(TURNS):
        try:
            with tenant_context(tenant_id):
                queries.wait_briefly()
                seen_at = timezone.now()
                if write_lock.lock().holder is not None:
                    return
                if not _turn_of(seen_at):
                    pending_work.clear_pending(WAKE, seen_at=seen_at)
                    return
        except OperationalError as problem:
            log.info("ambiguities of workspace %s wait: %s", tenant_id, problem)
            return


def _turn_of(now: datetime) -> bool:
    """One turn; whether there is more to do."""
    AmbiguitySweep.objects.bulk_create([AmbiguitySweep()], ignore_conflicts=True)
    state = AmbiguitySweep.objects.select_for_update().get()
    steps: tuple[Callable[[AmbiguitySweep, datetime], bool], ...] = (_named, _changed, _imported)
    more = [step(state, now) for step in steps]
    state.save()
    closing.close_matched(now=now)
    return any(more)


def _named(state: AmbiguitySweep, now: datetime) -> bool:
    """Visitors that have named themselves since the last look."""
    since = state.named_until or datetime(1970, 1, 1, tzinfo=UTC)
    named = claims.named_since(since, after=state.named_visitor, most=NAMES)
    look(sorted({visitor_id for visitor_id, _at in named}), now=now)
    if named:
        state.named_visitor, state.named_until = named[-1]
    return len(named) == NAMES


def _changed(state: AmbiguitySweep, now: datetime) -> bool:
    """Visitors that use an identifier of a contact that has changed. What was before the first look is seen by `_named`."""
    if state.changed_until is None:
        state.changed_until = now
        return False
    behind = keyset.beyond("at", state.changed_until, state.changed_contact, key="contact_id", down=False)
    changes = list(Change.objects.filter(behind).order_by("at", "contact_id").values_list("at", "contact_id")[:CHANGES])
    if not changes:
        return False
    look(claims.of_contacts([contact_id for _at, contact_id in changes]), now=now)
    closing.close_rows_of([contact_id for _at, contact_id in changes], now=now)
    state.changed_until, state.changed_contact = changes[-1]
    return len(changes) == CHANGES


def look(visitor_ids: Sequence[int], *, now: datetime) -> None:
    """Match the visitors that lead to one contact, list those that lead to several, and close what is neither. Needs the
    write lock."""
    for start in range(0, len(visitor_ids), VISITORS):
        ids = visitor_ids[start : start + VISITORS]
        claims.tie(ids, now=now)
        closing.close_matched(now=now)
        found = {
            visitor_id: [{"contact": p.contact_id, "kind": p.kind, "value": p.value} for p in pointers]
            for visitor_id, pointers in groupby(claims.pointers(ids), key=lambda p: p.visitor_id)
        }
        closing.keep_visitors(found, ids, now=now)


def _imported(state: AmbiguitySweep, now: datetime) -> bool:
    """Rows of imports that have ended since the last look."""
    since = state.imports_until or datetime(1970, 1, 1, tzinfo=UTC)
    ended = Import.objects.filter(finished_at__gt=since, status__in=(Status.IMPORTED, Status.CANCELED), undone_at=None)
    imports = list(ended.order_by("finished_at")[:IMPORTS])
    for imp in imports:
        if imp.in_error:
            _list_rows(imp, now)
        state.imports_until = imp.finished_at
    closing.close_rows(now=now)
    return len(imports) == IMPORTS


def _list_rows(imp: Import, now: datetime) -> None:
    issues = RowIssue.objects.filter(import_id=imp.pk, severity=Severity.ERROR, code__in=CODES, column=None)
    lines = list(issues.order_by("row_no").values_list("row_no", flat=True)[:MOST_ROWS])
    rows = RejectedRow.objects.filter(import_id=imp.pk, row_no__in=lines, retried_in=None, chosen_id=None)
    found = {line: candidates for line, candidates in _candidates(imp, list(rows.order_by("row_no"))) if candidates}
    Ambiguity.objects.bulk_create(
        [Ambiguity(import_id=imp.pk, row_no=line, candidates=found[line], found_at=now) for line in found],
        ignore_conflicts=True,
    )


def _candidates(imp: Import, rows: Sequence[RejectedRow]) -> Iterator[tuple[int, list[Candidate]]]:
    """Line → contacts that the identifiers of its row lead to, if they are two or more."""
    if not rows:
        return
    cleaner = parse_unit.compiled(imp)
    named: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        clean, _problems = cleaner.row(list(row.fixed or row.cells))
        values = clean.values if clean else {}
        named[row.row_no] = [(kind, str(values[kind])) for kind in cleaner.used if values.get(kind)]
    living = queries.contacts_named(imp.tenant_id, {pair for pairs in named.values() for pair in pairs})
    for line, pairs in named.items():
        candidates = [{"contact": c, "kind": kind, "value": value} for kind, value in pairs
                      for c in sorted(living.get((kind, value), []))]  # fmt: skip
        yield line, candidates if len({c["contact"] for c in candidates}) > 1 else []
