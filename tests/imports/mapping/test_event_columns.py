"""Orders and events in a file are noticed by the names of columns, proposed, and guessed."""

import pytest

from imports.cleaning import row_settings
from imports.mapping import event_columns
from imports.mapping.guess import guess, normal_name
from imports.models import Import
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, receive, work
from tracking.models import Event

SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Billing Name,Id"
)
WOO = (
    "Order Number,Order Status,Order Date,Customer Note,First Name (Billing),Last Name (Billing),Email (Billing),"
    "Phone (Billing),Order Total Amount,Item Name"
)
WOO_TABLE = "order_id,date_created,status,currency,total,billing_email,line_items"
MAGENTO = "increment_id,store_id,customer_email,customer_firstname,grand_total,order_currency_code,created_at"
ORDERS = [
    SHOPIFY, WOO, WOO_TABLE, MAGENTO, "email,order id,amount", "E-Mail;Bestellnummer;Bestelldatum;Betrag;Währung",
    "courriel;numéro de commande;date de commande;montant", "correo;número de pedido;fecha;importe",
    "e-mail;numero ordine;data ordine;totale", "email;número do pedido;data do pedido;valor total",
    "e-mailadres;bestelnummer;besteldatum;bedrag", "e-mail;numer zamówienia;data zamówienia;kwota",
    "пошта;номер замовлення;дата замовлення;сума", "почта;номер заказа;дата заказа;сумма",
    "epasts;pasūtījuma numurs;datums;summa", "email,order_no,order_total", "Email,Order,Date,Products",
]  # fmt: skip
EVENTS = [
    "email,event name,time", "email;event;timestamp", "E-Mail;Ereignis;Zeitpunkt", "courriel;événement;date",
    "correo;evento;fecha", "email;nome evento;data", "e-mail;gebeurtenis;datum", "email;zdarzenie;data",
    "пошта;подія;дата", "почта;событие;дата", "epasts;notikums;datums", "email,activity,event time",
]  # fmt: skip
CONTACTS = [
    "email,first name,last name,total spent,total orders,orders count", "email,created at,status,tags",
    "Email,First Name,Event", "email,activity,city", "id,email,date,amount", "name,email,currency,total",
    "Customer ID,First Name,Email,Accepts Email Marketing,Default Address City,Total Spent,Total Orders,Note,Tags",
    "E-Mail;Vorname;Nachname;Kundennummer;Umsatz;Letzte Bestellung", "email,transactional status,number",
]  # fmt: skip


def names(line: str) -> set[str]:
    return {normal_name(name) for name in line.replace(";", ",").split(",")}


@pytest.mark.parametrize("line", ORDERS)
def test_orders(line: str) -> None:
    assert event_columns.looks_like(names(line)) == "orders"


@pytest.mark.parametrize("line", EVENTS)
def test_events(line: str) -> None:
    assert event_columns.looks_like(names(line)) == "events"


@pytest.mark.parametrize("line", CONTACTS)
def test_contacts(line: str) -> None:
    assert event_columns.looks_like(names(line)) == "contacts"


@pytest.mark.parametrize("line", ORDERS)
def test_every_order_file_maps_by_itself(line: str) -> None:
    header = line.replace(";", ",").split(",")
    found = {g.target: header[g.column] for g in guess(header, [], attributes={}, task="orders")}
    assert "email" in found
    assert "event.id" in found
    assert {"event.amount", "event.time", "event.items"} & found.keys()


@pytest.mark.parametrize("line", EVENTS)
def test_every_events_file_maps_by_itself(line: str) -> None:
    header = line.replace(";", ",").split(",")
    found = {g.target for g in guess(header, [], attributes={}, task="events")}
    assert {"email", "event.name", "event.time"} <= found


def test_a_shopify_export() -> None:
    header = SHOPIFY.split(",")
    found = {g.target: header[g.column] for g in guess(header, [], attributes={}, task="orders")}
    wanted = {
        "event.id": "Name", "email": "Email", "event.currency": "Currency", "event.items": "Lineitem name",
        "event.time": "Paid at", "event.amount": "Total",
    }  # fmt: skip
    assert wanted.items() <= found.items()


def test_a_task_has_only_its_own_columns() -> None:
    for task in row_settings.TASKS:
        for line in (*ORDERS, *EVENTS):
            for found in guess(line.replace(";", ",").split(","), [], attributes={}, task=task):
                if (found.target or "").startswith("event."):
                    assert found.target in row_settings.TASKS[task].targets


# --- proposed on the page ---------------------------------------------------------------------------------------------

FILE = (
    "email,order id,order date,total,currency,products,town\n"
    "ann@example.com,1001,2026-05-31,12.50,EUR,Tent x2 | Stove,Riga\n"
    "ann@example.com,1002,2026-06-01,3,EUR,Mug,Riga\n"
)


