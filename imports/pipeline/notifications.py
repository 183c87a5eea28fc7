"""What people are told about an import: in the application and by mail, through the outbox, once."""

from imports.models import Import, Status
from imports.problems import catalogue
from tenants import outbox
from tenants.isolation.context import current_tenant
from tenants.members.memberships import is_member
from tenants.models import Tenant
from tenants.web import workspace_urls


def ready(imp: Import) -> None:
    """The review is worked out and waits for the person."""
    changed = " again, because contacts have changed" if imp.refreshed else ""
    _tell(imp, f"{imp.file_name} is ready for review{changed}", tone="warn", mail=False)


def ended(imp: Import) -> None:
    """The import has ended, in whatever way."""
    tone = {Status.IMPORTED: "ok", Status.FAILED: "bad"}.get(Status(imp.status), "neutral")
    _tell(imp, headline(imp), tone=tone, mail=True)


def headline(imp: Import) -> str:
    """One sentence that says how it ended: "47,435 rows imported, 215 in error"."""
    if imp.status == Status.FAILED:
        return f"{imp.file_name} failed: {catalogue.title(imp.reason)}"
    if imp.status == Status.UNDONE:
        return f"The import of {imp.file_name} was undone: {imp.undo_report.get('reversed', 0):,} rows"
    if imp.undo_report and imp.status == Status.IMPORTED:
        return f"The import of {imp.file_name} was redone: {imp.undo_report.get('reversed', 0):,} rows restored"
    if imp.status == Status.CANCELED:
        return f"The import of {imp.file_name} was canceled: {imp.created + imp.updated:,} contacts written"
    return f"{imp.file_name}: {imp.imported:,} rows imported, {imp.in_error:,} in error"


def _tell(imp: Import, text: str, *, tone: str, mail: bool) -> None:
    if imp.created_by is None or not is_member(imp.created_by.pk):
        return
    workspace = Tenant.objects.get(pk=current_tenant())
    url = workspace_urls.inside(workspace.slug, "imports:detail", imp.pk)
    outbox.put_notice(imp.created_by, text=text, url=url, tone=tone)
    if mail:
        key = f"import-{imp.pk}-turned-{imp.phase_at:%Y%m%d%H%M%S}" if imp.undo_report else f"import-{imp.pk}-ended"
        outbox.put_mail(key, to=imp.created_by.email, subject=text, body=_body(imp, text, workspace_urls.absolute(url)))


def _body(imp: Import, text: str, url: str) -> str:
    lines = [f"{text}.", ""]
    if imp.rows is not None:
        words = ("created", "updated", "unchanged", "duplicates", "skipped", "in error")
        lines += [f"{getattr(imp, name):>12,}  {word}" for name, word in zip(Import.OUTCOMES, words, strict=True)]
        lines += [f"{imp.not_reached:>12,}  not reached"] if imp.not_reached else []
        lines += [f"{imp.rows:>12,}  rows in the file", ""]
    if imp.reason and imp.status == Status.FAILED:
        lines += [
            catalogue.sentence(imp.reason, **imp.reason_facts),
            catalogue.remedy(imp.reason, **imp.reason_facts),
            "",
        ]
    return "\n".join([*lines, url, ""])
