"""The Celery application. Tasks live in each app's tasks.py and hold no logic."""

import os
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent, worker_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp.settings")

app = Celery("cdp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _refuse_a_role_that_could_bypass(**_kwargs: Any) -> None:
    """A worker that could read past the policies must not start (architecture, section 4)."""
    from contacts.extensions import refuse_broken  # noqa: PLC0415  apps load after Celery
    from tenants.isolation.checks import refuse_bypassing_role  # noqa: PLC0415  see above

    try:
        refuse_bypassing_role()
        refuse_broken()
    except ImproperlyConfigured as problem:
        # Celery logs exceptions of its signals and goes on; only this ends the worker.
        raise SystemExit(str(problem)) from problem


@heartbeat_sent.connect
def _say_that_a_worker_lives(sender: Any = None, **_kwargs: Any) -> None:
    """Celery's own heart beats each two seconds for all processes of a host; the pages count them (core.broker)."""
    from core.broker import beat  # noqa: PLC0415  see above

    beat(str(sender.eventer.hostname), processes=settings.WORKERS)
