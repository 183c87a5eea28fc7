"""Settings of an import in a request: names of `--set`, as fields of a form, as parameters of an address, or as JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest

from api import bodies
from api.problems import Problem
from imports.options import CHOICES, BadOption
from imports.wizard import configuration

# Fields and parameters beside the settings.
OTHERS = ("file", "settings", "review", "file_name", "object")
# What a file that is the whole body may be called.
FILE_TYPES = (
    "text/csv", "text/tab-separated-values", "text/plain", "application/octet-stream", "application/gzip",
    "application/zip", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)  # fmt: skip
FORM = "multipart/form-data"
# Every setting in words, with its values where they are few; the first is the default.
WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "task": ("What the rows contain besides contacts.", CHOICES["task"]),
    "mode": ("Whether contacts are created, updated, or both.", CHOICES["mode"]),
    "existing": ("What happens to existing values of a contact.", CHOICES["existing"]),
    "blank": ("What an empty cell means; `clear` needs `existing=overwrite`.", CHOICES["blank"]),
    "duplicates": ("Which of several rows for one contact wins.", CHOICES["duplicates"]),
    "bad_value": ("Whether an unreadable value puts its row in error.", CHOICES["bad_value"]),
    "identify_by": ("Which identifiers are used.", CHOICES["identify_by"]),
    "deleted": (
        "Rows that match a deleted contact only; `restore` needs the scope imports.revive.",
        CHOICES["deleted"],
    ),
    "consent": ("Whether a status may become milder; `file` needs the scope imports.revive.", CHOICES["consent"]),
    "country": ("Two-letter country of phone numbers without +.", ()),
    "zone": ("Time zone of times without one, such as Europe/Riga.", ()),
    "endpoint": ("Where the data came from.", ()),
    "touchpoint": ("Channel or site.", ()),
    "action_created": ("Source action of contacts that are created.", ()),
    "action_existing": ("Source action of contacts that already existed.", ()),
    "happened": ("Date or time of source actions, and of events without one.", ()),
    "event_name": ("Name of events where no column has it.", ()),
    "encoding": ("Encoding of the file; detected by default.", ()),
    "separator": ("One character, `tab`, `space` or `none`; detected by default.", ()),
    "quote": ("One character, or `none`; detected by default.", ()),
    "header": ("Whether the first line has the names of the columns: yes or no.", ()),
    "header_line": ("Line in which the table begins, up to 1,000.", ()),
    "sheet": ("Sheet of a workbook.", ()),
    "merged": ("Whether a merged cell fills its first row or all.", configuration.LOOKS["merged"]),
    "hidden": ("What happens to hidden rows of a sheet.", configuration.LOOKS["hidden"]),
    "segment": ("Static segment for all contacts of the file; may be repeated.", ()),
    "description": ("A few words to find the import by.", ()),
    "unknown": ("`create` creates a text field for each unknown column.", ("skip", "create")),
    "saved": ("Name of a saved mapping; other settings take precedence.", ()),
}
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")


def read(request: HttpRequest) -> tuple[dict[str, Any], bool]:
    """The settings by name (imports.wizard.configuration), and whether the import waits for a review. Raises Problem 422 and
    BadOption."""
    wanted: dict[str, Any] = {}
    review = False
    for name, value in _given(request):
        if not bodies.is_storable(name + value):
            raise Problem(400, "request_unreadable", f"{name!r}: texts cannot contain NUL.")
        if name == "review":
            review = _flag(value)
        elif name == "segment":
            wanted.setdefault(name, []).append(value)
        elif configuration.is_name(name):
            wanted[name] = value
        elif name not in OTHERS:
            words = f"{name} is not a setting. Use {', '.join(configuration.NAMES)}, map.HEADER or format.HEADER."
            raise BadOption(words)
    return wanted, review


def _given(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """(name, value) of the address, of the form, and of the JSON in its field `settings`, the strongest last."""
    for fields in (request.GET, request.POST if request.content_type == FORM else None):
        for name, values in fields.lists() if fields is not None else ():
            yield from ((name, value) for value in values)
    text = request.POST.get("settings", "") if request.content_type == FORM else ""
    if text:
        yield from _flat(bodies.parse_json(text.encode("utf-8", "surrogatepass")))


def _flat(settings: Any) -> Iterator[tuple[str, str]]:
    """Names and values of JSON: `map` and `format` may be objects by column, `segment` a list."""
    if not isinstance(settings, Mapping):
        raise Problem(422, "setting_invalid", "“settings” is not a JSON object.")
    for name, value in settings.items():
        if name in ("map", "format") and isinstance(value, Mapping):
            yield from ((f"{name}.{column}", _text(name, inner)) for column, inner in value.items())
        elif name == "segment" and isinstance(value, list):
            yield from ((name, _text(name, inner)) for inner in value)
        else:
            yield name, _text(name, value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int):
        return str(value)
    raise Problem(422, "setting_invalid", f"The value of {name} has to be a text.")


def _flag(value: str) -> bool:
    if value.lower() not in (*_YES, *_NO):
        raise BadOption("review is true or false.")
    return value.lower() in _YES


def documented() -> dict[str, Any]:
    """The parameters and bodies of an upload, for the document."""
    properties = {name: _schema(words, values) for name, (words, values) in WORDS.items()}
    review = {"type": "boolean", "default": False, "description": "Check the file, and wait for a start."}
    whole = {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "CSV, or a gzip, ZIP or XLSX file."},
            "settings": {
                "type": "string",
                "contentMediaType": "application/json",
                "description": "Settings as a JSON object, instead of a field for each.",
            },
            "review": review,
            **properties,
        },
    }
    parameters = [
        {"in": "query", "name": name, "required": False, "schema": schema, "description": schema["description"]}
        for name, schema in {
            "file_name": _schema("Name of the file, where it is the whole body."),
            "object": _schema("Name of a file in the object store (docs/object-storage.md), instead of a body."),
            "review": review, **properties,
        }.items()
    ]  # fmt: skip
    example = "email,first_name\nanna@example.com,Anna\n"
    content: dict[str, Any] = {
        FORM: {"schema": whole, "example": {"file": example, "settings": '{"mode": "update_only"}', "review": "true"}}
    }
    content |= {kind: {"schema": {"type": "string"}, "example": example} for kind in FILE_TYPES[:1]}
    return {"parameters": parameters, "requestBody": {"required": False, "content": content}}


def _schema(words: str, values: tuple[str, ...] = ()) -> dict[str, Any]:
    chosen = {"enum": list(values), "default": values[0]} if values else {}
    return {"type": "string", "description": words, **chosen}
