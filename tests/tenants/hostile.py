"""Every route with everything in it that can be set from outside: parts of its address, parameters, fields of its forms.

What a view asks for is found by listening to it, what a form sends is read from the pages, so a new page is tried by itself.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from django.http import QueryDict
from django.urls import URLPattern, URLResolver, get_resolver

HUGE = "1" + "0" * 30
# What is sent as a text. "FOREIGN" and "OWN" stand for ids of another workspace and of the own one.
VALUES = {
    "NUL": "a\0b",
    "huge": HUGE,
    "above 64 bits": str(2**63),
    "above 32 bits": str(2**31),
    "negative": "-1",
    "huge negative": f"-{HUGE}",
    "empty": "",
    "blank": " ",
    "fraction": "1.5",
    "not finite": "NaN",
    "exponent": "1e400",
    "no number": "abc",
    "other digits": "١٢٣",
    "superscript": "²",
    "very long": "x" * 9_000,
    "markup": "<script>alert(1)</script>'\"",
    "percent": "%00%ff%ud800",
    "replacement": "\ufffd\uffff",
    "JSON": '{"a": [1, null]}',
    "JSON list": "[[[1]]]",
    "JSON with NUL": '{"rule": "\\u0000", "a": "\\ud800"}',
    "UTF-16": "UTF-16",
    "a codec that is no charset": "rot13",
    "path": "../../../../etc/passwd",
    "address": "//evil.example.net/x",
    "date": "0000-00-00",
    "time": "9999-99-99T99:99:99Z",
    "foreign": "FOREIGN",
    "own": "OWN",
}
# Those that are tried for each name alone, too, among the others as they are.
ALONE = ["NUL", "huge", "no number", "JSON with NUL", "UTF-16", "foreign"]
# What is sent as it is, after a name in an address.
RAW = {
    "invalid UTF-8": "%ff%fe%c3%28",
    "NUL": "%00",
    "surrogate": "%ed%a0%80",
    "half of a percent": "%",
    "overlong": "%c0%80",
}


@dataclass
class Form:
    """A form of a page: where it goes, how, and what it sends untouched."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self, here: str) -> None:
        super().__init__()
        self.here = here
        self.found: list[Form] = []
        self.links: set[str] = set()
        self.select: str | None = None
        self.first: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:  # noqa: C901 - a case for each tag
        at = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.found.append(Form(at.get("action") or self.here, at.get("method", "get").lower()))
        for name in ("href", "hx-get", "formaction"):
            if name in at:
                self.links.add(at[name])
        if "hx-post" in at:
            self.found.append(Form(at["hx-post"], "post"))
        if not self.found:
            return
        fields = self.found[-1].fields
        name = at.get("name", "")
        if tag == "select" and name:
            self.select, self.first = name, None
            fields.setdefault(name, [])
        elif tag == "option" and self.select and ("selected" in at or not fields[self.select]):
            fields[self.select] = [at.get("value", "")]
        elif tag == "textarea" and name:
            fields.setdefault(name, [""])
        elif tag in ("input", "button") and name:
            chosen = at.get("type") not in ("checkbox", "radio") or "checked" in at
            fields.setdefault(name, [])
            if chosen or not fields[name]:
                fields[name] = [at.get("value", "")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = None


def forms_of(html: str, here: str) -> tuple[list[Form], set[str]]:
    """The forms of a page, and the addresses that it links to."""
    parser = _Forms(here)
    parser.feed(html)
    return parser.found, parser.links


@contextmanager
def listening() -> Iterator[set[str]]:
    """The names that are asked for in addresses and forms while this is open."""
    asked: set[str] = set()
    before = {name: getattr(QueryDict, name, None) for name in ("get", "getlist", "__getitem__", "__contains__")}

    def heard(original: Any) -> Any:
        def ask(self: Any, key: Any, *rest: Any, **named: Any) -> Any:
            if isinstance(key, str):
                asked.add(key)
            return original(self, key, *rest, **named)

        return ask

    for name, original in before.items():
        setattr(QueryDict, name, heard(original))
    try:
        yield asked
    finally:
        for name in before:
            delattr(QueryDict, name)


def routes(urlconf: str) -> list[tuple[str, Any]]:
    """(pattern, view) of every route of a URLconf."""
    found: list[tuple[str, Any]] = []

    def walk(resolver: URLResolver, prefix: str) -> None:
        for pattern in resolver.url_patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                found.append((path, pattern.callback))
            else:
                walk(pattern, path)

    walk(get_resolver(urlconf), "")
    return [(path.lstrip("^/"), view) for path, view in found]


PARTS = re.compile(r"<(?:(\w+):)?(\w+)>")


def matches(path: str, address: str, prefix: str) -> bool:
    """Whether an address belongs to a route."""
    pattern = re.sub(r"<[^>]+>", "\0", path)
    pattern = re.escape(pattern).replace("\0", "[^/]+")
    return bool(re.fullmatch(re.escape(prefix) + pattern, urlsplit(address).path))
