"""How dates and numbers of a column are written: found by its values, asked where they leave a doubt, then kept to."""

from datetime import date
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command

from contacts.models import Contact
from contacts.values.types import BadValue, parser
from imports.mapping import value_formats
from imports.models import Import, RowIssue
from imports.wizard import column_choices
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.contacts.bulk.test_actions import exported
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
        ("date", ["31/12/1990", "12/31/1990"], "strict", (DAY, MONTH, "strict")),
        ("date", ["31.12.1990", "31/12/1990"], "strict", ("%d.%m.%Y", DAY, "strict")),
        ("date", ["31/12/1990", "30/02/1980", "99/99/2024"], DAY, ()),
        ("date", ["99/99/2024"], "strict", ()),
        ("date", ["2024-05-31 10:00", "31/05/2024 10:00"], DAY, ()),
        ("date", ["31.05.80", "30.06.81"], "strict", tuple(f"%d.%m.%y@{first}" for first in value_formats.CENTURIES)),
        ("date", ["05/31/80", "1/2/81"], "strict", tuple(f"%m/%d/%y@{first}" for first in value_formats.CENTURIES)),
        ("date", ["80-05-31"], "strict", tuple(f"%y-%m-%d@{first}" for first in value_formats.CENTURIES)),
        ("date", ["31.05.80", "30.06.1981"], "strict", tuple(f"%d.%m.%y@{first}" for first in value_formats.CENTURIES)),
        ("birthday", ["31/05", "24/12"], DAY, ()),
        ("birthday", ["05/31", "24/12/1980", "12/24"], "strict", (MONTH, DAY, "strict")),
        ("birthday", ["05/04", "12/11"], "strict", (DAY, MONTH)),
        ("birthday", ["31.05.", "04.03."], "%d.%m.%Y", ()),
        ("birthday", ["--05-31", "1980-05-31"], "strict", ()),
        ("decimal", ["1.250", "3.400"], "strict", ("decimal_comma", "decimal_point")),
        ("decimal", ["1.250", "42"], "strict", ("decimal_comma", "decimal_point")),
        ("decimal", ["-1.250"], "strict", ("decimal_comma", "decimal_point")),
        ("decimal", ["1.250", "3.5"], "strict", ()),
        ("decimal", ["1.250", "0.125"], "strict", ()),
        ("decimal", ["1.250", "1234.567"], "strict", ()),
        ("decimal", ["0.125", "0.250"], "strict", ()),
        ("decimal", ["1.250", "3.400,50"], "decimal_comma", ()),
        ("decimal", ["1.250.000"], "decimal_comma", ()),
        ("decimal", ["1,250,000"], "decimal_point", ()),
        ("decimal", ["1'234.50"], "decimal_point", ()),
        ("decimal", ["1’234,50"], "decimal_comma", ()),
        ("decimal", ["1.234,56", "1,234.56"], "strict", ("decimal_comma", "decimal_point", "strict")),
        ("decimal", ["12.5", "1.2.3"], "strict", ()),
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
    found = value_formats.find(kind, samples)
    assert (found.choice, found.ask) == (choice, ask)


@pytest.mark.parametrize(
    ("kind", "values", "asked"),
    [
        ("date", ["03/04/1988"], "3 April or 4 March?"),
        ("date", ["11-12-1990"], "11 December or 12 November?"),
        ("date", ["31.05.80"], "31.05.80: in which century?"),
        ("date", ["03/04/80"], "03/04/80: 3 April or 4 March? And in which century?"),
        ("date", ["31/12/1990", "12/31/1990"], "31/12/1990 and 12/31/1990 have different formats: which one is right?"),
        ("birthday", ["03/04"], "3 April or 4 March?"),
        ("decimal", ["1,234"], "1,234: thousands or decimals?"),
        ("decimal", ["1.234"], "1.234: thousands or decimals?"),
        ("decimal", ["1.234,5", "1,234.5"], "1.234,5 and 1,234.5 have different formats: which one is right?"),
    ],
)
def test_question(kind: str, values: list[str], asked: str) -> None:
    assert value_formats.question(value_formats.kind_of(kind), value_formats.find(kind, values)) == asked


