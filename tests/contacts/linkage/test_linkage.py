"""Contacts that are probably one person: what is compared, what it is worth, what is joined, and what people say to it."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from django.db import DatabaseError
from django.utils import timezone

from benchmarks import companies, doubles
from cdp.demo import people as demo
from contacts import leased_job
from contacts.linkage import (
    blocking,
    clustering,
    explanations,
    fellegi_sunter,
    job,
    normalize,
    organisations,
    review,
    schedule,
    scoring,
)
from contacts.linkage.comparison import PersonColumns, compare
from contacts.linkage.normalize import FIELDS, TOP, Person
from contacts.linkage.scoring import Answer
from contacts.models import Contact, Decision, ProbableKey, ProbablePair, ProbableSearch, SearchState
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor

# --- values and keys ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"first_name": "  José-María "}, Person(given="jose maria")),
        ({"last_name": "O'Connor"}, Person(family="o connor")),
        ({"first_name": "n/a", "last_name": "TEST", "company": "---"}, Person()),
        ({"birthday": "1980-05-31"}, Person(birth="19800531")),
        ({"birthday": "1900-01-01"}, Person()),
        ({"street": "12b Baker Street"}, Person(street="baker st", number="12b")),
        ({"street": "Hauptstraße 5"}, Person(street="hauptst", number="5")),
        ({"street": "Hauptstr. 5"}, Person(street="hauptst", number="5")),
        ({"postal_code": "SW1A 1AA"}, Person(postcode="sw1a1aa")),
        ({"postal_code": "00000"}, Person()),
        (
            {"email": "Ann@Example.com", "phone": "+447400000001"},
            Person(email="ann@example.com", phone="+447400000001"),
        ),
    ],
)
def test_forms(values: dict[str, Any], wanted: Person) -> None:
    assert normalize.person(values) == wanted


ANN = Person(
    "anna", "smith", "19800531", "anna.smith84@example.com", "+447400000001", "C-1".lower(), "baker st", "12", "nw1"
)


@pytest.mark.parametrize(
    "other",
    [
        ANN._replace(given="smith", family="anna", email=None, phone=None, external_id=None, street=None, birth=None),
        ANN._replace(
            given="ana", family="smyth", birth="19803105", email=None, phone=None, external_id=None, number=None
        ),
        Person(email="anna.smith84@mail.example.org"),
        Person(phone="+447400000999"),
        Person(street="baker st", number="12", given="zoe"),
    ],
)
def test_people_who_may_be_one_share_a_key(other: Person) -> None:
    assert blocking.keys(ANN) & blocking.keys(other)


def test_a_stranger_shares_no_key() -> None:
    assert not blocking.keys(ANN) & blocking.keys(Person("bob", "jones", "19770102", "bob@example.net", "+33612345678"))


# --- levels ---------------------------------------------------------------------------------------------------------------


def levels_of(one: Person, other: Person) -> dict[str, int]:
    people = PersonColumns.of([(1, one), (2, other)])
    return dict(zip(FIELDS, map(int, compare(people, np.array([0]), np.array([1]))[0]), strict=True))


@pytest.mark.parametrize(
    ("field", "one", "other", "level"),
    [
        ("given", "anna", "anna", 4), ("given", "anna", "ana", 3), ("given", "j", "john", 3),
        ("given", "anna", "zoe", 1), ("given", "anna", None, 0), ("family", "berzina", "berzins", 3),
        ("birth", "19800531", "19800531", 5), ("birth", "19800531", "19800541", 4), ("birth", "19800412", "19801204", 4),
        ("birth", "19800531", "19800535", 4), ("birth", "19800531", "19840531", 4), ("birth", "19800511", "19970511", 3),
        ("birth", "19800531", "19810203", 2), ("birth", "19800531", "19550203", 1),
        ("email", "ann84@example.com", "ann84@example.co", 3), ("email", "ann84@example.com", "ann85@example.com", 1),
        ("email", "anna.b@example.com", "anna.b@other.example.org", 2), ("email", "anna@example.com", "bob@example.com", 1),
        ("phone", "+447400000001", "+447400000002", 3), ("phone", "+447400000001", "+447400000099", 2),
        ("number", "12", "13", 3), ("number", "12", "99", 1), ("street", "baker st", "bakers st", 3),
        ("town", "london", "paris", 1), ("company", "acme widgets", "widgets acme", 4),
    ],
)  # fmt: skip
def test_levels(field: str, one: str, other: str | None, level: int) -> None:
    assert levels_of(Person(**{field: one}), Person(**{field: other}))[field] == level
    assert levels_of(Person(**{field: other}), Person(**{field: one}))[field] == level


def test_exchanged_names_are_nearly_the_same() -> None:
    found = levels_of(Person("anna", "berzina"), Person("berzina", "anna"))
    assert (found["given"], found["family"]) == (3, 3)
    found = levels_of(Person("anna", "berzina"), Person("berzina", "liepa"))
    assert (found["given"], found["family"]) == (1, 1)


# --- the whole, on people made up with families ---------------------------------------------------------------------------


def found_in(entries: Sequence[doubles.Entry], *, numbers: list[int] | None = None) -> tuple[Answer, PersonColumns]:
    numbers = numbers or list(range(len(entries)))
    persons = [normalize.person(entry.values()) for entry in entries]
    people = PersonColumns.of(list(zip(numbers, persons, strict=True)))
    place = {int(pk): i for i, pk in enumerate(people.ids)}
    by_key: dict[int, list[int]] = {}
    for number, person in zip(numbers, persons, strict=True):
        for key in blocking.keys(person):
            by_key.setdefault(key, []).append(place[number])
    pairs = {p for held in by_key.values() if 2 <= len(held) <= blocking.CAP for p in combinations(sorted(held), 2)}
    left, right = np.array(sorted(pairs)).T
    return scoring.find(people, left, right, vetoes=set()), people


def quality(answer: Answer, who: dict[int, int]) -> tuple[float, float]:
    """(precision, recall) of the pairs inside of groups."""
    pairs = [pair for group in answer.groups for pair in combinations(group, 2)]
    right = sum(who[a] == who[b] for a, b in pairs)
    counts = np.bincount(list(who.values()))
    return right / max(len(pairs), 1), right / max(int((counts * (counts - 1) // 2).sum()), 1)


@pytest.fixture(scope="module")
def family_town() -> tuple[list[doubles.Entry], Answer, PersonColumns]:
    entries = doubles.entries(3_000, 3)
    return entries, *found_in(entries)


def test_doubles_are_found_among_families(family_town: tuple[list[doubles.Entry], Answer, PersonColumns]) -> None:
    entries, answer, _people = family_town
    precision, recall = quality(answer, {i: entry.person for i, entry in enumerate(entries)})
    assert precision >= 0.95
    assert recall >= 0.93
    assert not answer.model.drifted


@pytest.mark.parametrize("families", [0.0, 0.3])
def test_without_doubles_nearly_nothing_is_suggested(families: float) -> None:
    answer, _people = found_in(doubles.entries(3_000, 4, copies=0, families=families))
    assert len(answer.groups) <= 4


def test_few_names_and_no_doubles_do_not_lead_astray() -> None:
    """The demo's people: a hundred names for everybody, so that strangers are alike; learning from them drifts."""
    rows = [dict(zip(demo.HEADER, demo.row(number, 5, 0), strict=True)) for number in range(1_500)]
    entries = [
        doubles.Entry(i, row["first_name"], row["last_name"], row["birthday"], row["email"].strip(), city=row["city"])
        for i, row in enumerate(rows)
    ]
    answer, _people = found_in(entries)
    assert answer.model.drifted
    assert len(answer.groups) <= 2


