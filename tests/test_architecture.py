"""The shape of the code: where SQL stands and what every statement carries."""

import ast
import builtins
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = (
    "core",
    "cdp",
    "tenants",
    "contacts",
    "tracking",
    "segments",
    "imports",
    "sources",
    "audiences",
    "destinations",
    "connectors",
    "insights",
    "api",
)
SOURCES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)  # fmt: skip
# Modules that may open a cursor, each with its reason.
CURSORS = {
    "contacts/statements.py": "runs statements on staging tables",
    "contacts/identity/queries.py": "statements of identity",
    "contacts/staging.py": "makes and fills the staging tables",
    "contacts/bulk/queries.py": "statements of bulk actions",
    "sources/membership.py": "members of a source from a query of the ORM",
    "contacts/linkage/queries.py": "statements of the search for probable duplicates",
    "imports/pipeline/queries.py": "statements of imports",
    "tenants/isolation/statements.py": "runs statements of a workspace",
    "tenants/isolation/context.py": "sets the tenant",
    "tenants/isolation/replica.py": "asks the primary and the replica how far they are",
    "tenants/isolation/distribution.py": "spreads the tables over a cluster, as their owner",
    "tenants/isolation/checks.py": "reads the catalogue",
    "segments/refresh.py": "puts the query of a rule into a statement",
    "core/watermark.py": "asks who is writing",
    "cdp/views.py": "health asks for a sign of life",
    "tracking/event_partitions.py": "makes partitions, as the owner of the tables",
    "insights/operations/sample.py": "asks the server for its size",
    "insights/operations/machinery.py": "asks the server for its size and its slow statements",
}
TABLES = {
    "contact", "suppression", "segment_member", "visitor", "visitor_identifier", "event", "row_issue", "rejected_row",
    "touched", "contact_change", "import", "import_unit", "row", "hit", "repeat", "loser", "map",
    "withdrawn", "event_key", "alias", "merge", "contact_news", "bulk_item", "source_name", "probable_key",
    "probable_pair",
    "contact_visit", "page", "page_visitor", "change_queue", "watched_cause", "segment_change", "segment_size",
    "undone", "turned", "used", "back", "listed", "quarantine", "import_listing", "audience", "lookalike",
    "lookalike_member", "lookalike_change",
    "destination", "sync", "sync_run", "sync_batch", "sync_member", "sync_key", "lookalike_field",
    "visitor_day", "tally_queue", "visit_tally", "step_tally", "order_tally", "tally_state", "contact_tally",
    "import_error_tally", "audit_entry", "webhook_delivery", "segment_upload",
}  # fmt: skip


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_cursors_are_opened_in_few_places() -> None:
    opened = re.compile(r"\b(connection|database\(\)|connections\[\w+\])\.cursor\(")
    users = {name(path) for path in SOURCES if opened.search(path.read_text())}
    assert users == set(CURSORS)


def statements() -> list[tuple[str, str]]:
    """(where, text) of every SQL constant in the code."""
    found = []
    for path in SOURCES:
        source = path.read_text()
        for node in ast.walk(ast.parse(source)) if "%(tenant)s" in source else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                if re.search(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b", text) and "%(tenant)s" in text:
                    found.append((f"{name(path)}:{node.lineno}", text))
    return found


REFERENCE = re.compile(r"\b(?:FROM|JOIN|USING|UPDATE)\s+\{*(\w+)\}*\s+(?:AS\s+)?(\w+)")
KEYWORDS = {"SELECT", "WHERE", "ON", "SET", "USING", "LEFT", "JOIN", "CROSS", "GROUP", "ORDER", "AS"}


@pytest.mark.parametrize(("where", "text"), statements(), ids=lambda v: v if len(v) < 60 else "")
def test_every_table_of_every_statement_carries_the_tenant(where: str, text: str) -> None:
    """Rule 2 of scale-out: the number on each table, joins included; policies alone would ask every node."""
    for table, alias in REFERENCE.findall(text):
        if table in TABLES and alias.upper() not in KEYWORDS:
            assert f"{alias}.tenant_id" in text, f"{where}: {table} {alias} has no tenant"


def test_statements_were_found() -> None:
    assert len(statements()) > 40


def test_nothing_is_left_half_done() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert [name(path) for path in SOURCES if marks.search(path.read_text())] == []


RAISES = re.compile(r"\b[Rr]aises?\b([^.;:()]*(?:\.[A-Z]\w+[^.;:()]*)*)")


def names_in_code() -> set[str]:
    """Every name that code, not text, has: classes, names, attributes, imports."""
    found: set[str] = set(dir(builtins))
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
    return found


def test_docstrings_name_errors_that_exist() -> None:
    """ "Raises TooFar" must not outlive the class TooFar."""
    known, wrong, seen = names_in_code(), [], 0
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            for part in RAISES.findall(ast.get_docstring(node) or ""):
                named = re.findall(r"\b(?:\w+\.)*([A-Z]\w*[a-z]\w*)", part)
                seen += len(named)
                wrong += [f"{name(path)}: {error}" for error in named if error not in known]
    assert wrong == []
    assert seen > 100
