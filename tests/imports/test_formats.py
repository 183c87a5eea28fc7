"""How dates and numbers of a column are written: found by its values, asked where they leave a doubt, then kept to."""

from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command

from contacts.attributes import BadValue, parser
from contacts.models import Contact
from imports import columns, formats
from imports.models import Import, RowIssue
from tenants.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, proved, receive

DAY, MONTH = "%d/%m/%Y", "%m/%d/%Y"


@pytest.mark.parametrize(
    ("kind", "samples", "choice", "ask"),
    [
        ("date", [], "strict", ()),
        ("date", ["2024-05-31", "2024-01-02"], "strict", ()),
        ("date", ["yesterday"], "strict", ()),
        ("date", ["03/04/1988", "31/12/1990"], DAY, ()),
        ("date", ["03/04/1988", "12/31/1990"], MONTH, ()),
        ("date", ["03.04.1988", "31.12.1990"], "%d.%m.%Y", ()),
        ("date", ["03-04-1988", "31-12-1990"], "%d-%m-%Y", ()),
        ("date", ["03/04/1988", "11/12/1990"], "strict", (DAY, MONTH)),
        ("date", ["05/05/1988"], "strict", (DAY, MONTH)),
        ("date", ["2024-05-31", "03/04/1988"], "strict", (DAY, MONTH)),
        ("date", ["31/12/1990", "12/31/1990"], "strict", ()),
        ("date", ["2024/05/31"], "strict", ()),
        ("datetime", ["31/12/1990 10:00", "03/04/1988 11:30:05"], DAY, ()),
        ("datetime", ["12/31/1990 2:30 PM"], MONTH, ()),
        ("decimal", ["12.50", "7"], "strict", ()),
        ("decimal", ["1.234,56", "7"], "decimal_comma", ()),
        ("decimal", ["1 234,56"], "decimal_comma", ()),
        ("decimal", ["12,5"], "decimal_comma", ()),
        ("decimal", ["1,234.56", "12.5"], "decimal_point", ()),
        ("decimal", ["1,234"], "strict", ("decimal_comma", "decimal_point")),
        ("decimal", ["€ 12"], "strict", ()),
        ("integer", ["1,234"], "decimal_point", ()),
        ("integer", ["1.234"], "decimal_comma", ()),
        ("integer", ["42"], "strict", ()),
        ("text", ["03/04/1988"], "strict", ()),
    ],
)
def test_what_values_allow(kind: str, samples: list[str], choice: str, ask: tuple[str, ...]) -> None:
    found = formats.find(kind, samples)
    assert (found.choice, found.ask) == (choice, ask)


@pytest.mark.parametrize(
    ("kind", "example", "asked"),
    [
        ("date", "03/04/1988", "3 April or 4 March?"),
        ("date", "11-12-1990", "11 December or 12 November?"),
        ("number", "1,234", "1,234: thousands or decimals?"),
    ],
)
def test_question(kind: str, example: str, asked: str) -> None:
    assert formats.question(kind, example) == asked


@pytest.mark.parametrize(
    ("kind", "form", "text", "value"),
    [
        ("decimal", "decimal_comma", "1.234,56", "1234.56"),
        ("decimal", "decimal_comma", "1 234 567,5", "1234567.5"),
        ("decimal", "decimal_comma", "-1\u202f234,50", "-1234.50"),
        ("decimal", "decimal_comma", "1'234", "1234"),
        ("decimal", "decimal_comma", "0,5", "0.5"),
        ("decimal", "decimal_comma", "12.50", "number_other_format"),
        ("decimal", "decimal_comma", "1.234.56", "number_other_format"),
        ("decimal", "decimal_comma", "1.234 567", "number_other_format"),
        ("decimal", "decimal_comma", "€ 12,50", "number_with_currency"),
        ("decimal", "decimal_point", "1,234.56", "1234.56"),
        ("decimal", "decimal_point", "1,23", "number_other_format"),
        ("decimal", "decimal_point", "USD 12", "number_with_currency"),
        ("decimal", "decimal_point", "many", "number_other_format"),
        ("integer", "decimal_comma", "1.234", "1234"),
        ("integer", "decimal_point", "1,234,567", "1234567"),
        ("integer", "decimal_point", "1,234.5", "not_an_integer"),
    ],
)
def test_numbers(kind: str, form: str, text: str, value: str) -> None:
    try:
        found = orjson.dumps(parser(kind, formats=(form,))(text)).decode()
    except BadValue as problem:
        found = problem.code
    assert found == value


