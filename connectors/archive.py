"""The end of a file: its result and its rows in error are written beside it, in done/ or failed/."""

import json
from pathlib import Path
from typing import Any

from django.utils import timezone

from connectors.folders import DONE, FAILED, Folders
from connectors.models import Connector, ConnectorFile, FileState
from imports.models import Import, Status
from imports.problems import catalogue
from imports.results import error_rows, outcome
from tenants import outbox
from tenants.isolation.context import tenant_context
from tenants.members.memberships import is_member
from tenants.models import Tenant
from tenants.web import workspace_urls


def finish(tenant: Tenant, connector: Connector, place: Folders, file: ConnectorFile) -> bool:
    """Archive a file whose import has ended, or that has none. False while there is something to wait for."""
    with tenant_context(tenant.pk, read_only=True):
        imp = Import.objects.filter(pk=file.import_id).first() if file.import_id else None
        state, note = _outcome(file, imp)
        if state == FileState.IMPORTING:
            return False
        folder = FAILED if state == FileState.FAILED else DONE
        assert file.taken_at is not None
        name = f"{file.taken_at:%Y%m%dT%H%M%SZ}-{file.pk}-{file.name}"
        to = place.jail / folder / name
        draft = place.taken / f"{file.taken_as}.new"
        own = imp if state != FileState.SAME else None
        if own is not None and own.in_error:
            with draft.open("w", encoding="utf-8", newline="") as errors:
                errors.writelines(error_rows.errors_csv(own))
            _publish(draft, to.with_name(f"{name}.errors.csv"))
        draft.write_text(json.dumps(_result(tenant, file, imp, state, note), ensure_ascii=False, indent=1) + "\n")
        _publish(draft, to.with_name(f"{name}.result.json"))
    private = place.taken / file.taken_as
    if private.exists():
        private.rename(to)
    with tenant_context(tenant.pk):
        now = timezone.now()
        archived = ConnectorFile.objects.filter(pk=file.pk, archived_at=None).update(
            state=state, note=note, archived_as=f"{folder}/{name}", archived_at=now, ended_at=now
        )
        if state == FileState.FAILED:
            Connector.objects.filter(pk=connector.pk).update(error=f"{file.name}: {note}"[:400], error_at=now)
        elif state == FileState.IMPORTED:
            Connector.objects.filter(pk=connector.pk).update(error="")
        if archived and state == FileState.FAILED and imp is None:
            _tell(tenant, connector, file.name, note)
    return True


def _tell(tenant: Tenant, connector: Connector, name: str, note: str) -> None:
    """Notify who has added the connector of a file that is not imported; what an import says it says itself."""
    user = connector.created_by
    if user is None or not is_member(user.pk):
        return
    url = workspace_urls.inside(tenant.slug, "connectors:detail", connector.pk)
    outbox.put_notice(user, text=f"{name} was not imported. {note}"[:300], url=url, tone="bad")


def _outcome(file: ConnectorFile, imp: Import | None) -> tuple[str, str]:
    """State and words of a file, by its import."""
    if file.state != FileState.IMPORTING:
        return file.state, file.note
    if imp is None:
        return FileState.FAILED, "The import was removed."
    if not imp.ended:
        return FileState.IMPORTING, ""
    if imp.status == Status.FAILED:
        return FileState.FAILED, catalogue.sentence(imp.reason, **imp.reason_facts)[:400]
    if imp.status == Status.CANCELED:
        return FileState.FAILED, "The import was canceled."
    return FileState.IMPORTED, ""


def _result(tenant: Tenant, file: ConnectorFile, imp: Import | None, state: str, note: str) -> dict[str, Any]:
    """What the result file says."""
    told: dict[str, Any] = {
        "file": file.name, "size": file.size, "sha256": file.sha256, "status": state,
        "received": f"{file.taken_at:%Y-%m-%dT%H:%M:%SZ}", "message": note,
    }  # fmt: skip
    return told | ({"import": outcome.describe(tenant, imp)} if imp is not None else {})


def _publish(draft: Path, to: Path) -> None:
    """Give a written file its name, at once."""
    draft.chmod(0o600)
    draft.replace(to)
