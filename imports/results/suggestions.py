"""What a cell in error may have meant: a change that is proposed, and that can be made in every cell of the column at once.

A proposal is shown only when the import reads the cell without a fault after it. Pure but for that judge.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from contacts.values import types, vocabulary
from contacts.values.types import BadValue
from core import exact_json, places
from imports.mapping import value_formats

# Where most private addresses are.
MAIL_HOSTS = (
    "gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.uk", "yahoo.fr", "yahoo.de", "hotmail.com", "hotmail.co.uk",
    "hotmail.fr", "outlook.com", "outlook.de", "live.com", "msn.com", "icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net",
    "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de", "orange.fr", "free.fr", "laposte.net", "wanadoo.fr",
    "libero.it", "virgilio.it", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "inbox.lv", "mail.ru", "yandex.ru", "ukr.net",
    "proton.me", "protonmail.com", "btinternet.com", "comcast.net",
)  # fmt: skip
CLOSE = 0.75


@dataclass(frozen=True)
class Proposal:
    """Put `put` in place of `find`: for the `whole` cell, or for the part of it."""

    find: str
    put: str
    whole: bool

    def changed(self, value: str) -> str:
        """The cell after it."""
        return self.put if self.whole else value.replace(self.find, self.put)


def propose(value: str, column: Mapping[str, Any], *, good: Callable[[str], bool]) -> Proposal | None:
    """The first change after which `good` says that nothing is wrong with the cell; `column` is its entry of a mapping."""
    text = value.strip()
    for candidate in _candidates(text, column) if text else ():
        if candidate.put != candidate.find and good(candidate.changed(value)):
            return candidate
    return None


def _candidates(text: str, column: Mapping[str, Any]) -> list[Proposal]:
    kind = "email" if column["target"] == "email" else column.get("type") or value_formats.type_of(column["target"], {})
    if kind == "email":
        return _of_mail(text)
    if value_formats.kind_of(kind) in ("date", "number"):
        return _in_format(text, kind, column)
    words: dict[str, str] = {}
    if kind in ("choice", "choices"):
        words = {label: label for pair in (column.get("options") or {}).items() for label in pair}
    elif kind == "country":
        words = {name.rpartition(" (")[0]: code for code, name in places.countries(vocabulary.COUNTRY_CODES)}
    elif kind == "language":
        words = {name.rpartition(" (")[0]: code for code, name in places.languages(vocabulary.language_codes())}
    elif kind == "boolean":
        words = {"yes": "yes", "no": "no", "true": "yes", "false": "no"}
    small = {word.casefold(): put for word, put in words.items()}
    close = get_close_matches(text.casefold(), small, n=3, cutoff=0.7)
    return [Proposal(text, small[word], True) for word in close]


def _of_mail(text: str) -> list[Proposal]:
    """A host that is nearly a known one, in all cells that have it; then signs that do not belong into an address."""
    _name, at, host = text.rpartition("@")
    proposals = []
    if at:
        begun = [known for known in MAIL_HOSTS if known.startswith(f"{host.lower()}.")]
        for known in [*begun[:1], *get_close_matches(host.lower(), MAIL_HOSTS, n=2, cutoff=CLOSE)]:
            proposals.append(Proposal(f"@{host}", f"@{known}", False))
        endings = {",com": ".com", ".con": ".com", ".cmo": ".com", ".comm": ".com", "..": "."}
        for wrong, right in endings.items():
            if wrong in host:
                proposals.append(Proposal(f"@{host}", f"@{host.replace(wrong, right)}", False))
    plain = text.replace(" ", "").replace("@@", "@").replace(",", ".").strip(".;:<>()[]'\"")
    return [*proposals, Proposal(text, plain, True)]


def _in_format(text: str, kind: str, column: Mapping[str, Any]) -> list[Proposal]:
    """The same day or number, written as the column says; only where one of all ways reads it, and none other."""
    family = value_formats.kind_of(kind)
    read = set()
    for form in value_formats.CHOICES[family]:
        try:
            read.add(exact_json.plain(types.parser(kind, formats=tuple(value_formats.expanded(form)))(text)))
        except BadValue:
            continue
    if len(read) != 1:
        return []
    # ISO 8601, and a number with a point, are read in every column.
    value = read.pop()
    return [Proposal(text, f"{value:f}" if isinstance(value, Decimal) else str(value), True)]
