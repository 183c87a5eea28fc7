"""The search for probable duplicates over a whole workspace: by a worker, resumable, and for one contact at once.

Keys are written a chunk of contacts at a time, and only for contacts that have changed since the last search. Comparing is
one transaction: when its worker dies, it starts again. The lock on the search's row is the lease.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import numpy as np
from django.utils import timezone

from contacts import leased_job
from contacts.linkage import blocking, fellegi_sunter, normalize, queries, scoring
from contacts.linkage.comparison import PersonColumns, apart, compare
from contacts.linkage.normalize import Person
from contacts.linkage.schedule import send
from contacts.models import Contact, Decision, ProbablePair, ProbableSearch, SearchState

CHUNK = 10_000
# Below this probability two contacts are not shown to anybody.
LEAST = 0.5
# Contacts that were being written when the last search began.
OVERLAP = timedelta(minutes=10)
COLUMNS = ("pk", "first_name", "last_name", "email", "phone", "external_id", "attributes")


def work(tenant_id: int, search_id: int) -> None:
    """Work on a search for a while. Safe to run any number of times, side by side."""
    leased_job.work(
        tenant_id, search_id, model=ProbableSearch, step=_step,
        fail=lambda search, why: _end(search, SearchState.FAILED, error=why), again=lambda: send(search_id),
    )  # fmt: skip


def _step(search: ProbableSearch) -> bool:
    search.attempts = 0
    if search.state == SearchState.COMPARING:
        _compare(search)
        return False
    wanted = Contact.objects.filter(pk__gt=search.cursor)
    if search.since is not None:
        wanted = wanted.filter(changed_at__gte=search.since - OVERLAP)
    rows = list(wanted.order_by("pk").values_list(*COLUMNS, "deleted_at")[:CHUNK])
    if not rows:
        queries.learn_keys()
        search.state = SearchState.COMPARING
        search.save()
        return True
    keys = ((key, row[0]) for row in rows if row[-1] is None for key in blocking.keys(person_of(row)))
    queries.replace_keys([row[0] for row in rows], keys)
    search.cursor, search.contacts = rows[-1][0], search.contacts + len(rows)
    search.save()
    return True


def person_of(row: Sequence[Any]) -> Person:
    """The form for comparing of a row with COLUMNS."""
    _pk, first, last, email, phone, external_id, attributes = row[: len(COLUMNS)]
    core = {"first_name": first, "last_name": last, "email": email, "phone": phone, "external_id": external_id}
    return normalize.person({**attributes, **core})


def _people() -> PersonColumns:
    rows = Contact.objects.living().values_list(*COLUMNS).iterator(chunk_size=CHUNK)
    return PersonColumns.of([(row[0], person_of(row)) for row in rows])


def _persons(ids: Iterable[int]) -> dict[int, Person]:
    """Some of the contacts in the form for comparing: nobody needs all of them at once."""
    wanted, persons = sorted(set(ids)), dict[int, Person]()
    for start in range(0, len(wanted), CHUNK):
        rows = Contact.objects.living().filter(pk__in=wanted[start : start + CHUNK]).values_list(*COLUMNS)
        persons |= {row[0]: person_of(row) for row in rows}
    return persons


def _compare(search: ProbableSearch) -> None:
    columns = _people()
    left, right = _places(columns)
    search.contacts, search.compared = len(columns), len(left)
    if len(left):
        answer = scoring.find(columns, left, right, vetoes=_vetoes())
        queries.replace_pairs(_rows(answer, _persons(pk for group in answer.groups for pk in group)))
        search.found = len(answer.groups)
        search.model = fellegi_sunter.state(answer.model, scoring.common(answer.model, columns))
    else:
        queries.replace_pairs([])
    _end(search, SearchState.DONE)


def _places(columns: PersonColumns) -> tuple[Any, Any]:
    """The pairs to be compared, by place, in an order that depends on who they are."""
    order = np.argsort(columns.ids)
    ids = columns.ids[order]
    places = []
    for rows in queries.pairs(blocking.cap(len(columns))):
        both = np.array(rows, dtype=np.int64)
        at = np.minimum(np.searchsorted(ids, both), len(ids) - 1)
        known = (ids[at] == both).all(axis=1)  # a contact may have gone since its keys were written
        places.append(np.sort(order[at[known]], axis=1))
    pairs = np.concatenate(places) if places else np.zeros((0, 2), dtype=np.int64)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return pairs[:, 0], pairs[:, 1]


def _vetoes() -> set[tuple[int, int]]:
    """Pairs that somebody has said are not one person, unless one of them has changed since."""
    rejected = list(ProbablePair.objects.filter(decision=Decision.NOT_SAME).values_list("low_id", "high_id", "print"))
    persons = _persons(pk for low, high, _seen in rejected for pk in (low, high))
    return {(low, high) for low, high, seen in rejected if looks(persons, low, high) == seen}


def looks(persons: dict[int, Person], low: int, high: int) -> str:
    """What two contacts look like, in 32 signs; empty when one of them has gone."""
    if low not in persons or high not in persons:
        return ""
    # Decisions on people are older than the field of organisations.
    both = repr((persons[low], persons[high])).replace(", organisation=None", "")
    return blake2b(both.encode(), digest_size=16).hexdigest()


def _rows(answer: scoring.Answer, persons: dict[int, Person]) -> Iterable[dict[str, Any]]:
    group_of = {pk: group[0] for group in answer.groups for pk in group}
    strongest: dict[int, scoring.Found] = {}
    for pair in answer.pairs:
        best = strongest.get(group_of[pair.low])
        if best is None or (-pair.bits, pair.low, pair.high) < (-best.bits, best.low, best.high):
            strongest[group_of[pair.low]] = pair
    for pair in answer.pairs:
        head = strongest[group_of[pair.low]]
        detail = {"prior": pair.prior, "household": pair.household, "parts": pair.parts, "people": answer.model.people}
        yield {
            "low": pair.low, "high": pair.high, "group": group_of[pair.low], "strength": head.bits, "bits": pair.bits,
            "head": pair is head, "detail": detail, "print": looks(persons, pair.low, pair.high),
        }  # fmt: skip


def _end(search: ProbableSearch, state: SearchState, *, error: str = "") -> None:
    search.state, search.error, search.finished_at = state, error, timezone.now()
    search.save()


def similar(values: dict[str, Any], *, but: int | None = None, count: int = 5) -> list[tuple[int, float]]:
    """(contact ID, probability) of living contacts that are probably the person with these values, the likeliest first.

    By the weights of the last search; nobody when there was none. Looks only at contacts that share a key.
    """
    last = ProbableSearch.objects.filter(state=SearchState.DONE).exclude(model={}).order_by("-pk").only("model").first()
    if last is None or last.model.get("version") != normalize.VERSION:
        return []
    who = normalize.person(values)
    ids = [pk for pk in queries.near(blocking.keys(who)) if pk != but]
    rows = list(Contact.objects.living().filter(pk__in=ids).values_list(*COLUMNS))
    if not rows:
        return []
    columns = PersonColumns.of([(0, who), *((row[0], person_of(row)) for row in rows)])
    me = int(np.flatnonzero(columns.ids == 0)[0])
    others = np.flatnonzero(columns.ids != 0)
    others = others[~apart(columns, np.full(len(others), me), others)]
    left = np.full(len(others), me)
    scores = fellegi_sunter.score(
        fellegi_sunter.stored(last.model, columns), columns, compare(columns, left, others), left
    )
    matches = [
        (int(columns.ids[place]), float(p)) for place, p in zip(others, scores.probability, strict=True) if p >= LEAST
    ]
    return sorted(matches, key=lambda one: (-one[1], one[0]))[:count]
