"""How form fields become HTML: as Django's own templates do it, but lists of options in one pass.

Django renders two templates for each option. A list of countries or time zones has hundreds of them, and four such lists
made up most of the time of a page.
"""

import html
from collections.abc import Iterator, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

SELECT = "django/forms/widgets/select.html"
OPTION = "django/forms/widgets/select_option.html"


class FormRenderer(DjangoTemplates):
    """Django's renderer, with `select` written by `select_html`."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        """The HTML of a field or a form."""
        if template_name == SELECT and _is_plain(context["widget"]):
            return select_html(context["widget"])
        return super().render(template_name, context, request)


def _is_plain(widget: Mapping[str, Any]) -> bool:
    """Whether no option of a list has a template of its own."""
    return all(
        option["template_name"] == OPTION for _group, options, _number in widget["optgroups"] for option in options
    )


def select_html(widget: Mapping[str, Any]) -> SafeString:
    """What select.html and select_option.html of Django make of a widget's context, character by character."""
    return mark_safe("".join(_parts(widget)))  # noqa: S308 - every part is escaped in _parts or _attributes


def _parts(widget: Mapping[str, Any]) -> Iterator[str]:
    yield f'<select name="{conditional_escape(widget["name"])}"{_attributes(widget["attrs"])}>'
    for group, options, _number in widget["optgroups"]:
        if group:
            yield f'\n  <optgroup label="{conditional_escape(group)}">'
        for option in options:
            attributes, label = _attributes(option["attrs"]), _escaped(option["label"])
            yield f'\n  <option value="{_escaped(str(option["value"]))}"{attributes}>{label}</option>\n'
        if group:
            yield "\n  </optgroup>"
    yield "\n</select>"


def _escaped(text: Any) -> str:
    """What conditional_escape makes of it; of plain text, as nearly all labels are, in a fifth of the time."""
    return html.escape(text) if type(text) is str else conditional_escape(text)


def _attributes(attributes: Mapping[str, Any]) -> str:
    """Of `attrs.html`: a name alone where the value is True, nothing where it is False."""
    return "".join(
        f" {conditional_escape(name)}" + ("" if value is True else f'="{conditional_escape(str(value))}"')
        for name, value in attributes.items()
        if value is not False
    )
