"""Bringing files in, as the pages and the command do, and proving the outcome against the database."""

from typing import Any

from contacts.models import Contact
from imports.models import Import, Phase, RejectedRow, RowIssue
from imports.options import Options
from imports.pipeline import transitions, unit_work, units, worker
from imports.wizard import column_choices, upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, User


def flat(page: str) -> str:
    """A page without its line breaks: where a sentence is broken in a template means nothing."""
    return " ".join(page.split())


def receive(tenant: Tenant, content: str | bytes, *, name: str = "file.csv", user: User | None = None) -> Import:
    """Upload only: the import waits for its mapping."""
    raw = content.encode() if isinstance(content, str) else content
    with tenant_context(tenant.pk):
        return upload.store_upload([raw], file_name=name, tenant=tenant, user=user)


def bring(
    tenant: Tenant,
    content: str | bytes,
    *,
    review: bool = False,
    maps: dict[str, str] | None = None,
    formats: dict[str, str] | None = None,
    user: User | None = None,
    encoding: str = "",
    **options: Any,
) -> Import:
    """Upload, map and work until the end (or the review), in this process. `encoding` is chosen where it is given."""
    imp = receive(tenant, content, user=user)
    with tenant_context(tenant.pk):
        if encoding:
            column_choices.reread_file(imp, tenant, {"encoding": encoding})
        settings = Options.parse(options)
        chosen = column_choices.apply_choices(imp, maps or {}, written=formats, options=settings)
        upload.start(imp, options=settings, columns=chosen, auto_start=not review)
    done = work(tenant, imp)
    if done.status == "imported":
        assert {name: done.review["counts"][name] for name in Import.OUTCOMES} == {
            name: getattr(done, name) for name in Import.OUTCOMES
        }, "the review is what has happened"
    return done


def go_on(tenant: Tenant, import_id: int | None) -> Import:
    """Map an upload as its columns suggest and work until the end, without a review."""
    with tenant_context(tenant.pk):
        imp = Import.objects.get(pk=import_id)
        settings = Options.parse({})
        upload.start(
            imp, options=settings, columns=column_choices.apply_choices(imp, {}, options=settings), auto_start=True
        )
    return work(tenant, imp)


def work(tenant: Tenant, imp: Import) -> Import:
    """Work on an import, turn after turn, until it has ended or waits for a person; the import as it is then."""
    while True:
        worker.work(tenant.pk, imp.pk)
        found = again(tenant, imp)
        if found.ended or found.phase in (Phase.REVIEW, Phase.DRAFT):
            return found


def again(tenant: Tenant, imp: Import) -> Import:
    """The import as it is now."""
    with tenant_context(tenant.pk):
        found: Import = Import.objects.get(pk=imp.pk)
        return found


def work_a_little(tenant: Tenant, imp: Import) -> bool:
    """A unit of an import, or one change of phase; False when there is nothing to do."""
    with tenant_context(tenant.pk):
        unit = units.claim(imp.pk)
        if unit is None:
            return transitions.advance(imp.pk)
    return units.execute(tenant.pk, unit, unit_work.WORK[unit.kind])


def work_until(tenant: Tenant, imp: Import, phase: Phase) -> None:
    """Work until an import is in a phase, before any unit of it is begun."""
    while again(tenant, imp).phase != phase:
        assert work_a_little(tenant, imp)


def proved(tenant: Tenant, imp: Import) -> None:
    """The six outcomes add up to the rows, and equal what stands in the tables."""
    with tenant_context(tenant.pk):
        assert sum(getattr(imp, name) for name in Import.OUTCOMES) == imp.rows
        assert Contact.objects.filter(origin="import").count() >= imp.created
        errors = RowIssue.objects.filter(import_id=imp.pk, severity="error").values("row_no").distinct().count()
        assert errors == imp.in_error == RejectedRow.objects.filter(import_id=imp.pk).count()
