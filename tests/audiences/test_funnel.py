"""The funnel: what it says of cells, and that the members of random audiences are whom a model in Python means."""

from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiences import definition, funnel
from audiences.contact_lists import ContactList
from audiences.definition import CONDITIONS, Definition, State
from audiences.funnel import Cell
from audiences.models import Use
from contacts.models import Contact
from contacts.profile import quick_actions
from segments.rules import compiler, tree
from segments.rules.tree import FieldCondition
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.audiences import scene
from tests.cast import Actor, person, workspace
from tests.segments.scene import ruled

A, B, C = ContactList("source", 1), ContactList("segment", 2), ContactList("segment", 3)
GOOD, ASKED, SAID_NO = State("active", None, "granted"), State("active", None, None), State("active", None, "denied")


def test_the_steps_say_who_is_out_and_why() -> None:
    said = Definition((A, B), (C,), ("email",))
    cells = [
        Cell(0b0001, GOOD, 5), Cell(0b0011, GOOD, 2), Cell(0b0111, GOOD, 1), Cell(0b0100, GOOD, 100),
        Cell(0b0010, ASKED, 7), Cell(0b0010, SAID_NO, 3), Cell(0b0001, State("unsubscribed", None, "granted"), 4),
        Cell(0b0001, State(None, "blacklisted", "granted"), 6), Cell(0b1000, GOOD, 9), Cell(0b1001, GOOD, 20),
    ]  # fmt: skip
    found = funnel.of_cells(cells, said, Use.GOOGLE, names={C: "Staff"})
    assert [(step.key, step.remain, step.less) for step in found.steps] == [
        ("include", 48, 0), ("exclude", 47, 1), ("email", 37, 10), ("ads", 27, 10), ("suppressed", 27, 0),
    ]  # fmt: skip
    assert found.steps[1].reasons == (("Staff", 1),)
    assert found.steps[2].reasons == (("no e-mail address", 6), ("unsubscribed", 4))
    assert found.steps[3].reasons == (("never asked", 7), ("said no", 3))
    assert found.sizes == {A: 38, B: 13, C: 101}
    assert (found.size, found.included, found.shared) == (27, 48, 3)
    # Saved are the 9 that are in no list any more, and 20 that stay; 7 others come.
    assert (found.enter, found.leave) == (7, 9)
    assert found.less("ads") == 10
    assert found.less("phone") == 0


def test_nothing_is_counted_of_nothing(inside: Tenant) -> None:
    found = funnel.of_cells(funnel.count(Definition()), Definition(), Use.FILE, names={})
    assert (found.size, found.included, found.sizes) == (0, 0, {})


STATES = st.tuples(
    st.sampled_from([None, "active", "not_confirmed", "blacklisted", "unsubscribed", "spam"]),
    st.sampled_from([None, "active", "blacklisted"]),
    st.sampled_from([None, "granted", "denied"]),
)
# A contact: its state, whether it was deleted, and in which of the lists it is.
PEOPLE = st.lists(st.tuples(STATES, st.booleans(), st.sets(st.integers(0, 4))), min_size=1, max_size=14)
AUDIENCES = st.tuples(
    st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True), st.lists(st.integers(0, 4), max_size=2, unique=True),
    st.sets(st.sampled_from(sorted(CONDITIONS))), st.sampled_from(Use.values),
)  # fmt: skip


def _meets(state: tuple[Any, ...], conditions: set[str], use: str) -> bool:
    """The model: what the words of the conditions mean."""
    email, phone, ads = state
    ads_network = use in ("google", "meta")
    silent = {"blacklisted", "spam", *(["unsubscribed"] if ads_network else [])}
    return all([
        "email" not in conditions or email == "active",
        "phone" not in conditions or phone == "active",
        not ("ads" in conditions or ads_network) or ads == "granted",
        "valid" not in conditions or email in ("active", "not_confirmed", "unsubscribed") or phone == "active",
        use == "phone" or email not in silent,
        use == "email" or phone != "blacklisted",
    ])  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(people=PEOPLE, wanted=AUDIENCES)
