"""The first rows as they would be imported: read by the import's own cleaner, and nothing is written."""

from typing import Any

import pytest

from contacts.models import Attribute, Contact
from imports.models import Import
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, flat, receive

FILE = "mail;tel;born;size;sum;me\na@x.example;07911 123456;31/12/1990;42;1.234,50;Ann Lee\nb@x;;03/04/1988;4o;7;\n;;;;;Bo\n"
FORM = {
    "column-0": "email", "column-1": "phone", "column-2": "birthday", "column-3": "new", "type-3": "integer",
    "key-3": "size",
    "column-4": "new", "type-4": "decimal", "key-4": "sum", "column-5": "full_name", "mode": "create_and_update",
    "existing": "overwrite", "blank": "keep", "duplicates": "last", "bad_value": "error",
}  # fmt: skip


def preview(alice: Actor, imp: Import, *, script: bool = True, **changes: str) -> str:
    headers = {"HX-Request": "true"} if script else {}
    response: Any = alice.post(f"imports/{imp.pk}/preview/", FORM | changes, headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


def test_values_as_they_will_be_stored(alice: Actor) -> None:
    imp = receive(alice.workspace, FILE)
    said = preview(alice, imp)
    for value in ("a@x.example", "+447911123456", "1990-12-31", ">1234.50<", "Ann Lee", "New field"):
        assert value in said, value
    for problem in ("Not a whole number", "2 of the first 3 rows would be in error"):
        assert problem.casefold() in said.casefold(), problem
    assert "<html" not in said
    with tenant_context(alice.workspace.pk):
        assert not Attribute.objects.exists()
        assert not Contact.objects.exists()
    assert again(alice.workspace, imp).mapping == imp.mapping


def test_what_is_skipped_is_not_shown_and_settings_count(alice: Actor) -> None:
    imp = receive(alice.workspace, FILE)
    said = preview(alice, imp, **dict[str, Any]({"column-2": "skip", "column-4": "no_such_field"}))
    assert "1990" not in said
    assert "1.234" not in said
    ann = "email,born,city\na@x.example,soon,Riga\n"
    imp = receive(alice.workspace, ann)
    chosen: dict[str, Any] = {"column-1": "birthday", "column-2": "city"}
    assert "1 of the first 1 rows would be in error" in preview(alice, imp, **chosen)
    assert "0 of the first 1 rows would be in error" in preview(alice, imp, **chosen, bad_value="drop")


def test_an_open_question_marks_its_cells(alice: Actor) -> None:
    imp = receive(alice.workspace, "email,born\na@x.example,03/04/1988\n")
    said = preview(alice, imp, **dict[str, Any]({"column-1": "birthday"}))
    assert "Day and month unclear" in said
    said = preview(alice, imp, **dict[str, Any]({"column-1": "birthday", "date-format-1": "%m/%d/%Y"}))
    assert "1988-03-04" in said


def test_strict_rules_count(alice: Actor) -> None:
    Tenant.objects.filter(pk=alice.workspace.pk).update(strict_values=True)
    imp = receive(alice.workspace, "email,born\na@x.example,31.12.1990\n")
    assert "Date not in ISO 8601 format" in preview(alice, imp, **dict[str, Any]({"column-1": "birthday"}))


def test_without_a_script_it_is_part_of_the_page(alice: Actor) -> None:
    imp = receive(alice.workspace, FILE)
    said = preview(alice, imp, script=False)
    assert "<html" in said
    assert "+447911123456" in said
    assert '<option value="birthday" data-kind="date" selected>' in flat(said)


@pytest.mark.parametrize("task", ["contacts", "orders"])
def test_rows_with_events(alice: Actor, task: str) -> None:
    imp = receive(alice.workspace, "email,order,total\na@x.example,77,€ 5\n")
    said = preview(alice, imp, **dict[str, Any]({"column-1": "event.id", "column-2": "event.amount"}), task=task)
    assert ">77<" in said
    assert ("Currency in a number" in said) == (task == "orders")


def test_the_page_names_columns_without_data_and_strangers(alice: Actor) -> None:
    imp = receive(alice.workspace, "email,empty,quux\na@x.example,,7\n")
    said = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "Column B has a header but no data." in said
    assert "Skipped because we do not recognise their names: quux." in flat(said)
