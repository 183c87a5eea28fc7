"""What imports leave behind as kinds of data with a rule: their files, and the cells of rows in error."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from imports import cleanup, segment_upload
from imports.models import Import, Phase
from tenants.isolation.statements import fetch, fill, run
from tenants.models import Tenant
from tenants.retention import kinds
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


# Rows in error whose cells are still there, of imports that have ended.
ERROR_ROWS = """
SELECT i.finished_at FROM import i JOIN rejected_row r ON r.tenant_id = %(tenant)s AND r.import_id = i.id
WHERE i.tenant_id = %(tenant)s AND i.phase = 'done' AND r.cells <> '[]' {older}"""
# The next ones behind a place, by their key; then what is stored of them. Their numbers and the codes of their problems
# stay, so that the sums of the import stay true.
OLD_ROWS = """
SELECT r.import_id, r.row_no FROM rejected_row r JOIN import i ON i.tenant_id = %(tenant)s AND i.id = r.import_id
WHERE r.tenant_id = %(tenant)s AND (r.import_id, r.row_no) > (%(imp)s, %(row)s) AND i.phase = 'done'
  AND i.finished_at < %(before)s AND r.cells <> '[]'
ORDER BY r.import_id, r.row_no LIMIT %(most)s FOR UPDATE OF r"""
BLANK_OLD = """
WITH old AS (SELECT u.imp, u.no FROM unnest(%(imps)s::bigint[], %(rows)s::int[]) AS u(imp, no)),
issues AS (
  UPDATE row_issue s SET value = NULL, facts = '{}' FROM old o
  WHERE s.tenant_id = %(tenant)s AND s.import_id = o.imp AND s.row_no = o.no)
UPDATE rejected_row r SET cells = '[]', fixed = NULL, chosen_id = NULL, rechecked = NULL FROM old o
WHERE r.tenant_id = %(tenant)s AND r.import_id = o.imp AND r.row_no = o.no"""


class ErrorRows(Kind):
    """The rule of rows in error."""

    key, label, icon = "error_rows", "Rows in error", "circle-alert"
    words = "Cells of rows that could not be imported, and what was corrected in them. Counts and problems stay."
    since, effect = "the import ended", "Cells are emptied, so that the rows can no longer be corrected"
    nouns = ("row", "rows")
    least = 7

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = "AND i.finished_at < %(before)s" if before else ""
        return counted(fill(ERROR_ROWS, older=older), most=most, in_order=False, before=before)

    def step(self, *, before: datetime, progress: dict[str, Any]) -> Step:
        place = progress.get("place", [0, 0])
        found = fetch(OLD_ROWS, imp=place[0], row=place[1], before=before, most=kinds.BATCH)
        run(BLANK_OLD, imps=[row[0] for row in found], rows=[row[1] for row in found])
        is_over = len(found) < kinds.BATCH
        return Step(len(found), is_over=is_over, progress={"place": list(found[-1])} if found else {})
