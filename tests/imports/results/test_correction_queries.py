"""One fault in many cells is corrected once: found and replaced, applied to the others, or as it is proposed."""

import json
import re
from typing import Any

import pytest

from contacts.models import Contact
from imports.mapping import value_formats
from imports.models import Import, RejectedRow
from imports.results import corrections, suggestions
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring, flat, proved, work

ROWS = "".join(f"p{i}@gmail,{'31.12.1990' if i % 2 else '1990/12/31'},Latvai\n" for i in range(40))
FILE = f"email,born,land\n{ROWS}ann@example.com,1988-04-03,Latvia\n"
MAPS = {"born": "birthday", "land": "country"}


@pytest.fixture
def imp(alice: Actor) -> Import:
    written = {"born": "%d/%m/%Y"}
    made = bring(alice.workspace, FILE, user=alice.user, maps=MAPS, formats=written)
    assert (made.created, made.in_error) == (1, 40)
    return made


def replace(actor: Actor, imp: Import, **data: Any) -> str:
    return str(actor.post(f"imports/{imp.pk}/replace/", data, follow=True).content.decode())


def proposals(actor: Actor, imp: Import) -> list[list[Any]]:
    page = actor.get(f"imports/{imp.pk}/").content.decode()
    found = re.findall(r'name="change" value="([^"]*)"', page)
    return [json.loads(text.replace("&quot;", '"').replace("&#x27;", "'")) for text in dict.fromkeys(found)]


def cells(actor: Actor, imp: Import, column: int) -> set[str]:
    with tenant_context(actor.workspace.pk):
        return {(row.fixed or row.cells)[column] for row in RejectedRow.objects.filter(import_id=imp.pk)}


def test_find_and_replace_within_a_column(alice: Actor, imp: Import) -> None:
    said = replace(alice, imp, **{"in": "0", "find": "@gmail", "put": "@gmail.com"})
    assert "Changed 40 cells in email." in said
    assert cells(alice, imp, 0) == {f"p{i}@gmail.com" for i in range(40)}
    assert cells(alice, imp, 2) == {"Latvai"}, "only that column"
    said = replace(alice, imp, **{"in": "2", "find": "LATVAI", "put": "x", "whole": "on"})
    assert "Nothing was changed" in said
    assert "Changed 40 cells in land." in replace(
        alice, imp, **{"in": "2", "find": "Latvai", "put": "Latvia", "whole": "on"}
    )
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="import.replaced").count() == 2


def test_and_what_was_is_no_change(alice: Actor, imp: Import) -> None:
    replace(alice, imp, **{"in": "2", "find": "Latvai", "put": "Latvia"})
    replace(alice, imp, **{"in": "2", "find": "Latvia", "put": "Latvai"})
    with tenant_context(alice.workspace.pk):
        assert not RejectedRow.objects.filter(import_id=imp.pk).exclude(fixed=None).exists()


def test_all_that_is_proposed_is_taken_and_brought_again(alice: Actor, imp: Import) -> None:
    found = proposals(alice, imp)
    assert [0, "@gmail", "@gmail.com", False] in found
    assert [2, "Latvai", "LV", True] in found
    assert [1, "31.12.1990", "1990-12-31", True] in found
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "Replace @gmail with @gmail.com in 40 cells" in flat(page)
    assert "Change to 1990-12-31 in 20 cells" in flat(page)
    for change in found:
        replace(alice, imp, change=json.dumps(change))
    with tenant_context(alice.workspace.pk):
        assert len(corrections.corrected_rows(imp)) == 40
    alice.post(f"imports/{imp.pk}/retry/")
    with tenant_context(alice.workspace.pk):
        made = Import.objects.get(parent_id=imp.pk)
    done = work(alice.workspace, made)
    assert (done.created, done.in_error) == (40, 0)
    proved(alice.workspace, done)
    with tenant_context(alice.workspace.pk):
        assert set(Contact.objects.values_list("attributes__country", flat=True)) == {"LV"}
    assert "Nothing was changed" in replace(alice, imp, **{"in": "2", "find": "LV", "put": "EE"}), "brought rows stay"


def test_a_mended_cell_is_offered_for_the_others(alice: Actor, imp: Import) -> None:
    said = alice.post(f"imports/{imp.pk}/rows/2/", {"r2-2": "Latvia"}, headers={"HX-Request": "true"}).content.decode()
    assert "Apply to 39 more cells" in said
    replace(alice, imp, change=json.dumps([2, "Latvai", "Latvia", True]))
    assert cells(alice, imp, 2) == {"Latvia"}


def test_what_was_typed_without_a_script_is_kept(alice: Actor, imp: Import) -> None:
    replace(alice, imp, change=json.dumps([2, "Latvai", "Latvia", True]), **{"r2-0": "typed@example.com"})
    assert "typed@example.com" in cells(alice, imp, 0)


