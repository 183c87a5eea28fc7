"""Sign-ins of members that failed, for the admins of each workspace that they belong to.

Only what somebody tried with an account of a member is noted, never what was typed: a password in the wrong field, or the
address of somebody who is no member, is nobody's business. Which workspaces else a person belongs to is not said either.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest
from redis.exceptions import RedisError

from core.http import client_address, client_network
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fill, run
from tenants.models import FailedSignIn, Membership, User, normal_login
from tenants.retention.kinds import Found, Kind, counted
from tenants.workspaces import workspaces_of

log = logging.getLogger(__name__)
# Attempts that are not counted for an account are noted once in so many seconds for an account, a reason and a connection:
# no table is filled by them.
UNLIMITED_EVERY = 60
LIMITED = (FailedSignIn.Reason.PASSWORD, FailedSignIn.Reason.CODE)

FIND = "SELECT f.at FROM failed_sign_in f WHERE f.tenant_id = %(tenant)s {older} ORDER BY f.id"
REMOVE = """
WITH old AS MATERIALIZED (
  SELECT o.id FROM failed_sign_in o WHERE o.tenant_id = %(tenant)s AND o.at < %(before)s
  ORDER BY o.id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
DELETE FROM failed_sign_in f USING old WHERE f.tenant_id = %(tenant)s AND f.id = old.id"""


@dataclass(frozen=True)
class Page:
    """Failed sign-ins, the newest first, and where the next page begins."""

    rows: list[FailedSignIn]
    older: int | None


def note_login(request: HttpRequest, login: str, reason: FailedSignIn.Reason) -> None:
    """Note an attempt with what was typed as an address. An address of no account leaves no trace."""
    known = User.objects.filter(email__iexact=normal_login(login)).first()
    note(request, known.pk if known else 0, reason)


def note(request: HttpRequest, user_id: int, reason: FailedSignIn.Reason, *, only_in: int | None = None) -> None:
    """Note an attempt in each open workspace of an account, or in one of them. Never raises: who may not sign in is told so
    in any case."""
    try:
        places = [place.id for place in workspaces_of(user_id) if only_in in (None, place.id)]
        if not places or not _is_to_be_noted(request, user_id, reason):
            return
        for tenant_id in places:
            with tenant_context(tenant_id):
                FailedSignIn.objects.create(
                    user_id=user_id, reason=reason, address=client_address(request),
                    user_agent=request.headers.get("User-Agent", "").replace("\0", "")[:200],
                )  # fmt: skip
    except DatabaseError:
        log.exception("a failed sign-in was not noted")


def _is_to_be_noted(request: HttpRequest, user_id: int, reason: FailedSignIn.Reason) -> bool:
    if reason in LIMITED:
        return True
    try:
        return bool(cache.add(f"failed:{reason}:{user_id}:{client_network(request)}", 1, UNLIMITED_EVERY))
    except RedisError as problem:
        log.warning("failed sign-ins are not counted: %s", problem)
        return True


def page(*, before: int | None, count: int) -> Page:
    """Those of the workspace of the context, of people who are still members."""
    members = Membership.objects.values("user_id")
    rows = FailedSignIn.objects.filter(user_id__in=members).select_related("user").order_by("-pk")
    found = list((rows.filter(pk__lt=before) if before else rows)[: count + 1])
    return Page(found[:count], found[count - 1].pk if len(found) > count else None)


class FailedSignIns(Kind):
    """The rule of failed sign-ins."""

    key, label, icon = "sign_ins", "Failed sign-ins", "shield"
    words = "Attempts to sign in as a member that did not succeed: when, from where, with which browser, and why."
    since, effect = "the attempt", "Removed from the list of failed sign-ins"
    nouns = ("attempt", "attempts")
    default, least, most, can_be_endless = 90, 7, 365, False

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = "AND f.at < %(before)s" if before else ""
        return counted(fill(FIND, older=older), most=most, before=before)

    def remove(self, *, before: datetime, most: int) -> int:
        return run(REMOVE, before=before, most=most)
