"""Everything of a workspace as a ZIP: contacts as the export of contacts writes them, and the tables as CSV.

Which table is a file, and under which name, is said here; every other one has its reason in LEFT_OUT. Secrets and digests of
secrets are never in it.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from django.apps import apps
from django.conf import settings
from django.utils.module_loading import import_string

from tenants.isolation import statements
from tenants.isolation.base import TenantModel
from tenants.models import Membership, Tenant

# Table → name of its file, by folder.
FILES = {
    "contact": "contacts/all", "alias": "contacts/former identifiers", "merge": "contacts/merges",
    "consent_record": "contacts/consents", "blacklist_entry": "contacts/blacklist", "bulk_action": "contacts/bulk actions",
    "bulk_item": "contacts/contacts of bulk actions", "suppression": "contacts/erased (digests)",
    "visitor": "events/visitors", "visitor_identifier": "events/identifiers of visitors", "event": "events/events",
    "page": "events/pages", "visitor_refusal": "events/released visitors", "contact_visit": "events/visits of contacts",
    "import": "imports/imports", "row_issue": "imports/problems", "rejected_row": "imports/rows in error",
    "touched": "imports/contacts by row", "saved_mapping": "imports/saved mappings",
    "segment_upload": "imports/segment files",
    "segment": "segments/segments", "segment_member": "segments/members", "segment_change": "segments/entered and left",
    "segment_size": "segments/sizes by hour", "segment_edit": "segments/edits",
    "segment_edit_row": "segments/edited members",
    "source": "sources/sources", "source_member": "sources/contacts", "ambiguity": "sources/ambiguities",
    "audience": "audiences/audiences", "lookalike": "audiences/lookalikes",
    "lookalike_member": "audiences/lookalike contacts", "lookalike_change": "audiences/lookalikes entered and left",
    "lookalike_field": "audiences/fields of lookalikes",
    "sync": "data syncs/syncs", "sync_run": "data syncs/runs", "sync_member": "data syncs/contacts",
    "destination": "data syncs/destinations",
    "attribute": "settings/fields", "category": "settings/subscriptions", "signup_form": "settings/forms",
    "site": "settings/sites", "source_name": "settings/data sources", "connector": "settings/connectors",
    "connector_file": "settings/files of connectors", "fetched_file": "settings/fetched files",
    "webhook": "settings/webhooks",
    "webhook_delivery": "settings/webhook deliveries", "mail_hook": "settings/e-mail providers",
    "invitation": "settings/invitations", "identity_provider": "settings/single sign-on",
    "provider_link": "settings/single sign-on of members", "audit_entry": "settings/audit log",
    "retention_rule": "settings/retention",
}  # fmt: skip
LEFT_OUT = {
    "membership": "it is in settings/members.csv, with names", "workspace_export": "it is about this file",
    "api_token": "digests of secrets", "api_answer": "answers to programs, gone within a day",
    "failed_sign_in": "about accounts of people, gone after a while",
    "file_removal": "names of files that are being removed",
    "outbox": "e-mails that were sent", "notice": "what members were told in the product",
    "ambiguity_sweep": "how far a search is", "inbox_position": "how far a reader is", "turn": "a lock",
    "import_unit": "work that was done", "import_listing": "made of other tables", "event_key": "digests of repeated events",
    "withdrawn": "what was undone", "change_batch": "order of changes", "contact_change": "order of changes",
    "contact_news": "order of changes", "change_queue": "work that waits", "watched_cause": "made of rules of segments",
    "probable_key": "made of contacts", "probable_pair": "guesses", "probable_search": "work that was done",
    "quarantine": "made of visitors", "page_visitor": "made of events", "visitor_day": "made of events",
    "visit_tally": "sums of events", "step_tally": "sums of events", "tally_queue": "work that waits",
    "order_tally": "sums of events",
    "tally_state": "how far sums are", "contact_tally": "sums of contacts", "contact_count": "sums of contacts",
    "import_error_tally": "sums of imports", "hidden_guide": "what members have closed", "hit_id": "marks of repeated hits",
    "sync_batch": "requests that wait", "sync_key": "digests of addresses",
}  # fmt: skip
# Columns that are secrets, made of secrets, or marks of forms.
HIDDEN = {
    "site": {"secret_salt", "former_salt"}, "connector": {"secret_hash", "remote_secret"}, "destination": {"secret"},
    "webhook": {"salt", "former_salt"}, "mail_hook": {"key", "confirm_url"}, "identity_provider": {"secret"},
}  # fmt: skip
MARKS = {"tenant_id", "token", "draft"}
ABOUT = """Export of the workspace {name}, made on {at:%Y-%m-%d %H:%M} UTC: one moment of all its data.

contacts.csv has the contacts that are not deleted as the export of contacts writes them. An import reads it again.
All other files are tables as CSV (UTF-8, commas, an empty field without quotes is no value). A column such as import_id is
the id in the file of that name; members are numbers of settings/members.csv. Passwords and keys are not in the export.

File, rows:
"""


@dataclass
class Progress:
    """How far an export is."""

    files: int
    file: int = 0
    rows: int = 0


def write(target: IO[bytes], tenant: Tenant, *, at: Any, say: Callable[[Progress], None]) -> int:
    """Write the whole ZIP in the workspace's context; returns the number of rows. `say` hears after each file."""
    keys, models = statements.keys(), _models()
    progress = Progress(files=len(FILES) + len(_texts()) + 2)
    counted: list[tuple[str, int]] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for name, function in _texts().items():
            with archive.open(name, "w", force_zip64=True) as raw, io.TextIOWrapper(raw, "utf-8", newline="") as text:
                counted.append((name, int(function(text))))
            _count(progress, counted, say)
        for table, name in FILES.items():
            columns = [f.column for f in models[table]._meta.fields if f.column not in MARKS | HIDDEN.get(table, set())]
            with archive.open(f"{name}.csv", "w", force_zip64=True) as raw:
                rows = -1  # the head
                for part in statements.copy_out(table, columns, order=keys[table]):
                    raw.write(part)
                    rows += 1
            counted.append((f"{name}.csv", max(rows, 0)))
            _count(progress, counted, say)
        archive.writestr("settings/members.csv", "".join(_members()))
        archive.writestr("settings/workspace.json", _settings(tenant))
        about = ABOUT.format(name=tenant.name, at=at) + "".join(f"{name}, {rows:,}\n" for name, rows in counted)
        archive.writestr("README.txt", about)
    return sum(rows for _name, rows in counted)


def _count(progress: Progress, counted: list[tuple[str, int]], say: Callable[[Progress], None]) -> None:
    progress.file += 1
    progress.rows += counted[-1][1]
    say(progress)


def _models() -> dict[str, Any]:
    return {model._meta.db_table: model for model in apps.get_models() if issubclass(model, TenantModel)}


def _texts() -> dict[str, Callable[[IO[str]], int]]:
    """Files that apps write themselves: name → function of the file that returns how many rows it has."""
    return {name: import_string(path) for name, path in settings.WORKSPACE_FILES.items()}


def _members() -> Iterator[str]:
    yield "user_id,email,name,role\r\n"
    for member in Membership.objects.select_related("user").order_by("pk"):
        cells = (str(member.user_id), member.user.email, member.user.name, member.role)
        yield ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n"


def _settings(tenant: Tenant) -> str:
    """The settings of the workspace itself."""
    own = {field.attname: getattr(tenant, field.attname) for field in tenant._meta.fields}
    return json.dumps(own, indent=1, default=str, ensure_ascii=False)
