"""Kinds of retention that had fixed days before: rows in error, files of exports, lists of connector files, and rules of
sites. The same days as ever without a rule; another rule holds after its preview; nothing of a neighbour goes."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import ConnectorFile, FileState
from contacts.bulk import export
from contacts.models import BulkAction, BulkState
from imports.models import Import, RejectedRow, RowIssue
from imports.results import error_rows
from tenants.closing import export_job
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, RetentionRule, WorkspaceExport
from tenants.retention import job, kinds, rules
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.tenants.retention.test_rules import PAGE, plain
from tests.tracking.helpers import device, hit, site_of, stored
from tracking.models import Event, Site

BAD = "email,first_name\nann@@example.com,Ann\nben@@example.com,Ben\ncat@example.com,Cat\n"


def set_rule(who: Actor, kind: str, days: int | None) -> None:
    with tenant_context(who.workspace.pk):
        RetentionRule.objects.update_or_create(kind=kind, defaults={"days": days, "ended_at": None})


def ended(who: Actor, imp: Import, days: int) -> None:
    with tenant_context(who.workspace.pk):
        Import.objects.filter(pk=imp.pk).update(finished_at=timezone.now() - timedelta(days=days))


def test_the_defaults_are_those_of_before(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        found = {key: rules.days_of(key) for key in ("error_rows", "exports", "connectors")}
    assert found == {"error_rows": None, "exports": 7, "connectors": 400}


def test_cells_of_old_rows_in_error_go_and_their_counts_stay(
    alice: Actor, charlie: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "BATCH", 1)
    old, new = bring(alice.workspace, BAD), bring(alice.workspace, BAD.replace("ann", "ada"))
    other = bring(charlie.workspace, BAD)
    for who, imp, age in ((alice, old, 31), (alice, new, 29), (charlie, other, 31)):
        ended(who, imp, age)
    page = alice.get(f"{PAGE}error_rows/?days=30").content.decode()
    assert "2 rows" in page
    job.work(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        assert RejectedRow.objects.exclude(cells=[]).count() == 4, "without a rule they stay"
    set_rule(alice, "error_rows", 30)
    job.work(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        assert set(RejectedRow.objects.exclude(cells=[]).values_list("import_id", flat=True)) == {new.pk}
        values = RowIssue.objects.filter(import_id=old.pk).values_list("value", "facts")
        assert [value for value, facts in values if value or facts] == []
        assert RowIssue.objects.filter(import_id=old.pk).count() == RowIssue.objects.filter(import_id=new.pk).count()
        assert error_rows.row(old, 2) is None
        assert error_rows.row(new, 2) is not None
        assert RetentionRule.objects.get(kind="error_rows").removed == 2
        assert Import.objects.get(pk=old.pk).in_error == 2
    assert alice.get(f"imports/{old.pk}/").status_code == 200
    assert alice.get(f"imports/{old.pk}/errors.csv").status_code == 200
    with tenant_context(charlie.workspace.pk):
        assert RejectedRow.objects.exclude(cells=[]).count() == 2


def exported(who: Actor, days: int) -> BulkAction:
    at = timezone.now() - timedelta(days=days, minutes=1)
    with tenant_context(who.workspace.pk):
        path = export.folder() / f"{days}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("email\n")
        WorkspaceExport.objects.create(state=export_job.State.DONE, finished_at=at, file=f"{days}.zip", bytes=1)
        made: BulkAction = BulkAction.objects.create(
            kind="export", state=BulkState.DONE, finished_at=at, result={"file": f"{days}.csv", "bytes": 6}
        )
    return made


def test_exports_follow_their_rule_in_downloads_words_and_removal(alice: Actor) -> None:
    made = {days: exported(alice, days) for days in (2, 5, 8, 20)}

    def there(now: datetime | None = None) -> list[int]:
        with tenant_context(alice.workspace.pk):
            moment = now or timezone.now()
            return [d for d, action in made.items() if export.file_of(_again(action), now=moment)]

    assert there() == [2, 5]
    page = plain(alice.get(f"{PAGE}exports/?days=3").content.decode())
    assert "6 files" in page, "two kinds of files of 5, 8 and 20 days"
    set_rule(alice, "exports", 10)
    assert there() == [2, 5, 8]
    job.work(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        assert BulkAction.objects.exclude(result={}).count() == WorkspaceExport.objects.exclude(file="").count() == 3
        assert RetentionRule.objects.get(kind="exports").removed == 2
    set_rule(alice, "exports", 3)
    assert there() == [2]


def _again(action: BulkAction) -> BulkAction:
    found: BulkAction = BulkAction.objects.get(pk=action.pk)
    return found


def test_lists_of_connector_files_go_and_what_is_open_stays(alice: Actor) -> None:
    long_ago = timezone.now() - timedelta(days=60)
    with tenant_context(alice.workspace.pk):
        common: dict[str, Any] = {"connector_id": 1, "size": 1, "fingerprint": "x", "found_at": long_ago}
        ConnectorFile.objects.create(name="a.csv", archived_at=long_ago, state=FileState.IMPORTED, **common)
        ConnectorFile.objects.create(name="b.csv", archived_at=timezone.now(), state=FileState.IMPORTED, **common)
        ConnectorFile.objects.create(name="c.csv", state=FileState.WAITING, **common)
    assert "1 file" in plain(alice.get(f"{PAGE}connectors/?days=30").content.decode())
    assert alice.get(f"{PAGE}connectors/?days=29").status_code == 422
    set_rule(alice, "connectors", 30)
    job.work(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        assert sorted(ConnectorFile.objects.values_list("name", flat=True)) == ["b.csv", "c.csv"]


# --- sites -------------------------------------------------------------------------------------------------------------


def saved(who: Actor, site: Site, **fields: str) -> Any:
    with tenant_context(who.workspace.pk):
        stored_ = Site.objects.get(pk=site.pk)
    common = {"hosts": stored_.hosts, "excluded_paths": "", "internal_addresses": "", "country": ""}
    return who.post(f"sites/{site.pk}/settings/", common | fields)


def days_of(who: Actor, site: Site) -> int | None:
    with tenant_context(who.workspace.pk):
        found: int | None = Site.objects.get(pk=site.pk).retention_days
        return found


def test_a_shorter_rule_of_a_site_is_previewed_before_it_is_saved(alice: Actor) -> None:
    site, other = site_of(alice.workspace), site_of(alice.workspace)
    now = timezone.now()
    for age in (40, 20, 1):
        stored(site, hit(device(), "page"), at=(now - timedelta(days=age)).timestamp())
    stored(other, hit(device(), "page"), at=(now - timedelta(days=40)).timestamp())
    answer = saved(alice, site, retention_days="10", hosts="shop.example.com")
    assert answer.status_code == 422
    page = plain(answer.content.decode())
    assert "2 events of this site will be deleted the next night" in page
    assert "the oldest is of" in page
    assert "shop.example.com" in answer.content.decode(), "what was typed is still there"
    assert days_of(alice, site) is None
    assert saved(alice, site, retention_days="5", confirmed="10").status_code == 422, "that preview was another one"
    assert saved(alice, site, retention_days="10", confirmed="10").status_code == 302
    assert days_of(alice, site) == 10
    assert saved(alice, site, retention_days="30").status_code == 302, "longer: nothing goes"
    assert saved(alice, site, retention_days="").status_code == 302
    assert saved(alice, site, retention_days="50").status_code == 302, "shorter, and nothing is that old"
    with tenant_context(alice.workspace.pk):
        assert Event.objects.count() == 4, "a preview removes nothing"
        assert AuditEntry.objects.filter(verb="site.changed").count() == 4
