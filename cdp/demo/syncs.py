"""A data sync of the demo that waits for its review: whom Google Ads would get, and nothing that could be sent."""

from audiences.contact_lists import ContactList
from audiences.models import Audience, Use
from destinations import connections, syncs
from destinations.models import Sync
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, User

NAME = "Winter campaign to Google Ads"


def make(tenant: Tenant, owner: User) -> None:
    """Make it, unless there is one. Its account is made up, so that Google would refuse it."""
    with tenant_context(tenant.pk):
        if Sync.objects.exists():
            return
        audience = Audience.objects.filter(use=Use.GOOGLE, archived_at=None).order_by("pk")[0]
        account = {"customer_id": "123-456-7890", "terms": "accepted"}
        destination = connections.connect(
            "google",
            name="Google Ads (no real account)",
            account=account,
            secret={"refresh_token": "made-up"},
            user=owner,
        )
        of_list = ContactList("audience", audience.pk)
        syncs.create(destination, of_list, name=NAME, target={"list_id": "600123"}, user=owner)
