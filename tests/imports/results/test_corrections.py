"""Rows in error are mended where they stand, judged at once, and brought again as an import of their own."""

from collections.abc import Callable
from typing import Any

import pytest

from contacts.models import Contact
from imports.models import Import, RejectedRow
from imports.pipeline import parse_unit, worker
from imports.results import corrections, error_rows
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, flat, proved

FILE = (
    "email,phone,First name\n"
    "ann@example.com,,Ann\n"
    "bob@@example.com,,Bob\n"
    "cid@example,3.46E+10,Cid\n"
    "dan@example.com\n"
    ",,Eve\n"
)


def fragment(actor: Actor, imp: Import, line: int, **cells: str) -> str:
    data = {f"r{line}-{'contact' if name == 'contact' else name[1:]}": value for name, value in cells.items()}
    response = actor.post(f"imports/{imp.pk}/rows/{line}/", data, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return str(response.content.decode())


def child(actor: Actor, imp: Import) -> Import:
    response = actor.post(f"imports/{imp.pk}/retry/")
    assert response.status_code == 302
    with tenant_context(actor.workspace.pk):
        made: Import = Import.objects.get(parent_id=imp.pk)
    assert response.headers["Location"].endswith(f"/imports/{made.pk}/")
    worker.work(actor.workspace.pk, made.pk)
    return again(actor.workspace, made)


def test_a_cell_is_judged_as_soon_as_it_is_left(alice: Actor) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user)
    assert (imp.created, imp.in_error) == (1, 4)
    said = fragment(alice, imp, 3, c0="bob@example")
    assert "Incomplete e-mail domain" in said
    said = fragment(alice, imp, 3, c0="bob@example.com")
    assert "Corrected by you" in said
    assert "was bob@@example.com" in said
    assert "1 row corrected" in said


def test_only_mended_rows_are_brought_again(alice: Actor) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user, segment="Fair")
    fragment(alice, imp, 3, c0="bob@example.com")
    fragment(alice, imp, 4, c0="cid@example.com")  # its phone is still damaged
    fragment(alice, imp, 5, c1="+44 7911 123456", c2="Dan")
    made = child(alice, imp)
    assert (made.rows, made.created, made.in_error, made.origin) == (2, 2, 0, "mended")
    proved(alice.workspace, made)
    with tenant_context(alice.workspace.pk):
        assert sorted(Contact.objects.values_list("first_name", flat=True)) == ["Ann", "Bob", "Dan"]
        rows = dict(RejectedRow.objects.filter(import_id=imp.pk).values_list("row_no", "retried_in"))
        assert rows == {3: made.pk, 4: None, 5: made.pk, 6: None}
        assert made.segments == imp.segments
    assert again(alice.workspace, imp).in_error == 4  # what happened then stays told as it was
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "2 rows were corrected and imported again:</b> 2 imported." in flat(page)
    assert f"/imports/{made.pk}/" in page


def test_a_second_click_brings_nothing_twice(alice: Actor) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user)
    fragment(alice, imp, 3, c0="bob@example.com")
    child(alice, imp)
    response = alice.post(f"imports/{imp.pk}/retry/")
    assert response.headers["Location"].endswith(f"/imports/{imp.pk}/")
    with tenant_context(alice.workspace.pk):
        assert Import.objects.filter(parent_id=imp.pk).count() == 1
    assert alice.post(f"imports/{imp.pk}/rows/3/", {"r3-0": "x"}).status_code == 404


def test_without_a_script_the_form_brings_what_was_typed(alice: Actor) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user)
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert 'name="r3-0"' in page
    typed = {"r3-0": "bob@example.com", "r4-0": "cid@example", "r4-1": "3.46E+10", "r6-0": ""}
    response = alice.post(f"imports/{imp.pk}/retry/", typed)
    assert response.status_code == 302
    with tenant_context(alice.workspace.pk):
        made = Import.objects.get(parent_id=imp.pk)
        untouched = RejectedRow.objects.filter(import_id=imp.pk, fixed__isnull=True).values_list("row_no", flat=True)
        assert sorted(untouched) == [4, 5, 6]
    worker.work(alice.workspace.pk, made.pk)
    assert again(alice.workspace, made).created == 1


