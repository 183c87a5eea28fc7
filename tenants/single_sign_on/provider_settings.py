"""What the owners of a workspace set: the provider, who may join by it, and whether members have to sign in by it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone

from core import encryption
from core.outside_addresses import BadAddress
from core.outside_session import check
from tenants import audit
from tenants.isolation.context import tenant_context
from tenants.models import IdentityProvider, ProviderLink, SignInDomain, Tenant
from tenants.roles import Role
from tenants.single_sign_on import discovery
from tenants.single_sign_on.discovery import BadProvider, NotFinished
from tenants.single_sign_on.exchange import PURPOSE

JOIN_ROLES = [
    ("", "Only members can sign in"),
    *((r.value, f"They join as {r.label}") for r in Role if r != Role.OWNER),
]


class NotYet(Exception):
    """Signing in by the provider cannot be required yet. The sentence is for people."""


class ProviderForm(forms.Form):
    """The provider, as its own console names things."""

    issuer = forms.CharField(
        label="Issuer",
        max_length=300,
        help_text="As the provider writes it, such as https://id.example.com. Its discovery document is read from there.",
    )
    client_id = forms.CharField(label="Client ID", max_length=300)
    secret = forms.CharField(
        label="Client secret",
        max_length=1_000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="It is stored encrypted and never shown.",
    )
    join_role = forms.ChoiceField(
        label="New people with an address of your domains", choices=JOIN_ROLES, required=False
    )
    trusts_factor = forms.BooleanField(
        label="Trust the second factor of the provider",
        required=False,
        help_text="It counts here where the provider says that it asked for one (“mfa” in “amr”). Otherwise we ask.",
    )

    def __init__(self, *args: Any, has_secret: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["secret"].required = not has_secret
        if has_secret:
            self.fields["secret"].help_text = "Leave it empty to use the one that is stored."

    def clean_issuer(self) -> str:
        issuer = str(self.cleaned_data["issuer"]).strip()
        if "?" in issuer or "#" in issuer or discovery.PATH in issuer:
            raise forms.ValidationError("Enter the issuer alone, without the path of its document.")
        try:
            check(issuer)
        except BadAddress as problem:
            raise forms.ValidationError(str(problem)) from None
        return issuer


def initial(workspace: Tenant, provider: IdentityProvider | None) -> dict[str, Any]:
    """What the form shows at first."""
    return {
        "issuer": provider.issuer if provider else "",
        "client_id": provider.client_id if provider else "",
        "join_role": provider.join_role if provider else "",
        "trusts_factor": workspace.trusts_provider_factor,
    }


def save(workspace: Tenant, values: Mapping[str, Any], *, user_id: int) -> None:
    """Set the provider of the current workspace. It is in use from now on."""
    tenant = Tenant.objects.select_for_update().get(pk=workspace.pk)
    provider = IdentityProvider.objects.first() or IdentityProvider()
    before = {**initial(tenant, provider), "is_on": provider.is_on}
    provider.issuer, provider.client_id, provider.is_on = values["issuer"], values["client_id"], True
    provider.join_role, provider.error = values["join_role"], ""
    if values["secret"]:
        provider.secret = encryption.encrypt(values["secret"], purpose=PURPOSE)
    provider.save()
    tenant.trusts_provider_factor = values["trusts_factor"]
    tenant.save(update_fields=["trusts_provider_factor"])
    after = {**initial(tenant, provider), "is_on": True}
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    audit.record("settings.single_sign_on", user_id=user_id, new_secret=bool(values["secret"]), changed=changed)


def turn_off(workspace: Tenant, *, user_id: int | None) -> None:
    """No one signs in by the provider, and no one has to. Everything stays as it is for turning it on again."""
    IdentityProvider.objects.update(is_on=False)
    Tenant.objects.filter(pk=workspace.pk).update(needs_single_sign_on=False)
    audit.record("settings.single_sign_on", user_id=user_id, changed={"is_on": [True, False]})


def require(workspace: Tenant, *, wanted: bool, owner_has_factor: bool, user_id: int) -> None:
    """Let members in by the provider only, or no longer. Raises NotYet."""
    tenant = Tenant.objects.select_for_update().get(pk=workspace.pk)
    if wanted:
        _refuse_too_early(tenant, owner_has_factor=owner_has_factor)
    if tenant.needs_single_sign_on == wanted:
        return
    tenant.needs_single_sign_on = wanted
    tenant.save(update_fields=["needs_single_sign_on"])
    audit.record("settings.single_sign_on", user_id=user_id, changed={"required": [not wanted, wanted]})


def _refuse_too_early(tenant: Tenant, *, owner_has_factor: bool) -> None:
    if not IdentityProvider.objects.filter(is_on=True).exists():
        raise NotYet("Save the provider first.")
    if not SignInDomain.objects.filter(tenant=tenant, approved_at__isnull=False).exists():
        raise NotYet("None of your domains is approved yet.")
    if not ProviderLink.objects.exists():
        raise NotYet("No one has signed in by the provider yet. Sign in by it once yourself first.")
    if not owner_has_factor:
        raise NotYet(
            "Set up your own second factor first, and sign in with it. With it, owners can open the workspace when the "
            "provider is away."
        )


def test(tenant_id: int, issuer: str) -> None:
    """Read the document of the provider and note that it was good. Raises BadProvider. Outside of a transaction."""
    discovery.read(issuer)
    with tenant_context(tenant_id):
        IdentityProvider.objects.filter(issuer=issuer).update(tested_at=timezone.now(), error="")


def note_failure(tenant_id: int, problem: BadProvider) -> None:
    """Keep why a sign-in failed, for the page of the settings."""
    if isinstance(problem, NotFinished):
        return
    with tenant_context(tenant_id):
        IdentityProvider.objects.update(error=str(problem)[:300], error_at=timezone.now())
