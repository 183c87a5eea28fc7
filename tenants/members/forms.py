"""Forms of members and invitations."""

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest
from phonenumbers import SUPPORTED_REGIONS

from core import places
from tenants.models import User
from tenants.roles import Role

# Longer ones would only keep the processor busy.
PASSWORD_LENGTH = 1_000


class NameForm(forms.Form):
    """What a workspace is called."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        help_text="Members see it in the menu, and contacts in forms and e-mails that you send.",
    )

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())


class NewWorkspaceForm(NameForm):
    """What a new workspace needs to begin with; all of it can be changed later."""

    country = forms.ChoiceField(
        label="Default country for phone numbers",
        required=False,
        choices=[("", "None: numbers without a country code are in error"), *places.countries(SUPPORTED_REGIONS)],
    )
    time_zone = forms.ChoiceField(label="Time zone", choices=places.zones(), initial="UTC")


class InviteForm(forms.Form):
    """An address and what it may do."""

    email = forms.EmailField(label="E-mail", max_length=254)
    role = forms.ChoiceField(
        label="Role",
        choices=[(r.value, r.label) for r in Role if r != Role.OWNER],
        initial=Role.MARKETER,
        help_text="Admins manage members and sites. Marketers import contacts. Ops monitor imports but cannot see contacts.",
    )


class AcceptForm(forms.Form):
    """Nothing to fill in: who is signed in with the account that is invited."""

    def account(self) -> dict[str, str]:
        """What a new account is made of."""
        return {}


class NewAccountForm(AcceptForm):
    """Name and password of somebody new."""

    name = forms.CharField(label="Your name", max_length=120)
    password = forms.CharField(
        label="Password",
        max_length=PASSWORD_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters. Avoid common passwords.",
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self.email))
        return password

    def account(self) -> dict[str, str]:
        return {"name": self.cleaned_data["name"], "password": self.cleaned_data["password"]}


class KnownAccountForm(AcceptForm):
    """The password of an account that is there already; wrong ones count as they do when signing in."""

    password = forms.CharField(
        label="Your password",
        max_length=PASSWORD_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, email: str, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email, self.request = email, request

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if get_adapter(self.request).authenticate(self.request, email=self.email, password=password) is None:
            raise forms.ValidationError("Wrong password. Try again or reset it.")
        return password


class RoleForm(forms.Form):
    """Another role for a member."""

    role = forms.ChoiceField(choices=Role)
