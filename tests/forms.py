"""Forms inside forms: what a browser's parser makes of them is not what was written, so there may be none."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

from django.template import Template
from django.template.base import NodeList, TextNode
from django.template.defaulttags import FilterNode
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode


class _Forms(HTMLParser):
    """Follows <form> and </form> as a browser does: a form that begins inside another one is dropped, with its end
    ending the outer one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: str | None = None
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "form":
            return
        words = self.get_starttag_text() or "<form>"
        if self.open is not None:
            self.wrong.append(f"line {self.getpos()[0]}: {words} is inside {self.open}")
        else:
            self.open = words

    def handle_endtag(self, tag: str) -> None:
        if tag != "form":
            return
        if self.open is None:
            self.wrong.append(f"line {self.getpos()[0]}: </form> ends nothing")
        self.open = None


# What holds no markup that a browser would build, and the only two tags that matter here.
_NO_MARKUP = re.compile(r"<!--.*?-->|<(script|style|textarea|title)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<(/?)form\b", re.IGNORECASE)


def nested(html: str) -> list[str]:
    """What is wrong with the forms of a page: each one that begins inside another or does not end where it should."""
    ends = _TAG.findall(_NO_MARKUP.sub("", html))
    if ends == ["", "/"] * (len(ends) // 2):
        return []  # begin, end, begin, end: nothing that a parser (twenty times as slow) would have to explain
    parser = _Forms()
    parser.feed(html)
    parser.close()
    return [*parser.wrong, *([f"{parser.open} does not end"] if parser.open else [])]


def written(template: Template) -> str:
    """The markup of a template with all that it includes and with what it extends, every branch of it one after another."""
    return "".join(_parts(template, {}, ()))


def _parts(template: Template, blocks: Mapping[str, BlockNode], above: tuple[str | None, ...]) -> Iterator[str]:
    for node in template.nodelist:
        if isinstance(node, ExtendsNode):
            inside: list[Any] = node.nodelist.get_nodes_by_type(BlockNode)
            name: Any = node.parent_name
            parent = template.engine.get_template(name.var)
            yield from _parts(parent, {**{block.name: block for block in inside}, **blocks}, (*above, template.name))
            return
    yield from _of(template.nodelist, template, blocks, (*above, template.name))


def _of(nodes: NodeList, template: Template, blocks: Mapping[str, BlockNode], above: Any) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, TextNode):
            yield node.s
        elif isinstance(node, IncludeNode):
            name = node.template.var
            if isinstance(name, str) and name not in above:  # a tree includes itself for the levels below
                yield from _parts(template.engine.get_template(name), {}, above)
        elif not isinstance(node, FilterNode):  # what is escaped is no markup
            found = blocks.get(node.name, node) if isinstance(node, BlockNode) else node
            for part in found.child_nodelists:
                yield from _of(getattr(found, part, None) or NodeList(), template, blocks, above)