@pytest.mark.parametrize(
    "data",
    [
        {}, {"change": "["}, {"change": "{}"}, {"change": "[1]"}, {"change": '["a","b","c",true]'},
        {"change": '[99,"a","b",true]'}, {"change": '[-1,"a","b",true]'}, {"in": "x", "find": "a", "put": "b"},
        {"in": "0", "find": "", "put": "b"}, {"change": '[0,1,2,true]'}, {"change": "[" * 50},
    ],
)  # fmt: skip
def test_what_means_nothing_changes_nothing(alice: Actor, imp: Import, data: dict[str, str]) -> None:
    assert "Nothing was changed" in replace(alice, imp, **data)


def test_only_who_may_mend(alice: Actor, bob: Actor, charlie: Actor, imp: Import) -> None:
    path = f"/w/{alice.workspace.slug}/imports/{imp.pk}/replace/"
    assert charlie.client.post(path, {"change": '[2,"Latvai","LV",true]'}).status_code == 404
    assert cells(alice, imp, 2) == {"Latvai"}


# --- filters, and what is wanted ----------------------------------------------------------------------------------------


def test_rows_by_column_and_by_reason(alice: Actor) -> None:
    rows = "bob@@example.com,1990-01-01\nann@example.com,never\ncid@example.com,1990-02-31\n"
    imp = bring(alice.workspace, f"email,born\n{rows}", user=alice.user, maps={"born": "birthday"})
    shown = {at: alice.get(f"imports/{imp.pk}/?column={at}").context for at in ("0", "1", "9", "x", "")}
    lines = {at: [line.number for line in context["lines"]] for at, context in shown.items()}
    assert lines == {"0": [2], "1": [3, 4], "9": [2, 3, 4], "x": [2, 3, 4], "": [2, 3, 4]}
    assert [(c["name"], c["rows"]) for c in shown["0"]["of_columns"]] == [("email", 1), ("born", 2)]
    both = alice.get(f"imports/{imp.pk}/?code=date_does_not_exist&column=1").context
    assert [line.number for line in both["lines"]] == [4]
    assert 'href="?column=1#errors"' in alice.get(f"imports/{imp.pk}/").text


def test_an_example_is_in_the_format_of_the_column(alice: Actor, imp: Import) -> None:
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "Write it like 31/05/2024, or choose" in page
    assert "Write it like 31/05/2024, or choose" in alice.get(f"imports/{imp.pk}/errors.csv").getvalue().decode()


@pytest.mark.parametrize(
    ("column", "example"),
    [
        *(
            ({"target": "birthday", "formats": [form]}, words.split(", ")[0])
            for form, words in value_formats.DATES.items()
        ),
        ({"target": "birthday", "formats": []}, "2024-05-31"),
        ({"target": "birthday", "formats": ["%d.%m.%y@1930"]}, "31.05.24"),
        ({"target": "x", "type": "decimal", "formats": ["decimal_comma"]}, "1.234,56"),
        ({"target": "x", "type": "decimal", "formats": ["decimal_point"]}, "1,234.56"),
        ({"target": "x", "type": "decimal"}, "1234.56"),
        ({"target": "x", "type": "choices", "formats": ["list_comma"]}, "one, two"),
        ({"target": "city"}, ""),
    ],
)
def test_examples(column: dict[str, Any], example: str) -> None:
    assert value_formats.example(column) == example


@pytest.mark.parametrize(
    ("value", "column", "put"),
    [
        ("ann@gmial.con", {"target": "email"}, "ann@gmail.com"),
        ("ann@hotmial.com", {"target": "email"}, "ann@hotmail.com"),
        ("ann@gmx", {"target": "email"}, "ann@gmx.de"),
        ("ann@@example.com", {"target": "email"}, "ann@example.com"),
        ("ann @example.com", {"target": "email"}, "ann@example.com"),
        ("ann@example,com", {"target": "email"}, "ann@example.com"),
        ("ann@firm.con", {"target": "email"}, "ann@firm.com"),
        ("Germny", {"target": "country"}, "DE"),
        ("Frnch", {"target": "language"}, "fr"),
        ("yess", {"target": "x", "type": "boolean"}, "yes"),
        ("glod", {"target": "x", "type": "choice", "options": {"gold": "gold", "silver": "silver"}}, "gold"),
        ("31.05.2024", {"target": "birthday", "formats": ["%d/%m/%Y"]}, "2024-05-31"),
        ("1.234,50", {"target": "x", "type": "decimal", "formats": ["decimal_point"]}, "1234.50"),
        ("03.04.2024", {"target": "birthday", "formats": ["%d/%m/%Y"]}, None),
        ("whatever", {"target": "city"}, None),
        ("", {"target": "email"}, None),
    ],
)
def test_what_is_proposed(value: str, column: dict[str, Any], put: str | None) -> None:
    found = suggestions.propose(value, column, good=lambda text: text != value)
    assert (found.changed(value) if found else None) == put


def test_nothing_is_proposed_that_is_still_wrong() -> None:
    assert suggestions.propose("ann@gmial.com", {"target": "email"}, good=lambda _text: False) is None


def test_many_rows_are_judged_by_one_cleaner(alice: Actor, imp: Import, django_assert_max_num_queries: Any) -> None:
    replace(alice, imp, change=json.dumps([2, "Latvai", "Latvia", True]))
    with tenant_context(alice.workspace.pk), django_assert_max_num_queries(8):
        assert corrections.corrected_rows(imp) == []
