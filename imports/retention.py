"""What imports leave behind as kinds of data with a rule: their files."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from imports import cleanup, segment_upload
from imports.models import Import, Phase
from tenants.isolation.statements import fill
from tenants.models import Tenant
from tenants.retention.kinds import Found, Kind, Step, counted

# Files of one transaction.
FILES_AT_ONCE = 100

FILES = """
SELECT f.at FROM (
  SELECT i.finished_at AS at FROM import i
  WHERE i.tenant_id = %(tenant)s AND i.file_removed_at IS NULL AND i.phase = 'done' {of_imports}
  UNION ALL
  SELECT u.finished_at AS at FROM segment_upload u
  WHERE u.tenant_id = %(tenant)s AND u.file_removed_at IS NULL AND u.finished_at IS NOT NULL {of_segments}) f
ORDER BY f.at"""


class Files(Kind):
    """The rule of files, which is the column `keep_files_days` of the workspace, too."""

    key, label, icon = "files", "Imported files", "file"
    words = "Original files of imports and of segments, and archived files of connectors."
    since, effect = "the import ended", "Can no longer be downloaded. The results of the imports stay"
    nouns = ("file", "files")
    default, can_be_endless = 30, False

    def initial(self, tenant: Tenant) -> int | None:
        return tenant.keep_files_days

    def follow(self, tenant: Tenant, days: int | None) -> None:
        tenant.keep_files_days = days or self.default
        tenant.save(update_fields=["keep_files_days"])

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = ["AND i.finished_at < %(before)s", "AND u.finished_at < %(before)s"] if before else ["", ""]
        return counted(fill(FILES, of_imports=older[0], of_segments=older[1]), most=most, before=before)

    def step(self, *, before: datetime, progress: dict[str, Any]) -> Step:
        now = timezone.now()
        old = Import.objects.filter(file_removed_at=None, finished_at__lt=before, phase=Phase.DONE)
        behind = old.filter(pk__gt=progress.get("after", 0)).order_by("pk")
        imports = list(behind.select_for_update(skip_locked=True)[:FILES_AT_ONCE])
        for imp in imports:
            cleanup.remove_file(imp, now)
        uploads = segment_upload.remove_files(before=before, now=now, most=FILES_AT_ONCE)
        return Step(
            len(imports) + uploads,
            is_over=max(len(imports), uploads) < FILES_AT_ONCE,
            progress={"after": imports[-1].pk if imports else 0},
        )
