"""Contacts as a Django app: the registry of extensions is checked at every start."""

from django.apps import AppConfig
from django.core.checks import register

from contacts import extensions


class ContactsConfig(AppConfig):
    """Registers the check."""

    name = "contacts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(extensions.check)
