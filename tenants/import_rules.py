"""Rules of a workspace for its imports: limits of files, and how values are judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from django import forms
from phonenumbers import SUPPORTED_REGIONS

from core import places
from tenants import audit, setting_changes
from tenants.models import Tenant

MB = 1_000_000
# No workspace may take larger files, however much its owner would like to.
CAP_MB = 1_000
SEPARATORS = {",": "Comma ,", ";": "Semicolon ;", "\t": "Tab", "|": "Bar |"}
IDENTIFIERS = {"external_id": "external ID", "email": "e-mail", "phone": "phone"}
FIELDS = (
    "max_upload_bytes", "max_rows", "max_columns", "min_rows", "separators", "strict_values", "country", "time_zone",
    "identifier_order", "contact_limit",
)  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """Rules that are set together by one click."""

    label: str
    words: str
    values: Mapping[str, Any]


PRESETS = {
    "small_plan": Preset(
        "Small plan",
        "20 MB, 100 columns, 2 to 20,000 rows, comma or semicolon.",
        {"max_upload_bytes": 20 * MB, "max_columns": 100, "min_rows": 2, "max_rows": 20_000, "separators": ",;"},
    ),
    "strict_values": Preset(
        "Strict values",
        "Whole numbers start with 1 to 9, dates are in ISO format, choices use their ID, and a number column is filled in "
        "every row or in none.",
        {"strict_values": True},
    ),
}


def _in_order(names: Iterable[str]) -> str:
    """Identifiers in the order in which they are tried: "External ID, then e-mail, then phone"."""
    text = ", then ".join(IDENTIFIERS[name] for name in names)
    return text[:1].upper() + text[1:]


class ImportRulesForm(forms.Form):
    """The rules as people set them: sizes in MB, separators as boxes."""

    max_upload_mb = forms.IntegerField(
        label="Maximum file size in MB", min_value=1, max_value=CAP_MB, help_text=f"Up to {CAP_MB:,} MB on this server."
    )
    min_rows = forms.IntegerField(label="Minimum rows", min_value=1, max_value=1_000_000)
    max_rows = forms.IntegerField(label="Maximum rows", min_value=1, max_value=100_000_000)
    max_columns = forms.IntegerField(label="Maximum columns", min_value=1, max_value=1_000)
    separators = forms.MultipleChoiceField(
        label="Allowed separators",
        choices=list(SEPARATORS.items()),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="If you choose none, all are allowed.",
    )
    strict_values = forms.BooleanField(label="Strict values", required=False, help_text=PRESETS["strict_values"].words)
    country = forms.ChoiceField(
        label="Default country for phone numbers",
        required=False,
        choices=[("", "None: numbers without a country code are in error"), *places.countries(SUPPORTED_REGIONS)],
    )
    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=places.zones(),
        help_text="For times on pages and for times in files without a time zone.",
    )
    identifier_order = forms.ChoiceField(
        label="Identify contacts by",
        choices=[(",".join(names), _in_order(names)) for names in permutations(IDENTIFIERS)],
        help_text="The first identifier that matches a contact decides. If a later one matches another contact, the row is "
        "in error.",
    )

    contact_limit = forms.IntegerField(
        label="Contacts with e-mail in your plan",
        required=False,
        min_value=1,
        help_text="Newer contacts are shown under “Over the limit”. Leave empty for no limit.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if {"min_rows", "max_rows"} <= data.keys() and data["min_rows"] > data["max_rows"]:
            self.add_error("min_rows", "The minimum is larger than the maximum number of rows.")
        return data

    def values(self) -> dict[str, Any]:
        """The rules as the workspace keeps them; only after is_valid()."""
        data = dict(self.cleaned_data)
        data["max_upload_bytes"] = data.pop("max_upload_mb") * MB
        return data | {"separators": "".join(data["separators"])}


def initial(tenant: Tenant) -> dict[str, Any]:
    """The rules of a workspace as the form shows them."""
    values = {name: getattr(tenant, name) for name in FIELDS}
    values["max_upload_mb"] = min(max(values.pop("max_upload_bytes") // MB, 1), CAP_MB)
    return values | {"separators": list(tenant.separators), "contact_limit": tenant.contact_limit or ""}


def in_force(tenant: Tenant) -> set[str]:
    """Names of the presets whose rules are those of the workspace."""
    return {name for name, p in PRESETS.items() if all(getattr(tenant, k) == v for k, v in p.values.items())}


def save(tenant: Tenant, values: Mapping[str, Any], *, user_id: int | None) -> Iterable[str]:
    """Set rules, with an entry in the audit log that has what was and what is. Returns the names of those that changed.

    Runs in the workspace's transaction; two people who save at once do it one after the other.
    """
    locked = Tenant.objects.select_for_update().get(pk=tenant.pk)
    before = {
        name: getattr(locked, name) for name in FIELDS if name in values and values[name] != getattr(locked, name)
    }
    after = {name: values[name] for name in before}
    if before:
        Tenant.objects.filter(pk=locked.pk).update(**after)
        audit.record("settings.import_rules", user_id=user_id, target=locked.slug, before=before, after=after)
        setting_changes.tell(before)
    return list(before)
