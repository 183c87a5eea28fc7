"""The mapping page as it was left: choices and input are saved as they are, also what cannot be used yet.

`Import.draft` has `form` (names and values of the page), `asked` (whether somebody has said what the file holds), and after
the check `mapping` (one entry a column), to which one can go back from the review, and `checked_at` (ISO 8601).
"""

import re
from collections.abc import Mapping
from typing import Any

from imports.cleaning import row_settings
from imports.models import Import
from imports.wizard import column_choices, upload
from imports.wizard.forms import OptionsForm

_OF_COLUMN = re.compile(r"(?:column|key|label|type|leave|(?:date|number|list)-format)-([0-9]{1,4})\Z").match
MOST = 2_500
# Has to be confirmed again whenever an import may make people active.
NEVER_KEPT = frozenset({"revive_confirmed"})
# Reasons of a mapping that a person has confirmed: another task does not guess such columns again.
BY_HAND = frozenset({"chosen", "saved", "new"})


def form(imp: Import) -> dict[str, str]:
    """Names and values of the page as they were kept; empty before anybody has changed it."""
    fields: dict[str, str] = imp.draft.get("form", {})
    return fields


def settings(imp: Import) -> dict[str, str]:
    """The part of the form that is settings."""
    return {name: value for name, value in form(imp).items() if name in OptionsForm.base_fields}


def task_of(imp: Import) -> str:
    """What the file currently holds."""
    task = form(imp).get("task") or imp.options.get("task")
    return task if task in row_settings.TASKS else "contacts"


def keep(imp: Import, posted: Mapping[str, str], *, task: str = "") -> bool:
    """Keep the page as it was sent; `task` is what somebody says the file holds. True when that changes, and the columns
    were therefore guessed again: those that a person has chosen stay."""
    known = {name: str(value).replace("\x00", "")[:MOST] for name, value in posted.items() if _is_kept(imp, name)}
    before, draft = task_of(imp), dict(imp.draft)
    if task in row_settings.TASKS:
        known["task"], draft["asked"] = task, True
    imp.draft = draft | {"form": known}
    changed = task_of(imp) != before
    if changed:
        _guess_again(imp, known, before)
    imp.save(update_fields=["draft", "mapping"])
    return changed


def _is_kept(imp: Import, name: str) -> bool:
    match = _OF_COLUMN(name)
    if match:
        return int(match[1]) < len(imp.header)
    return name in OptionsForm.base_fields and name not in NEVER_KEPT


def _guess_again(imp: Import, known: dict[str, str], before: str) -> None:
    """Put what the new task suggests into columns that nobody has chosen by hand."""
    guessed = upload.guess(column_choices.preview(imp), task=task_of(imp))
    of_task = row_settings.TASKS[task_of(imp)].targets
    mapping = list(imp.mapping)
    stay = {i for i, column in enumerate(mapping) if _stays(i, column, known, of_task)}
    taken = {known.get(f"column-{i}", mapping[i]["target"]) for i in stay} - {"skip", "new", "event.property"}
    for i, new in enumerate(guessed):
        if i in stay:
            continue
        mapping[i] = {"target": "skip", "reason": "none"} if new["target"] in taken else new
        known[f"column-{i}"] = mapping[i]["target"]
        for kind in ("date", "number", "list"):
            known.pop(f"{kind}-format-{i}", None)
    imp.mapping = mapping


def _stays(i: int, column: Mapping[str, Any], known: Mapping[str, str], of_task: tuple[str, ...]) -> bool:
    chosen = known.get(f"column-{i}", column["target"])
    if chosen.startswith("event.") and chosen not in of_task:
        return False
    return chosen != column["target"] or column.get("reason") in BY_HAND
