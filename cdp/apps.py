"""The project as a Django app: it loads the Celery application in every process."""

from django.apps import AppConfig


class CdpConfig(AppConfig):
    """Loads cdp.celery, so that tasks sent from anywhere find the broker."""

    name = "cdp"

    def ready(self) -> None:
        from cdp import celery  # noqa: F401, PLC0415  the application registers itself when it is made
