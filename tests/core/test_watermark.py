"""Below the watermark nothing appears any more."""

import os
from datetime import UTC, datetime, timedelta

import psycopg

from core import watermark
from tenants.models import Tenant


def test_it_is_now_where_nobody_writes(inside: Tenant) -> None:
    assert watermark.settled() <= datetime.now(UTC)


def test_it_waits_for_whoever_has_written(inside: Tenant) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as slow:
        begun = slow.execute("SELECT now(), pg_current_xact_id()").fetchone()
        assert begun is not None
        assert watermark.settled() <= begun[0] - watermark.SKEW
        slow.commit()
        assert watermark.settled() > begun[0] - timedelta(hours=1)


def test_it_waits_for_whoever_may_be_about_to_write(inside: Tenant) -> None:
    """A writer takes its time first and writes later."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as slow:
        begun = slow.execute("SELECT now()").fetchone()
        assert begun is not None
        assert watermark.settled() <= begun[0] - watermark.SKEW
