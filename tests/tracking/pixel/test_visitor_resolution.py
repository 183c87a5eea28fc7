"""Whom a hit belongs to, decided without a database (identity, rule 7)."""

from typing import Any

import pytest

from tracking.pixel.hits import Hit
from tracking.pixel.inbox import Entry
from tracking.pixel.visitor_resolution import (
    VISIT_GAP_SECONDS,
    KnownVisitor,
    Recognition,
    is_somebody_else,
    normal_names,
)

A, B = "8f14e45f-ceea-467f-a0e6-5b6f3d7b2c11", "1679091c-5a88-4faf-9fb5-e6087eb1b2dc"
ANNA: dict[str, Any] = {"email": "anna@example.com"}
BOB: dict[str, Any] = {"email": "bob@example.com"}


def entry(device: str = A, at: float = 1000.0, kind: str = "page", site_id: int = 1, **identifiers: str) -> Entry:
    hit = Hit(device, kind, None, "https://shop.example/", None, "https://ads.example/", {"n": 1}, identifiers)
    return Entry(f"{int(at * 1000)}-0", 1, site_id, at, hit)


def decide(
    entries: list[Entry],
    known: list[KnownVisitor] | None = None,
    contacts: dict[tuple[str, str], list[int]] | None = None,
) -> Recognition:
    """Recognition as `load` would make it, with what the database would have answered."""
    recognition = Recognition(
        visitors={v.device: v for v in known or []},
        contacts=contacts or {},
        ids=list(range(199, 99, -1)),
        names={id(e): normal_names(e.hit.identifiers) for e in entries if e.hit.identifiers},
    )
    for e in entries:
        recognition.take(e)
    return recognition


def visitor(contact_id: int | None = None, last_seen: float = 900.0, **names: str) -> KnownVisitor:
    return KnownVisitor(7, A, 0, contact_id, last_seen, names)


def owners(recognition: Recognition) -> list[int]:
    """The visitor of each event, in order."""
    return [event[1] for event in recognition.events]


def test_one_device_is_one_visitor() -> None:
    found = decide([entry(), entry(at=1001), entry(device=B)])
    assert owners(found) == [100, 100, 101]
    assert [(row[0], row[2], row[3]) for row in found.made] == [(100, A, 0), (101, B, 0)]


def test_somebody_else_on_the_device_begins_a_new_visitor() -> None:
    found = decide([entry(), entry(**ANNA), entry(), entry(**BOB), entry()])
    assert owners(found) == [100, 100, 100, 101, 101]
    assert [row[3] for row in found.made] == [0, 1]
    assert [(row[1], row[2]) for row in found.identifiers] == [("anna@example.com", 100), ("bob@example.com", 101)]


def test_a_known_visitor_goes_on() -> None:
    found = decide([entry(), entry(**ANNA)], [visitor(email="anna@example.com")])
    assert owners(found) == [7, 7]
    assert not found.made


@pytest.mark.parametrize(
    ("used", "now", "other"),
    [
        ({}, {"email": "a"}, False),
        ({"email": "a"}, {}, False),
        ({"email": "a"}, {"email": "a"}, False),
        ({"email": "a"}, {"email": "b"}, True),
        ({"email": "a"}, {"phone": "1"}, False),
        ({"email": "a", "phone": "1"}, {"email": "a", "phone": "2"}, False),
        ({"external_id": "1", "email": "a"}, {"external_id": "1", "email": "b"}, False),
        ({"external_id": "1", "email": "a"}, {"external_id": "2", "email": "a"}, True),
        ({"external_id": "1", "phone": "1"}, {"email": "b", "phone": "2"}, True),
    ],
)
def test_the_strongest_common_identifier_says_whether_it_is_somebody_else(
    used: dict[str, Any], now: dict[str, str], other: bool
) -> None:
    assert is_somebody_else(visitor(**used), now) is other


def test_identifiers_claim_the_one_contact_they_name() -> None:
    contacts = {("email", "anna@example.com"): [5], ("phone", "+442079460958"): [5]}
    found = decide([entry(phone="+44 20 7946 0958", **ANNA)], contacts=contacts)
    [claim] = found.claims.values()
    assert claim[:3] == (100, 5, "email")


@pytest.mark.parametrize(
    "contacts",
    [
        {("email", "anna@example.com"): [5, 6]},
        {("email", "anna@example.com"): [5], ("phone", "+442079460958"): [6]},
        {},
    ],
)
def test_several_people_or_nobody_claim_nothing(contacts: dict[tuple[str, str], list[int]]) -> None:
    assert not decide([entry(phone="+442079460958", **ANNA)], contacts=contacts).claims


def test_an_ambiguous_visitor_stays_ambiguous_when_it_names_one_of_the_two() -> None:
    contacts = {("email", "anna@example.com"): [5], ("phone", "+442079460958"): [6]}
    known = visitor(email="anna@example.com", phone="+442079460958")
    assert not decide([entry(**ANNA)], [known], contacts).claims


def test_a_claimed_visitor_never_changes_hands() -> None:
    contacts = {("email", "bob@example.com"): [6]}
    found = decide([entry(**BOB)], [visitor(5, external_id="C-5")], contacts)
    assert owners(found) == [100]
    assert [claim[:2] for claim in found.claims.values()] == [(100, 6)]
    assert found.made[0][3] == 1


def test_a_claimed_visitor_may_use_what_nobody_else_has() -> None:
    found = decide([entry(phone="+442079460958")], [visitor(5, email="anna@example.com")])
    assert owners(found) == [7]
    assert not found.claims


def test_visits_and_views_are_counted() -> None:
    late = 10_000.0 + VISIT_GAP_SECONDS + 2
    found = decide([entry(at=10_000), entry(at=10_001, kind="track"), entry(at=late), entry(at=late + 1)])
    seen = found.seen[100]
    assert (seen.views, seen.visits, seen.first, seen.last) == (3, 2, 10_000.0, late + 1)


def test_a_known_visitor_who_was_here_a_minute_ago_is_still_on_the_same_visit() -> None:
    assert decide([entry()], [visitor(last_seen=940.0)]).seen[7].visits == 0


def test_the_referrer_is_kept_among_the_properties() -> None:
    [event] = decide([entry()]).events
    assert event[7] == {"n": 1, "referrer": "https://ads.example/"}


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ({"email": " ANNA@Example.com"}, {"email": "anna@example.com"}),
        ({"email": "anna"}, {}),
        ({"phone": "020 7946 0958"}, {}),
        ({"phone": "+44 20 7946 0958"}, {"phone": "+442079460958"}),
        ({"external_id": " C-1 "}, {"external_id": "C-1"}),
    ],
)
def test_browsers_claims_are_brought_into_normal_form(given: dict[str, Any], normal: dict[str, str]) -> None:
    assert normal_names(given) == normal
