"""Whom a source lists: the living contacts of its import, of its segments, or those that its visitors turned out to be."""

from typing import Any

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from contacts.models import Contact
from imports.models import Import
from segments import membership as segment_membership
from segments import refresh as segment_refresh
from segments.models import Segment
from sources.models import Origin, Source
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fill
from tracking.models import ContactVisit, Visitor

# Of those whom an import has written, or whom else its rows name (imports.models.Listing), the living ones.
OF_IMPORT = """
SELECT c.id FROM (
  SELECT t.contact_id FROM touched t WHERE t.tenant_id = %s AND t.import_id = %s
  UNION
  SELECT unnest(l.contact_ids) FROM import_listing l WHERE l.tenant_id = %s AND l.import_id = %s) f(id)
JOIN contact c ON c.tenant_id = %s AND c.id = f.id AND c.deleted_at IS NULL"""
# `{wanted}` is one column of the IDs of living contacts. Leaves members alone that stay: when they came is kept.
LEAVE = """
DELETE FROM source_member m WHERE m.tenant_id = {tenant} AND m.source_id = {source} AND NOT EXISTS (
  SELECT 1 FROM ({wanted}) w(id) WHERE w.id = m.contact_id)"""
ENTER = """
INSERT INTO source_member (tenant_id, source_id, contact_id, added_at)
SELECT {tenant}, {source}, w.id, %s FROM ({wanted}) w(id) ON CONFLICT DO NOTHING"""


def gather(source: Source) -> None:
    """Bring the members up to date. One statement for those who leave, one for those who enter."""
    wanted, values = _wanted(source)
    slots = {"tenant": str(current_tenant()), "source": str(int(source.pk)), "wanted": wanted}
    with connection.cursor() as cursor:
        cursor.execute(fill(LEAVE, **slots), values)
        left = cursor.rowcount
        cursor.execute(fill(ENTER, **slots), [timezone.now(), *values])
        moved = left + cursor.rowcount
    if moved:
        segment_refresh.request_all_asking("source", because="source")


def _wanted(source: Source) -> tuple[str, list[Any]]:
    """A query of the IDs, and its values."""
    if source.origin == Origin.FILE:
        own = current_tenant()
        return OF_IMPORT, [own, source.import_id, own, source.import_id, own]
    sql, params = _contacts(source).order_by().values("pk").distinct().query.sql_with_params()
    return sql, list(params)


def _contacts(source: Source) -> Any:
    if source.origin == Origin.VISITORS:
        return Contact.objects.living().filter(pk__in=_visited(source.site_id, source.stages))
    nobody = Contact.objects.none()
    segments = list(Segment.objects.present().filter(pk__in=source.segments))
    queries = [segment_membership.contacts(s) for s in segments]
    if not queries:
        return nobody
    anybody = queries[0]
    for query in queries[1:]:
        anybody = anybody | query
    return anybody


def _visited(site_id: int | None, stages: list[int]) -> Any:
    """Contacts that visited a site (None: any) and got to one of the stages (none given: to any), as IDs."""
    people: Any = ContactVisit.objects if site_id is None else Visitor.objects.filter(site_id=site_id)
    people = people.exclude(contact_id=None)
    return (people.filter(stage__in=stages) if stages else people).values("contact_id")


def missing(source: Source) -> str:
    """Why there is nothing to collect contacts from, as a sentence; empty when there is."""
    if source.origin == Origin.FILE and not Import.objects.filter(pk=source.import_id).exists():
        return "Its import no longer exists."
    if source.origin == Origin.SEGMENTS and not Segment.objects.present().filter(pk__in=source.segments).exists():
        return "Its segments no longer exist."
    return ""


def people_by_stage() -> dict[int, int]:
    """How many contacts got how far on the sites: stage → people."""
    return dict(ContactVisit.objects.values("stage").annotate(n=Count("contact_id")).values_list("stage", "n"))
