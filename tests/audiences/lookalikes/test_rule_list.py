"""Lookalikes in rules: who is in one, and that merges are followed."""

from dataclasses import replace

import pytest

from audiences import contact_data
from audiences.lookalikes import rule_list
from audiences.models import Lookalike, LookalikeMember
from contacts import change_queue
from contacts.models import Contact, QueuedChange
from segments.rules import compiler, dependencies, rule_text
from segments.rules.tree import Group, InList, RuleError
from tenants.isolation.context import current_tenant
from tenants.models import Tenant


def meant(node: InList, of: list[int] | None = None) -> set[str]:
    scope = replace(compiler.context(), of=of)
    rule = compiler.compile_rule(Group("all", (node,)), scope)
    return set(Contact.objects.filter(rule).values_list("first_name", flat=True))


def made(size: int, **places: int) -> Lookalike:
    """A lookalike whose members are new contacts with these names, at these places."""
    lookalike: Lookalike = Lookalike.objects.create(name="Like the club", seed_kind="source", seed_id=1, size=size)
    for name, place in places.items():
        contact = Contact.objects.create(first_name=name, origin="manual")
        LookalikeMember.objects.create(
            tenant_id=current_tenant(), lookalike_id=lookalike.pk, contact_id=contact.pk, place=place, score=0.5
        )
    return lookalike


def test_contacts_of_a_lookalike_are_those_within_its_size(inside: Tenant) -> None:
    own = made(3, Anna=1, Bert=30, Cleo=31)
    node = InList("lookalike", own.pk)
    assert meant(node) == {"Anna", "Bert"}
    assert meant(replace(node, op="not_in")) == {"Cleo"}
    bert, cleo = (Contact.objects.get(first_name=name).pk for name in ("Bert", "Cleo"))
    assert meant(node, of=[bert, cleo]) == {"Bert"}
    Lookalike.objects.update(size=7)
    assert meant(node) == {"Anna", "Bert", "Cleo"}


def test_a_rule_names_a_lookalike(inside: Tenant) -> None:
    own = made(3)
    assert rule_list.choices() == [(own.pk, "Like the club")]
    assert rule_text.phrases(Group("all", (InList("lookalike", own.pk),))) == ["In lookalike Like the club"]
    assert dependencies.causes(InList("lookalike", own.pk)) == {"lookalike"}
    with pytest.raises(RuleError, match="This lookalike no longer exists"):
        meant(InList("lookalike", 0))


def test_a_merge_and_its_undo_are_told_to_segments_that_ask(inside: Tenant) -> None:
    made(3, Anna=1, Bert=2)
    anna, bert = (Contact.objects.get(first_name=name).pk for name in ("Anna", "Bert"))
    change_queue.watch({"lookalike"})
    moved = contact_data.move([bert], to=anna)
    assert {(pk, cause) for pk, cause, _segment in change_queue.take(9, busy=())} == {
        (anna, "lookalike"), (bert, "lookalike"),
    }  # fmt: skip
    contact_data.restore(moved, of=anna)
    assert set(QueuedChange.objects.values_list("contact_id", flat=True)) == {anna, bert}