def test_the_same_answer_whatever_the_order(family_town: tuple[list[doubles.Entry], Answer, PersonColumns]) -> None:
    entries, answer, _people = family_town
    order = random.Random(1).sample(range(len(entries)), len(entries))
    again, _other = found_in([entries[i] for i in order], numbers=order)
    assert again.groups == answer.groups


def test_a_score_is_the_sum_of_its_parts(family_town: tuple[list[doubles.Entry], Answer, PersonColumns]) -> None:
    _entries, answer, _people = family_town
    full = [pair for pair in answer.pairs if any(name in ("birth", "email") and level >= TOP[name] - 1
                                                 for name, level, _bits, _count in pair.parts)]  # fmt: skip
    assert full
    for pair in full:
        parts = sum(bits for _name, _level, bits, _count in pair.parts)
        assert pair.bits == pytest.approx(pair.prior + parts - pair.household, abs=0.1)


def test_namesakes_at_one_address_are_never_more_than_possible() -> None:
    entries = doubles.entries(1_000, 3)
    father = {
        "first_name": "Ivar",
        "last_name": "Nyqvistson",
        "street": "7 Elm Road",
        "postal_code": "99123",
        "city": "Xylo",
    }
    more = [doubles.Entry(10_000 + i, **father) for i in range(2)]
    answer, _people = found_in([*entries, *more])
    pair = next(p for p in answer.pairs if (p.low, p.high) == (1000, 1001))
    assert explanations.band(explanations.probability(pair.bits))[0] == "Possible"