def test_a_conflict_is_settled_by_choosing_the_contact(alice: Actor) -> None:
    tenant = alice.workspace
    with tenant_context(tenant.pk):
        one = Contact.objects.create(external_id="C-1", first_name="One", origin="manual")
        two = Contact.objects.create(email="two@example.com", first_name="Two", origin="manual")
    imp = bring(tenant, "external_id,email,city\nC-1,two@example.com,Riga\n", user=alice.user)
    assert imp.in_error == 1
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "Choose the contact" in page
    assert "0 rows" not in fragment(alice, imp, 2, contact="999999")  # not one of the two
    fragment(alice, imp, 2, contact=str(two.pk))
    made = child(alice, imp)
    assert (made.updated, made.in_error) == (1, 0)
    with tenant_context(tenant.pk):
        one.refresh_from_db()
        two.refresh_from_db()
        assert two.attributes == {"city": "Riga"}
        assert (two.external_id, one.external_id, one.email, one.attributes) == (None, "C-1", None, {})


def test_a_date_that_can_be_read_both_ways_names_no_contact(alice: Actor) -> None:
    """Its reason has two days, as a conflict has two contacts: the sheet must not look for a contact of that name."""
    maps = {"email": "email", "birthday": "birthday"}
    content = "email,birthday\na@example.com,1990-05-17\nb@example.com,03/04/1988\n"
    imp = bring(alice.workspace, content, user=alice.user, maps=maps, formats={"birthday": "strict"})
    assert (imp.created, imp.in_error) == (1, 1)
    page = alice.get(f"imports/{imp.pk}/")
    assert page.status_code == 200
    assert "Day and month unclear" in page.text


def test_it_is_not_for_viewers_or_strangers(alice: Actor, charlie: Actor, member: object) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user)
    viewer = member("viewer")  # type: ignore[operator]
    assert viewer.post(f"imports/{imp.pk}/rows/3/", {"r3-0": "bob@example.com"}).status_code == 404
    assert 'name="r3-0"' not in viewer.get(f"imports/{imp.pk}/").content.decode()
    assert charlie.client.post(alice.url(f"imports/{imp.pk}/retry/")).status_code == 404


def test_a_formula_in_a_cell_comes_through_as_it_is(alice: Actor) -> None:
    imp = bring(alice.workspace, 'email,First name\nx@@example.com,"=1+1"\n', user=alice.user)
    fragment(alice, imp, 2, c0="x@example.com")
    child(alice, imp)
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.get().first_name == "=1+1"


def test_cells_are_trimmed_to_the_header() -> None:
    assert corrections.trimmed(["a", "b", " ", ""], 2) == ["a", "b"]
    assert corrections.trimmed(["a", "", "c"], 2) == ["a", "", "c"]
    assert corrections.trimmed(["a"], 3) == ["a", "", ""]


# --- what is still wrong with a corrected row ---------------------------------------------------------------------------


def left(tenant: Tenant, imp: Import) -> dict[int, list[str] | None]:
    """Line → codes of what is wrong with the row, as it is kept."""
    with tenant_context(tenant.pk):
        rows = RejectedRow.objects.filter(import_id=imp.pk).values_list("row_no", "rechecked")
        return {line: kept and [code for _column, code, *_rest in kept["problems"]] for line, kept in rows}


def never(*_args: Any, **_kwargs: Any) -> Any:
    raise AssertionError("nothing is cleaned here")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Import]:
    """The imports for which a cleaner is made from now on."""
    made, original = [], parse_unit.compiled

    def compiled(imp: Import, *args: Any) -> Any:
        made.append(imp)
        return original(imp, *args)

    monkeypatch.setattr(parse_unit, "compiled", compiled)
    return made


def test_what_is_left_is_kept_with_the_row(alice: Actor) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user)
    assert left(alice.workspace, imp) == dict.fromkeys((3, 4, 5, 6))
    fragment(alice, imp, 3, c0="bob@example.com")
    fragment(alice, imp, 4, c0="cid@example.com")
    assert left(alice.workspace, imp) == {3: [], 4: ["phone_damaged_by_spreadsheet"], 5: None, 6: None}
    fragment(alice, imp, 3, c0="bob@@example.com")
    assert left(alice.workspace, imp)[3] is None, "it is as it came in"


