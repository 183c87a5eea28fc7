"""The form that makes a token."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from api.scopes import GROUPS, SCOPES
from tenants.models import Membership

EXPIRY = {"30": "30 days", "90": "90 days", "365": "365 days", "0": "Never"}


class TokenForm(forms.Form):
    """Name, scopes and expiry. The mark makes a second click harmless (api.tokens)."""

    name = forms.CharField(
        label="Name", max_length=80, help_text="What will use it, for example “Nightly sync of the shop”."
    )
    expires = forms.ChoiceField(
        label="Expires after", choices=EXPIRY, initial="90", help_text="After that, its requests are refused."
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes", choices=SCOPES, error_messages={"required": "Choose at least one scope."}
    )
    mark = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.membership = membership

    def groups(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Scopes that the member has, by group, each with its words and whether it is chosen."""
        chosen = set(self.data.getlist("scopes") if hasattr(self.data, "getlist") else ())
        groups = [
            (
                title,
                [
                    {"key": scope, "words": SCOPES[scope], "chosen": scope in chosen}
                    for scope in scopes
                    if self.membership.may(scope)
                ],
            )
            for title, scopes in GROUPS.items()
        ]
        return [(title, scopes) for title, scopes in groups if scopes]

    def expires_at(self, now: datetime | None = None) -> datetime | None:
        """When the token ends; None for never."""
        days = int(self.cleaned_data["expires"])
        return (now or timezone.now()) + timedelta(days=days) if days else None