def test_members_are_whom_the_model_means(people: Any, wanted: Any) -> None:
    include, exclude, conditions, use = wanted
    exclude = [i for i in exclude if i not in include]
    place = workspace(person("model"))
    with tenant_context(place.pk):
        ids, lists = [], [set[int]() for _i in range(5)]
        for i, ((email, phone, ads), _deleted, inside) in enumerate(people):
            pk = scene.contact(
                f"p{i}@example.com" if email else None, ads, phone=f"+44207946{i:04}" if phone else None,
                email_status=email or "active", phone_status=phone or "active", external_id=f"C{i}",
            )  # fmt: skip
            ids.append(pk)
            for one in inside:
                lists[one].add(pk)
        kinds = [scene.source, scene.segment, scene.lookalike, scene.source, scene.segment]
        made = [kind(f"List {i}", sorted(lists[i])) for i, kind in enumerate(kinds)]
        for pk, (_state, deleted, _inside) in zip(ids, people, strict=True):
            if deleted:
                quick_actions.delete(pk, reason="asked", user_id=None)  # type: ignore[arg-type]
        audience = scene.audience(
            "Random", include=[made[i] for i in include], exclude=[made[i] for i in exclude],
            conditions=sorted(conditions), use=use,
        )  # fmt: skip
        included = {
            pk
            for pk, (_state, deleted, inside) in zip(ids, people, strict=True)
            if not deleted and inside & set(include)
        }
        meant = {
            pk for pk, (state, _deleted, inside) in zip(ids, people, strict=True)
            if pk in included and not inside & set(exclude) and _meets(state, conditions, use)
        }  # fmt: skip
    scene.run_all(place)
    assert scene.members_of(place, audience) == meant
    with tenant_context(place.pk):
        said = definition.of_plain(audience.definition)
        found = funnel.of_cells(funnel.count(said, saved=audience.segment_id), said, use, names={})
        assert (found.size, found.included, found.enter, found.leave) == (len(meant), len(included), 0, 0)
        for before, after in pairwise(found.steps):
            assert after.remain == before.remain - after.less
            assert sum(count for _why, count in after.reasons) == after.less
        for i in {*include, *exclude}:
            living = {pk for pk, (_s, deleted, _i) in zip(ids, people, strict=True) if not deleted}
            kind = ("source", "segment", "lookalike", "source", "segment")[i]
            assert found.sizes[ContactList(kind, made[i].pk)] == len(lists[i] & living)
        # Each condition of the rule means those in the state that its reason does not exclude.
        for key, condition in CONDITIONS.items():
            scope = compiler.context()
            rule = compiler.compile_rule(tree.Group("all", (condition.part,)), scope)
            by_rule = set(Contact.objects.filter(rule).values_list("pk", flat=True))
            assert by_rule == {
                pk for pk, (s, _d, _i) in zip(ids, people, strict=True) if not condition.reason(State(*s))
            }, key


def test_a_segment_that_is_not_built_is_counted_by_its_rule(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        scene.contact("a@example.com")
        scene.contact("b@example.com")
        dynamic = ruled("All", FieldCondition("email", "filled"))
        said = Definition((ContactList("segment", dynamic.pk),))
        assert funnel.of_cells(funnel.count(said), said, Use.FILE, names={}).size == 2


def test_what_saving_would_change(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        ids = [scene.contact(f"c{i}@example.com") for i in range(6)]
        first, second = scene.source("First", ids[:4]), scene.source("Second", ids[3:])
        audience = scene.audience("One", include=[first])
    scene.run_all(alice.workspace)
    with tenant_context(alice.workspace.pk):
        said = Definition((ContactList("source", second.pk),))
        found = funnel.of_cells(funnel.count(said, saved=audience.segment_id), said, Use.FILE, names={})
        assert (found.size, found.enter, found.leave) == (3, 2, 3)


def test_lists_of_another_workspace_are_empty(alice: Actor, charlie: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        mine = scene.source("Mine", [scene.contact("a@example.com")])
        audience = scene.audience("Mine", include=[mine])
    scene.run_all(alice.workspace)
    with tenant_context(charlie.workspace.pk):
        said = Definition((ContactList("source", mine.pk),))
        assert funnel.count(said, saved=audience.segment_id) == []
