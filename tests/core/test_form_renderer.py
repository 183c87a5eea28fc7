"""Lists of options look as Django's templates draw them, whatever is in them."""

from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates, get_default_renderer
from django.utils.safestring import mark_safe

from core.form_renderer import FormRenderer

CHOICES: dict[str, list[tuple[Any, Any]]] = {
    "none": [],
    "plain": [("", "Choose"), ("a", "A"), ("b", "B")],
    "markup": [("<a>", "<b>&\"'"), (mark_safe("&lt;"), mark_safe("<i>i</i>")), ('"', "'")],
    "other types": [(None, "nothing"), (1, 2), (1.5, 1_000.5), (True, False)],
    "groups": [("", "Choose"), ("Nordics & <Baltics>", [("lv", "Latvia"), ("no", "Norway")]), ("Other", [])],
}
ATTRIBUTES: list[dict[str, Any]] = [
    {},
    {"id": "x", "required": True, "disabled": False, "data-a": '"<&', "size": 4, "class": mark_safe("&amp;")},
]


@pytest.mark.parametrize("attributes", ATTRIBUTES, ids=["", "attributes"])
@pytest.mark.parametrize("widget", [forms.Select, forms.SelectMultiple])
@pytest.mark.parametrize("name", CHOICES)
def test_options_look_the_same(name: str, widget: type[forms.Select], attributes: dict[str, Any]) -> None:
    field = widget(attributes, choices=CHOICES[name])
    for value in (None, "", "a", "<a>", 1, ["b", "lv"]):
        ours, theirs = (field.render('n"<', value, renderer=renderer()) for renderer in (FormRenderer, DjangoTemplates))
        assert ours == theirs


class OwnOption(forms.Select):
    option_template_name = "django/forms/widgets/radio_option.html"


def test_a_template_of_an_option_is_kept() -> None:
    field = OwnOption(choices=CHOICES["plain"])
    assert 'type="select"' in field.render("n", "a", renderer=FormRenderer())


def test_it_is_the_one_in_use() -> None:
    assert isinstance(get_default_renderer(), FormRenderer)
