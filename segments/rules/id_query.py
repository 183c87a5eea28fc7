"""A statement of our own that returns IDs of contacts, as a part of a condition of the ORM."""

import re
from collections.abc import Sequence
from typing import Any

from django.db.models.expressions import RawSQL

from tenants.isolation.context import current_tenant

_NAME = re.compile(r"%\((\w+)\)s")


def id_query(statement: str, **values: Any) -> RawSQL:
    """What can be asked for by `pk__in`. %(tenant)s on every table of the statement; values by their names."""
    given = {"tenant": current_tenant(), **values}
    # A condition of the ORM takes its values by their places.
    return RawSQL(_NAME.sub("%s", statement), [given[name] for name in _NAME.findall(statement)])  # noqa: S611  constants


def only(column: str, of: Sequence[int] | None) -> str:
    """The condition that leaves the contacts `of`, the value of that name; none without them."""
    return "" if of is None else f"AND {column} = ANY(%(of)s)"
