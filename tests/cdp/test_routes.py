"""Every page of the product is looked at in four looks: a route that is in no list fails here."""

import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests.browser.routes import ACCOUNT, FACTORS, NO_PAGES, OUTSIDE, PAGES
from tests.cast import Actor


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """(name, path with 1 for every value) of every route."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            name = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from routes(pattern.url_patterns, path, space + name)
        elif not hasattr(pattern.callback, "operations"):  # an operation of the API answers no browser
            yield f"{space}{pattern.name}", re.sub(r"<[^>]+>", "1", path).replace("^", "").replace("$", "")


INSIDE = dict(routes(get_resolver("cdp.workspace_urls").url_patterns))
DOOR = dict(routes(get_resolver().url_patterns))


def looked_at() -> set[str]:
    """The names of the routes that the browser opens."""
    inside = (re.sub(r"<[^>]+>", "1", path.partition("?")[0]) for path in PAGES.values())
    names = {resolve(f"/{path}", urlconf="cdp.workspace_urls").view_name for path in inside}
    return names | {resolve(path.partition("?")[0]).view_name for path in (*OUTSIDE, *ACCOUNT, *FACTORS)}


@pytest.mark.parametrize("name", sorted({*INSIDE, *DOOR}))
def test_every_page_is_looked_at(name: str, alice: Actor) -> None:
    if name in looked_at() or name in NO_PAGES:
        return
    answer = alice.get(INSIDE[name]) if name in INSIDE else alice.client.get(f"/{DOOR[name]}")
    assert answer.status_code == 405, (
        f"{name} is a page: into PAGES of tests/browser/routes.py, or into NO_PAGES with a reason"
    )


def test_nothing_is_excused_twice_or_in_vain() -> None:
    assert not looked_at() & set(NO_PAGES)
    assert set(NO_PAGES) <= {*INSIDE, *DOOR}