def outcome(kind: str, text: str, form: str = "") -> str:
    """What is stored, or the code of what is wrong."""
    try:
        return str(parser(kind, formats=(form,) if form else ())(text))
    except BadValue as problem:
        return problem.code


CLOCKS = {"": "00:00:00", " 10:11": "10:11:00", " 1:02:03 pm": "13:02:03", ", 10:11:12.5": "10:11:12.500000"}


@pytest.mark.parametrize("choice", [*value_formats.DATES, *value_formats.SHORT_DATES])
@pytest.mark.parametrize("day", [date(1930, 1, 2), date(1999, 12, 31), date(1980, 5, 31)])
def test_every_choice_reads_what_it_says(choice: str, day: date) -> None:
    form, _at, first = choice.partition("@")
    year = int(first or 1930) + (day.year - int(first or 1930)) % 100 if first else day.year
    text, wanted = day.strftime(form), day.replace(year=year)
    for behind, clock in CLOCKS.items():
        found = orjson.loads(orjson.dumps(parser("datetime", formats=(choice,))(text + behind)))
        assert found == f"{wanted:%Y-%m-%d}T{clock}Z"
    assert value_formats.possible("date", choice)
    assert choice in value_formats.offered("date", value_formats.Found(), choice)
    assert choice in value_formats.DATES or choice not in value_formats.offered("date", value_formats.Found(), "")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2024-05-31 10:00", "2024-05-31T10:00:00Z"),
        ("2024-05-31T10:00:00.123", "2024-05-31T10:00:00.123000Z"),
        ("2024-05-31T10:00:00.1234567Z", "2024-05-31T10:00:00.123456Z"),
        ("2024-05-31 10:00:00,5", "2024-05-31T10:00:00.500000Z"),
        ("2024-05-31 10:00:00 +02:00", "2024-05-31T08:00:00Z"),
        ("2024-05-31 10:00:00 -0500", "2024-05-31T15:00:00Z"),
        ("2024-05-31T10:00+02", "2024-05-31T08:00:00Z"),
        ("2024-05-31 10:11:12 UTC", "2024-05-31T10:11:12Z"),
        ("2024-05-31 10:11:12.000001 UTC", "2024-05-31T10:11:12.000001Z"),
        ("2024-05-31 10:11:12 GMT+0200", "2024-05-31T08:11:12Z"),
        ("2024-05-31 2:30 PM", "2024-05-31T14:30:00Z"),
        ("2024-05-31", "2024-05-31T00:00:00Z"),
        ("31/05/2024 10:00 UTC", "2024-05-31T10:00:00Z"),
        ("31/05/2024, 12:30 a.m.", "2024-05-31T00:30:00Z"),
        ("31/05/2024 10.30", "2024-05-31T10:30:00Z"),
        ("2024-05-31 10:00:00 EST", "time_zone_unclear"),
        ("2024-05-31 25:00", "date_does_not_exist"),
        ("31/05/2024 13:00 PM", "date_does_not_exist"),
        ("30/02/1980", "date_does_not_exist"),
        ("30.02.1980", "date_does_not_exist"),
        ("30.02.80", "date_does_not_exist"),
        ("31.05.1980", "date_other_format"),
        ("05/31/1980", "date_other_format"),
        ("31/05/80", "date_other_format"),
        ("31/05", "date_other_format"),
        ("unbekannt", "not_a_date"),
        ("n/a", "not_a_date"),
        ("1.2.3.4", "not_a_date"),
        ("31/05/２０２４", "not_a_date"),
        ("٣١/٠٥/٢٠٢٤", "not_a_date"),
    ],
)
def test_times_beside_a_format(text: str, stored: str) -> None:
    assert outcome("datetime", text, DAY) == stored


