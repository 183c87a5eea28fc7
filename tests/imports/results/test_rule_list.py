"""Imports in rules: who came with one, and whose values imports and people have changed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Contact
from contacts.profile import edit
from imports.models import Import
from imports.results import rule_list
from segments.rules import compiler, rule_text
from segments.rules.operators import EvaluationTime
from segments.rules.tree import FieldCondition, Group, InList, Node, RuleError
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring


def meant(node: Node, *, days: int = 0) -> set[str]:
    scope = compiler.context()
    later = replace(scope, clock=EvaluationTime(timezone.now() + timedelta(days=days), scope.clock.zone))
    whole = set(
        Contact.objects.filter(compiler.compile_rule(Group("all", (node,)), later)).values_list("email", flat=True)
    )
    for pk, email in Contact.objects.values_list("pk", "email"):
        alone = compiler.compile_rule(Group("all", (node,)), replace(later, of=[pk]))
        assert Contact.objects.filter(alone, pk=pk).exists() is (email in whole)
    return whole


def test_contacts_that_came_with_an_import(alice: Actor) -> None:
    first = bring(alice.workspace, "email,city\na@example.com,Riga\nb@example.com,Oslo\n", user=alice.user)
    second = bring(alice.workspace, "email,city\nb@example.com,Oslo\nc@example.com,Bonn\n", user=alice.user)
    with tenant_context(alice.workspace.pk):
        assert meant(InList("import", first.pk)) == {"a@example.com", "b@example.com"}
        # Whom a file names without changing anything has come with it, too.
        assert meant(InList("import", second.pk)) == {"b@example.com", "c@example.com"}
        assert meant(InList("import", second.pk, "not_in")) == {"a@example.com"}
        assert [pk for pk, _name in rule_list.choices()] == [second.pk, first.pk]
        (phrase,) = rule_text.phrases(Group("all", (InList("import", first.pk),)))
        assert phrase.startswith("Came with import ")
        with pytest.raises(RuleError, match="This import no longer exists"):
            meant(InList("import", 0))
        (gone,) = rule_text.phrases(Group("all", (InList("import", 0, "not_in"),)))
        assert gone == "not: Came with import (no longer exists)"


def test_values_that_changed(alice: Actor) -> None:
    """A value that a contact was created with has not changed; one that an import or a person has given it since, has."""
    city = FieldCondition("city", "changed", ("7",))
    bring(alice.workspace, "email,city\na@example.com,Riga\nb@example.com,Oslo\nc@example.com,\n", user=alice.user)
    with tenant_context(alice.workspace.pk):
        assert meant(city) == set()
    bring(alice.workspace, "email,city\na@example.com,Riga\nb@example.com,Bergen\n", user=alice.user)
    with tenant_context(alice.workspace.pk):
        assert meant(city) == {"b@example.com"}
        cara = Contact.objects.get(email="c@example.com")
        edit.change(cara.pk, {"city": "Bonn"}, seen=cara.changed_at, user_id=alice.user.pk)
        assert meant(city) == {"b@example.com", "c@example.com"}
        assert meant(FieldCondition("first_name", "changed", ("7",))) == set()
        assert meant(city, days=7) == {"b@example.com", "c@example.com"}
        assert meant(city, days=8) == set()
        assert Import.objects.count() == 2
