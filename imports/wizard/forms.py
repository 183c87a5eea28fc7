"""The forms of the wizard."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django import forms

from contacts.values.vocabulary import COUNTRY_CODES
from core import places
from imports.cleaning import row_settings
from imports.files import encodings
from imports.files.dialects import MAX_HEADER_LINE
from imports.files.layouts import SINGLE
from imports.options import REVIVING, BadOption, Options
from imports.problems.catalogue import sentence
from segments.models import Segment
from tenants.models import Tenant

SEPARATORS = [(",", ", comma"), (";", "; semicolon"), ("\t", "tab"), ("|", "| bar"), ("none", "none, one column")]
OTHER = "other"


class DialectForm(forms.Form):
    """How the file is read."""

    encoding = forms.ChoiceField(label="Encoding", choices=list(encodings.CHOICES.items()))
    separator = forms.ChoiceField(label="Separator", choices=[*SEPARATORS, (OTHER, "another character")])
    separator_other = forms.CharField(label="Another separator", required=False, max_length=1)
    quote = forms.ChoiceField(label="Quote", choices=[('"', '"'), ("'", "'"), ("none", "none")])
    header_line = forms.IntegerField(label="Table starts on line", min_value=1, max_value=MAX_HEADER_LINE)
    header = forms.BooleanField(label="This line contains the column names", required=False)

    @classmethod
    def of(cls, dialect: Mapping[str, Any]) -> Self:
        """The form as it shows a stored dialect."""
        return cls(initial=cls.shown(dialect))

    @staticmethod
    def shown(dialect: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the fields for a stored dialect."""
        sign = "none" if dialect["separator"] == SINGLE else dialect["separator"]
        listed = sign in dict(SEPARATORS)
        return {
            "encoding": dialect["encoding"],
            "separator": sign if listed else OTHER,
            "separator_other": "" if listed else sign,
            "quote": dialect["quote"] or "none",
            "header": dialect["header"],
            "header_line": dialect.get("header_line") or 1,
        }

    @classmethod
    def changes(cls, posted: Mapping[str, str], dialect: Mapping[str, Any]) -> dict[str, str]:
        """What a person has said about a file, now or before: fields that differ from what is shown, and those chosen.

        The rest is guessed again, as another separator makes another header. A sign in the field for others counts when
        it is new, or when the list says so.
        """
        shown = cls.shown(dialect)
        shown["header"] = "yes" if shown["header"] else "no"
        sent = {name: posted.get(name, str(value)) for name, value in shown.items()}
        if "header_line" in posted:  # a form with the box, which says nothing when it is empty
            sent["header"] = "yes" if posted.get("header") else "no"
        new = {name for name, value in sent.items() if value != str(shown[name])}
        if dialect.get("unsure") and "encoding" in posted and "decided" in posted:
            new.add("encoding")
        if "separator_other" in new and sent["separator_other"] and "separator" not in new:
            sent["separator"] = OTHER
        if {"separator", "separator_other"} & new:
            new.add("separator")
        if sent["separator"] == OTHER:
            sent["separator"] = sent["separator_other"]
        kept = {*new, *dialect.get("chosen", ())} - {"separator_other"}
        return {name: value for name, value in sent.items() if name in kept}


def separator_name(sign: str) -> str:
    """A separator for people."""
    return dict(SEPARATORS).get("none" if sign == SINGLE else sign, sign)


class CancelForm(forms.Form):
    """What becomes of rows that are written already."""

    written = forms.ChoiceField(
        label="Contacts already written",
        widget=forms.RadioSelect,
        initial="keep",
        choices=[("keep", "Keep them"), ("take_back", "Undo them")],
    )


