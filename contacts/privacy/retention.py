"""What contacts keep for a time only, removed when its time is over. Safe to repeat and to stop anywhere."""

import logging
from datetime import timedelta

from django.utils import timezone

from contacts import change_log
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

log = logging.getLogger(__name__)
# So long whoever follows contacts by what changed may be away.
NEWS_DAYS = 30


def run_for_all_workspaces() -> None:
    """Tidy up all workspaces; a failure of one does not stop the others."""
    for tenant_id in Tenant.open.order_by("?").values_list("pk", flat=True):
        try:
            with tenant_context(tenant_id):
                before = timezone.now() - timedelta(days=NEWS_DAYS)
                change_log.forget_news(before=before)
                change_log.forget_batches(before=before)
        except Exception:
            log.exception("tidying workspace %s", tenant_id)