def test_a_model_survives_being_stored(family_town: tuple[list[doubles.Entry], Answer, PersonColumns]) -> None:
    _entries, answer, people = family_town
    left, right = np.arange(0, 200, 2), np.arange(1, 201, 2)
    levels = compare(people, left, right)
    stored = fellegi_sunter.stored(fellegi_sunter.state(answer.model, scoring.common(answer.model, people)), people)
    one, other = (fellegi_sunter.score(m, people, levels, left).bits for m in (answer.model, stored))
    assert np.corrcoef(one, other)[0, 1] > 0.99


# --- organisations and colleagues ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        ("Müller & Söhne GmbH", "MULLER UND SOHNE G.m.b.H.", "Müller and Söhne", "Müller + Söhne, GmbH", "muller  sohne"),
        ("Acme Ltd", "ACME Limited", "Acme, Ltd.", "Acme", "Acme LTD."),
        ('SIA "Baltic Foods"', "Baltic Foods SIA", "Baltic Foods, SIA", "Baltic Foods"),
        ("Rossi Vini S.r.l.", "Rossi Vini SRL", "Rossi Vini s r l", "Rossi Vini S.R.L"),
        ("Huber AG & Co. KG", "Huber AG und Co KG", "Huber AG & Co KG", "HUBER", "Huber GmbH & Co. KG"),
        ("Wit Sp. z o.o.", "Wit Sp z oo", "WIT SP. Z O. O."),
        ("J.P. Morgan Inc.", "JP Morgan", "J. P. Morgan Incorporated"),
        ("Sun International Ltd", "Sun Intl. Ltd", "Sun Int'l", "SUN INTL"),
        ("Société Générale S.A.", "Societe Generale SA", "SOCIÉTÉ GÉNÉRALE"),
        ("Novák s.r.o.", "Novak sro", "NOVÁK, S. R. O."),
        ("Bau Gesellschaft mit beschränkter Haftung", "Bau GmbH", "Bau"),
        ("ООО Ромашка", "Ромашка", "«Ромашка», ООО"),
        ("Hansen A/S", "Hansen AS", "hansen"),
    ],
)  # fmt: skip
def test_one_organisation_however_its_name_is_written(written: tuple[str, ...]) -> None:
    assert len({normalize.person({"company": name}).organisation for name in written}) == 1


@pytest.mark.parametrize("name", ["AG", "GmbH & Co. KG", "S.A.", "&Co", "A", "SIA"])
def test_a_legal_form_alone_is_a_name(name: str) -> None:
    assert normalize.person({"company": name}).organisation


