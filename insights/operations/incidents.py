"""Incidents: written by whoever notices first, closed by whoever sees that all is well again.

A program that died is one whose signs of life stopped without a goodbye. Several look at the same time (the scheduler, a
worker, the page); a unique index makes it one incident.
"""

import contextlib
import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core import signs_of_life
from core.signs_of_life import Program
from insights.models import Component, Incident

log = logging.getLogger(__name__)
# Written by the supervisor of `make up` (cdp.stack.supervisor), one line of JSON for each program that died.
DEATHS = "deaths.jsonl"
KEEP = timedelta(days=90)
_OF_PROGRAM = {
    "web": Component.WEB, "worker": Component.WORKER, "beat": Component.BEAT, "drain": Component.DRAIN,
    "files": Component.FILES, "postgres": Component.DATABASE, "valkey": Component.BROKER,
}  # fmt: skip


def begin(
    component: str, name: str, *, began_at: datetime, now: datetime, workspace_id: int | None = None, **facts: Any
) -> bool:
    """Note that something is broken; False when it is noted already."""
    row = Incident(
        component=component, name=name[:160], workspace_id=workspace_id, began_at=began_at, noticed_at=now, facts=facts
    )
    made = Incident.objects.filter(component=component, name=row.name, healed_at=None).exists()
    if not made:
        Incident.objects.bulk_create([row], ignore_conflicts=True)
        log.warning("incident: %s", row)
    return not made


def heal(component: str, *, now: datetime, by: str = "", name: str = "") -> int:
    """Close the open incidents of a component, or the one with a name; returns how many."""
    still = Incident.objects.filter(component=component, healed_at=None)
    return (still.filter(name=name) if name else still).update(healed_at=now, taken_over_by=by[:160])


def look(now: datetime) -> None:
    """Note who died and who took over. Raises redis.RedisError or a DatabaseError when a server is away."""
    programs = signs_of_life.programs()
    living = [p for p in programs if not p.is_gone(now.timestamp())]
    for program in programs:
        if program.is_gone(now.timestamp()):
            _note_death(program, now=now)
    _heal_replaced(living, now=now)
    for news in signs_of_life.take_news():
        _write_down(news, now=now)
    _read_deaths(settings.HOME / DEATHS, now=now)


def _note_death(program: Program, *, now: datetime) -> None:
    """First the note, then it leaves the list: killed in between, the next look notes nothing twice."""
    died = datetime.fromtimestamp(program.seen_at, UTC)
    begin(program.role, program.name, began_at=died, now=now, doing=program.doing)
    signs_of_life.forget(program)


def _heal_replaced(living: Iterable[Program], *, now: datetime) -> None:
    """A dead program is replaced as soon as one of its role lives that was not heard of when it died, or lived beside it."""
    by_role: dict[str, Program] = {}
    for program in living:
        by_role.setdefault(program.role, program)
    for role, program in by_role.items():
        heal(role, now=now, by=program.name)


def _write_down(news: dict[str, Any], *, now: datetime) -> None:
    """What programs have told: it is over already when it is told."""
    at = datetime.fromtimestamp(news["at"], UTC)
    if news["what"] == "clock":
        seconds = int(news["seconds"])
        _over(Component.CLOCK, news["name"], began_at=at, now=now, seconds=seconds)
    elif news["what"] == "take_over":
        _over(
            Component.UNIT, f"{news['kind']} of import {news['import']}", began_at=_moment(news.get("since"), at), now=now,
            healed_at=at, workspace_id=news["tenant"], by=news.get("by", ""), import_id=news["import"], times=news["times"],
        )  # fmt: skip


def _over(
    component: str, name: str, *, began_at: datetime, now: datetime, healed_at: datetime | None = None,
    workspace_id: int | None = None, by: str = "", **facts: Any,
) -> None:  # fmt: skip
    Incident.objects.create(
        component=component, name=name[:160], began_at=began_at, noticed_at=now, healed_at=healed_at or now,
        workspace_id=workspace_id, taken_over_by=by[:160], facts=facts,
    )  # fmt: skip


def _moment(value: Any, default: datetime) -> datetime:
    return datetime.fromtimestamp(value, UTC) if value else default


def _read_deaths(path: Path, *, now: datetime) -> None:
    """What the supervisor has seen die, and when it started it again. Programs with signs of life of their own are known."""
    with contextlib.suppress(FileNotFoundError):
        mine = path.with_suffix(f".{now.timestamp():.6f}")
        path.rename(mine)
        lines = mine.read_text().splitlines()
        with transaction.atomic():
            for line in lines:
                death = json.loads(line)
                component = _OF_PROGRAM.get(death["name"])
                if component:
                    at = datetime.fromtimestamp(death["at"], UTC)
                    _over(
                        component, death["name"], began_at=at, now=at, healed_at=_moment(death.get("back"), now),
                        by="started again by make up", code=death.get("code"),
                    )  # fmt: skip
        mine.unlink()


def newest(
    *, workspaces: Iterable[int], platform: bool, count: int, before: int | None = None
) -> tuple[list[Incident], bool]:
    """The newest incidents that a person may see, and whether there are more: those of their workspaces' imports, and of
    the platform for those who run it (`platform`)."""
    mine = Q(workspace_id__in=list(workspaces))
    rows = Incident.objects.filter(mine | Q(workspace_id=None) if platform else mine)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: count + 1])
    return found[:count], len(found) > count


def tidy(now: datetime) -> int:
    """Forget incidents that ended long ago."""
    return Incident.objects.filter(healed_at__lt=now - KEEP).delete()[0]
