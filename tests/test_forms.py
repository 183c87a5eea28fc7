"""No form stands inside another one, in any template; `tests/conftest.py` looks at every page that a test opens besides."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.template import Engine

from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.conftest import ROOT
from tests.forms import nested, written
from tests.imports.helpers import bring

TEMPLATES = ROOT / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("name", NAMES)
def test_no_form_of_a_template_is_nested(name: str) -> None:
    assert nested(written(Engine.get_default().get_template(name))) == []


@pytest.mark.parametrize(
    ("html", "wrong"),
    [
        ("<form></form><form></form>", 0),
        ("<form><table><tr><td><form></form></td></tr></table></form>", 2),
        ("<FORM>\n<Form\naction='x'></form></form>", 2),
        ("<form><dialog><form></form></dialog></form>", 2),
        ("<form><template><form></form></template></form>", 2),
        ("<form>", 1),
        ("</form>", 1),
        ("<form><!-- <form> --></form><script>'<form>'</script>", 0),
        ("&lt;form&gt;<form title='<form>'></form>", 0),
    ],
)
def test_what_is_nested_is_found(html: str, wrong: int) -> None:
    assert len(nested(html)) == wrong


PARTS = {
    "outer": '<form>{% include "inner" %}{# <form> #}</form>',
    "inner": "{% if a %}<form></form>{% endif %}",
    "tree": '{% for a in b %}<form></form>{% include "tree" %}{% endfor %}',
    "base": "<form>{% block inside %}<p></p>{% endblock %}</form>{% block below %}{% endblock %}",
    "good": '{% extends "base" %}{% block below %}<form></form>{% endblock %}',
    "bad": '{% extends "base" %}{% block inside %}{% if a %}{% else %}<form></form>{% endif %}{% endblock %}',
    "text": "<form>{% filter force_escape %}<form>{% endfilter %}</form>",
}


@pytest.mark.parametrize(
    ("name", "wrong"), [("outer", 2), ("inner", 0), ("tree", 0), ("base", 0), ("good", 0), ("bad", 2), ("text", 0)]
)
def test_what_is_included_and_extended_counts(name: str, wrong: int) -> None:
    engine = Engine(loaders=[("django.template.loaders.locmem.Loader", PARTS)])
    assert len(nested(written(engine.get_template(name)))) == wrong


def acts(page: str) -> list[tuple[str, str]]:
    """(method, action) of every button, by the form that a browser gives it to."""
    found: list[tuple[str, str]] = []

    class Buttons(HTMLParser):
        form: dict[str, Any] | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "form" and self.form is None:
                self.form = given
            elif tag == "button" and given.get("type") == "submit" and self.form is not None:
                method = given.get("formmethod") or self.form.get("method") or "get"
                found.append((method, given.get("formaction") or self.form.get("action") or ""))

        def handle_endtag(self, tag: str) -> None:
            if tag == "form":
                self.form = None

    Buttons().feed(page)
    return found


def test_every_act_of_every_row_goes_where_it_says(alice: Actor) -> None:
    bring(alice.workspace, "email,phone\n" + "".join(f"p{i}@example.com,+4479111234{i:02}\n" for i in range(3)))
    with tenant_context(alice.workspace.pk):
        everybody = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    found = acts(alice.get("contacts/").text)
    for pk in everybody:
        for act in ("unsubscribe", "blacklist-email", "blacklist-phone"):
            assert found.count(("post", alice.url(f"contacts/{pk}/act/{act}/"))) == 1
    for pk in everybody:
        alice.post(f"contacts/{pk}/delete/", {"reason": "Other"})
    found = acts(alice.get("contacts/?show=deleted").text)
    for pk in everybody:
        assert found.count(("post", alice.url(f"contacts/{pk}/restore/"))) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_search_has_a_name(name: str) -> None:
    text = written(Engine.get_default().get_template(name))
    assert [tag for tag in re.findall(r"<[^>]*role=.search.[^>]*>", text) if "aria-label" not in tag] == []
