"""Fields that models may use: protected traits are not among them unless the workspace says so."""

import pytest

from audiences.lookalikes import fields
from audiences.models import LookalikeField
from contacts.models import Attribute
from tenants.models import Tenant


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("gender", "Gender"), ("birthday", "Birthday"), ("x1", "Religion"), ("x1", "Religious community"),
        ("health_status", "Status"), ("x1", "Ethnic group"), ("x1", "Political party"), ("orientation", "x"),
        ("x1", "Age group"), ("middle_name", "x"), ("x1", "Nationality"), ("x1", "Yearly income"), ("x1", "SEX"),
    ],
)  # fmt: skip
def test_fields_that_sound_protected(key: str, label: str) -> None:
    assert fields.is_sensitive(key, label)


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("city", "City"),
        ("shoe_size", "Shoe size"),
        ("package", "Package"),
        ("essex", "Essex store"),
        ("stage", "Stage"),
    ],
)
def test_fields_that_do_not(key: str, label: str) -> None:
    assert not fields.is_sensitive(key, label)


def test_the_workspace_decides(inside: Tenant) -> None:
    Attribute.objects.create(key="tier", label="Tier", type="choice", options={"gold": "Gold"})
    Attribute.objects.create(key="church", label="Church", type="text")
    Attribute.objects.create(key="notes", label="Notes", type="long_text")
    allowed = {one.key: one.allowed for one in fields.everything()}
    assert (allowed["tier"], allowed["church"], allowed["gender"], allowed["city"]) == (True, False, False, True)
    assert not {"notes", "street", "postal_code", "first_name", "push_tokens"} & allowed.keys()
    LookalikeField.objects.create(key="tier", allowed=False)
    LookalikeField.objects.create(key="gender", allowed=True)
    allowed = {one.key: one.allowed for one in fields.everything()}
    assert (allowed["tier"], allowed["gender"], allowed["church"]) == (False, True, False)