@pytest.fixture
def tenant(alice: Actor) -> Tenant:
    return alice.workspace


@pytest.fixture
def draft(tenant: Tenant) -> Import:
    return receive(tenant, FILE)


def columns_of(alice: Actor, imp: Import) -> dict[str, str]:
    context = alice.get(f"imports/{imp.pk}/").context
    return {row["name"]: row["target"] for row in context["columns"]}


def sent(alice: Actor, imp: Import) -> dict[str, str]:
    """What a browser would send of the page."""
    context = alice.get(f"imports/{imp.pk}/").context
    form = context["form"]
    settings = {name: str(form.initial.get(name) or "") for name in form.fields if name != "revive_confirmed"}
    return settings | {f"column-{row['index']}": row["target"] for row in context["columns"]}


def test_orders_are_proposed_and_taken(alice: Actor, tenant: Tenant, draft: Import) -> None:
    page = alice.get(f"imports/{draft.pk}/").content.decode()
    assert "This looks like a file of orders. Import contacts and orders?" in page
    page = alice.post(f"imports/{draft.pk}/draft/", sent(alice, draft) | {"take": "orders"}, follow=True)
    assert "This looks like" not in page.content.decode()
    assert columns_of(alice, draft) == {
        "email": "email", "order id": "event.id", "order date": "event.time", "total": "event.amount",
        "currency": "event.currency", "products": "event.items", "town": "city",
    }  # fmt: skip
    assert alice.post(f"imports/{draft.pk}/start/", sent(alice, draft)).status_code == 302
    alice.post(f"imports/{work(tenant, draft).pk}/confirm/")
    done = work(tenant, draft)
    assert (done.created, done.duplicates, done.events_added) == (1, 1, 2)


def test_contacts_only_is_an_answer(alice: Actor, draft: Import) -> None:
    before = columns_of(alice, draft)
    alice.post(f"imports/{draft.pk}/draft/", sent(alice, draft) | {"take": "contacts"})
    assert "This looks like" not in alice.get(f"imports/{draft.pk}/").content.decode()
    assert columns_of(alice, draft) == before


def test_contacts_are_not_asked(alice: Actor, tenant: Tenant) -> None:
    plain = receive(tenant, "email,town\nann@example.com,Riga\n")
    assert "This looks like" not in alice.get(f"imports/{plain.pk}/").content.decode()


def test_another_task_guesses_anew_and_keeps_what_was_chosen(alice: Actor, tenant: Tenant, draft: Import) -> None:
    by_hand = sent(alice, draft) | {"column-3": "event.property", "column-6": "region", "task": "contacts"}
    alice.post(f"imports/{draft.pk}/draft/", by_hand, headers={"HX-Request": "true"})
    answer = alice.post(f"imports/{draft.pk}/draft/", by_hand | {"task": "orders"}, headers={"HX-Request": "true"})
    assert 'id="mapping-table"' in answer.content.decode()
    found = columns_of(alice, draft)
    assert (found["total"], found["town"], found["order id"]) == ("event.property", "region", "event.id")
    # And back: what only orders have goes, what was chosen stays.
    alice.post(f"imports/{draft.pk}/draft/", sent(alice, draft) | {"task": "contacts"}, headers={"HX-Request": "true"})
    found = columns_of(alice, draft)
    assert not any(target.startswith("event.") for target in found.values())
    assert found["town"] == "region"


def test_the_same_task_brings_no_new_table(alice: Actor, draft: Import) -> None:
    answer = alice.post(f"imports/{draft.pk}/draft/", sent(alice, draft), headers={"HX-Request": "true"})
    assert 'id="mapping-table"' not in answer.content.decode()
    assert 'id="why-0"' in answer.content.decode()


def test_a_saved_mapping_is_not_guessed_over(alice: Actor, tenant: Tenant, draft: Import) -> None:
    with tenant_context(tenant.pk):
        mapping = [{**column, "target": "skip", "reason": "saved"} for column in draft.mapping]
        mapping[0]["target"] = "email"
        Import.objects.filter(pk=draft.pk).update(mapping=mapping)
    alice.post(f"imports/{draft.pk}/draft/", sent(alice, draft) | {"task": "orders"}, headers={"HX-Request": "true"})
    assert set(columns_of(alice, draft).values()) == {"email", "skip"}


def test_items_of_an_order_stand_in_the_activity(alice: Actor, tenant: Tenant) -> None:
    maps = {"order id": "event.id", "total": "event.amount", "products": "event.items", "currency": "event.currency"}
    done = bring(tenant, FILE, maps=maps, task="orders")
    with tenant_context(tenant.pk):
        contact = Event.objects.filter(import_id=done.pk)[0].contact_id
    page = alice.get(f"activity/of-contact/{contact}/").content.decode()
    for item in ("Tent", "× 2", "Stove", "Mug"):
        assert item in page, item
    assert again(tenant, done).events_added == 2
