"""Rows in error are mended where they stand, judged at once, and brought again as an import of their own."""

from contacts.models import Contact
from imports.models import Import, RejectedRow
from imports.pipeline import worker
from imports.results import corrections
from tenants.isolation.context import tenant_context
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
