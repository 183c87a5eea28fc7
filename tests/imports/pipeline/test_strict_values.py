"""The strict rules of a workspace: how values are written, columns that are full or not used, separators, rows."""

from typing import Any

import pytest

from contacts.models import Attribute, Contact
from contacts.values.types import BadValue, parser
from imports.models import Import, RowIssue
from imports.wizard import column_choices
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor, person, workspace
from tests.imports.helpers import bring, flat, proved, receive

OPTIONS = {"gold": "Gold tier"}


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("integer", "42", ""),
        ("integer", "0", "integer_not_strict"),
        ("integer", "007", "integer_not_strict"),
        ("integer", "+7", "integer_not_strict"),
        ("integer", "-7", "integer_not_strict"),
        ("integer", "many", "not_an_integer"),
        ("date", "2024-05-31", ""),
        ("date", "31.05.2024", "date_not_iso"),
        ("date", "2024/05/31", "date_not_iso"),
        ("date", "2024-02-31", "date_does_not_exist"),
        ("datetime", "2024-05-31T10:00:00Z", ""),
        ("datetime", "31.05.2024", "date_not_iso"),
        ("choice", "gold", ""),
        ("choice", "Gold tier", "not_an_option"),
        ("choice", "GOLD", "not_an_option"),
        ("choices", "gold | Gold tier", "not_an_option"),
    ],
)
def test_values(kind: str, text: str, code: str) -> None:
    parse = parser(kind, options=OPTIONS, strict=True, formats=("%d.%m.%Y",) if "date" in kind else ())
    try:
        parse(text)
        found = ""
    except BadValue as problem:
        found = problem.code
    assert found == code


@pytest.fixture
def strict() -> Tenant:
    return workspace(person("Alice"), strict_values=True)


def codes(tenant: Tenant, imp: Import) -> list[tuple[int, str]]:
    with tenant_context(tenant.pk):
        return list(RowIssue.objects.filter(import_id=imp.pk).order_by("row_no").values_list("row_no", "code"))


def contacts(tenant: Tenant) -> list[Contact]:
    with tenant_context(tenant.pk):
        return list(Contact.objects.order_by("email"))


def test_values_of_a_file(strict: Tenant) -> None:
    with tenant_context(strict.pk):
        Attribute.objects.create(key="visits", label="Visits", type="integer")
    imp = bring(
        strict, "email,visits,birthday\na@x.example,0,2024-05-31\nb@x.example,3,31.05.2024\nc@x.example,5,2024-05-30\n"
    )
    assert codes(strict, imp) == [(2, "integer_not_strict"), (3, "date_not_iso")]
    assert (imp.created, imp.in_error) == (1, 2)
    proved(strict, imp)


def test_a_column_filled_in_part_is_left_out(strict: Tenant, tenant: Tenant) -> None:
    rows = "email,phone,birthday,city,visits\na@x.example,+447911123456,2024-05-31,Riga,\nb@x.example,,2024-05-31,,\n"
    imp = bring(strict, rows, maps={"visits": "new:integer:visits"})
    assert [(c["name"], c["filled"], c["rows"]) for c in imp.refused_columns] == [("phone", 1, 2)]
    assert codes(strict, imp) == [(1, "column_partly_filled")]
    assert [(c.phone, c.attributes.get("city")) for c in contacts(strict)] == [(None, "Riga"), (None, None)]
    assert imp.created == 2
    proved(strict, imp)
    plain = bring(tenant, rows, maps={"visits": "new:integer:visits"})
    assert plain.refused_columns == []
    assert [c.phone for c in contacts(tenant)] == ["+447911123456", None]


def test_rows_that_cannot_be_read_do_not_count(strict: Tenant) -> None:
    imp = bring(strict, "email,birthday\na@x.example,2024-05-31\n,\nb@x.example\nc@x.example,2024-05-30\n")
    assert imp.refused_columns == []
    assert codes(strict, imp) == [(4, "too_few_cells")]


def test_without_an_identifier_the_import_fails(strict: Tenant) -> None:
    imp = bring(strict, "phone,city\n+447911123456,Riga\n,Oslo\n")
    assert (imp.status, imp.reason, imp.reason_facts["name"]) == ("failed", "column_partly_filled", "phone")
    assert contacts(strict) == []


def test_dates_have_no_formats(strict: Tenant) -> None:
    imp = receive(strict, "email,birthday\na@x.example,03/04/1988\n")
    with tenant_context(strict.pk):
        assert "formats" not in column_choices.apply_choices(imp, {})[1]
        with pytest.raises(column_choices.BadMapping, match="Possible formats: none"):
            column_choices.apply_choices(imp, {}, written={"birthday": "%d/%m/%Y"})


def test_pages_name_the_column(alice: Actor) -> None:
    Tenant.objects.filter(pk=alice.workspace.pk).update(strict_values=True)
    imp = bring(alice.workspace, "email,phone\na@x.example,+447911123456\nb@x.example,\n", review=True)
    said = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "Column phone is not imported." in said
    assert "1 of 2 rows" in flat(said)
    draft = receive(alice.workspace, "email,birthday\na@x.example,03/04/1988\n")
    assert "3 April or 4 March" not in alice.get(f"imports/{draft.pk}/").content.decode()


@pytest.mark.parametrize(
    ("separators", "rows", "reason"),
    [
        ("", "email;city\na@x.example;Riga\n", ""),
        (";|", "email;city\na@x.example;Riga\n", ""),
        (",", "email;city\na@x.example;Riga\n", "separator_not_allowed"),
        (";", "email\na@x.example\n", ""),
    ],
)
def test_separators(alice: Actor, separators: str, rows: str, reason: str) -> None:
    Tenant.objects.filter(pk=alice.workspace.pk).update(separators=separators)
    response: Any = alice.post("imports/upload/", {"text": rows})
    assert response.status_code == (422 if reason else 302)
    assert (
        "separated by semicolon. This workspace only accepts files that use comma." in response.content.decode()
    ) == bool(reason)


@pytest.mark.parametrize(("least", "status", "reason"), [(2, "imported", ""), (3, "failed", "too_few_rows")])
def test_least_number_of_rows(tenant: Tenant, least: int, status: str, reason: str) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(min_rows=least)
    imp = bring(tenant, "email\na@x.example\nb@x.example\n")
    assert (imp.status, imp.reason) == (status, reason)


def test_mended_rows_need_not_keep_the_rules_of_files(alice: Actor) -> None:
    from imports.pipeline import worker
    from imports.results import corrections

    own = alice.workspace
    Tenant.objects.filter(pk=own.pk).update(separators=";", min_rows=3, strict_values=True)
    own.refresh_from_db()
    imp = bring(own, "email;phone\na@@x.example;+447911123456\nb@x.example;\nc@x.example;\n", user=alice.user)
    assert (imp.status, imp.created, imp.in_error) == ("imported", 2, 1)
    with tenant_context(own.pk):
        corrections.correct_row(imp, 2, {0: "a@x.example"}, chosen=None)
        made = corrections.import_corrections(imp, tenant=own, user=alice.user)
    assert made is not None
    worker.work(own.pk, made.pk)
    with tenant_context(own.pk):
        made.refresh_from_db()
    assert (made.status, made.created, made.refused_columns) == ("imported", 1, [])
    assert [c.phone for c in contacts(own)] == [None, None, None]
