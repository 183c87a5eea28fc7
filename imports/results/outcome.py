"""What an import is and what its rows led to, as a program reads it: printed by the command, sent by the API, written into
the result file of a connector."""

from collections import Counter
from typing import Any

from imports import phases
from imports.models import Import, RowIssue
from imports.problems import catalogue
from tenants.models import Tenant
from tenants.web import workspace_urls


def describe(tenant: Tenant, imp: Import) -> dict[str, Any]:
    """Status, counts by outcome and by code, visitors, events and time. Runs in the tenant's context."""
    return {
        "id": imp.pk,
        "url": url_of(tenant, imp),
        "status": imp.status,
        "reason": imp.reason,
        **{name: getattr(imp, name) for name in ("rows", *Import.OUTCOMES, "not_reached")},
        "matched_visitors": imp.matched_visitors if imp.ended else imp.review.get("counts", {}).get("visitors", 0),
        "events": imp.events_added,
        "events_known": imp.events_known,
        "issues_by_code": issues_by_code(imp),
        "seconds": imp.seconds,
        **({"sheet": imp.sheet, "sheets": imp.sheets} | imp.looks if imp.container == "xlsx" else {}),
    }


def rests(imp: Import) -> bool:
    """Whether nothing works on it: it has ended, or waits for a person."""
    return imp.ended or (imp.phase in phases.WAITING and not imp.is_canceling)


def url_of(tenant: Tenant, imp: Import) -> str:
    """The full address of the page of an import."""
    return workspace_urls.absolute(workspace_urls.inside(tenant.slug, "imports:detail", imp.pk))


def sentence(imp: Import) -> str:
    """Why an import has failed, in words; "" for one that has not."""
    return catalogue.sentence(imp.reason, **imp.reason_facts) if imp.reason else ""


def issues_by_code(imp: Import) -> dict[str, int]:
    """How often each code was noted, by code."""
    issues = Counter(RowIssue.objects.filter(import_id=imp.pk).values_list("code", flat=True).iterator())
    return dict(sorted(issues.items()))
