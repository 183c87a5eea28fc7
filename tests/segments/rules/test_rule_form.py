"""The rule builder: the form with and without script, what it counts, the list that it leads to, and what is kept."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict

from contacts.models import Contact
from segments import membership
from segments.models import Member, Segment
from segments.rules import compiler, form_edits, rule_form, tree
from segments.rules.rule_counts import Figure
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InSegment, Period, PropertyFilter
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring

FILE = "email,first_name,city,country\n" + "".join(
    f"p{i}@example.com,P{i},{city},{country}\n"
    for i, (city, country) in enumerate([("Riga", "LV"), ("Riga", "LV"), ("Oslo", "NO"), ("", "")])
)
RIGA = tree.dumps(Group("all", (FieldCondition("city", "is", ("Riga",)),)))
LINE = {"match:": "all", "about:0": "attribute:city", "op:0": "is", "value:0": "Riga"}


@pytest.fixture
def people(alice: Actor) -> Actor:
    bring(alice.workspace, FILE, user=alice.user)
    return alice


def form(**given: str) -> QueryDict:
    return QueryDict(urlencode({name.replace("__", ":"): value for name, value in given.items()}))


EVERY = Group(
    "any",
    (
        FieldCondition("city", "is", ("Riga", "Oslo")),
        FieldCondition("email_status", "is_not", ("spam", "unsubscribed")),
        FieldCondition("created_at", "between", ("2024-01-01", "2024-12-31")),
        FieldCondition("birthday", "within", ("30",)),
        FieldCondition("company", "empty"),
        ActivityCondition(
            "order", "at_most", "3", Period("last", 90), "", (PropertyFilter("amount", "more", "12.50"),)
        ),
        ActivityCondition("track", "at_least", "1", None, "Signed up"),
        Group(
            "none", (FieldCondition("first_name", "begins", ("a",)), Group("all", (FieldCondition("email", "filled"),)))
        ),
    ),
)


def fields(block: rule_form.RuleFormGroup) -> dict[str, Any]:
    """What a browser would send of a form: all its fields, in the order of the page."""
    found: dict[str, Any] = {f"match:{block.path}": block.match}
    for part in block.parts:
        if isinstance(part, rule_form.RuleFormGroup):
            found |= fields(part)
        else:
            found[f"about:{part.path}"] = part.about
            found |= {f"{name}:{part.path}": value for name, value in part.typed.items()}
            if part.chosen:
                found[f"option:{part.path}"] = part.chosen
            for name, column in zip(("property", "compare", "against"), zip(*part.filters, strict=True), strict=False):
                found[f"{name}:{part.path}"] = column
    return found


def test_a_rule_goes_through_the_form_unchanged(people: Actor) -> None:
    with tenant_context(people.workspace.pk):
        sent = QueryDict(urlencode(fields(rule_form.of_rule(EVERY)), doseq=True))
        block = rule_form.read(sent)
        validated = rule_form.validate(block, compiler.context())
        assert [line.error for line in validated.lines] == [""] * 9
        assert validated.rule == EVERY
        assert validated.complete
        assert [line.node for line in rule_form.lines(block)] == [None] * 9, "what was read stays as it is"


def test_buttons_add_and_remove_lines_and_groups(people: Actor) -> None:
    start = {**LINE, "match:1": "any", "about:1.0": "segment", "about:2": ""}

    def paths(do: str) -> list[str]:
        top = rule_form.read(QueryDict(urlencode(start)))
        edited = form_edits.apply(top, do)
        return sorted(fields(edited[0] if edited else top))

    assert "about:3" in paths("add:")
    assert "about:1.1" in paths("add:1")
    assert "match:3" in paths("group:")
    assert "about:3.0" in paths("group:")
    assert "match:1.1" in paths("group:1")
    assert "about:2" not in paths("remove:2")
    assert "about:0" in paths("remove:2")
    # What stood behind a removed part moves up.
    assert "match:0" in paths("remove:0")
    assert "about:0.0" in paths("remove:0")
    assert "about:1" in paths("remove:1")
    assert "match:1" not in paths("remove:1")
    assert paths("add:7.7") == paths("") == paths("dance:")


def test_a_form_can_hold_no_more_than_a_rule(people: Actor) -> None:
    deep = {"match:": "all", "match:0": "all", "match:0.0": "all", "match:0.0.0": "all", "about:0.0.0.0": ""}
    block = rule_form.read(QueryDict(urlencode(deep)))
    assert [line.path.count(".") for line in rule_form.lines(block)] == [3]
    assert form_edits.apply(block, "group:0.0.0") is None


def test_no_form_makes_a_rule_that_is_too_large(people: Actor) -> None:
    many = {"match:": "all", **{f"about:{i}": "attribute:city" for i in range(300)}}
    assert len(rule_form.lines(rule_form.read(QueryDict(urlencode(many))))) == 50
    deep = {"match:": "all", **{f"match:{'.'.join('0' * n)}": "all" for n in range(1, 20)}, "about:0.0.0.0": "segment"}
    read = rule_form.read(QueryDict(urlencode(deep)))
    assert [line.path for line in rule_form.lines(read)] == [".".join("0000")]
    long = {"match:": "all"}
    for i in range(40):
        long |= {f"about:{i}": "attribute:city", f"op:{i}": "is", f"value:{i}": "x" * 190}
    refused = people.post("segments/search/", {**long, "do": "show"})
    assert refused.status_code == 422
    assert "up to 6,000 characters" in refused.text
    assert people.post("segments/new/", {**long, "do": "save", "name": "Long"}).status_code == 422


def test_rules_that_ask_for_each_other_do_not_grow_without_end(people: Actor) -> None:
    with tenant_context(people.workspace.pk):
        last = Segment.objects.create(name="S0", rule=tree.plain(Group("all", (FieldCondition("city", "filled"),))))
        for i in range(1, 12):
            twice = Group("any", (InSegment(last.pk), InSegment(last.pk, "not_in")))
            last = Segment.objects.create(name=f"S{i}", rule=tree.plain(twice))
        with pytest.raises(tree.RuleError, match="more than 500 conditions"):
            compiler.compile_rule(tree.parse(last.rule))
        assert list(membership.contacts(last)) == []


def test_unfinished_lines_are_told_and_not_counted(people: Actor) -> None:
    sent = {**LINE, "about:1": "attribute:country", "op:1": "is", "value:1": "Atlantis", "about:2": ""}
    response = people.post("segments/search/", sent)
    assert response.status_code == 200
    assert response.context["counts"].total.number == 2
    assert response.context["counts"].lines == {"0": Figure(2)}
    assert "2 unfinished conditions ignored" in " ".join(response.text.split())
    assert [bool(line.error) for line in rule_form.lines(response.context["form"].top)] == [False, True, True]
    assert rule_form.lines(response.context["form"].top)[1].error in response.text
    # Shown or kept it cannot be.
    assert people.post("segments/search/", {**sent, "do": "show"}).status_code == 422
    assert people.post("segments/new/", {**sent, "do": "save", "name": "X"}).status_code == 422
    with tenant_context(people.workspace.pk):
        assert not Segment.objects.exists()


def test_an_empty_form_finds_nobody_and_is_not_shown(people: Actor) -> None:
    response = people.get("segments/search/")
    assert response.context["counts"].total.number == 0
    assert people.post("segments/search/", {"match:": "all", "do": "show"}).status_code == 422


def test_the_search_leads_to_the_list(people: Actor) -> None:
    response = people.post("segments/search/", {**LINE, "do": "show"})
    assert response.status_code == 302
    shown = people.client.get(response.headers["Location"])
    assert {c.first_name for c in shown.context["contacts"]} == {"P0", "P1"}
    assert shown.context["total"] == 2
    assert "City is Riga" in shown.text
    # The filter stays while one turns, searches, sorts and changes the size of pages.
    assert shown.context["query"].rule == RIGA
    narrowed = people.get(f"contacts/?{urlencode({'rule': RIGA, 'q': 'p1@'})}")
    assert [c.first_name for c in narrowed.context["contacts"]] == ["P1"]
    assert urlencode({"rule": RIGA}) in narrowed.context["rail"][0]["filters"][0]["url"]


def test_it_comes_from_the_list_as_it_is(people: Actor) -> None:
    response = people.get(f"segments/search/?{urlencode({'rule': RIGA})}")
    assert [line.typed["value"] for line in rule_form.lines(response.context["form"].top)] == ["Riga"]
    broken = people.get("segments/search/?rule=nonsense")
    assert broken.status_code == 200
    assert "is damaged" in broken.text


@pytest.mark.parametrize(
    "rule", ["nonsense", '{"v":1,"all":[]}', '{"v":1,"all":[{"attribute":"x","op":"is"}]}', RIGA[:-5]]
)
def test_a_rule_that_cannot_be_read_shows_nobody(people: Actor, rule: str) -> None:
    response = people.get(f"contacts/?{urlencode({'rule': rule})}")
    assert response.context["total"] == 0
    assert not response.context["contacts"]
    assert "is damaged" in response.text


def test_bulk_actions_are_about_whom_the_search_means(people: Actor) -> None:
    response = people.get(f"contacts/bulk/export/?{urlencode({'rule': RIGA, 'all': '1'})}")
    assert (response.context["selected"], response.context["count"]) == (2, 2)
    assert ("rule", RIGA) in response.context["fields"]
    nobody = people.get(f"contacts/bulk/delete/?{urlencode({'rule': 'nonsense', 'all': '1'})}")
    assert nobody.context["selected"] == 0


def test_the_deleted_are_searched_apart(people: Actor) -> None:
    from django.utils import timezone

    with tenant_context(people.workspace.pk):
        Contact.objects.filter(first_name="P0").update(deleted_at=timezone.now())
    assert people.post("segments/search/", LINE).context["counts"].total.number == 1
    gone = people.post("segments/search/", {**LINE, "show": "deleted", "do": "show"})
    assert "show=deleted" in gone.headers["Location"]
    assert [c.first_name for c in people.client.get(gone.headers["Location"]).context["contacts"]] == ["P0"]


def test_a_rule_is_kept_as_a_dynamic_segment(people: Actor) -> None:
    response = people.post("segments/new/", {**LINE, "do": "save", "name": "  In  Riga "})
    assert response.status_code == 302
    page = people.client.get(response.headers["Location"])
    assert page.context["size"] == 2
    assert "City is Riga" in page.text
    with tenant_context(people.workspace.pk):
        kept = Segment.objects.get(name="In Riga")
        assert tree.parse(kept.rule) == tree.loads(RIGA)
        assert AuditEntry.objects.filter(verb="segment.made").count() == 1
    # Whoever becomes what the rule means is in it at once.
    bring(people.workspace, "email,city\nnew@example.com,riga\n", user=people.user)
    assert people.get(f"segments/{kept.pk}/").context["size"] == 3
    assert people.get(f"segments/{kept.pk}/size/").text.strip() == "<span>3</span>"
    assert "dynamic" in people.get("segments/").text
    with tenant_context(people.workspace.pk):
        contact = Contact.objects.get(email="new@example.com")
    assert "In Riga" in people.get(f"segments/of-contact/{contact.pk}/").text


def test_a_dynamic_segment_is_changed(people: Actor) -> None:
    people.post("segments/new/", {**LINE, "do": "save", "name": "Mine"})
    people.post("segments/new/", {**LINE, "do": "save", "name": "Other"})
    with tenant_context(people.workspace.pk):
        mine = Segment.objects.get(name="Mine")
    assert [
        line.typed["value"] for line in rule_form.lines(people.get(f"segments/{mine.pk}/edit/").context["form"].top)
    ] == ["Riga"]
    taken = people.post(f"segments/{mine.pk}/edit/", {**LINE, "do": "save", "name": "Other"})
    assert taken.status_code == 422
    assert "The segment Other already exists" in taken.text
    assert people.post(f"segments/{mine.pk}/edit/", {**LINE, "do": "save", "name": " "}).status_code == 422
    loop = {
        "match:": "all",
        "about:0": "segment",
        "op:0": "in",
        "segment:0": str(mine.pk),
        "do": "save",
        "name": "Mine",
    }
    assert people.post(f"segments/{mine.pk}/edit/", loop).status_code == 422
    done = people.post(f"segments/{mine.pk}/edit/", {**LINE, "value:0": "Oslo | Riga", "do": "save", "name": "Mine"})
    assert done.status_code == 302
    assert people.get(f"segments/{mine.pk}/").context["size"] == 3
    with tenant_context(people.workspace.pk):
        entry = AuditEntry.objects.get(verb="segment.changed")
        assert entry.detail["values"]["rule"] == ["City is Riga", "City is Oslo or Riga"]


def test_nobody_is_added_to_a_segment_with_a_rule(people: Actor) -> None:
    people.post("segments/new/", {**LINE, "do": "save", "name": "Mine"})
    refused = people.post("segments/add/", {"all": "1", "name": "Mine"})
    assert refused.status_code == 422
    assert "dynamic" in refused.text
    with tenant_context(people.workspace.pk):
        mine = Segment.objects.get(name="Mine")
        assert not Member.objects.exists()
    assert people.post("segments/add/", {"all": "1", "segment": str(mine.pk)}).status_code == 422
    imp = bring(people.workspace, FILE, user=people.user, segments=["Mine"])
    assert imp.status == "failed"
    assert "dynamic" in str(people.get(f"imports/{imp.pk}/").text)


def test_viewers_search_but_keep_nothing(people: Actor, member: Any) -> None:
    viewer = member("viewer")
    assert viewer.post("segments/search/", LINE).context["counts"].total.number == 2
    assert viewer.get("segments/new/").status_code == 404
    assert viewer.post("segments/new/", {**LINE, "do": "save", "name": "X"}).status_code == 404


def test_a_segment_that_is_gone_is_told(people: Actor) -> None:
    with tenant_context(people.workspace.pk):
        gone = membership.named("Gone")
        kept = Segment.objects.create(name="Kept", rule=tree.plain(Group("all", (InSegment(gone.pk),))))
        gone.delete()
    page = people.get(f"segments/{kept.pk}/")
    assert page.context["size"] == 0
    assert "no longer works" in page.text