def test_who_reads_the_sheet_or_downloads_it_cleans_nothing(
    alice: Actor, member: Callable[[str], Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user)
    fragment(alice, imp, 3, c0="bob@example.com")
    fragment(alice, imp, 4, c0="cid@example.com")
    monkeypatch.setattr(parse_unit, "compiled", never)
    with tenant_context(alice.workspace.pk):
        rows = {row.line: row for row in error_rows.sheet(imp)}
        said = "".join(error_rows.errors_csv(imp))
        assert corrections.ready_lines(imp) == [3]
        assert corrections.corrected_rows(imp) == [(3, ["bob@example.com", "", "Bob"], None)]
    assert {line: row.ready for line, row in rows.items()} == {3: True, 4: False, 5: False, 6: False}
    assert [mark.code for mark in rows[4].cells[1].marks] == ["phone_damaged_by_spreadsheet"]
    assert [mark.code for cell in rows[3].cells for mark in cell.marks] == []
    assert "phone_damaged_by_spreadsheet" in said
    assert member("viewer").get(f"imports/{imp.pk}/").status_code == 200


def test_many_rows_take_one_cleaner(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"p{n}@@example.com,,N{n}\n" for n in range(30))
    imp = bring(alice.workspace, f"email,phone,First name\n{rows}", user=alice.user)
    made = counted(monkeypatch)
    typed = {f"r{n + 2}-0": f"p{n}@example.com" for n in range(30)}
    assert alice.post(f"imports/{imp.pk}/retry/", typed).status_code == 302
    assert len(made) == 1
    with tenant_context(alice.workspace.pk):
        assert RejectedRow.objects.filter(import_id=imp.pk).exclude(retried_in=None).count() == 30


def test_a_change_in_many_cells_is_checked_with_them(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"p{n}@gmail,,N{n}\n" for n in range(30))
    imp = bring(alice.workspace, f"email,phone,First name\n{rows}", user=alice.user)
    made = counted(monkeypatch)
    with tenant_context(alice.workspace.pk):
        assert corrections.replace(imp, 0, "@gmail", "@gmail.com", whole=False) == 30
    assert len(made) == 1
    assert left(alice.workspace, imp) == {n + 2: [] for n in range(30)}


def without_a_country(alice: Actor) -> Import:
    """A row in error, corrected to a phone that only the country of the workspace makes a number."""
    Tenant.objects.filter(pk=alice.workspace.pk).update(country="")
    imp = bring(alice.workspace, "email,phone\na@@example.com,07911 123456\n", user=alice.user)
    fragment(alice, imp, 2, c0="a@example.com")
    assert left(alice.workspace, imp) == {2: ["phone_needs_country"]}
    Tenant.objects.filter(pk=alice.workspace.pk).update(country="GB")
    return imp


def test_a_check_is_outdated_when_the_rules_of_the_workspace_change(alice: Actor) -> None:
    imp = without_a_country(alice)
    with tenant_context(alice.workspace.pk):
        row = error_rows.row(imp, 2)
        assert corrections.ready_lines(imp) == [2]
    assert row is not None
    assert row.ready
    assert left(alice.workspace, imp) == {2: ["phone_needs_country"]}, "who reads writes nothing"
    made = child(alice, imp)
    assert (made.created, made.in_error) == (1, 0)
    assert left(alice.workspace, imp) == {2: []}


def test_a_row_that_was_brought_again_is_not_checked_again(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user)
    fragment(alice, imp, 3, c0="bob@example.com")
    child(alice, imp)
    Tenant.objects.filter(pk=alice.workspace.pk).update(country="LV")
    monkeypatch.setattr(parse_unit, "compiled", never)
    with tenant_context(alice.workspace.pk):
        row = error_rows.row(imp, 3)
    assert row is not None
    assert row.ready


def test_rows_corrected_before_checks_were_kept_are_checked_when_they_are_read(alice: Actor) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user)
    fragment(alice, imp, 3, c0="bob@example.com")
    fragment(alice, imp, 4, c0="cid@example.com")
    with tenant_context(alice.workspace.pk):
        RejectedRow.objects.filter(import_id=imp.pk).update(rechecked=None)
        assert corrections.ready_lines(imp) == [3]
        assert [row.ready for row in error_rows.sheet(imp)] == [True, False, False, False]
    assert child(alice, imp).created == 1
    assert left(alice.workspace, imp)[4] == ["phone_damaged_by_spreadsheet"]
