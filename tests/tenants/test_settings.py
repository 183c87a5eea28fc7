"""Settings of a workspace: the rules of imports, and the names of sources."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tenants.import_rules import initial
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Tenant
from tests.cast import Actor
from tracking import source_names
from tracking.models import SourceName


def rules(actor: Actor, **changes: Any) -> dict[str, Any]:
    found = {name: value for name, value in initial(now(actor)).items() if value is not False}
    return found | changes


def now(actor: Actor) -> Tenant:
    return Tenant.objects.get(pk=actor.workspace.pk)


def entries(actor: Actor, verb: str) -> list[dict[str, Any]]:
    with tenant_context(actor.workspace.pk):
        return list(AuditEntry.objects.filter(verb=verb).order_by("pk").values_list("detail", flat=True))


def test_rules_are_saved_with_what_was_before(alice: Actor) -> None:
    page = alice.get("settings/").content.decode()
    assert "Import rules" in page
    assert 'value="500"' in page
    given = rules(alice, max_upload_mb=1000, separators=[";", "\t"], strict_values="on", country="LV")
    answer = alice.post("settings/save/", given, follow=True)
    assert answer.redirect_chain == [(alice.url("settings/"), 302)]
    assert "Import rules saved." in answer.content.decode()
    tenant = now(alice)
    assert (tenant.max_upload_bytes, tenant.separators) == (1_000_000_000, ";\t")
    assert (tenant.strict_values, tenant.country, tenant.max_rows) == (True, "LV", 5_000_000)
    (entry,) = entries(alice, "settings.import_rules")
    assert entry["before"] == {
        "max_upload_bytes": 500_000_000, "separators": "", "strict_values": False, "country": "GB",
    }  # fmt: skip
    assert entry["after"]["max_upload_bytes"] == 1_000_000_000
    alice.post("settings/save/", given)
    assert len(entries(alice, "settings.import_rules")) == 1, "nothing changed, nothing is noted"


def test_the_order_of_identifiers(alice: Actor) -> None:
    page = alice.get("settings/").content.decode()
    assert "External ID, then e-mail, then phone" in page
    alice.post("settings/save/", rules(alice, identifier_order="email,phone,external_id"))
    assert now(alice).identifier_order == "email,phone,external_id"


@pytest.mark.parametrize(
    "wrong",
    [{"max_upload_mb": 1001}, {"max_upload_mb": 0}, {"min_rows": 9, "max_rows": 8}, {"separators": ["#"]},
     {"time_zone": "Moon/Sea"}, {"identifier_order": "email,email"}, {"country": "XX"}, {"max_columns": ""}],
    ids=str,
)  # fmt: skip
def test_rules_that_cannot_be_are_refused(alice: Actor, wrong: dict[str, Any]) -> None:
    before = initial(now(alice))
    answer = alice.post("settings/save/", rules(alice, **wrong))
    assert answer.status_code == 422
    assert "The rules were not saved." in answer.content.decode()
    assert initial(now(alice)) == before


def test_presets_save_at_once_and_leave_the_rest(alice: Actor) -> None:
    alice.post("settings/preset/", {"preset": "strict_values"})
    page = alice.post("settings/preset/", {"preset": "small_plan"}, follow=True).content.decode()
    tenant = now(alice)
    assert (tenant.max_upload_bytes, tenant.max_columns, tenant.min_rows) == (20_000_000, 100, 2)
    assert (tenant.max_rows, tenant.separators, tenant.strict_values) == (20_000, ",;", True)
    assert page.count("In use") == 2
    assert alice.post("settings/preset/", {"preset": "huge"}).status_code == 404
    assert len(entries(alice, "settings.import_rules")) == 2


@pytest.mark.parametrize("role", ["marketer", "ops", "viewer"])
def test_settings_are_for_admins_and_owners(alice: Actor, member: Callable[[str], Actor], role: str) -> None:
    assert member("admin").get("settings/").status_code == 200
    somebody = member(role)
    assert somebody.get("settings/").status_code == 404
    assert somebody.get("settings/sources/").status_code == 404
    assert "/settings/" not in somebody.get("imports/").content.decode()


# --- sources of data ----------------------------------------------------------------------------------------------------


def named(actor: Actor, kind: str, name: str, **more: str) -> Any:
    return actor.post("settings/sources/add/", {"kind": kind, "name": name, **more})


def found(actor: Actor, name: str) -> SourceName:
    with tenant_context(actor.workspace.pk):
        source: SourceName = SourceName.objects.get(name=name)
        return source


def test_names_are_added_renamed_archived_and_restored(alice: Actor) -> None:
    assert named(alice, "touchpoint", "Shop Riga").status_code == 302
    assert named(alice, "endpoint", " Till  system ", touchpoint="Shop Riga").status_code == 302
    till = found(alice, "Till system")
    assert till.touchpoint == "Shop Riga"
    page = alice.get("settings/sources/").content.decode()
    assert "default touchpoint: Shop Riga" in page
    shop = found(alice, "Shop Riga").pk
    assert alice.get(f"settings/sources/{shop}/").status_code == 200
    alice.post(f"settings/sources/{shop}/rename/", {"name": "Store Riga"})
    assert found(alice, "Till system").touchpoint == "Store Riga", "endpoints follow their touchpoint"
    answer = alice.post(f"settings/sources/{shop}/archive/", follow=True).content.decode()
    assert f"/settings/sources/{shop}/restore/" in answer
    with tenant_context(alice.workspace.pk):
        assert source_names.names()["touchpoint"] == {}
    alice.post(f"settings/sources/{shop}/restore/")
    alice.post(f"settings/sources/{shop}/restore/")
    assert found(alice, "Store Riga").archived_at is None
    verbs = [len(entries(alice, f"source.{verb}")) for verb in ("added", "renamed", "archived", "restored")]
    assert verbs == [2, 1, 1, 1]


def test_a_name_exists_once_in_whatever_capitals(alice: Actor) -> None:
    named(alice, "action", "Visited our stand")
    again = named(alice, "action", "VISITED our stand")
    assert again.status_code == 422
    assert "already exists" in again.content.decode()
    assert named(alice, "touchpoint", "Visited our stand").status_code == 302, "another kind is another name"
    named(alice, "action", "Other")
    other = found(alice, "Other").pk
    assert alice.post(f"settings/sources/{other}/rename/", {"name": "visited OUR stand"}).status_code == 422
    assert alice.post(f"settings/sources/{other}/rename/", {"name": "OTHER"}).status_code == 302
    alice.post(f"settings/sources/{other}/archive/")
    assert "Restore it" in named(alice, "action", "other").content.decode()


@pytest.mark.parametrize(
    "wrong", [{"kind": "action"}, {"kind": "moon", "name": "x"}, {"kind": "action", "name": "x" * 121}]
)
def test_wrong_names_are_refused(alice: Actor, wrong: dict[str, str]) -> None:
    assert alice.post("settings/sources/add/", wrong).status_code == 422


def test_no_more_names_than_can_be_looked_through(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_names, "MAX_NAMES", 1)
    assert named(alice, "action", uuid.uuid4().hex).status_code == 302
    assert named(alice, "action", uuid.uuid4().hex).status_code == 422
