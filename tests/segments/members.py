"""Dynamic segments in tests: made, worked off as the workers do, and compared with their rules."""

from typing import Any

from cdp.stack.supervisor import wait_until
from contacts.models import Contact, QueuedChange
from segments import dynamic, incremental, refresh
from segments.models import Member, Segment
from segments.rules import compiler
from segments.rules.tree import Group, parse
from tenants.isolation.context import tenant_context
from tenants.models import Membership, Tenant


def make(place: Tenant, rule: Group, name: str = "Dynamic") -> Segment:
    """A dynamic segment that nothing has been done for yet."""
    with tenant_context(place.pk):
        return dynamic.save_dynamic_segment(rule, name, user_id=owner_of(place))


def edit(place: Tenant, segment: Segment, rule: Group) -> None:
    with tenant_context(place.pk):
        kept = Segment.objects.get(pk=segment.pk)
        dynamic.save_dynamic_segment(rule, kept.name, user_id=owner_of(place), segment=kept)


def owner_of(place: Tenant) -> int:
    return int(Membership.objects.filter(role="owner").values_list("user_id", flat=True)[0])


def settle(place: Tenant) -> None:
    """Let the workers work until every segment is certain: whatever else writes on this server, be it in another database,
    may be a writer that began before a segment was asked about (segments.refresh)."""

    def is_certain() -> bool:
        run_all(place)
        with tenant_context(place.pk):
            return not Segment.everything.exclude(fence=None).exists()

    assert wait_until(is_certain, seconds=120)


def run_all(place: Tenant) -> None:
    """All that the workers do, until nothing is left to do now. What others write on this server may have to end first."""
    assert wait_until(lambda: _is_at_rest(place), seconds=120), "the segments do not come to rest"


def _is_at_rest(place: Tenant) -> bool:
    """Whether there was nothing to do; what there was is done."""
    refresh.wake_due(place.pk)
    incremental.sweep_workspace(place.pk)
    with tenant_context(place.pk):
        active = list(Segment.everything.filter(state__in=Segment.ACTIVE).values_list("pk", flat=True))
        waiting = QueuedChange.objects.exists()
    for pk in active:
        refresh.work(place.pk, pk)
    return not active and not waiting


def ids(segment: Segment) -> set[int]:
    """Who is stored as a member."""
    return set(Member.objects.filter(segment_id=segment.pk).values_list("contact_id", flat=True))


def meant(segment: Segment) -> set[int]:
    """Whom the rule means, asked now."""
    kept = Segment.everything.get(pk=segment.pk)
    rule = compiler.compile_rule(parse(kept.rule), compiler.context(inside=kept.pk))
    return set(Contact.objects.living().filter(rule).values_list("pk", flat=True))


def move(contact: Any, **attributes: Any) -> None:
    """Change a contact as pages do."""
    from django.utils import timezone

    from contacts import value_state

    value_state.write_states(contact, {key: [value] for key, value in attributes.items()}, timezone.now())
