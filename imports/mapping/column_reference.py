"""The columns that a file can have: their names, formats and examples, and a file to begin with."""

from collections.abc import Iterator
from dataclasses import dataclass

from contacts.models import Attribute
from contacts.values.types import SYSTEM, TYPES
from imports.cleaning import row_settings
from imports.cleaning.row_setting_cells import CHANNELS
from imports.csv_output import line
from imports.mapping import guess
from tenants.models import Tenant


@dataclass(frozen=True)
class Field:
    """A column as it is described: its name in a file, the field it goes to, how values are written, two examples."""

    name: str
    label: str
    type: str
    format: str
    examples: tuple[str, str]


# What people write, by the name of the field; else by its type.
_EXAMPLES: dict[str, tuple[str, str]] = {
    "email": ("anna@example.com", "jonas@example.com"),
    "phone": ("+44 7911 123456", "+44 7911 123457"),
    "external_id": ("C-004512", "C-004513"),
    "first_name": ("Anna", "Jonas"),
    "last_name": ("Smith", "Weber"),
    "full_name": ("Anna Smith", "Jonas Weber"),
    "city": ("London", "Berlin"),
    "region": ("England", "Brandenburg"),
    "postal_code": ("SW1A 1AA", "10115"),
    "street": ("1 High Street", "Hauptstraße 7"),
    "time_zone": ("Europe/London", "Europe/Berlin"),
    "birthday": ("1988-04-03", "1990-12-31"),
    "gender": ("female", "male"),
    "company": ("Nordvik", "Fjell"),
    "job_title": ("Buyer", "Guide"),
    "push_tokens": ("fcm:4f2a|apns:91c0", "fcm:77be"),
    "subscriptions": ("News | Offers", "News"),
    "contact_id": ("1042", "1043"),
    "email_status": ("active", "unsubscribed"),
    "phone_status": ("active", "blacklisted"),
    "row.segments": ("Newsletter | Fair", "Newsletter"),
    "row.endpoint": ("Admin panel", "Admin panel"),
    "row.touchpoint": ("Shop", "Shop"),
    "row.action": ("Visited our booth", "Visited our booth"),
    "row.happened": ("2024-05-31", "2024-06-01T10:00:00Z"),
    "event.name": ("Viewed product", "Joined"),
    "event.time": ("2024-05-31T10:00:00Z", "2024-06-01"),
    "event.id": ("1001", "1002"),
    "event.amount": ("129.90", "15"),
    "event.currency": ("EUR", "GBP"),
    "event.items": ("Tent x2 | Stove", "Boots"),
    "event.channel": ("email", "sms"),
    "event.message": ("Spring letter", "Welcome"),
    "event.language": ("en", "de"),
    "event.status": ("delivered", "clicked"),
    "event.property": ("any value", "another"),
}
_BY_TYPE: dict[str, tuple[str, str]] = {
    "text": ("Example", "Another"),
    "long_text": ("A longer text", "Another text"),
    "integer": ("42", "38"),
    "decimal": ("12.50", "7.25"),
    "boolean": ("yes", "no"),
    "date": ("2024-05-31", "2024-06-01"),
    "birthday": ("1988-05-31", "--06-01"),
    "datetime": ("2024-05-31T10:00:00Z", "2024-06-01T18:30:00Z"),
    "email": ("anna.work@example.com", "jonas.work@example.com"),
    "phone": ("+44 7911 123458", "+44 7911 123459"),
    "url": ("https://example.com", "https://example.com/jonas"),
    "choice": ("one", "two"),
    "choices": ("one | two", "one"),
    "country": ("GB", "DE"),
    "language": ("en", "de"),
    "consent": ("granted", "denied"),
}
_TYPES = {
    "email": "email",
    "phone": "phone",
    "row.happened": "datetime",
    "event.time": "datetime",
    "event.amount": "decimal",
}
# Formats that the type does not tell.
_FORMATS = {
    "external_id": "your own ID, different for each contact",
    "full_name": "first name, then the rest",
    "contact_id": "a whole number, from the web address of the contact's page",
    "email_status": "active, not confirmed, unsubscribed, blacklisted or spam",
    "phone_status": "active or blacklisted",
    "row.segments": "segment names, separated by |",
    "row.endpoint": "a name from Settings, Data sources",
    "row.touchpoint": "a name from Settings, Data sources",
    "row.action": "a name from Settings, Data sources",
    "event.currency": "three letters",
    "event.items": "names separated by |, or a JSON list",
    "event.channel": ", ".join(CHANNELS),
    "event.status": "delivered, read, clicked, undelivered, unsubscribed or spam",
}
SHOWN_OPTIONS = 5
OF_CONTACTS = ("Contact", "Standard fields", "Custom fields")


def groups() -> list[tuple[str, list[Field]]]:
    """Every field of the workspace with its format, in the groups of the mapping page."""
    sections = [
        ("Contact", [_field(key, guess.label(key)) for key in guess.CORE_TARGETS]),
        ("Standard fields", [_field(key, system.label, system.type) for key, system in SYSTEM.items()]),
        (
            "Custom fields",
            [_own(attribute) for attribute in Attribute.objects.filter(archived_at=None).order_by("label")],
        ),
        ("For this row", [_field(key, label) for key, label in row_settings.SETTINGS.items()]),
        ("Activity", [_field(key, label) for key, label in row_settings.EVENT.items()]),
    ]
    return [(title, fields) for title, fields in sections if fields]


def template(tenant: Tenant) -> Iterator[str]:
    """Lines of a CSV with all columns of the workspace and two rows that can be imported as they are."""
    wanted = (field for title, fields in groups() if title in OF_CONTACTS for field in fields)
    fields = [field for field in wanted if field.name != "full_name"][: tenant.max_columns]
    separator = tenant.separators[:1] if "," not in tenant.separators else ","
    rows = [[field.name for field in fields], *([field.examples[i] for field in fields] for i in (0, 1))]
    # A phone of ours begins with a plus and is no formula.
    plain = {i for i, field in enumerate(fields) if field.examples in (_EXAMPLES["phone"], _BY_TYPE["phone"])}
    return (line(row, separator=separator or ",", plain=plain if i else ()) for i, row in enumerate(rows))


def _field(key: str, label: str, type_key: str = "") -> Field:
    type_key = type_key or _TYPES.get(key, "text")
    kind = TYPES[type_key]
    return Field(key, label, kind.label, _FORMATS.get(key, kind.hint), _EXAMPLES.get(key) or _BY_TYPE[type_key])


def _own(attribute: Attribute) -> Field:
    kind, ids = TYPES[attribute.type], list(attribute.options)
    hint, examples = kind.hint, _BY_TYPE[attribute.type]
    if ids:
        more = " …" if len(ids) > SHOWN_OPTIONS else ""
        hint = f"{kind.hint}: {', '.join(ids[:SHOWN_OPTIONS])}{more}"
        examples = (ids[0], ids[-1])
    return Field(attribute.key, attribute.label, kind.label, hint, examples)
