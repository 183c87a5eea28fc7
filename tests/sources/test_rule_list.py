"""Sources in rules: who is in one."""

from dataclasses import replace

import pytest
from django.utils import timezone

from contacts.models import Contact
from segments.models import Segment
from segments.rules import compiler, rule_text, tree
from segments.rules.tree import Group, InList, RuleError
from sources import rule_list
from sources.models import Source, SourceMember
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor


def meant(node: InList, of: list[int] | None = None) -> set[str]:
    scope = replace(compiler.context(), of=of)
    return set(
        Contact.objects.filter(compiler.compile_rule(Group("all", (node,)), scope)).values_list("first_name", flat=True)
    )


def test_a_source_that_a_rule_names_cannot_be_removed(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        source = Source.objects.create(
            name="Customers", type="customers", target="people", origin="segments", state="ready"
        )
        asks = Segment.objects.create(name="Asks", rule=tree.plain(Group("none", (InList("source", source.pk),))))
        Segment.objects.create(name="Another", rule=tree.plain(Group("all", (InList("source", source.pk + 1),))))
        Segment.objects.create(name="An import", rule=tree.plain(Group("all", (InList("import", source.pk),))))
    answer = alice.post(f"sources/{source.pk}/remove/")
    assert answer.status_code == 409
    assert f"/segments/{asks.pk}/" in answer.text
    assert "An import" not in answer.text
    with tenant_context(alice.workspace.pk):
        asks.delete()
    assert alice.post(f"sources/{source.pk}/remove/").status_code == 302


def test_contacts_of_a_source(inside: Tenant) -> None:
    anna, bert = (Contact.objects.create(first_name=name, origin="manual") for name in ("Anna", "Bert"))
    source = Source.objects.create(name="Customers", type="customers", origin="segments")
    other = Source.objects.create(name="Archived", type="customers", origin="segments", archived_at=timezone.now())
    SourceMember.objects.create(tenant_id=inside.pk, source_id=source.pk, contact_id=anna.pk, added_at=timezone.now())
    assert meant(InList("source", source.pk)) == {"Anna"}
    assert meant(InList("source", source.pk, "not_in")) == {"Bert"}
    assert meant(InList("source", source.pk), of=[bert.pk]) == set()
    assert meant(InList("source", source.pk), of=[anna.pk, bert.pk]) == {"Anna"}
    assert meant(InList("source", other.pk)) == set()
    assert rule_list.choices() == [(source.pk, "Customers")]
    assert rule_text.phrases(Group("all", (InList("source", source.pk),))) == ["In source Customers"]
    with pytest.raises(RuleError, match="This source no longer exists"):
        meant(InList("source", 0))
