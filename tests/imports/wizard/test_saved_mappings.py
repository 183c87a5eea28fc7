"""A mapping is kept under a name and offered when the same columns come again."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from contacts.models import Attribute
from imports.models import Import, SavedMapping
from imports.options import Options
from imports.wizard import saved_mappings
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import again, receive

FILE = "E-mail;Geboren;Schuhe\na@x.example;03/04/1988;42\n"
FORM = {
    "column-0": "email", "column-1": "birthday", "date-format-1": "%m/%d/%Y", "column-2": "new", "key-2": "shoe_size",
    "type-2": "integer", "mode": "update_only", "existing": "only_empty", "blank": "keep", "duplicates": "first",
    "bad_value": "drop", "segments": "Fair\nShop", "happened": "2024-05-31", "saved_name": "Weekly",
}  # fmt: skip


def keep(actor: Actor, **changes: str) -> tuple[Import, Any]:
    imp = receive(actor.workspace, FILE)
    return imp, actor.post(f"imports/{imp.pk}/save-mapping/", FORM | changes)


def the_one(actor: Actor) -> SavedMapping:
    with tenant_context(actor.workspace.pk):
        found: SavedMapping = SavedMapping.objects.get()
        return found


def test_names_of_columns_decide_what_fits() -> None:
    assert saved_mappings.digest(["E-Mail", "Shoe size"]) == saved_mappings.digest(["e_mail", "SHOE SIZE"])
    assert saved_mappings.digest(["a", "b"]) != saved_mappings.digest(["b", "a"])


def test_a_mapping_is_kept_and_used_again(alice: Actor) -> None:
    first, response = keep(alice)
    assert response.status_code == 302
    kept = the_one(alice)
    assert [c["target"] for c in kept.columns] == ["email", "birthday", "shoe_size"]
    assert kept.columns[1]["formats"][0] == "%m/%d/%Y"
    assert (kept.options["mode"], "happened" in kept.options) == ("update_only", False)
    assert again(alice.workspace, first).phase == "draft"

    second = receive(alice.workspace, FILE.replace("E-mail", "E-MAIL"))
    assert again(alice.workspace, second).mapping[1]["reason"] == "none"
    said = alice.get(f"imports/{second.pk}/").content.decode()
    assert "The saved mapping Weekly fits this file." in said
    assert alice.post(f"imports/{second.pk}/use-saved/{kept.pk}/").status_code == 302
    used = again(alice.workspace, second)
    assert [(c["target"], c["reason"]) for c in used.mapping] == [(c["target"], "saved") for c in kept.columns]
    assert Options.parse(used.options).segments == ("Fair", "Shop")
    said = alice.get(f"imports/{second.pk}/").content.decode()
    assert "Saved mapping" in said
    assert '<option value="%m/%d/%Y" selected>' in said


def test_the_same_name_replaces(alice: Actor) -> None:
    keep(alice)
    keep(alice, **{"column-2": "skip"})
    assert [c["target"] for c in the_one(alice).columns] == ["email", "birthday", "skip"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"saved_name": " "}, "Enter a name"),
        ({"column-0": "skip"}, "No column is mapped to E-mail"),
        ({"date-format-1": ""}, "3 April or 4 March"),
        ({"mode": "nothing"}, "Some settings cannot be used"),
    ],
)
def test_what_cannot_be_kept(alice: Actor, changes: dict[str, str], says: str) -> None:
    _imp, response = keep(alice, **changes)
    assert response.status_code == 422
    assert says.casefold() in response.content.decode().casefold()
    with tenant_context(alice.workspace.pk):
        assert not SavedMapping.objects.exists()
        assert not Attribute.objects.exists()


def test_only_for_the_same_columns(alice: Actor) -> None:
    keep(alice)
    other = receive(alice.workspace, "email,city\na@x.example,Riga\n")
    assert "fits this file" not in alice.get(f"imports/{other.pk}/").content.decode()
    assert alice.post(f"imports/{other.pk}/use-saved/{the_one(alice).pk}/").status_code == 404
    with tenant_context(alice.workspace.pk), pytest.raises(saved_mappings.NoSuchMapping):
        saved_mappings.apply(other, the_one(alice))


def test_a_field_that_has_gone_is_skipped(alice: Actor) -> None:
    keep(alice)
    with tenant_context(alice.workspace.pk):
        Attribute.objects.update(archived_at="2024-01-01T00:00Z")
    second = receive(alice.workspace, FILE)
    alice.post(f"imports/{second.pk}/use-saved/{the_one(alice).pk}/")
    assert [c["target"] for c in again(alice.workspace, second).mapping] == ["email", "birthday", "skip"]


def test_renamed_and_deleted(alice: Actor) -> None:
    keep(alice)
    keep(alice, saved_name="Monthly")
    with tenant_context(alice.workspace.pk):
        weekly = SavedMapping.objects.get(name="Weekly").pk
    assert "Monthly" in alice.get("imports/saved/").content.decode()
    taken = alice.post(f"imports/saved/{weekly}/rename/", {"name": "Monthly"})
    assert (taken.status_code, "The mapping Monthly already exists" in taken.content.decode()) == (422, True)
    assert alice.post(f"imports/saved/{weekly}/rename/", {"name": " "}).status_code == 422
    assert alice.post(f"imports/saved/{weekly}/rename/", {"name": "Yearly"}).status_code == 302
    with tenant_context(alice.workspace.pk):
        assert set(SavedMapping.objects.values_list("name", flat=True)) == {"Monthly", "Yearly"}
    assert alice.post(f"imports/saved/{weekly}/delete/").status_code == 302
    assert alice.post(f"imports/saved/{weekly}/delete/").status_code == 404
    assert the_one(alice).name == "Monthly"


def test_on_the_command_line(alice: Actor, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from imports.management.commands import import_contacts

    keep(alice)
    done = {"status": "imported", "rows": 1}
    monkeypatch.setattr(import_contacts, "_wait", lambda *_args, **_kwargs: done)
    path = tmp_path / "people.csv"
    path.write_text(FILE)
    call = {"workspace": alice.workspace.slug, "json": True}
    call_command("import_contacts", path, **call, pairs=["saved=Weekly", "blank=clear", "existing=overwrite"])
    with tenant_context(alice.workspace.pk):
        imp = Import.objects.order_by("-pk")[0]
    assert [c["target"] for c in imp.mapping] == ["email", "birthday", "shoe_size"]
    assert (imp.options["mode"], imp.options["blank"]) == ("update_only", "clear")
    with pytest.raises(CommandError, match="There is no saved mapping Daily"):
        call_command("import_contacts", path, **call, pairs=["saved=Daily"])
    path.write_text("email,city\na@x.example,Riga\n")
    with pytest.raises(CommandError, match="has different columns"):
        call_command("import_contacts", path, **call, pairs=["saved=Weekly"])
