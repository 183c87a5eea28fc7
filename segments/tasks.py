"""Tasks of segments: daily tidying."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from segments import member_edits, removal
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


@shared_task(name="segments.tidy")
def tidy(**_later: Any) -> None:
    for tenant_id in Tenant.objects.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            removal.forget_deleted(now=timezone.now())
            member_edits.forget_old(now=timezone.now())
