"""The forms of the wizard."""

from typing import Any

from django import forms

from contacts.vocabulary import COUNTRY_CODES
from imports import encodings
from imports.options import Options

SEPARATORS = [(",", ", comma"), (";", "; semicolon"), ("\t", "tab"), ("|", "| bar")]


class DialectForm(forms.Form):
    """How the file is read."""

    encoding = forms.ChoiceField(label="Encoding", choices=list(encodings.CHOICES.items()))
    separator = forms.ChoiceField(label="Separator", choices=SEPARATORS)
    quote = forms.ChoiceField(label="Quote", choices=[('"', '"'), ("'", "'"), ("none", "none")])
    header = forms.BooleanField(label="First line is the header", required=False)

    def __init__(self, *args: Any, separator: str = ",", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["separator"]
        if separator not in dict(SEPARATORS):
            field.choices = [*SEPARATORS, (separator, separator)]


class OptionsForm(forms.Form):
    """What the import may do. The names are those of imports.options.Options."""

    mode = forms.ChoiceField(
        label="Contacts we know already",
        widget=forms.RadioSelect,
        choices=[
            ("create_and_update", "Create new and update known"),
            ("create_only", "Create new only"),
            ("update_only", "Update known only"),
        ],
    )
    existing = forms.ChoiceField(
        label="A value that is there already",
        choices=[("overwrite", "is replaced by the file's"), ("only_empty", "stays; only empty fields are filled")],
    )
    blank = forms.ChoiceField(
        label="An empty cell", choices=[("keep", "keeps what is there"), ("clear", "empties the field")]
    )
    duplicates = forms.ChoiceField(
        label="Several rows for one person",
        choices=[
            ("last", "the last row wins, field by field"),
            ("first", "the first row wins, field by field"),
            ("error", "are all in error"),
        ],
    )
    bad_value = forms.ChoiceField(
        label="A value that cannot be read",
        widget=forms.RadioSelect,
        choices=[("error", "puts the row in error"), ("drop", "is left out, the row goes in with a warning")],
    )
    country = forms.ChoiceField(
        label="Country of phones without +",
        required=False,
        choices=[("", "The workspace's"), *[(c, c) for c in sorted(COUNTRY_CODES)]],
    )
    segment = forms.CharField(
        label="Add everybody to",
        required=False,
        max_length=120,
        help_text="A static segment, existing or new.",
        widget=forms.TextInput(attrs={"list": "segments", "placeholder": ""}),
    )

    def options(self) -> Options:
        """The settings as the import keeps them; only after is_valid()."""
        return Options.parse(self.cleaned_data)
