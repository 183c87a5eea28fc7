"""The words that docs/ui-writing.md retires are in no template and no message."""

import re

import pytest

from tests.docs import ui_strings

GUIDE = ui_strings.ROOT / "docs" / "ui-writing.md"
# (file, text) that may use a retired word, and why.
ALLOWED = {
    (
        "cdp/stack/machine.py",
        "Started as root, PostgreSQL needs a user named postgres or nobody on this machine.",
    ): "a user name",
    ("contacts/models/contact.py", "set by hand"): "a stored code",
}


def retired() -> list[str]:
    table = GUIDE.read_text(encoding="utf-8").split("## Retired words")[1]
    rows = re.findall(r"^\| .+? \| (.+) \|$", table, re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


def pattern(words: list[str]) -> re.Pattern[str]:
    one = (
        re.escape(word.removesuffix("*")).replace(r"\ ", r"\s+") + (r"\w*" if word.endswith("*") else "")
        for word in words
    )
    return re.compile(rf"\b(?:{'|'.join(one)})\b", re.IGNORECASE)


def test_no_page_and_no_message_uses_a_retired_word() -> None:
    words = pattern(retired())
    found = [
        f"{file}:{line}: “{match[0]}” in “{' '.join(text.split())}”"
        for file, line, text in ui_strings.everything()
        if (file, text) not in ALLOWED and (match := words.search(text))
    ]
    assert found == []


def test_what_is_allowed_is_still_there() -> None:
    assert set(ALLOWED) <= {(file, text) for file, _, text in ui_strings.everything()}


@pytest.mark.parametrize(
    "template",
    [
        "<p>Mend the\n cell</p>",
        '<a title="Take it off">x</a>',
        '{% include "ui/note.html" with text="The file is kept" %}',
        '<b>{{ name|default:"nobody" }}</b>',
        "<h1>{% if a %}Bring{% else %}Add{% endif %}</h1>",
    ],
)
def test_texts_of_templates_are_seen(template: str) -> None:
    words = pattern(retired())
    assert any(words.search(text) for _, text in ui_strings.of_template(template))


@pytest.mark.parametrize(
    "template",
    [
        '<input name="mend" value="mended">',
        '{% if kind == "brought" %}x{% endif %}',
        "{# nobody reads this #}",
        "{% comment %}nobody{% endcomment %}",
        "<script>nobody()</script>",
        "<p>Understanding, amending, singleton</p>",
    ],
)
def test_what_nobody_reads_does_not_count(template: str) -> None:
    words = pattern(retired())
    assert not [text for _, text in ui_strings.of_template(template) if words.search(text)]


def test_messages_in_code_are_seen_and_docstrings_are_not() -> None:
    source = '''
"""Nobody reads this."""
def f(name):
    """Somebody does."""
    table = "SELECT nobody FROM somewhere"
    return f"{name} stands there", "Nobody", "brought"
'''
    assert [text for _, text in ui_strings.of_module(source)] == ["… stands there", "Nobody"]
