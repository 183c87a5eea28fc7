"""Figures of a rule that is being built: each condition counted once, estimated at first where that takes too long."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts import figures_cache, write_lock
from contacts.models import Contact
from segments.models import Segment
from segments.rules import compiler, contact_sample, rule_counts, rule_form
from segments.rules.rule_counts import Counts, Figure
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InSegment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tracking.models import Event

RIGA, OSLO = (FieldCondition("city", "is", (city,)) for city in ("Riga", "Oslo"))
ORDERED = ActivityCondition("order", "at_least", "1")
NUMBER = 210


def made() -> None:
    """Of 210 contacts every third one is in Riga, the others in Oslo; every seventh one has ordered; one is deleted."""
    cities = ["Riga", "Oslo", "Oslo"]
    contacts = [Contact(origin="manual", attributes={"city": cities[i % 3]}) for i in range(NUMBER)]
    Contact.objects.bulk_create(contacts)
    ids = list(Contact.objects.order_by("pk").values_list("pk", "tenant_id"))
    Event.objects.bulk_create(
        Event(tenant_id=tenant, at=timezone.now(), kind="order", contact_id=pk) for pk, tenant in ids[::7]
    )
    Contact.objects.create(origin="manual", deleted_at=timezone.now(), attributes={"city": "Riga"})
    write_lock.lock()  # from now on figures are remembered


@pytest.fixture
def people(inside: Tenant) -> Tenant:
    made()
    return inside


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the workspace had so many contacts that a sample is needed: every second one."""
    monkeypatch.setattr(contact_sample, "SIZE", NUMBER // 5)
    monkeypatch.setattr(contact_sample, "_prime", lambda _least: 2)


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_counts, "QUICK", 0)


def form(*parts: Any, match: str = "all") -> rule_form.RuleForm:
    return rule_form.validate(rule_form.of_rule(Group(match, parts)), compiler.context())


