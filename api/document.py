"""The OpenAPI document: what ninja makes of the routes, and what holds for all of them."""

from functools import lru_cache
from typing import Any

from api.api import api

METHODS = ("get", "post", "put", "patch", "delete")


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document, made once in a process."""
    made: dict[str, Any] = dict(api.get_openapi_schema(path_prefix="/api/v1"))
    return made
