"""Tasks of the API: answers that are kept for a while go, and webhooks are told."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from api import idempotency
from api.webhooks import deliveries
from tenants import tasks
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


@shared_task(name="api.tidy")
def tidy(**_later: Any) -> None:
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            idempotency.forget(now=timezone.now())


@shared_task(name=deliveries.TASK)
def work_on_webhook(*, tenant_id: int, webhook_id: int, **_later: Any) -> None:
    deliveries.work(tenant_id, webhook_id)


@shared_task(name="api.sweep_webhooks")
def sweep_webhooks(**_later: Any) -> None:
    tasks.sweep(deliveries.WAKE, deliveries.wake_active)
