"""The daily task of the API: answers that are kept for a day go."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from api import idempotency
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


@shared_task(name="api.tidy")
def tidy(**_later: Any) -> None:
    for tenant_id in Tenant.objects.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            idempotency.forget(now=timezone.now())
