"""Decimals keep their digits on every way through the product: none passes through a float."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.bulk import export
from contacts.duplicates import merge
from contacts.models import Attribute, BulkAction, Contact, Merge
from contacts.profile import edit
from contacts.values.types import parser
from core import exact_json, formatting
from imports.pipeline import undo, worker
from segments.rules import compiler, tree
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.contacts.bulk.test_actions import begin, exported, undone, work
from tests.contacts.fields.test_custom_fields import retyped
from tests.imports.helpers import bring
from tracking.models import Event

LONG, ZEROS = "12345678901234567890.12", "12.10"
NUMBERS = (LONG, ZEROS, "0.10", "-0.30", "100000000000000000000.00000000000000000001", "0.00000010", "1.0", "7",
           "12345678901234567890", "-9007199254740993", "999999999999999999999999999999")  # fmt: skip


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,29})(\.[0-9]{1,20})?", fullmatch=True))
def test_json_gives_back_the_digits_it_got(text: str) -> None:
    value = exact_json.plain(parser("decimal")(text))
    assert not isinstance(value, float)
    assert exact_json.dumps(value) == (text if text != "-0" else "0")
    assert exact_json.dumps({"a": [value, {"b": value}]}) == '{"a":[@,{"b":@}]}'.replace("@", exact_json.dumps(value))
    assert export.cell(value) == formatting.stored(value) == exact_json.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), {"a": 10**30}, {1: "x"}, "\ud800", [None, True, "é"], {"n": 1.5}])
def test_all_else_is_written_as_before(value: Any) -> None:
    assert exact_json.loads(exact_json.dumps(value)) == (
        None if value != value else {"1": "x"} if value == {1: "x"} else value
    )


def test_what_is_no_json_is_refused() -> None:
    for value in (object(), Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(TypeError):
            exact_json.dumps({"a": value})


def file(*numbers: str) -> str:
    return "email,Price,City\n" + "".join(f"p{i:02}@example.com,{n},Riga\n" for i, n in enumerate(numbers))


MAPS = {"Price": "new:decimal:price"}


def prices(who: Actor) -> list[str]:
    """The digits as the database has them."""
    with tenant_context(who.workspace.pk):
        rows = Contact.objects.living().order_by("email").values_list("attributes__price", flat=True)
        return [exact_json.dumps(value) for value in rows]


def test_import_export_import(alice: Actor) -> None:
    bring(alice.workspace, file(*NUMBERS), maps=MAPS)
    assert prices(alice) == list(NUMBERS)
    _action, rows = exported(alice)
    at = rows[0].index("Price")
    assert [row[at].lstrip("'") for row in sorted(rows[1:], key=lambda row: int(row[0][1:].split("@")[0]))] == list(
        NUMBERS
    )
    again = bring(alice.workspace, "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows))
    assert (again.unchanged, again.in_error) == (len(NUMBERS), 0)
    assert prices(alice) == list(NUMBERS)


def test_edit_of_another_field_and_its_undo(alice: Actor) -> None:
    bring(alice.workspace, file(LONG, ZEROS), maps=MAPS)
    for i in range(2):
        with tenant_context(alice.workspace.pk):
            contact = Contact.objects.get(email=f"p{i:02}@example.com")
        page = alice.get(f"contacts/{contact.pk}/edit/").content.decode()
        assert f'value="{(LONG, ZEROS)[i]}"' in page
        form = {
            "email": contact.email,
            "price": (LONG, ZEROS)[i],
            "city": "Oslo",
            "seen": contact.changed_at.isoformat(),
        }
        assert alice.post(f"contacts/{contact.pk}/edit/", form).status_code == 302
    assert prices(alice) == [LONG, ZEROS]
    with tenant_context(alice.workspace.pk):
        assert all("price" not in entry.detail["values"] for entry in AuditEntry.objects.filter(verb="contact.edited"))


def test_edit_of_the_number_and_its_undo(alice: Actor) -> None:
    bring(alice.workspace, file(LONG), maps=MAPS)
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get()
    form = {"email": contact.email, "price": "98765432109876543210.10", "city": "Riga"}
    alice.post(f"contacts/{contact.pk}/edit/", form | {"seen": contact.changed_at.isoformat()})
    assert prices(alice) == ["98765432109876543210.10"]
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.get(verb="contact.edited")
        assert exact_json.dumps(entry.detail["values"]["price"]) == f"[[{LONG}],[98765432109876543210.10]]"
        edit.undo(Contact.objects.select_for_update().get(), entry.detail, user_id=alice.user.pk)
    assert prices(alice) == [LONG]


def test_merge_and_its_undo(alice: Actor) -> None:
    bring(alice.workspace, file(LONG, ZEROS), maps=MAPS)
    with tenant_context(alice.workspace.pk):
        ids = list(Contact.objects.order_by("email").values_list("pk", flat=True))
        made = merge.merge(ids, chosen={"price": ids[1]}, user_id=None)
        assert made is not None
    assert prices(alice) == [ZEROS]
    with tenant_context(alice.workspace.pk):
        assert exact_json.dumps(Merge.objects.get().values["price"]) == f"[[{LONG}],[{ZEROS}]]"
        merge.undo(made.pk, user_id=None)
    assert prices(alice) == [LONG, ZEROS]


def test_undo_of_an_import(alice: Actor) -> None:
    bring(alice.workspace, file(*NUMBERS), maps=MAPS)
    second = bring(alice.workspace, file(*["5.50" for _ in NUMBERS]), maps={"Price": "price"})
    assert set(prices(alice)) == {"5.50"}
    with tenant_context(alice.workspace.pk):
        undo.request(second, "undo", user=alice.user)
    worker.work(alice.workspace.pk, second.pk)
    assert prices(alice) == list(NUMBERS)


def test_another_type_and_back(alice: Actor) -> None:
    bring(alice.workspace, file(LONG, ZEROS), maps=MAPS)
    action = retyped(alice, "text")
    with tenant_context(alice.workspace.pk):
        rows = list(Contact.objects.order_by("email").values_list("attributes__price", flat=True))
    assert rows == [LONG, ZEROS]
    undone(alice, action)
    assert prices(alice) == [LONG, ZEROS]
    retyped(alice, "text")
    retyped(alice, "decimal")
    assert prices(alice) == [LONG, ZEROS]


@pytest.mark.parametrize(
    ("op", "value", "found"),
    [
        ("is", LONG, 1),
        ("is", "12345678901234567890.13", 0),
        ("is", "12.1", 1),
        ("at_least", LONG, 1),
        ("at_least", "12345678901234567890.13", 0),
        ("less", "12345678901234567890.13", 2),
        ("less", LONG, 1),
    ],
)
def test_rules_compare_all_digits(alice: Actor, op: str, value: str, found: int) -> None:
    bring(alice.workspace, file(LONG, ZEROS), maps=MAPS)
    with tenant_context(alice.workspace.pk):
        rule = tree.Group("all", (tree.FieldCondition("price", op, (value,)),))
        assert Contact.objects.filter(compiler.compile_rule(rule)).count() == found


def test_pages_show_all_digits(alice: Actor) -> None:
    bring(alice.workspace, file(LONG, ZEROS, "0.00000010"), maps=MAPS)
    with tenant_context(alice.workspace.pk):
        people = {c.email: c.pk for c in Contact.objects.all()}
    for i, number in enumerate((LONG, ZEROS, "0.00000010")):
        assert number in alice.get(f"contacts/{people[f'p{i:02}@example.com']}/").content.decode()
    query = "&".join(f"id={pk}" for pk in people.values())
    page = alice.get(f"contacts/merge/?{query}").content.decode()
    assert LONG in page
    assert ZEROS in page


def test_review_and_items_of_orders(alice: Actor) -> None:
    bring(alice.workspace, file(ZEROS), maps=MAPS)
    imp = bring(alice.workspace, file(LONG), maps={"Price": "price"}, review=True)
    assert LONG in alice.get(f"imports/{imp.pk}/").content.decode()
    rows = 'email,order,sum,items\na@example.com,1,12.10,"[{""name"": ""Tent"", ""price"": 12345678901234567890.10}]"\n'
    bring(
        alice.workspace, rows, maps={"order": "event.id", "sum": "event.amount", "items": "event.items"}, task="orders"
    )
    with tenant_context(alice.workspace.pk):
        event = Event.objects.get()
    assert exact_json.dumps(event.properties["amount"]) == "12.10"
    assert exact_json.dumps(event.properties["items"][0]["price"]) == "12345678901234567890.10"


def test_a_bulk_action_keeps_them(alice: Actor) -> None:
    bring(alice.workspace, file(LONG, ZEROS), maps=MAPS)
    with tenant_context(alice.workspace.pk):
        Contact.objects.update(email_status="spam")
    action = work(alice, begin(alice, "delete", reason="tidy"))
    assert isinstance(action, BulkAction)
    undone(alice, action)
    assert prices(alice) == [LONG, ZEROS]
    with tenant_context(alice.workspace.pk):
        assert Attribute.objects.get().type == "decimal"


@pytest.mark.parametrize("text", ["1e999999999", "-1E-999999999", "1e400"])
def test_powers_of_ten_that_nobody_means_stay_small(text: str) -> None:
    assert len(exact_json.dumps([exact_json.loads(text)])) < 400
