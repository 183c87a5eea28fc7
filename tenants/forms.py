"""Forms of members and invitations."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from tenants.roles import Role


class InviteForm(forms.Form):
    """An address and what it may do."""

    email = forms.EmailField(label="E-mail", max_length=254)
    role = forms.ChoiceField(
        label="Role",
        choices=[(r.value, r.label) for r in Role if r != Role.OWNER],
        initial=Role.MARKETER,
        help_text="Admins manage members and sites. Marketers import. Ops watch imports without seeing contacts.",
    )


class AcceptForm(forms.Form):
    """Name and password of somebody new; nothing for somebody who has an account."""

    name = forms.CharField(label="Your name", max_length=120)
    password = forms.CharField(
        label="Password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters, and not a common one.",
    )

    def __init__(self, *args: Any, needs_password: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not needs_password:
            del self.fields["name"], self.fields["password"]

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password)
        return password


class RoleForm(forms.Form):
    """Another role for a member."""

    role = forms.ChoiceField(choices=Role)
