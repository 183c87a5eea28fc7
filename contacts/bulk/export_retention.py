"""Files of exports as a kind of data with a rule: lists of contacts, and everything of the workspace."""

from datetime import datetime
from typing import Any

from contacts.bulk import export
from tenants.closing import export_job
from tenants.isolation.statements import fill
from tenants.retention.kinds import Found, Kind, Step, counted

FIND = """
SELECT f.at FROM (
  SELECT b.finished_at AS at FROM bulk_action b
  WHERE b.tenant_id = %(tenant)s AND b.kind = 'export' AND b.result <> '{}' {of_contacts}
  UNION ALL
  SELECT w.finished_at AS at FROM workspace_export w WHERE w.tenant_id = %(tenant)s AND w.file <> '' {of_everything}) f
WHERE f.at IS NOT NULL ORDER BY f.at"""


class Exports(Kind):
    """The rule of files of exports."""

    key, label, icon = "exports", "Files of exports", "download"
    words = "Lists of contacts and files with everything of the workspace, for the members who asked for them."
    since, effect = "the file was made", "Can no longer be downloaded. They can be made again"
    nouns = ("file", "files")
    default, most, can_be_endless = export.KEEP_DAYS, 365, False

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = ["AND b.finished_at < %(before)s", "AND w.finished_at < %(before)s"] if before else ["", ""]
        return counted(fill(FIND, of_contacts=older[0], of_everything=older[1]), most=most, before=before)

    def step(self, *, before: datetime, progress: dict[str, Any]) -> Step:
        return Step(export.forget(before=before) + export_job.forget(before=before), is_over=True)