@pytest.mark.parametrize(
    ("values", "organisation", "company"),
    [
        ({"company": "Acme Ltd"}, "acme", None),
        ({"company": "Acme Ltd", "email": "info@acme.example"}, "acme", None),
        ({"company": "Acme Ltd", "first_name": "n/a", "last_name": "-"}, "acme", None),
        ({"company": "Acme Ltd", "last_name": "ACME"}, "acme", None),
        ({"company": "Acme Tools Ltd", "first_name": "Acme", "last_name": "Tools"}, "acme tools", None),
        ({"company": "Acme Ltd", "last_name": "Roe"}, None, "acme ltd"),
        ({"company": "Acme Ltd", "first_name": "Ann"}, None, "acme ltd"),
        ({"company": "Acme Ltd", "email": "ann.roe@acme.example"}, None, "acme ltd"),
        ({"company": "Acme Tools", "email": "acme.tools@mail.example"}, "acme tools", None),
        ({"company": "n/a"}, None, None),
    ],
)
def test_who_is_an_organisation(values: dict[str, str], organisation: str | None, company: str | None) -> None:
    found = normalize.person(values)
    assert (found.organisation, found.company) == (organisation, company)


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("Acme Widgets Ltd", "acme widgets", 5), ("Acme Widgets", "Widgets Acme", 4), ("Acme Widgets", "AcmeWidgets", 4),
        ("Acme Widgets", "Acme Wigdets", 4), ("Acme Elektrotechnik", "Acme Elektrotech.", 4), ("Acme", "Acme Widgets", 2),
        ("Acme Widgets", "Acme Bakery", 1), ("School 12", "School 21", 1), ("Acme", "Zenith", 1),
        ("Acme Widgets", "Zenith Widgets", 1),
    ],
)  # fmt: skip
def test_levels_of_organisations(one: str, other: str, level: int) -> None:
    a, b = (normalize.person({"company": name}) for name in (one, other))
    assert levels_of(a, b)["organisation"] == levels_of(b, a)["organisation"] == level
    assert level < 2 or blocking.keys(a) & blocking.keys(b)


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("info@acme.example", "office@acme.example", 3), ("info@acme.example", "info@zenith.example", 1),
        ("info@acme.example", "sales2@acmee.example", 2), ("info@acme.example", "ann@acme.example", 1),
    ],
)  # fmt: skip
def test_addresses_of_offices_are_alike_by_their_domain(one: str, other: str, level: int) -> None:
    assert levels_of(Person(email=one), Person(email=other))["email"] == level


@pytest.mark.parametrize("local", ["info", "office", "sales2", "support-1", "kontakt"])
def test_an_office_is_nobody(local: str) -> None:
    assert organisations.office(local)
    assert not organisations.office("anna")


