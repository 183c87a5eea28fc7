"""The template can be imported as it is, and every field is described."""

from contacts.models import Attribute
from contacts.values.types import CORE, SYSTEM, TYPES
from imports.cleaning import row_settings
from imports.mapping import column_reference
from imports.models import RowIssue
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring, proved


def attributes_of_every_type() -> None:
    for key in TYPES:
        Attribute.objects.create(key=f"own_{key}", label=f"Own {key}", type=key)
    Attribute.objects.create(
        key="tier", label="Tier", type="choice", options={"gold": "Gold tier", "silver": "Silver tier"}
    )


def test_the_template_is_imported_without_an_error(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        attributes_of_every_type()
    response = alice.get("imports/template.csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    imp = bring(alice.workspace, response.content)
    with tenant_context(alice.workspace.pk):
        assert list(RowIssue.objects.values_list("code", "column")) == []
    assert [c["target"] for c in imp.mapping] == imp.header
    assert {*CORE, *SYSTEM, "own_choices", "tier"} <= set(imp.header)
    assert (imp.created, imp.rows, imp.in_error) == (2, 2, 0)
    proved(alice.workspace, imp)


def test_the_template_keeps_to_the_rules_of_the_workspace(alice: Actor) -> None:
    Tenant.objects.filter(pk=alice.workspace.pk).update(separators=";|", max_columns=4)
    first = alice.get("imports/template.csv").content.decode().splitlines()[0]
    assert first == '"email";"phone";"external_id";"first_name"'


def test_every_column_is_described(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        attributes_of_every_type()
        names = {field.name for _title, fields in column_reference.groups() for field in fields}
    assert names >= {*CORE, "full_name", *SYSTEM, *row_settings.TARGETS, "own_integer", "tier"}
    said = alice.get("imports/columns/").content.decode()
    assert "gold, silver" in said
    assert "31/05/2024, day first" in said
    for page in ("imports/new/", "imports/columns/"):
        assert alice.url("imports/template.csv") in alice.get(page).content.decode()


def test_a_phone_of_the_template_is_as_people_write_it(alice: Actor) -> None:
    """No apostrophe before the plus; options of the workspace stay guarded against formulas."""
    with tenant_context(alice.workspace.pk):
        Attribute.objects.create(key="work_phone", label="Work phone", type="phone")
        Attribute.objects.create(key="mood", label="Mood", type="choice", options={"=1+1": "=1+1"})
    text = alice.get("imports/template.csv").content.decode()
    assert '"+44 7911 123456"' in text
    assert '"+44 7911 123458"' in text
    assert "'+" not in text
    assert '"\'=1+1"' in text