def values(tenant: Tenant, imp: Import, key: str) -> dict[str, Any]:
    with tenant_context(tenant.pk):
        return {c.email: c.attributes.get(key) for c in Contact.objects.order_by("email")}


def test_a_clear_column_is_read_by_its_form(tenant: Tenant) -> None:
    imp = bring(tenant, "email,birthday\na@x.example,03/04/1988\nb@x.example,31/12/1990\nc@x.example,2001-02-03\n")
    proved(tenant, imp)
    assert (imp.created, imp.mapping[1]["formats"][0]) == (3, DAY)
    assert list(values(tenant, imp, "birthday").values()) == ["1988-04-03", "1990-12-31", "2001-02-03"]


def test_an_ambiguous_column_is_asked_about(tenant: Tenant) -> None:
    imp = receive(tenant, "email,birthday\na@x.example,03/04/1988\n")
    with tenant_context(tenant.pk):
        with pytest.raises(columns.BadMapping, match="dates of column birthday are written: 3 April or 4 March"):
            columns.choose(imp, {})
        with pytest.raises(columns.BadMapping, match="Column birthday cannot be written as decimal_comma"):
            columns.choose(imp, {}, written={"birthday": "decimal_comma"})
        with pytest.raises(columns.BadMapping, match="Column email cannot be written as"):
            columns.choose(imp, {}, written={"email": DAY})
        with pytest.raises(columns.BadMapping, match="no column nothing"):
            columns.choose(imp, {}, written={"nothing": DAY})
        assert columns.choose(imp, {}, written={"birthday": "strict"})[1]["formats"] == []
        assert columns.choose(imp, {}, written={"#1": MONTH})[1]["formats"][0] == MONTH
        assert columns.choose(imp, {"birthday": "skip"})[1]["target"] == "skip"


def test_the_page_asks_and_takes_the_answer(alice: Actor) -> None:
    imp = receive(alice.workspace, "email,birthday\na@x.example,03/04/1988\nb@x.example,11/12/1990\n")
    said = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "3 April or 4 March?" in said
    assert "Every value can be read both ways." in said
    assert "1 needs you" in said
    form = {
        "column-0": "email", "column-1": "birthday", "date-format-1": "", "mode": "create_and_update",
        "existing": "overwrite", "blank": "keep", "duplicates": "last", "bad_value": "error",
    }  # fmt: skip
    refused = alice.post(f"imports/{imp.pk}/start/", form)
    assert refused.status_code == 422
    assert "Choose how dates of column birthday are written" in refused.content.decode()
    taken = alice.post(f"imports/{imp.pk}/start/", form | {"date-format-1": MONTH})
    assert taken.status_code == 302
    assert again(alice.workspace, imp).mapping[1]["formats"][0] == MONTH


def test_amounts_and_times_of_events(tenant: Tenant) -> None:
    rows = 'email,order,sum,at\na@x.example,1,"1.234,50",31/12/2024 10:00\nb@x.example,2,€ 5,03/04/2024\n'
    maps = {"order": "event.id", "sum": "event.amount", "at": "event.time"}
    imp = bring(tenant, rows, maps=maps, task="orders")
    assert [c.get("formats", [""])[0] for c in imp.mapping[2:]] == ["decimal_comma", DAY]
    with tenant_context(tenant.pk):
        assert list(RowIssue.objects.filter(import_id=imp.pk).values_list("code", flat=True)) == [
            "number_with_currency"
        ]
    assert imp.events_added == 1


def test_on_the_command_line(tenant: Tenant, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from imports import running
    from imports.management.commands import import_contacts

    monkeypatch.setattr(import_contacts, "POLL_SECONDS", 0)
    waited = import_contacts._wait

    def work(of: Tenant, import_id: int, *, review: bool) -> dict[str, Any]:
        running.work(of.pk, import_id)
        return waited(of, import_id, review=review)

    monkeypatch.setattr(import_contacts, "_wait", work)
    path = tmp_path / "people.csv"
    path.write_text("email,birthday\na@x.example,03/04/1988\n")
    with pytest.raises(CommandError, match="3 April or 4 March"):
        call_command("import_contacts", path, workspace=tenant.slug, json=True)
    call_command("import_contacts", path, workspace=tenant.slug, json=True, pairs=[f"format.birthday={DAY}"])
    with tenant_context(tenant.pk):
        assert Contact.objects.get().attributes["birthday"] == "1988-04-03"
