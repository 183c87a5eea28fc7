"""The guides, read once: each is a page of sections, made from Markdown without any HTML of its own."""

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "guides"
# In the order in which they are offered, with the sign of each.
GUIDES = {"marketer": "users", "admin": "user-cog", "developer": "link", "operator": "server"}
EXCERPT = 160
MOST_FOUND = 20
_WORD = re.compile(r"\w+")
_PICTURES = "../../static/"


class Section(NamedTuple):
    """A heading and what stands below it. `anchor` is that of its heading in the page; the first one has none."""

    guide: str
    title: str
    anchor: str
    text: str


class Guide(NamedTuple):
    """A guide as pages show it. `lead` is its first paragraph, as plain text."""

    name: str
    icon: str
    title: str
    lead: str
    html: SafeString
    sections: tuple[Section, ...]


class Found(NamedTuple):
    """A section that has all words of a search, and the part of it where the first of them stands."""

    section: Section
    of: str
    excerpt: str


@lru_cache(maxsize=1)
def guides() -> dict[str, Guide]:
    """All guides by name."""
    return {name: _read(name, (FOLDER / f"{name}.md").read_text(), icon=icon) for name, icon in GUIDES.items()}


def _read(name: str, text: str, *, icon: str) -> Guide:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    sections: list[Section] = []
    words: list[str] = []
    title = anchor = lead = ""
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            if title:
                sections.append(Section(name, title, anchor, " ".join(words)))
            title, words = _plain(tokens[at + 1]), []
            anchor = "" if token.tag == "h1" else anchor_of(title)
            if anchor:
                token.attrSet("id", anchor)
        elif token.type == "inline":
            _lead_home(token)
            if tokens[at - 1].type != "heading_open":
                words.append(_plain(token))
                lead = lead or words[-1]
    sections.append(Section(name, title, anchor, " ".join(words)))
    # The page of the product has the title and the lead in its head.
    body = _without_head(tokens)
    html = markdown.renderer.render(body, markdown.options, {})
    html = html.replace("<table>", '<div class="scroller"><table class="table">').replace("</table>", "</table></div>")
    return Guide(name, icon, sections[0].title, lead, mark_safe(html), tuple(sections))  # noqa: S308  HTML is off


def _without_head(tokens: list[Token]) -> list[Token]:
    ends = [at for at, token in enumerate(tokens) if token.type in ("heading_close", "paragraph_close")]
    return tokens[ends[1] + 1 :]


def _lead_home(token: Token) -> None:
    """Point pictures and links between guides to where the product has them."""
    for child in token.children or ():
        if child.type == "image" and str(child.attrs["src"]).startswith(_PICTURES):
            child.attrSet("src", static(str(child.attrs["src"]).removeprefix(_PICTURES)))
            child.attrSet("loading", "lazy")
        elif child.type == "link_open":
            name, _hash, anchor = str(child.attrs["href"]).partition("#")
            if name.removesuffix(".md") in GUIDES:
                child.attrSet("href", f"../{name.removesuffix('.md')}/" + (f"#{anchor}" if anchor else ""))


def _plain(token: Token) -> str:
    parts = [
        " " if c.type in ("softbreak", "hardbreak") else c.content for c in token.children or () if c.type != "image"
    ]
    return " ".join("".join(parts).split())


def anchor_of(title: str) -> str:
    """The anchor of a heading, as forges make it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def search(text: str) -> list[Found]:
    """The sections that have every word of a text, or words that begin so, best first; at most MOST_FOUND."""
    wanted = {word.lower() for word in _WORD.findall(text)}
    if not wanted:
        return []
    found = [
        (score, Found(section, guide.title, _excerpt(section.text, wanted)))
        for guide in guides().values()
        for section in guide.sections
        if (score := _score(section, wanted))
    ]
    found.sort(key=lambda pair: -pair[0])
    return [one for _score, one in found[:MOST_FOUND]]


def _score(section: Section, wanted: set[str]) -> int:
    title = [word.lower() for word in _WORD.findall(section.title)]
    words = [word.lower() for word in _WORD.findall(section.text)]
    total = 0
    for one in wanted:
        times = 5 * sum(word.startswith(one) for word in title) + sum(word.startswith(one) for word in words)
        if not times:
            return 0
        total += times
    return total


def _excerpt(text: str, wanted: set[str]) -> str:
    places = [match.start() for match in _WORD.finditer(text) if match[0].lower().startswith(tuple(wanted))]
    start = max(0, (places[0] if places else 0) - EXCERPT // 3)
    start = text.rfind(" ", 0, start + 1) + 1 if start else 0
    part = text[start : start + EXCERPT]
    if start + EXCERPT >= len(text):
        return ("… " if start else "") + part.strip()
    return ("… " if start else "") + part.rpartition(" ")[0].strip() + " …"
