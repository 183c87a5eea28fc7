"""Whole names in halves, as people and programs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.models import Contact
from imports.cleaning import full_names
from imports.mapping import guess
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import bring

CASES = [
    ("", "Anna Roe", "Anna", "Roe"),
    ("", "Roe, Anna", "Anna", "Roe"),
    ("", "Roe,Anna Maria", "Anna Maria", "Roe"),
    ("", "Anna", "Anna", None),
    ("", "Roe,", None, "Roe"),
    ("", "Juan García López", "Juan", "García López"),
    ("", "Bob Poe, Jr.", "Bob", "Poe Jr."),
    ("", "Bob Poe Jr.", "Bob", "Poe Jr."),
    ("", "Poe, Bob, Jr.", "Bob", "Poe Jr."),
    ("", "Anna Roe, PhD", "Anna", "Roe"),
    ("", "Roe, Anna, Dr.", "Anna", "Roe"),
    ("", "Anna Roe PhD", "Anna", "Roe"),
    ("", "Jack Ma", "Jack", "Ma"),
    ("", "Anna von der Heide", "Anna", "von der Heide"),
    ("", "Anna Maria von der Heide", "Anna Maria", "von der Heide"),
    ("", "Jan van den Berg", "Jan", "van den Berg"),
    ("", "Jan Pieter van 't Hof", "Jan Pieter", "van 't Hof"),
    ("", "María de la Cruz", "María", "de la Cruz"),
    ("", "de la Cruz, María", "María", "de la Cruz"),
    ("", "von der Heide, Anna", "Anna", "von der Heide"),
    ("", "Ana Souza da Silva", "Ana", "Souza da Silva"),
    ("", "Van Morrison", "Van", "Morrison"),
    ("", "Dr. Anna Roe", "Anna", "Roe"),
    ("", "Prof. Dr. Anna Roe", "Anna", "Roe"),
    ("", "Herr Jonas Weber", "Jonas", "Weber"),
    ("", "Frau Weber", None, "Weber"),
    ("", "Mr Bean", None, "Bean"),
    ("", "Mrs. Anna Roe", "Anna", "Roe"),
    ("", "Dipl.-Ing. Jonas Weber", "Jonas", "Weber"),
    ("", "Sra. Ana García", "Ana", "García"),
    ("", "Dr. Roe, Anna", "Anna", "Roe"),
    ("", "Roe, Dr. Anna", "Anna", "Roe"),
    ("", "Dr.", "Dr.", None),
    ("", "Ing Weber", "Ing", "Weber"),
    ("", "DUPONT Jean", "Jean", "DUPONT"),
    ("", "Jean DUPONT", "Jean", "DUPONT"),
    ("", "VAN DER BERG Jan", "Jan", "VAN DER BERG"),
    ("", "JP Morgan", "JP", "Morgan"),
    ("", "ANNA ROE", "ANNA", "ROE"),
    ("ФИО", "Иванов Иван Иванович", "Иван Иванович", "Иванов"),
    ("Фамилия и имя", "Иванова Анна", "Анна", "Иванова"),
    ("ПІБ", "Шевченко Олена", "Олена", "Шевченко"),
    ("Nachname Vorname", "Weber Jonas", "Jonas", "Weber"),
    ("Nachname, Vorname", "von der Heide Anna Maria", "Anna Maria", "von der Heide"),
    ("Name, Vorname", "Weber, Jonas", "Jonas", "Weber"),
    ("Nachname Vorname", "Dr. Weber Jonas", "Jonas", "Weber"),
    ("Achternaam Voornaam", "van den Berg Jan", "Jan", "van den Berg"),
    ("Apellidos y nombre", "García López Juan", "Juan", "García López"),
    ("Apellidos y nombre", "García Juan", "Juan", "García"),
    ("Apellidos y nombre", "García López, Juan Carlos", "Juan Carlos", "García López"),
    ("Apellidos y nombre", "de la Cruz García Juan", "Juan", "de la Cruz García"),
    ("Apellido y nombre", "García Juan Carlos", "Juan Carlos", "García"),
    ("Nom Prénom", "Dupont Jean", "Jean", "Dupont"),
    ("Nazwisko i imię", "Nowak Anna", "Anna", "Nowak"),
    ("ФИО", "Иванов", None, "Иванов"),
    ("Név", "Nagy Anna", "Anna", "Nagy"),
    ("姓名", "王小明", "小明", "王"),
    ("姓名", "欧阳小明", "小明", "欧阳"),
    ("氏名", "山田 太郎", "太郎", "山田"),
    ("氏名", "山田\u3000太郎", "太郎", "山田"),
    ("氏名", "山田太郎", "太郎", "山田"),
    ("氏名", "山田はなこ", "はなこ", "山田"),
    ("성명", "김민수", "민수", "김"),
    ("Name", "王小明", "小明", "王"),
]


@pytest.mark.parametrize(("header", "text", "first", "last"), CASES)
def test_halves(header: str, text: str, first: str | None, last: str | None) -> None:
    assert full_names.split(text, header=header) == (first, last)


@pytest.mark.parametrize("header", sorted({header for header, *_rest in CASES if header}))
def test_columns_are_known(header: str) -> None:
    assert guess.guess([header, "email"], [["x y"], ["a@example.com"]], attributes={})[0].target == "full_name"
    assert full_names.surname_first(header) == (header != "Name")


@given(st.text(max_size=60), st.sampled_from(["", "ФИО", "Apellidos y nombre", "姓名"]))
def test_any_text_has_halves_of_its_own_words(text: str, header: str) -> None:
    first, last = full_names.split(text, header=header)
    assert first != ""
    assert last != ""
    if text.strip(" ,") and text.isprintable():
        assert first or last
    known = text.replace(",", " ").replace("・", " ")
    for word in " ".join(filter(None, (first, last))).split():
        assert word in known


def test_through_the_pipeline(tenant: Tenant) -> None:
    imp = bring(tenant, 'email,Full name\na@example.com,"Roe, Anna"\n')
    bring(tenant, "email,ФИО\nb@example.com,Иванов Иван\n")
    assert imp.created == 1
    with tenant_context(tenant.pk):
        found = list(Contact.objects.order_by("email").values_list("first_name", "last_name", "last_key"))
    assert found == [("Anna", "Roe", "roe"), ("Иван", "Иванов", "иванов")]
