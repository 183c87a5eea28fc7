"""How many contacts a rule and each line of its form mean, counted in one pass over them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from segments.rules.rule_form import RuleForm


@dataclass(frozen=True)
class Counts:
    """Contacts that a form means (`total`), and each of its finished lines, by path."""

    total: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)


def count(form: RuleForm, contacts: Any) -> Counts:
    """How many of these contacts (a query) the form means, and each line of it."""
    if form.rule is None:
        return Counts()
    counted = [line for line in form.lines if line.q is not None]
    each = {f"n{i}": Count("pk", filter=line.q) for i, line in enumerate(counted)}
    said = contacts.aggregate(total=Count("pk", filter=form.q), **each)
    return Counts(said["total"], {line.path: said[f"n{i}"] for i, line in enumerate(counted)})
