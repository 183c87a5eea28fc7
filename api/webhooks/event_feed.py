"""What has happened in a workspace between two moments, page by page, from the logs that are kept anyway.

An event here is what is stored with a delivery: type, time and numbers, and no personal data. `bodies.of` makes of it what
is sent, with what is known at that moment: a delivery says nothing about who was erased meanwhile.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q

from api.webhooks.models import Webhook
from contacts import change_feed
from destinations.models import RunKind, SyncRun
from imports.models import Import, Phase
from segments.models import MemberChange, Segment

log = logging.getLogger(__name__)
# The most events of one request.
PAGE = 500


class Window(NamedTuple):
    """A stretch of time: after `start`, up to `end`. Both are watermarks, so nothing can appear in it any more."""

    start: datetime
    end: datetime


class Page(NamedTuple):
    """Events in the order of their log, and where the next page begins (None: there is none)."""

    events: list[dict[str, Any]]
    next_place: list[Any] | None


Reader = Callable[[Webhook, Window, list[Any]], Page]


def read(webhook: Webhook, window: Window, place: list[Any] | None) -> Page:
    """The next events for a webhook. `place` is what the page before has said, None at the beginning of a window."""
    at = list(place) if place else [0]
    while at[0] < len(READERS):
        page = READERS[at[0]](webhook, window, at[1:])
        following = [at[0], *page.next_place] if page.next_place is not None else [at[0] + 1]
        if page.events:
            return Page(page.events, following if following[0] < len(READERS) else None)
        at = following
    return Page([], None)


def read_contacts(webhook: Webhook) -> tuple[list[dict[str, Any]], str, bool]:
    """The next changes of contacts: those that the webhook asks for, the cursor behind them, and whether more follow."""
    if not any(name.startswith("contact.") for name in webhook.event_types):
        return [], change_feed.now(), False
    try:
        page = change_feed.read(webhook.contact_cursor, most=PAGE)
    except (change_feed.BadCursor, change_feed.CursorExpired) as problem:
        # It was switched off for longer than changes are kept, or the database is another one.
        log.warning("webhook %s goes on from now: %s", webhook.pk, problem)
        return [], change_feed.now(), False
    changes = [change for change in page.changes if f"contact.{change.kind}" in webhook.event_types]
    events = [
        {"type": f"contact.{change.kind}", "at": change.at.isoformat(), "contact_id": change.contact_id,
         **({"merged_into": change.into} if change.into else {})}
        for change in changes
    ]  # fmt: skip
    return events, page.cursor, page.more


def _imports(webhook: Webhook, window: Window, place: list[Any]) -> Page:
    if "import.ended" not in webhook.event_types:
        return Page([], None)
    ended = Import.objects.filter(phase=Phase.DONE, finished_at__gt=window.start, finished_at__lte=window.end)
    if place:
        ended = ended.filter(pk__gt=place[0])
    rows = list(ended.order_by("pk").values_list("pk", "finished_at")[:PAGE])
    events = [{"type": "import.ended", "at": at.isoformat(), "import_id": pk} for pk, at in rows]
    return Page(events, [rows[-1][0]] if len(rows) == PAGE else None)


def _syncs(webhook: Webhook, window: Window, place: list[Any]) -> Page:
    if "sync.ended" not in webhook.event_types:
        return Page([], None)
    ended = SyncRun.objects.filter(ended_at__gt=window.start, ended_at__lte=window.end).exclude(kind=RunKind.DRY)
    if place:
        ended = ended.filter(pk__gt=place[0])
    rows = list(ended.order_by("pk").values_list("pk", "ended_at")[:PAGE])
    events = [{"type": "sync.ended", "at": at.isoformat(), "run_id": pk} for pk, at in rows]
    return Page(events, [rows[-1][0]] if len(rows) == PAGE else None)


def _segments(webhook: Webhook, window: Window, place: list[Any]) -> Page:
    """Members that entered or left, segment by segment."""
    wanted = [entered for entered in (True, False) if _member_event(entered) in webhook.event_types]
    if not wanted:
        return Page([], None)
    changes = MemberChange.objects.filter(
        at__gt=window.start, at__lte=window.end, entered__in=wanted, segment_id__in=Segment.objects.values("pk")
    )
    if webhook.segment_ids:
        changes = changes.filter(segment_id__in=webhook.segment_ids)
    if place:
        segment_id, at, contact_id = place
        same = Q(segment_id=segment_id) & (Q(at__gt=at) | Q(at=at, contact_id__gt=contact_id))
        changes = changes.filter(Q(segment_id__gt=segment_id) | same)
    ordered = changes.order_by("segment_id", "at", "contact_id")
    rows = list(ordered.values_list("segment_id", "at", "contact_id", "entered", "cause")[:PAGE])
    events = [
        {"type": _member_event(entered), "at": at.isoformat(), "segment_id": segment_id, "contact_id": contact_id,
         "cause": cause}
        for segment_id, at, contact_id, entered, cause in rows
    ]  # fmt: skip
    full = len(rows) == PAGE
    return Page(events, [rows[-1][0], rows[-1][1].isoformat(), rows[-1][2]] if full else None)


def _member_event(entered: bool) -> str:
    return "segment.entered" if entered else "segment.left"


READERS: Sequence[Reader] = (_imports, _segments, _syncs)
