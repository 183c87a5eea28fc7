"""A club of the demo's shop, and the contacts that are like its members: who hikes and orders joins more often."""

from hashlib import blake2b

from audiences.lookalikes import job, schedule
from audiences.models import Lookalike
from contacts.models import Contact
from segments import member_edits
from segments.models import Segment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, User
from tracking.models import Event

CLUB, LIKE = "Trail club", "Like the trail club"
STEPS = 500


def make(tenant: Tenant, owner: User) -> None:
    """Both, if they are not there yet."""
    with tenant_context(tenant.pk):
        if Lookalike.objects.exists():
            return
        club = Segment.objects.create(name=CLUB, description="Signed up for guided hikes")
        ordered = set(Event.objects.filter(kind="order").values_list("contact_id", flat=True))
        rows = Contact.objects.living().order_by("pk").values_list("pk", "external_id", "attributes")
        joined = [pk for pk, key, values in rows if joins(str(key or pk), values.get("tags") or [], pk in ordered)]
        member_edits.add(club, joined, user_id=owner.pk)
        own = Lookalike.objects.create(
            name=LIKE, seed_kind="segment", seed_id=club.pk, seed_moment="now", size=7, created_by=owner
        )
        schedule.begin(own)
    for _ in range(STEPS):  # beside the workers, if there are any
        with tenant_context(tenant.pk):
            if not Lookalike.objects.get(pk=own.pk).active:
                return
        job.work(tenant.pk, own.pk)


def joins(key: str, interests: list[str], ordered: bool) -> bool:
    """Whether somebody is a member: by a number that follows from who it is."""
    chance = (
        0.03 + (0.35 if "hiking" in interests else 0) + (0.15 if ordered else 0) + (0.1 if "winter" in interests else 0)
    )
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest()) / 2**32 < chance
