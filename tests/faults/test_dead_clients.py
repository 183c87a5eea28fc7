"""A statement whose program was killed ends with it (cdp/stack/roles.sql); it does not hold its locks to its end."""

import subprocess
import sys

import pytest
from django.db import connection

from cdp.stack.supervisor import wait_until

pytestmark = pytest.mark.faults
PROGRAM = """
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    print("ready", flush=True)
    # Computes, as a join that has gone wrong does: it never comes to the moment at which it would answer.
    cursor.execute("SELECT count(*) AS dead_client FROM generate_series(1, 100000) a, generate_series(1, 100000) b")
"""
RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%dead_client%' AND pid <> pg_backend_pid()"


def running() -> int:
    with connection.cursor() as cursor:
        cursor.execute(RUNNING)
        return int(cursor.fetchone()[0])


def test_the_database_notices() -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        assert wait_until(lambda: running() == 1, seconds=30)
        program.kill()
    assert wait_until(lambda: running() == 0, seconds=60)
