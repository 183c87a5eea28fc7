"""What people can read on pages, in mails and in messages: text of the templates, and string constants in code."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import Lexer, TokenType

ROOT = Path(__file__).resolve().parents[2]
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
    "api",
)
# A value that is only known when the page is drawn.
VALUE = "…"
# Text in a tag: what follows a filter's colon or a keyword's equals sign. What is compared or named is no text.
QUOTED = re.compile(r'(?<![=!<>])[=:]"([^"]*)"')
SPOKEN = {"title", "alt", "aria-label", "placeholder", "data-label", "data-announce"}
SQL = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WHERE|FROM|JOIN|SET|ANALYZE|VALUES|AND|CASE|RETURNING|GRANT)\b"
)
# Names of columns in files, one beside the other: data, not words.
NAMES = re.compile(r"\w\|\w+")
WORDS = re.compile(r"[A-Za-z’'] [A-Za-z]|^[A-Z][a-z]+$")


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style")
        self.found += [(self.getpos()[0], value) for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append((self.getpos()[0], data))


def of_template(source: str) -> list[tuple[int, str]]:
    """(line, text) of a template: text nodes, spoken attributes, texts given to tags and filters. Comments do not count."""
    html: list[str] = []
    texts: list[tuple[int, str]] = []
    line, silent = 1, False
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK and token.contents in ("comment", "endcomment"):
            silent = token.contents == "comment"
        elif token.token_type == TokenType.TEXT:
            html.append("\n" * token.contents.count("\n") if silent else token.contents)
        elif token.token_type != TokenType.COMMENT:
            texts += [(line, text) for text in QUOTED.findall(token.contents)]
            html.append(VALUE if token.token_type == TokenType.VAR else " ")
        line += token.contents.count("\n")
    parser = _Texts()
    parser.feed("".join(html))
    parser.close()
    return texts + parser.found


def of_module(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of the string constants of a module that are words; docstrings, SQL and names of columns do not."""
    tree = ast.parse(source)
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = ""
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            text = node.value
        if WORDS.search(text) and not SQL.search(text) and len(NAMES.findall(text)) < 3:
            yield node.lineno, text  # type: ignore[attr-defined]


def everything() -> Iterator[tuple[str, int, str]]:
    """(file, line, text) of all that can be read."""
    for page in sorted((ROOT / "templates").rglob("*")):
        if page.is_file():
            for line, text in of_template(page.read_text(encoding="utf-8")):
                yield str(page.relative_to(ROOT)), line, text
    for app in APPS:
        for module in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in module.parts:
                for line, text in of_module(module.read_text(encoding="utf-8")):
                    yield str(module.relative_to(ROOT)), line, text
