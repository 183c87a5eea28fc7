"""The first steps of a workspace, which tick themselves; shown until all are done, or until a person hides them."""

from dataclasses import dataclass

from django.urls import reverse

from insights.models import HiddenGuide
from tenants.isolation.statements import fetch
from tenants.models import Membership


@dataclass(frozen=True)
class Step:
    """One step: what to do, why, where, and whether it is done."""

    title: str
    text: str
    action: str
    url: str
    done: bool
    allowed: bool


DONE = """
SELECT EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NULL),
  EXISTS (SELECT 1 FROM site s WHERE s.tenant_id = %(tenant)s AND s.last_hit_at IS NOT NULL),
  EXISTS (SELECT 1 FROM segment g WHERE g.tenant_id = %(tenant)s AND g.archived_at IS NULL AND g.purpose = 'segment'),
  EXISTS (SELECT 1 FROM audience a WHERE a.tenant_id = %(tenant)s AND a.archived_at IS NULL),
  EXISTS (SELECT 1 FROM destination d WHERE d.tenant_id = %(tenant)s AND d.archived_at IS NULL)"""
# Title, text, action, route, permission.
_STEPS = (
    ("Import your contacts", "A CSV file with e-mail addresses, phone numbers or your own IDs. You see what it will do "
     "before anything is written.", "Import a file", "imports:new", "imports.run"),
    ("Put the pixel on your site", "It shows who visits, and recognizes contacts who name themselves. This step is done "
     "as soon as the first page view arrives.", "Sites and pixel", "tracking:sites", "sites.view"),
    ("Make a segment", "Contacts that have something in common, by a rule or by hand.", "New segment", "segments:new",
     "segments.edit"),
    ("Make an audience", "Contacts of your lists who may be reached where you want to reach them.", "New audience",
     "audiences:new", "audiences.edit"),
    ("Connect a destination", "An advertising account, a file or an address that follows your audiences.",
     "Connect", "destinations:connect", "destinations.manage"),
)  # fmt: skip


def steps(membership: Membership) -> list[Step]:
    """The steps, each as it is now."""
    done = fetch(DONE)[0]
    return [
        Step(title, text, action, reverse(route), bool(ticked), membership.may(permission))
        for (title, text, action, route, permission), ticked in zip(_STEPS, done, strict=True)
    ]


def is_hidden(user_id: int) -> bool:
    """Whether a person does not want to see the steps."""
    return bool(HiddenGuide.objects.filter(user_id=user_id).exists())


def hide(user_id: int) -> None:
    """Do not show the steps to a person any more."""
    HiddenGuide.objects.bulk_create([HiddenGuide(user_id=user_id)], ignore_conflicts=True)


def show(user_id: int) -> None:
    """Show them again."""
    HiddenGuide.objects.filter(user_id=user_id).delete()