@pytest.mark.parametrize(
    ("text", "form", "stored"),
    [
        ("--05-31", "", "--05-31"),
        ("--0531", "", "--05-31"),
        ("--02-29", "", "--02-29"),
        ("31.05.", "", "--05-31"),
        ("31/5", "", "--05-31"),
        ("05-31", "", "--05-31"),
        ("05/05", "", "--05-05"),
        ("29.02.", "", "--02-29"),
        ("1604-05-31", "", "--05-31"),
        ("0000-05-31", "", "--05-31"),
        ("1980-05-31", "", "1980-05-31"),
        ("03/04", DAY, "--04-03"),
        ("03/04", MONTH, "--03-04"),
        ("3/4/1980", MONTH, "1980-03-04"),
        ("03/04", "", "date_ambiguous"),
        ("03.04.", DAY, "date_other_format"),
        ("30.02.", "", "date_does_not_exist"),
        ("--02-30", "", "date_does_not_exist"),
        ("--13-01", "", "date_does_not_exist"),
        ("0000-00-00", "", "date_does_not_exist"),
        ("31/05", MONTH, "date_other_format"),
        ("31.05.80", "", "date_century_unclear"),
        ("soon", "", "not_a_date"),
    ],
)
def test_birthdays(text: str, form: str, stored: str) -> None:
    assert outcome("birthday", text, form) == stored


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
        with pytest.raises(column_choices.BadMapping, match="dates in column birthday are written: 3 April or 4 March"):
            column_choices.apply_choices(imp, {})
        with pytest.raises(column_choices.BadMapping, match="decimal_comma is not a format of column birthday"):
            column_choices.apply_choices(imp, {}, written={"birthday": "decimal_comma"})
        with pytest.raises(column_choices.BadMapping, match="is not a format of column email"):
            column_choices.apply_choices(imp, {}, written={"email": DAY})
        with pytest.raises(column_choices.BadMapping, match="no column nothing"):
            column_choices.apply_choices(imp, {}, written={"nothing": DAY})
        assert column_choices.apply_choices(imp, {}, written={"birthday": "strict"})[1]["formats"] == []
        assert column_choices.apply_choices(imp, {}, written={"#1": MONTH})[1]["formats"][0] == MONTH
        assert column_choices.apply_choices(imp, {"birthday": "skip"})[1]["target"] == "skip"


def test_the_page_asks_and_takes_the_answer(alice: Actor) -> None:
    imp = receive(alice.workspace, "email,birthday\na@x.example,03/04/1988\nb@x.example,11/12/1990\n")
    said = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "3 April or 4 March?" in said
    assert "Every value can be read either way." in said
    assert "1 needs a decision" in said
    form = {
        "column-0": "email", "column-1": "birthday", "date-format-1": "", "mode": "create_and_update",
        "existing": "overwrite", "blank": "keep", "duplicates": "last", "bad_value": "error",
    }  # fmt: skip
    refused = alice.post(f"imports/{imp.pk}/start/", form)
    assert refused.status_code == 422
    assert "Choose how dates in column birthday are written" in refused.content.decode()
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
    from imports.management.commands import import_contacts
    from imports.pipeline import worker

    monkeypatch.setattr(import_contacts, "POLL_SECONDS", 0)
    waited = import_contacts._wait

    def work(of: Tenant, import_id: int, *, review: bool) -> dict[str, Any]:
        worker.work(of.pk, import_id)
        return waited(of, import_id, review=review)

    monkeypatch.setattr(import_contacts, "_wait", work)
    path = tmp_path / "people.csv"
    path.write_text("email,birthday\na@x.example,03/04/1988\n")
    with pytest.raises(CommandError, match=rf"3 April or 4 March\? Use --set format\.birthday={DAY} or"):
        call_command("import_contacts", path, workspace=tenant.slug, json=True)
    call_command("import_contacts", path, workspace=tenant.slug, json=True, pairs=[f"format.birthday={DAY}"])
    with tenant_context(tenant.pk):
        assert Contact.objects.get().attributes["birthday"] == "1988-04-03"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("30.02.1980", "date_does_not_exist"),
        ("31.05.80", "date_century_unclear"),
        ("31.05.", "date_without_year"),
        ("2024-01-02 10:11:12 CET", "time_zone_unclear"),
        ("2024-01-02 10:11:12 UTC", "2024-01-02T10:11:12Z"),
        ("31/05/2024 10:00", "2024-05-31T10:00:00Z"),
        ("03/04/2024 10:00", "date_ambiguous"),
        ("unbekannt", "not_a_date"),
    ],
)
def test_reasons_without_a_format(text: str, code: str) -> None:
    assert outcome("datetime", text) == code