def f1(answer: Answer, entries: Sequence[doubles.Entry]) -> float:
    precision, recall = quality(answer, {i: entry.person for i, entry in enumerate(entries)})
    return 2 * precision * recall / max(precision + recall, 1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_organisations_are_found(seed: int) -> None:
    entries = companies.organisations(300, seed)
    counts = np.bincount([entry.person for entry in entries])
    assert (counts * (counts - 1) // 2).sum() >= 60
    answer, _people = found_in(entries)
    assert f1(answer, entries) >= 0.95
    assert not answer.model.drifted


def test_name_street_and_phone_are_enough_for_an_organisation() -> None:
    entries = [replace(e, email="", postal_code="", city="") for e in companies.organisations(200, 8)]
    twin = companies.Listed(10_000, company="Nyqvist & Wren GmbH", street="7 Elm Road", phone="+441632960001")
    answer, _people = found_in([*entries, twin, replace(twin, company="Nyqvist und Wren Gesellschaft mbH")])
    pair = next(p for p in answer.pairs if (p.low, p.high) == (200, 201))
    assert explanations.probability(pair.bits) >= 0.99


def test_organisations_without_doubles_give_nearly_none() -> None:
    answer, _people = found_in(companies.organisations(600, 5, copies=0))
    assert len(answer.groups) <= 3


def test_branches_of_one_name_are_not_one() -> None:
    known = companies.organisations(60, 3, copies=0)
    shops = list({e.street: e for e in known if e.street and e.city}.values())  # each in a house of its own
    chain = [replace(e, person=1_000 + i, company="Acme Bakery Ltd", email="") for i, e in enumerate(shops)]
    answer, _people = found_in([*companies.organisations(300, 4), *chain])
    assert not [p for p in answer.pairs if p.low >= 300]


@pytest.mark.parametrize("count", [60, 400])
@pytest.mark.parametrize("offices", [False, True])
def test_colleagues_are_not_one_person(count: int, offices: bool) -> None:
    answer, _people = found_in(companies.colleagues(count, 2, offices=offices))
    assert answer.groups == []


@pytest.mark.parametrize("email", ["", "info@{}"])
def test_colleagues_with_nothing_of_their_own_but_names(email: str) -> None:
    entries = [
        replace(entry, email=email and email.format(entry.email.partition("@")[2]))
        for entry in companies.colleagues(200, 4)
    ]
    answer, _people = found_in(entries)
    assert answer.groups == []


def test_a_colleague_entered_twice_is_found_among_colleagues() -> None:
    entries = companies.colleagues(300, 6)
    again = [replace(e, last_name=e.last_name[:-2] + e.last_name[-1]) for e in entries[:30]]
    again += [replace(e, email="", first_name=e.first_name[:-1]) for e in entries[30:60]]
    answer, _people = found_in([*entries, *again])
    precision, recall = quality(answer, {i: e.person for i, e in enumerate([*entries, *again])})
    assert (precision, recall) >= (0.99, 0.5)


@pytest.mark.parametrize("email", ["info@acme.example", "ann@acme.example"])
def test_a_person_is_not_their_company(email: str) -> None:
    firm = companies.Listed(
        10_000, company="Acme Widgets Ltd", street="7 Elm Road", phone="+441632960001", email=email, city="Xylo"
    )
    ann = replace(firm, person=10_001, first_name="Ann", last_name="Roe")
    answer, _people = found_in([*companies.organisations(200, 9), firm, ann, replace(ann, first_name="Anne")])
    pairs = {(p.low, p.high) for p in answer.pairs}
    assert not pairs & {(200, 201), (200, 202)}
    assert (201, 202) in pairs


def test_a_person_and_a_company_alone_are_nothing() -> None:
    firm = companies.Listed(1, company="Acme Ltd", phone="+441632960001")
    answer, _people = found_in([firm, replace(firm, person=2, first_name="Ann")])
    assert answer.groups == []


def test_people_organisations_and_colleagues_in_one_list() -> None:
    entries: list[doubles.Entry] = [replace(e, person=e.person + 5_000) for e in doubles.entries(1_000, 3)]
    entries += companies.organisations(300, 6)
    entries += [replace(e, person=e.person + 2_000) for e in companies.colleagues(200, 7)]
    answer, _people = found_in(entries)
    assert f1(answer, entries) >= 0.95


# --- groups and words -----------------------------------------------------------------------------------------------------


def no_more(_pairs: list[tuple[int, int]]) -> list[float]:
    return [-30.0] * len(_pairs)


def test_strangers_are_not_chained_together() -> None:
    assert clustering.group({(1, 2): 5.0, (2, 3): 4.0}, no_more, set()) == [[1, 2]]
    assert clustering.group({(1, 2): 5.0, (2, 3): 4.0, (1, 3): -2.0}, no_more, set()) == [[1, 2, 3]]


def test_a_veto_counts_whatever_the_score() -> None:
    assert clustering.group({(1, 2): 50.0}, no_more, {(1, 2)}) == []
    assert clustering.group({(1, 2): 5.0, (2, 3): 9.0, (1, 3): 9.0}, no_more, {(1, 2)}) in ([[1, 3]], [[2, 3]])


def test_many_that_hang_together_keep_their_strongest_pairs() -> None:
    chain = {(i, i + 1): 5.0 for i in range(clustering.MOST + 20)}
    found = clustering.group(chain, no_more, set())
    assert all(len(group) == 2 for group in found)


def test_reasons_are_said_in_words() -> None:
    parts = [
        ("phone", 4, 16.4, 2),
        ("given", 1, -5.8, 0),
        ("town", 3, 2.0, 0),
        ("family", 4, 9.0, 31),
        ("region", 4, 0.0, 9),
    ]
    values = {"phone": ("+44", "+44"), "given": ("kayla", "lisa"), "family": ("rocha", "rocha")}
    found = explanations.reasons(parts, values=values, contacts=96_100, household=3.0)
    assert [(r.text, r.signed) for r in found] == [
        ("phone is the same: +44 (no other contact has it)", "+16.4"),
        ("last name is the same: rocha (1 in 3,100 contacts has it)", "+9.0"),
        ("first name differs (kayla / lisa)", "−5.8"),
        ("members of the same household share this, too", "−3.0"),
        ("city is nearly the same", "+2.0"),
    ]


# --- in the workspace -----------------------------------------------------------------------------------------------------


def put(who: Actor, entries: Sequence[doubles.Entry]) -> dict[int, int]:
    """Make contacts of the entries; contact ID → person."""
    with tenant_context(who.workspace.pk):
        made = []
        for entry in entries:
            values = entry.values()
            core = {n: values.pop(n, None) for n in ("first_name", "last_name", "email", "phone")}
            made.append(Contact(**core, attributes=values, origin="manual", tenant_id=who.workspace.pk))
        Contact.objects.bulk_create(made)
        return dict(
            zip(Contact.objects.order_by("pk").values_list("pk", flat=True), (e.person for e in entries), strict=True)
        )


def search(who: Actor) -> ProbableSearch:
    with tenant_context(who.workspace.pk):
        started = schedule.start(user_id=who.user.pk)
    job.work(who.workspace.pk, started.pk)
    with tenant_context(who.workspace.pk):
        found: ProbableSearch = ProbableSearch.objects.get(pk=started.pk)
    return found


@pytest.fixture
def town(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> tuple[Actor, dict[int, int]]:
    monkeypatch.setattr(job, "CHUNK", 150)
    monkeypatch.setattr(leased_job, "TIME_SLICE_SECONDS", 60.0)
    monkeypatch.setattr(fellegi_sunter, "RANDOM_PAIRS", 20_000)
    return alice, put(alice, doubles.entries(400, 3))


def groups_of(who: Actor) -> list[set[int]]:
    with tenant_context(who.workspace.pk):
        found: dict[int, set[int]] = {}
        for group, low, high in ProbablePair.objects.filter(decision="").values_list("group_id", "low_id", "high_id"):
            found.setdefault(group, set()).update((low, high))
        return sorted(found.values(), key=min)


def test_a_search_finds_them(town: tuple[Actor, dict[int, int]], charlie: Actor) -> None:
    alice, who = town
    done = search(alice)
    assert done.state == SearchState.DONE
    assert done.contacts == 400
    assert done.found == len(groups_of(alice)) > 30
    right = sum(len({who[pk] for pk in group}) == 1 for group in groups_of(alice))
    assert right >= 0.9 * done.found
    with tenant_context(alice.workspace.pk):
        assert ProbablePair.objects.filter(head=True).count() == done.found
        assert AuditEntry.objects.filter(verb="probable.search").count() == 1
    with tenant_context(charlie.workspace.pk):
        assert (ProbablePair.objects.count(), ProbableKey.objects.count(), ProbableSearch.objects.count()) == (0, 0, 0)


def test_what_was_rejected_stays_so_until_somebody_changes(town: tuple[Actor, dict[int, int]]) -> None:
    alice, _who = town
    search(alice)
    group = min(groups_of(alice)[0])
    members = groups_of(alice)[0]
    with tenant_context(alice.workspace.pk):
        schedule.decide(group, Decision.NOT_SAME, user_id=alice.user.pk)
    search(alice)
    assert all(not members <= other for other in groups_of(alice))
    with tenant_context(alice.workspace.pk):
        assert ProbablePair.objects.filter(decision=Decision.NOT_SAME).exists()
        one = Contact.objects.get(pk=group)
        one.attributes["city"], one.changed_at = "Elsewhere", timezone.now()
        one.save()
    search(alice)
    assert any(members <= other for other in groups_of(alice))


def test_only_what_changed_is_read_again(town: tuple[Actor, dict[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    alice, _who = town
    search(alice)
    monkeypatch.setattr(job, "OVERLAP", -job.OVERLAP * 0)
    gone = min(groups_of(alice)[0])
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(pk=gone).update(deleted_at=timezone.now(), changed_at=timezone.now())
        before = set(ProbableKey.objects.exclude(contact_id=gone).values_list("key", "contact_id"))
    done = search(alice)
    assert done.contacts == 399
    assert all(gone not in group for group in groups_of(alice))
    with tenant_context(alice.workspace.pk):
        assert set(ProbableKey.objects.values_list("key", "contact_id")) == before


def test_two_presses_are_one_search(town: tuple[Actor, dict[int, int]]) -> None:
    alice, _who = town
    with tenant_context(alice.workspace.pk):
        assert schedule.start(user_id=alice.user.pk).pk == schedule.start(user_id=alice.user.pk).pk


def test_a_worker_that_dies_loses_nothing(town: tuple[Actor, dict[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    alice, _who = town
    whole = search(alice)
    with tenant_context(alice.workspace.pk):
        wanted = list(ProbablePair.objects.order_by("low_id", "high_id").values_list("low_id", "high_id", "bits"))
        again = schedule.start(user_id=alice.user.pk)

    def killed(*_args: Any, **_kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("contacts.linkage.job.queries.replace_pairs", killed)
        with pytest.raises(KeyboardInterrupt):
            job.work(alice.workspace.pk, again.pk)
    job.work(alice.workspace.pk, again.pk)
    with tenant_context(alice.workspace.pk):
        assert ProbableSearch.objects.get(pk=again.pk).found == whole.found
        found = list(ProbablePair.objects.order_by("low_id", "high_id").values_list("low_id", "high_id", "bits"))
    assert found == wanted


def test_a_search_that_cannot_go_on_says_so(
    town: tuple[Actor, dict[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _who = town

    def broken(*_args: Any) -> None:
        raise DatabaseError("no")

    monkeypatch.setattr(job, "_compare", broken)
    done = search(alice)
    assert (done.state, done.error) == (SearchState.FAILED, "DatabaseError")


def test_nobody_to_compare(alice: Actor) -> None:
    assert (search(alice).state, groups_of(alice)) == (SearchState.DONE, [])


def test_one_contact_finds_its_likes_at_once(town: tuple[Actor, dict[int, int]]) -> None:
    alice, _who = town
    search(alice)
    group = groups_of(alice)[0]
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get(pk=min(group))
        values = {
            **contact.attributes,
            **{n: getattr(contact, n) for n in ("first_name", "last_name", "email", "phone")},
        }
        found = job.similar(values, but=contact.pk)
        assert {pk for pk, _probability in found} & (group - {contact.pk})
        assert job.similar({"first_name": "Nobody", "last_name": "Knows"}) == []


def test_the_night_searches_where_contacts_have_changed(town: tuple[Actor, dict[int, int]], charlie: Actor) -> None:
    alice, _who = town
    search(alice)
    schedule.nightly()
    with tenant_context(charlie.workspace.pk):
        assert not ProbableSearch.objects.exists()
    with tenant_context(alice.workspace.pk):
        assert ProbableSearch.objects.count() == 1
        Contact.objects.filter(pk=Contact.objects.first().pk).update(changed_at=timezone.now())
    schedule.nightly()
    with tenant_context(alice.workspace.pk):
        assert ProbableSearch.objects.count() == 2


def test_organisations_in_a_workspace(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fellegi_sunter, "RANDOM_PAIRS", 20_000)
    who = put(alice, companies.organisations(200, 3))
    assert search(alice).found == len(groups_of(alice)) >= 30
    right = sum(len({who[pk] for pk in group}) == 1 for group in groups_of(alice))
    assert right >= 0.9 * len(groups_of(alice))
    group = min(groups_of(alice)[0])
    with tenant_context(alice.workspace.pk):
        said = [reason.text for pair in review.scored_pairs(group, review.members(group)) for reason in pair.reasons]
        assert any(text.startswith("company is ") for text in said)
        contact = Contact.objects.get(pk=group)
        values = {**contact.attributes, "email": contact.email, "phone": contact.phone}
        assert job.similar(values, but=contact.pk)
        assert not job.similar({**values, "first_name": "Zoe", "last_name": "Quill"}, but=contact.pk)


def test_keys_and_weights_of_an_older_version_count_no_more(
    town: tuple[Actor, dict[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _who = town
    done = search(alice)
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get(pk=min(groups_of(alice)[0]))
        values = {**contact.attributes, "first_name": contact.first_name, "last_name": contact.last_name}
        values |= {"email": contact.email, "phone": contact.phone}
        ProbableSearch.objects.filter(pk=done.pk).update(model={**done.model, "version": normalize.VERSION - 1})
        ProbableKey.objects.all().delete()
        assert job.similar(values, but=contact.pk) == []
    again = search(alice)
    assert again.since is None
    assert again.found == done.found


# --- the page -------------------------------------------------------------------------------------------------------------


def test_the_queue(town: tuple[Actor, dict[int, int]]) -> None:
    alice, _who = town
    address = alice.url("contacts/duplicates/probable/")
    assert "Not searched yet" in alice.client.get(address).content.decode()
    alice.client.post(address + "search/")
    page = alice.client.get(address).content.decode()
    assert "Reading contacts" in page
    search(alice)
    page = alice.client.get(address).content.decode()
    assert "Mark as different people" in page
    assert "is the same" in page
    with tenant_context(alice.workspace.pk):
        first, second = review.page("")[:2]
        assert review.count("") == len(groups_of(alice))
        assert first.strength >= second.strength
    answer = alice.client.post(address + f"{first.pk}/decide/", {"decision": "later"})
    assert answer.status_code == 302
    with tenant_context(alice.workspace.pk):
        assert review.page("")[0].pk == second.pk
        assert [g.pk for g in review.page("later")] == [first.pk]
    assert str(first.pk) in alice.client.get(address + "?view=later").content.decode()
    alice.client.post(address + f"{first.pk}/decide/", {"decision": ""})
    with tenant_context(alice.workspace.pk):
        assert review.page("")[0].pk == first.pk


def test_pages_of_groups_follow_each_other(town: tuple[Actor, dict[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    alice, _who = town
    search(alice)
    monkeypatch.setattr(review, "GROUPS", 7)
    with tenant_context(alice.workspace.pk):
        seen: list[int] = []
        after = ""
        while True:
            page = review.page("", after=after)
            seen += [group.pk for group in page[:7]]
            if len(page) <= 7:
                break
            after = page[6].key
    assert len(seen) == len(set(seen)) == len(groups_of(alice))


@pytest.mark.parametrize("body", [{}, {"decision": "merge"}])
def test_a_decision_that_is_none_is_refused(town: tuple[Actor, dict[int, int]], body: dict[str, str]) -> None:
    alice, _who = town
    search(alice)
    group = min(groups_of(alice)[0])
    before = groups_of(alice)
    answer = alice.client.post(alice.url(f"contacts/duplicates/probable/{group}/decide/"), body or {"decision": "x"})
    assert answer.status_code == 302
    assert groups_of(alice) == before
