"""A lookalike on its way: counting, learning, judging contacts, ready; again every day, and when somebody asks for it
(audiences.lookalikes.schedule).

The work is done in steps of one transaction under a lease (contacts.leased_job). Contacts are judged some thousands at a
time into rows that no list shows, under the negative number of the lookalike; the last step puts them in place of the
former ones, all at once.
"""

from datetime import datetime
from typing import Any

from django.utils import timezone

from audiences.lookalikes import features, history, people, schedule, training
from audiences.lookalikes.model import Model
from audiences.lookalikes.training import LEAST_OTHERS, LEAST_SEEDS, Look
from audiences.models import Lookalike, LookalikeMember, LookalikeState
from contacts import leased_job
from tenants.isolation.statements import analyze, fetch, hash_joins, run
from tenants.tasks import defer

# Contacts that one step judges.
STEP = 20_000


def work(tenant_id: int, lookalike_id: int) -> None:
    """Work on a lookalike for a while. Safe to run any number of times, side by side."""
    leased_job.work(
        tenant_id, lookalike_id, model=Lookalike, step=step, fail=_fail,
        again=lambda: defer(schedule.TASK, tenant_id=tenant_id, lookalike_id=lookalike_id),
    )  # fmt: skip


def step(lookalike: Lookalike) -> bool:
    """One transaction of work; whether there is more to do."""
    now = timezone.now()
    lookalike.attempts = 0
    if lookalike.archived_at is not None:
        _end(lookalike, LookalikeState.FAILED, "It was deleted while it was being worked out.", now=None)
        return False
    if lookalike.state in (LookalikeState.WAITING, LookalikeState.COUNTING):
        return _count(lookalike, now)
    if lookalike.state == LookalikeState.TRAINING:
        return _train(lookalike, now)
    return _score(lookalike, now)


def _count(lookalike: Lookalike, now: datetime) -> bool:
    if not people.seed_name(lookalike):
        _end(
            lookalike, LookalikeState.FAILED, f"The {lookalike.seed_kind} that it resembles no longer exists.", now=None
        )
        return False
    if people.is_being_made(lookalike):
        lookalike.save(update_fields=["attempts"])
        return False  # the sweep comes back to it
    members, others = people.sizes(lookalike)
    found = {"members": members, "others": others, "unreachable": people.unreachable(), "counted_at": now.isoformat()}
    if members < LEAST_SEEDS:
        why = f"The list has {members:,} contacts. A lookalike needs at least {LEAST_SEEDS}."
        _refuse(lookalike, why, found, now)
        return False
    if others < LEAST_OTHERS:
        _refuse(
            lookalike, f"Only {others:,} contacts are not in the list. At least {LEAST_OTHERS} are needed.", found, now
        )
        return False
    lookalike.report = {**found, "before": lookalike.report.get("before", {})}
    lookalike.state = LookalikeState.TRAINING
    lookalike.save(update_fields=["report", "state", "attempts"])
    return True


def _train(lookalike: Lookalike, now: datetime) -> bool:
    members, others = lookalike.report["members"], lookalike.report["others"]
    try:
        trained = training.train(lookalike, members=members, others=others, now=now)
    except training.Refused as problem:
        _refuse(lookalike, problem.why, {**lookalike.report, **problem.report}, now)
        return False
    lookalike.model, lookalike.report = trained.model, {**lookalike.report, **trained.report, "at": now.isoformat()}
    LookalikeMember.objects.filter(lookalike_id=-lookalike.pk).delete()
    lookalike.state, lookalike.cursor = LookalikeState.SCORING, 0
    lookalike.save(update_fields=["model", "report", "state", "cursor", "attempts"])
    return True


ADD = """
INSERT INTO lookalike_member (tenant_id, lookalike_id, contact_id, place, score)
SELECT %(tenant)s, %(lookalike)s, u.id, 0, u.score FROM unnest(%(ids)s::bigint[], %(scores)s::float8[]) u(id, score)
ON CONFLICT (tenant_id, lookalike_id, contact_id) DO UPDATE SET score = excluded.score"""


def _score(lookalike: Lookalike, now: datetime) -> bool:
    """Judge the next contacts, all as of the same moment."""
    ids, last = people.next_ids(lookalike, after=lookalike.cursor, most=STEP)
    if last is None:
        _finish(lookalike, now)
        return False
    if ids:
        moment = datetime.fromisoformat(lookalike.report["at"])
        look = Look.of(lookalike.model)
        some = look.count(ids, [moment] * len(ids))
        chance = Model.of(lookalike.model).chance(features.encode(some, look.columns, today=moment.date()))
        run(ADD, lookalike=-lookalike.pk, ids=some.ids.tolist(), scores=chance.tolist())
    lookalike.cursor = last
    lookalike.save(update_fields=["cursor", "attempts"])
    return True


