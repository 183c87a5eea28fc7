"""The Celery application. Tasks live in each app's tasks.py and hold no logic."""

import os
from typing import Any

from celery import Celery, Task
from celery.signals import (
    beat_init,
    before_task_publish,
    heartbeat_sent,
    setup_logging,
    task_failure,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp.settings")


class WorkspaceTask(Task):  # type: ignore[misc]  # Celery has no types
    """What all tasks are: one that is for a workspace does nothing while that is closed, unless it says that it does."""

    abstract = True
    works_when_closed = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from tenants.workspaces import is_open  # noqa: PLC0415  apps load after Celery

        if "tenant_id" in kwargs and not self.works_when_closed and not is_open(kwargs["tenant_id"]):
            return None
        return super().__call__(*args, **kwargs)


app = Celery("cdp", task_cls=WorkspaceTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _keep_our_logging(**_kwargs: Any) -> None:
    """The settings say how logs look; Celery is not to change it."""


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
    from insights.operations import worker_signs  # noqa: PLC0415  see above

    beat(str(sender.eventer.hostname), processes=settings.WORKERS)
    worker_signs.show_children()
    for watch in _watchdogs:
        watch.beat()


# Of the main process of a worker: what ends it when it no longer turns.
_watchdogs: list[Any] = []


@worker_ready.connect
def _watch_the_loop(**_kwargs: Any) -> None:
    from insights.operations.watchdog import Watchdog  # noqa: PLC0415  see above

    if not _watchdogs:  # Celery says it again after each loss of the broker
        _watchdogs.append(Watchdog())
        _watchdogs[0].start()


@worker_shutting_down.connect
def _let_the_loop_end(**_kwargs: Any) -> None:
    for watch in _watchdogs:
        watch.stop()


@worker_process_init.connect
def _begin_to_wait(**_kwargs: Any) -> None:
    from insights.operations import worker_signs  # noqa: PLC0415  see above

    worker_signs.begin()


@worker_process_shutdown.connect
def _end_in_order(**_kwargs: Any) -> None:
    from insights.operations import worker_signs  # noqa: PLC0415  see above

    worker_signs.end()


@worker_shutdown.connect
def _end_all_in_order(**_kwargs: Any) -> None:
    from insights.operations import worker_signs  # noqa: PLC0415  see above

    worker_signs.end_children()


@before_task_publish.connect
def _note_when_it_was_sent(headers: Any = None, **_kwargs: Any) -> None:
    from insights.operations import worker_signs  # noqa: PLC0415  see above

    worker_signs.stamp(headers)


@task_prerun.connect
def _note_what_is_done(task_id: str, task: Any, kwargs: Any, **_kwargs: Any) -> None:
    from insights.operations import worker_signs  # noqa: PLC0415  see above

    worker_signs.began(task_id, task, kwargs)


@task_postrun.connect
def _note_that_it_is_done(task_id: str, task: Any, **_kwargs: Any) -> None:
    from insights.operations import worker_signs  # noqa: PLC0415  see above

    worker_signs.ended(task_id, task)


@task_failure.connect
def _count_a_failure(sender: Any, **_kwargs: Any) -> None:
    from core import counters  # noqa: PLC0415  see above

    counters.count("task_failures", sender.name)


@beat_init.connect
def _watch_from_beat(**_kwargs: Any) -> None:
    """The scheduler is the one process that there is once: it also looks after the others."""
    from insights.operations import watchman  # noqa: PLC0415  see above

    watchman.start("beat")
