"""How much work statements are: rows that their plans have gone through, counted and not timed."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, transaction

REMOVED = ("Filter", "Index Recheck")
STATEMENT = re.compile(r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\b")
EXPLAIN = "EXPLAIN (ANALYZE, TIMING off, COSTS off, FORMAT json) "


def forget_statistics(*tables: str) -> None:
    """Let the planner know these tables as they are now, and nothing of what comes: rows of a workspace that is made
    afterwards are none for it."""
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as owner:
        owner.execute(f"ANALYZE {', '.join(tables)}")


def forget_all_statistics(*tables: str) -> None:
    """Let the planner know nothing of these tables but their size, as after rows have come into new ones."""
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as owner:
        for table in tables:
            owner.execute("SELECT pg_clear_relation_stats('public', %s)", [table])
            owner.execute(
                "SELECT pg_clear_attribute_stats('public', %s, a.attname::text, false) FROM pg_attribute a "
                "WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped",
                [table, table],
            )


def mislead() -> None:
    """Let the planner believe that all identifiers of contacts come late in their order, as those of other workspaces do."""
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as owner:
        for column in ("external_id", "email"):
            owner.execute("SELECT pg_clear_attribute_stats('public', 'contact', %s, false)", [column])
            owner.execute(
                "SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', 'contact', 'inherited', false, "
                "'attname', %s::text, 'null_frac', 0::real, 'avg_width', 18, 'n_distinct', -1::real, "
                "'histogram_bounds', '{A,s,t,u,v,w,x}'::text)",
                [column],
            )


@contextmanager
def counted(most: int, *, only: str = "") -> Iterator[list[int]]:
    """Every statement, or every one with the text `only`, goes through at most so many rows; their numbers."""
    seen: list[int] = []

    def watch(execute: Callable[..., Any], text: Any, params: Any, many: bool, context: Any) -> Any:
        words = text if isinstance(text, str) else text.as_string(connection.connection)
        if only in words and STATEMENT.match(words) and not many:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(EXPLAIN + words, params)
                    plan = cursor.fetchone()[0][0]["Plan"]
                transaction.set_rollback(True)
            seen.append(rows(plan))
            assert seen[-1] <= most, "\n".join([f"{seen[-1]:,} rows:", *outline(plan), words])
        return execute(text, params, many, context)

    with connection.execute_wrapper(watch):
        yield seen


def rows(plan: dict[str, Any]) -> int:
    """Rows that a node and those below it have returned or, again and again, thrown away. To go through a table once is no
    more than that: other tests have filled it."""
    loops, removed = (
        int(plan.get("Actual Loops", 0)),
        sum(int(plan.get(f"Rows Removed by {name}", 0)) for name in REMOVED),
    )
    own = int(plan.get("Actual Rows", 0)) * loops + removed * (loops if loops > 1 else 0)
    joined = int(plan.get("Rows Removed by Join Filter", 0)) * loops
    return own + joined + sum(rows(child) for child in plan.get("Plans", ()))


def outline(plan: dict[str, Any], depth: int = 0) -> list[str]:
    """A line for each node: what it does with what, and its rows and loops."""
    what = [
        str(plan[key])
        for key in ("Node Type", "Subplan Name", "Relation Name", "Index Name", "CTE Name")
        if key in plan
    ]
    thrown = {key: plan[key] for key in plan if key.startswith("Rows Removed by") and plan[key]}
    line = f"{'  ' * depth}{' '.join(what)}: {plan.get('Actual Rows')} rows x {plan.get('Actual Loops')} {thrown or ''}"
    return [line.rstrip(), *(below for child in plan.get("Plans", ()) for below in outline(child, depth + 1))]
