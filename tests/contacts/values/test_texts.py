"""One form of a text: what is stored, offered as an option, and asked for by a rule is compared alike."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.fields import custom_fields
from contacts.models import Attribute, Contact
from contacts.values import texts
from contacts.values.types import parser
from segments.rules import compiler
from segments.rules.tree import FieldCondition, Group
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring

NFC, NFD = "Zürich", unicodedata.normalize("NFD", "Zürich")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (NFD, NFC),
        ("\u200bZürich\u200d", NFC),
        ("\ufeffZürich\u2060\u00ad", NFC),
        ("\u00a0Zürich\u3000", NFC),
        ("Bad\u00a0Tölz", "Bad Tölz"),
        ("Bad \u2009\u202f Tölz", "Bad Tölz"),
        ("New  York", "New York"),
        ("New\tYork", "New York"),
        ("one \r\n two\rthree", "one\ntwo\nthree"),
        ("a\n\nb", "a\n\nb"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("각", "각"),
        ("plain", "plain"),
    ],
)
def test_normal_text(text: str, stored: str) -> None:
    assert texts.normal_text(text) == stored
    assert parser("text")(text) == parser("long_text")(text) == stored


@given(st.text())
def test_the_form_is_final(text: str) -> None:
    once = texts.normal_text(text)
    assert texts.normal_text(once) == once
    assert texts.trimmed(once) == once
    assert unicodedata.is_normalized("NFC", once)


def cities(tenant: Tenant) -> list[Any]:
    with tenant_context(tenant.pk):
        return [c.attributes.get("city") for c in Contact.objects.order_by("email")]


def asked(tenant: Tenant, key: str, op: str, value: str) -> int:
    with tenant_context(tenant.pk):
        found = Contact.objects.filter(compiler.compile_rule(Group("all", (FieldCondition(key, op, (value,)),))))
        return int(found.count())


@pytest.mark.parametrize("typed", [NFC, NFD, "ZÜRICH", f" {NFC}\u200b"])
def test_files_and_rules_agree(tenant: Tenant, typed: str) -> None:
    bring(tenant, f"email,City\na@example.com,{NFC}\nb@example.com,{NFD}\nc@example.com,\u200b{NFD}\u00a0\n")
    assert cities(tenant) == [NFC] * 3
    for op in ("is", "contains", "begins"):
        assert asked(tenant, "city", op, typed) == 3


def test_names_and_forms_agree(alice: Actor) -> None:
    name = unicodedata.normalize("NFD", "Chloé\u00a0 Zoë")
    bring(alice.workspace, f"email,first name\na@example.com,{name}\n")
    form = {"email": "b@example.com", "first_name": name, "city": NFD, "consent": "on"}
    assert alice.post("contacts/new/", form).status_code == 302
    with tenant_context(alice.workspace.pk):
        assert set(Contact.objects.values_list("first_name", flat=True)) == {"Chloé Zoë"}
        assert Contact.objects.get(email="b@example.com").attributes["city"] == NFC
    assert asked(alice.workspace, "first_name", "is", "Chloe Zoe") == 2


@pytest.mark.parametrize("kind", ["choice", "choices"])
def test_options_are_found_however_they_are_typed(tenant: Tenant, kind: str) -> None:
    with tenant_context(tenant.pk):
        options = custom_fields.read_options(f"zh: {NFD}\n{unicodedata.normalize('NFD', 'Genève')}")
        assert options == {"zh": NFC, "Genève": "Genève"}
        Attribute.objects.create(key="place", label="Place", type=kind, options=options)
    cells = [NFC, NFD, f"\u200b{NFD}", "ZH", "Gene\u0300ve", "GENÈVE"]
    imp = bring(tenant, "email,place\n" + "".join(f"p{i}@example.com,{c}\n" for i, c in enumerate(cells)))
    assert (imp.created, imp.in_error) == (6, 0)
    op = "is" if kind == "choice" else "any_of"
    assert asked(tenant, "place", op, NFD) == 4
    assert asked(tenant, "place", op, "Genève") == 2


def test_a_cell_of_nothing_to_see_is_blank(tenant: Tenant) -> None:
    bring(tenant, "email,City,first name,phone\na@example.com,Riga,Anna,\n")
    imp = bring(tenant, "email,City,first name,phone\na@example.com,\u200b,\ufeff\u00a0,\u200b\n")
    assert (imp.unchanged, imp.in_error, cities(tenant)) == (1, 0, ["Riga"])
    imp = bring(tenant, "email,City,first name,phone\na@example.com,\u200b,\u2060,\n", blank="clear")
    assert (imp.updated, cities(tenant)) == (1, [None])


def test_texts_of_events_have_the_form_too(tenant: Tenant) -> None:
    from segments.rules.tree import ActivityCondition, PropertyFilter

    maps = {"what": "event.name", "where": "event.property"}
    bring(tenant, f"email,what,where\na@example.com,{NFD}\u00a0trip,{NFD}\n", maps=maps, task="events")
    did = ActivityCondition("track", "at_least", "1", name=f"{NFC} trip", where=(PropertyFilter("where", "is", NFD),))
    with tenant_context(tenant.pk):
        assert Contact.objects.filter(compiler.compile_rule(Group("all", (did,)))).count() == 1
