"""What a spreadsheet could take for a formula (rule R34), and the apostrophe before what is to stay a text. Pure."""

import re

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SIGNS = "".join(FORMULA).replace("-", "\\-")
# An apostrophe, or several, before a formula sign or before digits that a spreadsheet has as text: '0123.
_MARKED = re.compile(rf"'+(?:[{_SIGNS}]|[0-9][0-9 .,:/+()\-]*\Z)").match


def safe_cell(value: str) -> str:
    """The value, with an apostrophe before what a spreadsheet would run as a formula, or an import would take for marked."""
    return f"'{value}" if value.startswith(FORMULA) or (value[:1] == "'" and _MARKED(value)) else value


def unmarked(value: str) -> str:
    """A cell without that apostrophe: the opposite of `safe_cell`, also for cells that a spreadsheet has marked."""
    return value[1:] if value[:1] == "'" and _MARKED(value) else value


def strip_guard(text: str) -> str:
    """A cell without the apostrophe that our own downloads put before a formula sign, and spreadsheets before digits that
    are text ('0123), so that both come in as they were."""
    return unmarked(text).strip() if text[:1] == "'" else text