class OptionsForm(forms.Form):
    """What the import may do. The names are those of imports.options.Options."""

    GROUPS: ClassVar[tuple[tuple[str, tuple[str, ...]], ...]] = (
        (
            "",
            (
                "task", "event_name", "mode", "existing", "blank", "duplicates", "bad_value", "identify_by", "country",
                "zone", "segments",
            ),
        ),
        (
            "Source",
            ("description", "endpoint", "touchpoint", "action_created", "action_existing", "happened"),
        ),
        ("Deleted and unsubscribed contacts", ("deleted", "consent", "revive_confirmed")),
    )  # fmt: skip

    task = forms.ChoiceField(
        label="The file contains",
        required=False,
        choices=[(key, task.label) for key, task in row_settings.TASKS.items()],
    )
    event_name = forms.CharField(
        label="Event name",
        required=False,
        max_length=120,
        help_text="For files of events without a column for the event name.",
    )
    mode = forms.ChoiceField(
        label="Create or update contacts",
        widget=forms.RadioSelect,
        choices=[
            ("create_and_update", "Create and update"),
            ("create_only", "Create new only"),
            ("update_only", "Update existing only"),
        ],
    )
    existing = forms.ChoiceField(
        label="Existing values",
        choices=[
            ("overwrite", "Replace them with values from the file"),
            ("only_empty", "Keep them; fill in empty fields only"),
        ],
    )
    blank = forms.ChoiceField(
        label="Empty cells", choices=[("keep", "Keep the existing value"), ("clear", "Clear the field")]
    )
    duplicates = forms.ChoiceField(
        label="Several rows for one contact",
        choices=[
            ("last", "Last row wins, field by field"),
            ("first", "First row wins, field by field"),
            ("error", "Mark all of them as in error"),
        ],
    )
    bad_value = forms.ChoiceField(
        label="Values that cannot be read",
        widget=forms.RadioSelect,
        choices=[("error", "Mark the row as in error"), ("drop", "Import the row without the value, with a warning")],
    )
    identify_by = forms.ChoiceField(
        label="Identify contacts by",
        required=False,
        choices=[
            ("all", "All identifiers of the workspace"),
            ("external_id", "External ID only"),
            ("email", "External ID and e-mail"),
            ("phone", "External ID and phone"),
        ],
        help_text="A row with none of these is in error.",
    )
    country = forms.ChoiceField(
        label="Country for phone numbers without +",
        required=False,
        choices=[("", "Workspace default"), *places.countries(COUNTRY_CODES)],
    )
    zone = forms.ChoiceField(
        label="Time zone for times without one",
        required=False,
        choices=[("", "Workspace default"), *places.zones()],
    )
    segments = forms.CharField(
        label="Add contacts to segments",
        required=False,
        max_length=2_500,
        help_text="Static segments, existing or new, one per line.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    description = forms.CharField(
        label="Description", required=False, max_length=300, help_text="Helps you find this import in the list later."
    )
    endpoint = forms.CharField(
        label="API endpoint",
        required=False,
        max_length=120,
        help_text="Where the data came from. Default: Admin panel.",
        widget=forms.TextInput(attrs={"list": "endpoints"}),
    )
    touchpoint = forms.CharField(
        label="Touchpoint",
        required=False,
        max_length=120,
        help_text="Channel or site. Default: the touchpoint of the endpoint.",
        widget=forms.TextInput(attrs={"list": "touchpoints"}),
    )
    action_created = forms.CharField(
        label="Source action for new contacts",
        required=False,
        max_length=120,
        help_text="Added to the activity of each new contact, for example “Visited our booth”.",
        widget=forms.TextInput(attrs={"list": "actions"}),
    )
    action_existing = forms.CharField(
        label="Source action for existing contacts",
        required=False,
        max_length=120,
        help_text="The same for existing contacts.",
        widget=forms.TextInput(attrs={"list": "actions"}),
    )
    happened = forms.CharField(
        label="Date of the activity",
        required=False,
        max_length=40,
        help_text="For source actions, and for events without a time. Default: now.",
        widget=forms.TextInput(attrs={"placeholder": "2024-05-31"}),
    )
    deleted = forms.ChoiceField(
        label="Rows that match deleted contacts",
        required=False,
        widget=forms.RadioSelect,
        choices=[("skip", "Skip"), ("restore", "Restore the contact")],
    )
    consent = forms.ChoiceField(
        label="E-mail and phone status in the file",
        required=False,
        widget=forms.RadioSelect,
        choices=[
            ("stricter", "Only make a contact's status stricter"),
            ("file", "Always apply: unsubscribed contacts can become active"),
        ],
    )
    revive_confirmed = forms.BooleanField(
        label="These people have agreed to hear from us again, and I can prove it.", required=False
    )

    def __init__(self, *args: Any, may_revive: bool = False, workspace: Tenant | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if workspace is not None:
            self._name_defaults(workspace)
        if not may_revive:
            for name in (*REVIVING, "revive_confirmed"):
                del self.fields[name]

    def _name_defaults(self, workspace: Tenant) -> None:
        """Say which country and zone the workspace has, where an empty choice means them."""
        country = places.country(workspace.country) if workspace.country else "none"
        for name, said in (("country", country), ("zone", places.zone(workspace.time_zone))):
            field: Any = self.fields[name]
            field.choices = [("", f"Workspace default: {said}"), *field.choices[1:]]

    def clean_segments(self) -> list[str]:
        names = [name.strip() for name in str(self.cleaned_data["segments"]).splitlines() if name.strip()]
        if ruled := Segment.objects.dynamic().filter(name__in=names).first():
            raise forms.ValidationError(sentence("segment_not_static", name=ruled.name))
        return names

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            try:
                options = Options.parse(data)
            except BadOption as problem:
                raise forms.ValidationError(str(problem)) from None
            if options.revives and not data.get("revive_confirmed"):
                self.add_error(
                    "revive_confirmed", "Confirm this, or leave deleted and unsubscribed contacts unchanged."
                )
        return data

    def groups(self) -> list[tuple[str, list[forms.BoundField], bool]]:
        """(title, fields, whether one of them needs a look) in the order in which they are shown."""
        grouped = []
        for title, names in self.GROUPS:
            fields = [self[name] for name in names if name in self.fields]
            if fields:
                grouped.append((title, fields, any(field.errors for field in fields)))
        return grouped

    def options(self) -> Options:
        """The settings as the import keeps them; only after is_valid()."""
        return Options.parse(self.cleaned_data)
