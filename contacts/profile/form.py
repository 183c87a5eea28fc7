"""The form of one contact: every field that the workspace has, read by the rules of imports."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

from django import forms
from django.utils.choices import BaseChoiceIterator

from contacts.consent import suppression
from contacts.extensions import problem_sentence
from contacts.models import Attribute, Category, Contact
from contacts.values import ads_consent, identifiers, parsers, types, vocabulary
from contacts.values.types import CORE, SYSTEM, BadValue
from core import exact_json, places
from tenants.models import Tenant

SUBSCRIPTIONS = "subscriptions"
# The parts of the form: title, keys.
PARTS = (
    ("Identity", ("first_name", "last_name", "email", "phone", "external_id")),
    ("Address", ("street", "postal_code", "city", "region", "country")),
    ("Language and time", ("language", "time_zone")),
    ("Consent", (ads_consent.KEY,)),
    ("More", ("birthday", "gender", "company", "job_title", "website", "push_tokens")),
)
_WIDGETS: dict[str, Callable[[], forms.Widget]] = {
    "long_text": lambda: forms.Textarea(attrs={"rows": 3}),
    "date": lambda: forms.DateInput(attrs={"type": "date"}),
    "email": lambda: forms.EmailInput(),
    "url": lambda: forms.TextInput(attrs={"inputmode": "url"}),
}
_CHOICES: dict[str, list[tuple[str, str]]] = {
    "boolean": [("yes", "Yes"), ("no", "No")],
    "consent": list(ads_consent.OPTIONS.items()),
}
_AUTOCOMPLETE = {"email": {"inputmode": "email"}, "phone": {"inputmode": "tel"}}


class Listed(forms.Select):
    """A list to choose from that also shows, and takes, what is not on it: the reader of the field judges that."""

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> Any:
        groups = super().optgroups(name, value, attrs)
        known = {str(option["value"]) for _title, options, _i in groups for option in options}
        strange = [forms.Select(choices=[(text, text)]) for text in value if text and text not in known]
        return [*groups, *(group for one in strange for group in one.optgroups(name, value, attrs))]


class Choices(BaseChoiceIterator):
    """Choices that are already as Django wants them: it would go through hundreds of names for each form."""

    def __init__(self, choices: list[Any]) -> None:
        self.choices = choices

    def __iter__(self) -> Iterator[Any]:
        return iter(self.choices)


# Places and languages are chosen by their names.
_LISTS: dict[str, Callable[[], list[Any]]] = {
    "country": lambda: places.countries(vocabulary.COUNTRY_CODES),
    "language": lambda: places.languages(vocabulary.language_codes()),
    "time_zone": lambda: list(places.zones()),
}


def _widget(key: str, kind: str) -> forms.Widget:
    name = key if key == "time_zone" else kind
    return Listed(choices=_choices(name)) if name in _LISTS else _WIDGETS.get(kind, forms.TextInput)()


@cache
def _choices(name: str) -> Choices:
    return Choices([("", "–"), *_LISTS[name]()])


class ContactForm(forms.Form):
    """Values as they are typed become values as they are stored; what cannot be read is said at its field.

    `cleaned_data` has, by key, what `contacts.profile.edit` takes: for e-mail and phone the pair (normal form, as written).
    """

    def __init__(
        self, *args: Any, workspace: Tenant, contact: Contact | None = None, only: str | None = None, **kwargs: Any
    ) -> None:
        """`only`: the one value of a contact that is asked for; the others stay as they are."""
        self.workspace, self.contact, self.only = workspace, contact, only
        self.own = list(Attribute.objects.filter(archived_at=None).order_by("label"))
        self.readers: dict[str, Callable[[str], Any]] = {}
        if contact is not None and not args:
            kwargs["initial"] = initial_values(contact)
        super().__init__(*args, **kwargs)
        region = workspace.country or None
        for key, label in CORE.items():
            self._add(key, label, "text", attrs=_AUTOCOMPLETE.get(key))
        for key, system_field in SYSTEM.items():
            if key != SUBSCRIPTIONS:
                self._add(
                    key, system_field.label, system_field.type, read=types.parser(system_field.type, region=region)
                )
        for own in self.own:
            read = types.parser(own.type, options=own.options, region=own.region or region, zone=workspace.time_zone)
            self._add(own.key, own.label, own.type, read=read, options=own.options)
            self.fields[own.key].required = own.required
        names = list(Category.objects.filter(archived_at=None).order_by("name").values_list("name", flat=True))
        has = (contact.attributes.get(SUBSCRIPTIONS) if contact else None) or []
        choices = [(name, name) for name in [*names, *(n for n in has if n not in names)]]
        if choices:
            widget = forms.CheckboxSelectMultiple
            field = forms.MultipleChoiceField(choices=choices, required=False, widget=widget, label="Subscribed to")
            self.fields[SUBSCRIPTIONS] = field
        if contact is None:
            self.fields["consent"] = forms.BooleanField(
                label="The contact's information has been obtained with the owner's consent",
                error_messages={"required": "Confirm that you have consent, or do not add the contact."},
            )
        if only is not None:
            self.fields = {key: field for key, field in self.fields.items() if key == only}

    def _add(
        self,
        key: str,
        label: str,
        kind: str,
        *,
        read: Callable[[str], Any] | None = None,
        options: dict[str, str] | None = None,
        attrs: dict[str, str] | None = None,
    ) -> None:
        if read is not None:
            self.readers[key] = read
        hint = types.TYPES[kind].hint if kind in ("choices", "datetime", "integer", "decimal") else ""
        if kind in _CHOICES or (kind == "choice" and options):
            choices = _CHOICES.get(kind) or sorted((options or {}).items())
            none = ads_consent.NEVER_ASKED if kind == "consent" else "–"
            self.fields[key] = forms.ChoiceField(label=label, choices=[("", none), *choices], required=False)
            return
        widget = _widget(key, kind)
        widget.attrs |= {"autocomplete": "off", **(attrs or {})}
        self.fields[key] = forms.CharField(label=label, required=False, widget=widget, help_text=hint)

    @property
    def lines(self) -> list[tuple[str, list[tuple[Any, str]]]]:
        """(title, (bound field, its value in words)) in the order of the page."""
        has = self.contact.attributes if self.contact else {}
        typed = self.initial
        return [
            (title, [(field, types.in_words(field.name, has[field.name]) if field.name in has else typed.get(field.name, ""))
                     for field in fields])
            for title, fields in self.parts
        ]  # fmt: skip

    @property
    def parts(self) -> list[tuple[str, list[Any]]]:
        """(title, bound fields) in the order of the page."""
        sections = [(title, [self[key] for key in keys]) for title, keys in PARTS]
        if self.own:
            sections.append(("Custom fields", [self[own.key] for own in self.own]))
        return [*sections, *([("Subscriptions", [self[SUBSCRIPTIONS]])] if SUBSCRIPTIONS in self.fields else [])]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        for key in self.fields:
            if key in (SUBSCRIPTIONS, "consent") or key in self.errors:
                continue
            text = str(self.cleaned_data.get(key) or "").strip()
            try:
                cleaned[key] = self._read(key, text) if text else None
            except BadValue as problem:
                self.add_error(key, problem_sentence()(problem.code, **problem.facts))
        if SUBSCRIPTIONS in self.fields and SUBSCRIPTIONS not in self.errors:
            cleaned[SUBSCRIPTIONS] = self.cleaned_data[SUBSCRIPTIONS] or None
        if not self.errors and not any(self._known(cleaned).get(key) for key in ("email", "phone", "external_id")):
            self.add_error(
                None, "Enter an e-mail address, a phone number or an external ID. A contact needs at least one of them."
            )
        return cleaned

    def _known(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """The identifiers that there will be: those that are asked for, and those that stay."""
        return {**vars(self.contact), **cleaned} if self.only is not None and self.contact else cleaned

    def _read(self, key: str, text: str) -> Any:
        if key in ("email", "phone", "external_id"):
            return self._identifier(key, text)
        if key in ("first_name", "last_name"):
            name = " ".join(parsers.text(text).split())
            if not name.isprintable():
                raise BadValue("control_character")
            return name
        return exact_json.plain(self.readers[key](text))

    def _identifier(self, key: str, text: str) -> Any:
        region = self.workspace.country or None
        text = identifiers.bare_email(text) if key == "email" else text
        normal = {
            "email": identifiers.normal_email,
            "phone": lambda value: identifiers.normal_phone(value, region),
            "external_id": identifiers.normal_external_id,
        }[key](text)
        if normal is None:
            raise BadValue(_problem(key, text, region), region=region or "")
        if self.contact is None and suppression.holds(key, normal):
            raise BadValue("contact_suppressed")
        return normal if key == "external_id" else (normal, text)


def _problem(key: str, text: str, region: str | None) -> str:
    if key == "phone":
        return identifiers.phone_problem(text, region)
    return identifiers.email_problem(text) if key == "email" else identifiers.external_id_problem(text)


def initial_values(contact: Contact) -> dict[str, Any]:
    """The values of a contact as the form shows them."""
    values: dict[str, Any] = {key: getattr(contact, key) or "" for key in CORE}
    values |= {"email": contact.email_display, "phone": contact.phone_display}
    for key, value in contact.attributes.items():
        if key == SUBSCRIPTIONS:
            values[key] = value
        elif isinstance(value, bool):
            values[key] = "yes" if value else "no"
        elif isinstance(value, list):
            values[key] = " | ".join(map(str, value))
        else:
            values[key] = f"{value:f}" if isinstance(value, Decimal) else value
    return values