# Places of all that were judged, in thousandths; equal scores are ordered by a hash, which favours nobody. Then the closest
# 20 % take the place of the former ones. Who enters and leaves is listed, but for the first time, when all enter. Returns
# (judged, entered, left) of the size that is chosen.
PLACE = """
WITH judged AS (
  SELECT m.contact_id, m.score, count(*) OVER () AS people,
    row_number() OVER (ORDER BY m.score DESC, hashint8extended(m.contact_id, %(seed)s), m.contact_id) AS place
  FROM lookalike_member m WHERE m.tenant_id = %(tenant)s AND m.lookalike_id = -%(lookalike)s::bigint),
placed AS MATERIALIZED (
  SELECT j.contact_id, j.score, j.people, (j.place * 1000 + j.people - 1) / j.people AS place FROM judged j
  WHERE j.place * 1000 <= j.people * 200),
was AS MATERIALIZED (
  SELECT m.contact_id, m.place FROM lookalike_member m WHERE m.tenant_id = %(tenant)s AND m.lookalike_id = %(lookalike)s),
gone AS (
  DELETE FROM lookalike_member m WHERE m.tenant_id = %(tenant)s AND m.lookalike_id = %(lookalike)s
    AND NOT EXISTS (SELECT 1 FROM placed p WHERE p.contact_id = m.contact_id)),
put AS (
  INSERT INTO lookalike_member (tenant_id, lookalike_id, contact_id, place, score)
  SELECT %(tenant)s, %(lookalike)s, p.contact_id, p.place, p.score FROM placed p
  ON CONFLICT (tenant_id, lookalike_id, contact_id) DO UPDATE SET place = excluded.place, score = excluded.score
  WHERE (lookalike_member.place, lookalike_member.score) IS DISTINCT FROM (excluded.place, excluded.score)),
told AS (
  INSERT INTO lookalike_change (tenant_id, lookalike_id, at, contact_id, entered)
  SELECT %(tenant)s, %(lookalike)s, %(now)s, x.contact_id, x.now_in FROM (
    SELECT coalesce(p.contact_id, w.contact_id) AS contact_id, coalesce(p.place <= %(size)s, false) AS now_in,
      coalesce(w.place <= %(size)s, false) AS was_in FROM placed p FULL JOIN was w ON w.contact_id = p.contact_id) x
  WHERE x.now_in <> x.was_in AND EXISTS (SELECT 1 FROM was)
  ORDER BY x.contact_id LIMIT %(listed)s ON CONFLICT DO NOTHING)
SELECT coalesce(max(p.people), 0), count(*) FILTER (WHERE p.place <= %(size)s AND (w.place IS NULL OR w.place > %(size)s)),
  count(*) FILTER (WHERE w.place <= %(size)s AND (p.place IS NULL OR p.place > %(size)s))
FROM placed p FULL JOIN was w ON w.contact_id = p.contact_id"""


def _finish(lookalike: Lookalike, now: datetime) -> None:
    size = lookalike.size * 10
    with hash_joins():
        judged, entered, left = fetch(
            PLACE, lookalike=lookalike.pk, seed=lookalike.random_seed, size=size, now=now, listed=history.MOST
        )[0]
    LookalikeMember.objects.filter(lookalike_id=-lookalike.pk).delete()
    analyze("lookalike_member")
    lookalike.judged, lookalike.entered, lookalike.departed = judged, entered, left
    _end(lookalike, LookalikeState.READY, "", now=now)
    if entered or left:
        schedule.tell()


def _refuse(lookalike: Lookalike, why: str, report: dict[str, Any], now: datetime) -> None:
    """Say why there is no lookalike. Members of an earlier one, which was proved, stay."""
    lookalike.report = report
    _end(lookalike, LookalikeState.REFUSED, why, now=now)


def _fail(lookalike: Lookalike, why: str) -> None:
    _end(lookalike, LookalikeState.FAILED, why, now=timezone.now())


def _end(lookalike: Lookalike, state: LookalikeState, why: str, *, now: datetime | None) -> None:
    lookalike.state, lookalike.reason, lookalike.cursor = state, why[:300], 0
    if now is not None:
        lookalike.refreshed_at = now
    lookalike.save()
