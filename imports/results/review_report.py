"""The review of an import as a program reads it: figures, examples, problems and warnings, without words around them."""

from typing import Any

from imports.models import Import, RowIssue, Severity
from imports.options import Options
from imports.pipeline import strict_values
from imports.problems import catalogue
from imports.results import error_rows
from imports.wizard import column_choices, upload

EXAMPLES = 3
CHANNELS = {"email_status": "email", "phone_status": "phone"}


def describe(imp: Import, *, cells: bool) -> dict[str, Any]:
    """All of it, of an import that was checked. Without `cells`, values of the file and of contacts are None."""
    review, labels = imp.review, column_choices.labels()
    changes = [
        {
            "field": change["key"],
            "label": labels.get(change["key"], change["key"]),
            "contacts": change["contacts"],
            "line": change["row"],
            "before": change["before"] if cells else None,
            "after": change["after"] if cells else None,
        }
        for change in review["changes"]
    ]
    statuses = [
        {"channel": CHANNELS[status["key"]], "status": status["status"], "contacts": status["contacts"]}
        for status in review.get("statuses", [])
    ]
    return {
        "id": imp.pk,
        "status": imp.status,
        "rows": imp.rows or 0,
        "counts": review["counts"],
        "changes": changes,
        "statuses": statuses,
        "visitors": review["visitors"],
        "segments": review["segments"],
        "events": review.get("events") or {},
        "problems": [finding for severity in Severity for finding in findings(imp, severity, cells=cells)],
        "warnings": warnings(imp),
        "mapping": [
            {"column": name, "target": column["target"], "label": labels.get(column["target"], column["target"])}
            for name, column in zip(imp.header, imp.mapping, strict=False)
        ],
        "settings": imp.options,
    }


def findings(imp: Import, severity: str, *, cells: bool) -> list[dict[str, Any]]:
    """Codes of a severity with the number of their rows, the most frequent first, and the first rows of each."""
    codes = error_rows.codes(imp, severity)
    issues = RowIssue.objects.filter(import_id=imp.pk, severity=severity)
    parts = [issues.filter(code=found["code"]).order_by("row_no")[:EXAMPLES] for found in codes]
    examples: dict[str, list[dict[str, Any]]] = {}
    for issue in parts[0].union(*parts[1:], all=True) if len(parts) > 1 else (parts[0] if parts else ()):
        examples.setdefault(issue.code, []).append(_example(imp, issue, cells=cells))
    return [{**found, "severity": severity, "examples": examples.get(found["code"], [])} for found in codes]


def _example(imp: Import, issue: RowIssue, *, cells: bool) -> dict[str, Any]:
    at = issue.column
    words = (
        catalogue.sentence(issue.code, **issue.facts | {"value": issue.value}) if cells else catalogue.title(issue.code)
    )
    return {
        "line": issue.row_no,
        "column": imp.header[at] if at is not None and at < len(imp.header) else None,
        "value": issue.value if cells else None,
        "sentence": words,
    }


def warnings(imp: Import) -> list[dict[str, str]]:
    """What a person would be asked before the start: code and sentence."""
    found = []
    if same := upload.same_file(imp):
        found.append(("same_file", f"Import {same.pk} has already imported this file."))
    options = Options.parse(imp.options)
    if options.revives:
        found.append(("revives", "These settings can restore deleted contacts, or make unsubscribed ones active."))
    for column in imp.refused_columns:
        found.append((strict_values.CODE, catalogue.sentence(strict_values.CODE, **column)))
    return [{"code": code, "sentence": sentence} for code, sentence in found]
