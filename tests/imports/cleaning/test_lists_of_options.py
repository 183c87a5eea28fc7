"""Choices with other separators, names of fields that are columns of the export, and formulas in headers."""

from typing import Any

import pytest

from contacts.fields import custom_fields
from contacts.models import Attribute, Contact
from imports.mapping import value_formats
from imports.wizard import column_choices
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.contacts.bulk.test_actions import exported
from tests.imports.helpers import bring, receive

OPTIONS = {"new": "New", "old": "Old", "a, b": "A, b"}


@pytest.mark.parametrize(
    ("samples", "options", "choice", "ask"),
    [
        (["new|old"], OPTIONS, "strict", ()),
        (["new", "old"], OPTIONS, "strict", ()),
        (["new, old", "new"], OPTIONS, "list_comma", ()),
        (["New;OLD"], OPTIONS, "list_semicolon", ()),
        (["A, b"], OPTIONS, "strict", ()),
        (["A, b; new"], OPTIONS, "list_semicolon", ()),
        (["new, old", "new; old"], OPTIONS, "strict", ("list_comma", "list_semicolon", "strict")),
        (["red, green"], {}, "strict", ("list_comma", "strict")),
        (["red; green"], {}, "strict", ("list_semicolon", "strict")),
        (["red, green; blue"], {}, "strict", ("list_comma", "list_semicolon", "strict")),
        (["red|green, dark"], {}, "strict", ()),
        (["red", "green"], {}, "strict", ()),
        (["x, y"], OPTIONS, "strict", ()),
    ],
)
def test_what_values_allow(samples: list[str], options: dict[str, str], choice: str, ask: tuple[str, ...]) -> None:
    found = value_formats.find("choices", samples, options)
    assert (found.choice, found.ask) == (choice, ask)


def tags(tenant: Tenant) -> list[Any]:
    with tenant_context(tenant.pk):
        return [c.attributes.get("tags") for c in Contact.objects.order_by("email")]


def test_a_separator_is_found_by_the_options(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        Attribute.objects.create(key="tags", label="Tags", type="choices", options={"n": "New", "o": "Old"})
    imp = bring(tenant, 'email,tags\na@example.com,"New, Old"\nb@example.com,old\n')
    assert (imp.created, imp.in_error, imp.mapping[1]["formats"]) == (2, 0, ["list_comma"])
    assert tags(tenant) == [["n", "o"], ["o"]]


def test_without_options_it_is_asked(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        Attribute.objects.create(key="tags", label="Tags", type="choices")
    rows = "email,tags\na@example.com,red; green\nb@example.com,blue\n"
    imp = receive(alice.workspace, rows)
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "red; green: one option, or several?" in page
    with tenant_context(alice.workspace.pk), pytest.raises(column_choices.BadMapping, match="one option, or several"):
        column_choices.apply_choices(imp, {})
    bring(alice.workspace, rows, formats={"tags": "list_semicolon"})
    assert tags(alice.workspace) == [["red", "green"], ["blue"]]
    bring(alice.workspace, "email,tags\na@example.com,red; green\n", formats={"tags": "strict"})
    assert tags(alice.workspace)[0] == ["red; green"]


LABELS = ["City", "e-mail", "E_MAIL", "Contact ID", "Phone status", "Created at", "Deleted at", "Segments", "Size"]


@pytest.mark.parametrize("label", LABELS)
def test_labels_of_other_columns_are_refused(inside: Tenant, label: str) -> None:
    owner = 1
    Attribute.objects.create(key="size", label="Size", type="text")
    other = Attribute.objects.create(key="other", label="Other", type="text")
    with pytest.raises(custom_fields.BadField, match="Exports already have a column"):
        custom_fields.change(other.pk, label, "text", "", user_id=owner)
    with pytest.raises(custom_fields.BadField):
        custom_fields.add(label, "text", "", user_id=owner)
    assert set(Attribute.objects.values_list("label", flat=True)) == {"Size", "Other"}


def test_a_field_keeps_its_own_label(inside: Tenant) -> None:
    row = Attribute.objects.create(key="size", label="Size", type="text")
    custom_fields.refuse_label("Size", but=row.key)
    custom_fields.refuse_label("Shoe size")


def test_new_fields_of_a_file_are_refused_likewise(tenant: Tenant) -> None:
    imp = receive(tenant, "email,Phone,Telephone\na@example.com,x,y\n")
    with tenant_context(tenant.pk), pytest.raises(column_choices.BadMapping, match="cannot be added as a field"):
        column_choices.apply_choices(imp, {"Phone": "new:text:other_phone", "Telephone": "skip"})


@pytest.mark.parametrize("mode", ["safe", "raw"])
def test_formulas_in_headers_are_guarded_and_read_back(alice: Actor, mode: str) -> None:
    maps = {"=1+1": "new:text:sum", "@cmd": "new:text:cmd", "=x": "new:text:marked"}
    bring(alice.workspace, "email,=1+1,@cmd,'=x\nr1@example.com,v,w,z\n", maps=maps)
    with tenant_context(alice.workspace.pk):
        assert set(Attribute.objects.values_list("label", flat=True)) == {"=1+1", "@cmd", "=x"}
    _action, rows = exported(alice, mode=mode)
    for label in ("=1+1", "@cmd", "=x"):
        assert (f"'{label}" if mode == "safe" else label) in rows[0]
    again = bring(alice.workspace, "\n".join(",".join(f'"{c}"' for c in row) for row in rows))
    assert (again.unchanged, again.in_error) == (1, 0)
    assert {c["target"] for c in again.mapping} >= {"sum", "cmd", "marked"}
