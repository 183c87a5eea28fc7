"""Tenancy as a Django app: its audit of the catalogue is a system check of every start."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Registers the checks."""

    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tenants.isolation import checks  # noqa: F401, PLC0415  a check registers itself when its module is read
