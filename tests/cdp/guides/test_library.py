"""Guides as the product shows them: headings, pictures, links, and the search over their sections."""

import re

import pytest

from cdp.guides import library
from tests.servers import ROOT


def test_there_is_a_guide_for_each_kind_of_work() -> None:
    guides = library.guides()
    assert list(guides) == ["marketer", "admin", "developer", "operator"]
    assert {path.stem for path in library.FOLDER.glob("*.md")} == guides.keys()
    for guide in guides.values():
        assert guide.title.startswith("Guide for ")
        assert 20 < len(guide.lead) < 160
        assert f">{guide.title}<" not in guide.html
        assert guide.lead not in guide.html


@pytest.mark.parametrize("name", library.GUIDES)
def test_every_heading_can_be_linked_to(name: str) -> None:
    guide = library.guides()[name]
    anchors = re.findall(r'<h2 id="([^"]+)"', guide.html)
    assert anchors == [section.anchor for section in guide.sections[1:]]
    assert len(set(anchors)) == len(anchors) > 4
    assert "<h1" not in guide.html


@pytest.mark.parametrize("name", library.GUIDES)
def test_every_picture_is_there_and_told_in_words(name: str) -> None:
    text = (library.FOLDER / f"{name}.md").read_text()
    pictures = re.findall(r"!\[([^\]]+)\]\(\.\./\.\./static/([^)]+)\)", text)
    assert len(pictures) == text.count("![")
    assert pictures
    for words, path in pictures:
        assert len(words) > 5
        assert (ROOT / "static" / path).is_file()
    assert re.findall(r'src="([^"]+)"', library.guides()[name].html) == [f"/static/{path}" for _words, path in pictures]


def test_every_picture_is_used() -> None:
    used = {name for guide in library.guides().values() for name in re.findall(r"guides/(\w+)\.png", guide.html)}
    assert used == {path.stem for path in (ROOT / "static" / "guides").glob("*.png")}


def test_html_and_dangerous_links_stay_text() -> None:
    guide = library._read(
        "x", "# T\n\nLead.\n\n## A\n\n<b>x</b> [y](javascript:alert) [z](admin.md#consent)\n", icon="x"
    )
    assert "<b>" not in guide.html
    assert "&lt;b&gt;" in guide.html
    assert 'href="javascript' not in guide.html
    assert 'href="../admin/#consent"' in guide.html


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("merge", "Merge duplicates"),
        ("MERG", "Merge duplicates"),
        ("undo import", "Undo an import"),
        ("no worker", "When an import does not go on"),
        ("idempotency", "Call the API"),
        ("backup restore", "Take backups"),
    ],
)
def test_the_best_section_comes_first(text: str, first: str) -> None:
    assert library.search(text)[0].section.title == first


@pytest.mark.parametrize("text", ["", "  ", "…", "zzz", "merge zzz", "%_\\", "<frameset>"])
def test_what_no_section_has_finds_nothing(text: str) -> None:
    assert library.search(text) == []


def test_an_excerpt_shows_the_word() -> None:
    for found in library.search("consent"):
        assert "consent" in (found.excerpt + found.section.title).lower()
        assert len(found.excerpt) <= library.EXCERPT + 4
        assert f" {found.excerpt.strip('… ')} " in f" {found.section.text} "  # whole words