# --- through the pipeline -----------------------------------------------------------------------------------------------


def test_iso_times_with_and_without_seconds_beside_another_format(tenant: Tenant) -> None:
    rows = "a@x.example,2024-05-31 10:00\nb@x.example,2024-05-31 10:00:00\nc@x.example,31/05/2024 10:00\n"
    imp = bring(tenant, "email,Due\n" + rows, maps={"Due": "new:datetime:due"})
    assert (imp.created, imp.in_error) == (3, 0)
    assert set(values(tenant, imp, "due").values()) == {"2024-05-31T10:00:00Z"}


@pytest.mark.parametrize(
    ("cells", "kind", "asked"),
    [
        (["1.250", "3.400"], "decimal", "1.250: thousands or decimals"),
        (["31.05.80", "01.06.81"], "date", "31.05.80: in which century"),
        (["31/12/1990", "12/31/1990"], "date", "have different formats"),
    ],
)
def test_nothing_starts_before_the_answer(tenant: Tenant, cells: list[str], kind: str, asked: str) -> None:
    rows = "email,What\n" + "".join(f"p{i}@x.example,{cell}\n" for i, cell in enumerate(cells))
    imp = receive(tenant, rows)
    with tenant_context(tenant.pk), pytest.raises(column_choices.BadMapping, match=asked):
        column_choices.apply_choices(imp, {"What": f"new:{kind}:what"})


def test_the_century_is_chosen(tenant: Tenant) -> None:
    rows = "email,birthday\na@x.example,31.05.80\nb@x.example,01.06.29\nc@x.example,01.06.2001\n"
    bring(tenant, rows, formats={"birthday": "%d.%m.%y@1900"})
    with tenant_context(tenant.pk):
        found = [c.attributes["birthday"] for c in Contact.objects.order_by("email")]
    assert found == ["1980-05-31", "1929-06-01", "2001-06-01"]


def test_the_page_offers_the_century(alice: Actor) -> None:
    imp = receive(alice.workspace, "email,birthday\na@x.example,31.05.80\nb@x.example,01.06.81\n")
    said = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "31.05.80: in which century?" in said
    assert "31.05.24, day first; years 1900 to 1999" in said
    assert "05/31/24, month first" not in said
    assert "1 needs a decision" in said


def test_a_mixed_column_is_not_known(alice: Actor) -> None:
    imp = receive(alice.workspace, "email,birthday\na@x.example,31/12/1990\nb@x.example,12/31/1990\n")
    said = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "have different formats: which one is right?" in said
    assert "The column has mixed formats." in said
    assert "1 needs a decision" in said


def test_birthdays_without_a_year_come_in_and_go_out(alice: Actor) -> None:
    rows = "email,birthday\na@x.example,31.05.\nb@x.example,24.12.1980\nc@x.example,1604-02-29\n"
    imp = bring(alice.workspace, rows)
    assert (imp.created, imp.in_error) == (3, 0)
    wanted = ["--05-31", "1980-12-24", "--02-29"]
    assert list(values(alice.workspace, imp, "birthday").values()) == wanted
    _action, exported_rows = exported(alice)
    text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in exported_rows)
    assert "'--05-31" in text
    again_imp = bring(alice.workspace, text)
    assert (again_imp.unchanged, again_imp.in_error) == (3, 0)
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get(email="a@x.example")
    assert "31 May" in alice.get(f"contacts/{contact.pk}/").content.decode()
    page = alice.get(f"contacts/{contact.pk}/edit/").content.decode()
    assert 'value="--05-31"' in page
    form = {"email": contact.email, "birthday": "--05-31", "city": "Riga", "seen": contact.changed_at.isoformat()}
    assert alice.post(f"contacts/{contact.pk}/edit/", form).status_code == 302
    assert list(values(alice.workspace, imp, "birthday").values()) == wanted