def statements(work: Callable[[], Any]) -> int:
    """How many statements count contacts."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        work()
    return sum('COUNT(*) AS "__count" FROM "contact"' in query["sql"] for query in captured.captured_queries)


def test_all_figures_of_a_form(people: Tenant) -> None:
    counts = rule_counts.count(form(RIGA, ORDERED))
    assert (counts.total, counts.lines) == (Figure(10), {"0": Figure(70), "1": Figure(30)})
    assert not counts.estimated
    newest = Contact.objects.filter(pk__in=Event.objects.values("contact_id"), attributes__city="Riga").order_by("-pk")
    assert list(counts.some) == list(newest[:5])
    assert rule_counts.count(form(RIGA), deleted=True).total == Figure(1)
    assert rule_counts.count(form()) == Counts()


def test_a_line_is_counted_once_and_not_at_every_change_of_another_one(people: Tenant) -> None:
    assert statements(lambda: rule_counts.count(form(RIGA, ORDERED))) == 3
    assert statements(lambda: rule_counts.count(form(RIGA, ORDERED))) == 0
    # Another line: itself and the whole, wherever the others are now.
    assert statements(lambda: rule_counts.count(form(OSLO, RIGA, ORDERED))) == 2
    assert statements(lambda: rule_counts.count(form(Group("any", (ORDERED, OSLO)), RIGA))) == 1
    # The deleted ones are others.
    assert statements(lambda: rule_counts.count(form(RIGA), deleted=True)) == 1


def test_what_was_counted_before_contacts_changed_counts_no_more(people: Tenant) -> None:
    rule_counts.count(form(RIGA))
    Contact.objects.filter(attributes__city="Oslo").update(attributes={"city": "Riga"})
    write_lock.bump_version()
    assert rule_counts.count(form(RIGA)).total == Figure(NUMBER)


def test_figures_about_members_count_for_less_long(people: Tenant) -> None:
    segment = Segment.objects.create(name="Static")
    with patch.object(figures_cache, "several", wraps=figures_cache.several) as several:
        rule_counts.count(form(RIGA))
        rule_counts.count(form(RIGA, Group("none", (InSegment(segment.pk),))))
    kept = [call.kwargs["otherwise"] for call in several.call_args_list if "rule_count" in call.args[0][0]]
    assert kept == [30, 5]


def test_without_the_time_all_is_estimated_from_a_sample(people: Tenant, many: None, no_time: None) -> None:
    counts = rule_counts.count(form(RIGA, Group("any", (ORDERED, OSLO))))
    sampled = Contact.objects.filter(deleted_at=None).extra(where=["contact.id %% 2 = 0"])
    ordered = set(Event.objects.values_list("contact_id", flat=True))
    in_riga = {c.pk for c in sampled if c.attributes["city"] == "Riga"}
    assert counts.total == Figure(2 * len(in_riga & ordered), 2)
    assert counts.lines == {
        "0": Figure(2 * len(in_riga), 2),
        "1.0": Figure(2 * len({c.pk for c in sampled} & ordered), 2),
        "1.1": Figure(2 * (len(sampled) - len(in_riga)), 2),
    }
    assert counts.estimated
    assert {c.pk for c in counts.some} == set(sorted(in_riga & ordered)[-5:])
    # A patient question has the exact ones, which are known from then on.
    exact = rule_counts.count(form(RIGA, Group("any", (ORDERED, OSLO))), patient=True)
    assert (exact.total, exact.estimated) == (Figure(10), False)
    later = rule_counts.count(form(RIGA, ORDERED))
    assert later.lines == {"0": Figure(70), "1": Figure(30)}
    assert later.total.step == 2


def test_with_few_contacts_nothing_is_estimated(people: Tenant, no_time: None) -> None:
    assert not rule_counts.count(form(RIGA, ORDERED)).estimated


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Figure(0), "0"),
        (Figure(12_486), "12,486"),
        (Figure(0, 251), "fewer than 251"),
        (Figure(12_299, 251), "about 12,000"),
    ],
)
def test_figures_in_words(figure: Figure, words: str) -> None:
    assert figure.words == words


@pytest.fixture
def place(alice: Actor) -> Actor:
    with tenant_context(alice.workspace.pk):
        made()
    return alice


LINE = {"match:": "all", "about:0": "attribute:city", "op:0": "is", "value:0": "Riga", "about:1": ""}


def test_the_page_says_about_and_asks_for_the_exact_figures(place: Actor, many: None, no_time: None) -> None:
    page = place.post("segments/search/", LINE)
    assert "about " in page.text
    assert "Counting all of them" in page.text
    assert 'hx-vals=\'{"do": "count"}\'' in page.text
    exact = place.post("segments/search/", {**LINE, "do": "count"})
    assert exact.status_code == 200
    assert '<p class="headline-figure">70</p>' in exact.text
    assert '<small class="soft nowrap" id="count-0" hx-swap-oob="true">\n  70\n</small>' in exact.text
    assert "count-1" not in exact.text
    assert exact.text.count("hx-swap-oob") == 3
    again = place.post("segments/search/", LINE)
    assert "about " not in again.text
    assert "do&quot;" not in again.text


def test_what_takes_too_long_stays_an_estimate_and_says_so(
    place: Actor, many: None, no_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_counts, "PATIENT", 0)
    page = place.post("segments/search/", {**LINE, "do": "count"})
    assert "to count all of them takes too long" in page.text


NESTED = [
    Group("all", (RIGA, Group("any", (ORDERED, OSLO)))),
    Group("any", (Group("none", (RIGA, ORDERED)), Group("all", (RIGA, ORDERED)))),
    Group("none", (Group("none", (ORDERED,)), OSLO)),
    Group("all", (Group("any", ()), RIGA)),
    Group("none", (Group("none", (Group("none", (RIGA,)),)),)),
]


@pytest.mark.parametrize("rule", NESTED)
def test_a_sample_of_all_has_the_exact_figures(
    rule: Group, people: Tenant, many: None, no_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_sample, "_prime", lambda _least: 1)
    validated = rule_form.validate(rule_form.of_rule(rule), compiler.context())
    for deleted in (False, True):
        estimated = rule_counts.count(validated, deleted=deleted)
        exact = rule_counts.count(validated, deleted=deleted, patient=True)
        assert estimated.total.number == exact.total.number
        assert {path: f.number for path, f in estimated.lines.items()} == {p: f.number for p, f in exact.lines.items()}
        assert list(estimated.some) == list(exact.some)


def test_of_a_form_with_one_changed_line_only_that_one_is_looked_at(people: Tenant, many: None, no_time: None) -> None:
    rule_counts.count(form(RIGA, ORDERED))
    with patch.object(rule_counts, "_sampled", wraps=rule_counts._sampled) as sampled:
        rule_counts.count(form(Group("any", (RIGA, ORDERED)), OSLO))
        rule_counts.count(form(Group("any", (RIGA, ORDERED)), OSLO))
    assert [len(call.args[2]) for call in sampled.call_args_list] == [1]


def test_where_exact_figures_took_too_long_they_are_not_tried_at_every_step(
    people: Tenant, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not rule_counts.count(form(RIGA)).estimated
    monkeypatch.setattr(rule_counts, "QUICK", 0)
    assert rule_counts.count(form(OSLO)).estimated
    monkeypatch.setattr(rule_counts, "QUICK", 10_000)
    assert statements(lambda: rule_counts.count(form(ORDERED))) == 0
    # What is known is exact.
    assert not rule_counts.count(form(RIGA)).total.step
