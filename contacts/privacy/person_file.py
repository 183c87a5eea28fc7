"""Everything that the workspace has about one person, as one JSON file, for who asks what is known of them.

Which tables have something about people is said by each app (contacts.privacy.data_providers). Here is how their rows are
found: by contact, by visitor, or by the rows of files that made the contact. A table that cannot be found so stops the file:
a new one has its condition here, or its reason in NOT_IN_FILE.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.db.models import Q
from django.utils import timezone

from contacts.bulk import queries
from contacts.extensions import contact_data
from contacts.models import Alias, Contact
from contacts.values.columns import IDENTIFIERS
from tenants.isolation.base import TenantModel

# Rows of one table; of who has more, the file says so.
MOST = 100_000
NOT_IN_FILE = {
    "contact_change": "times, which the other rows have", "contact_news": "times, which the other rows have",
    "change_queue": "work that waits, gone in seconds", "bulk_action": "selections of many people at once",
    "withdrawn": "what an undo has removed; it is no longer known of the contact",
    "probable_key": "made of fields that are in the file", "probable_pair": "guesses that no one has confirmed",
    "sync_key": "digests of what is in sync_member", "sync_batch": "requests that wait, of many people at once",
    "import": "files of many people; the rows of this person are in touched and row_issue",
    "import_listing": "numbers of rows in files", "segment_upload": "files of many people",
    "segment": "rules, which say what a workspace looks for and not what it knows", "source": "settings of a source",
    "page": "addresses of pages; which ones were seen is in event", "page_visitor": "which pages were seen, as event has it",
    "quarantine": "identifiers that are too many people's", "visitor_day": "sums of event",
    "tally_queue": "work that waits, gone in seconds",
    "visitor_refusal": "who a visitor is not", "contact_visit": "sums of visitor and event",
    "connector_file": "files of many people", "api_answer": "answers to programs, gone within a day",
}  # fmt: skip
# Numbers that stand for something with a name, and the table and column that have it.
NAMED = {
    "import_id": ("import", "file_name"), "segment_id": ("segment", "name"), "source_id": ("source", "name"),
    "sync_id": ("sync", "name"), "lookalike_id": ("lookalike", "name"), "site_id": ("site", "name"),
}  # fmt: skip


def content(contact_id: int) -> bytes:
    """The file as UTF-8: {"about": {…}, "tables": {table: [row, …]}}, times in ISO 8601. Runs in the workspace's context.

    A row has the columns of its table, and the name beside each number that stands for something with one.
    """
    ids = queries.with_merged([contact_id])
    tables = {table: rows for table, rows in _tables(ids) if rows}
    about = {
        "contacts": ids,
        "made_at": timezone.now(),
        "cut_off": [table for table, rows in tables.items() if len(rows) >= MOST],
    }
    return json.dumps({"about": about, "tables": tables}, ensure_ascii=False, indent=1, default=str).encode()


def _tables(ids: Sequence[int]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    models = {model._meta.db_table: model for model in apps.get_models() if issubclass(model, TenantModel)}
    conditions = _conditions(models, ids)
    names: dict[str, dict[int, str]] = {}
    for provider in contact_data().values():
        for table in provider.TABLES:
            if table in NOT_IN_FILE:
                continue
            rows: Any = models[table]._base_manager.filter(conditions[table])
            yield table, [_named(row, models, names) for row in rows.values()[:MOST]]


def _conditions(models: Mapping[str, Any], ids: Sequence[int]) -> dict[str, Q]:
    """Which rows of each table are about the person."""
    visitors = list(models["visitor"].objects.filter(contact_id__in=ids).values_list("pk", flat=True))
    lines = list(models["touched"].objects.filter(contact_id__in=ids).values_list("import_id", "row_no")[:MOST])
    by_line = Q(pk__in=[])
    for import_id in {pair[0] for pair in lines}:
        by_line |= Q(import_id=import_id, row_no__in=[row for at, row in lines if at == import_id])
    values = _values(ids)
    known = {
        "contact": Q(pk__in=ids),
        "event": Q(contact_id__in=ids) | Q(visitor_id__in=visitors),
        "visitor_identifier": Q(visitor_id__in=visitors),
        "row_issue": by_line,
        "rejected_row": Q(chosen_id__in=ids),
        "blacklist_entry": Q(value__in=values),
        "outbox": Q(to__in=values),
        "audit_entry": Q(object__in=[f"contact {pk}" for pk in ids]) | Q(detail__contact__in=list(ids)),
    }
    return {table: known.get(table, Q(contact_id__in=ids)) for table in models}


def _values(ids: Sequence[int]) -> list[str]:
    rows = Contact.objects.filter(pk__in=ids).values_list(*IDENTIFIERS)
    former = Alias.objects.filter(contact_id__in=ids).values_list("value", flat=True)
    return [value for value in (*(v for row in rows for v in row), *former) if value]


def _named(
    row: dict[str, Any], models: Mapping[str, Any], names: dict[str, dict[int, str]]
) -> dict[str, Any]:  # fmt: skip
    """A row without the number of the workspace, with the names of what it points to."""
    shown = {name: value for name, value in row.items() if name != "tenant_id"}
    for column, (table, title) in NAMED.items():
        number = shown.get(column)
        if number is None:
            continue
        if column not in names:
            names[column] = {}
        if number not in names[column]:
            found = models[table]._base_manager.filter(pk=number).values_list(title, flat=True).first()
            names[column][number] = str(found or "")
        shown[column.removesuffix("_id")] = names[column][number]
    return shown
