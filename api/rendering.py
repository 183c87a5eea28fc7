"""How answers are written: decimals with their digits, times with a Z."""

from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from ninja.renderers import BaseRenderer

from core import exact_json


class JsonRenderer(BaseRenderer):
    """Writes answers: decimals with their digits, times with a Z."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return dumps(data)


def dumps(data: Any) -> bytes:
    """The JSON of an answer."""
    return orjson.dumps(data, default=_piece, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def sent(data: Any) -> HttpResponse:
    """An answer with thousands of items: to compare each of them with its schema would take longer than to make it."""
    return HttpResponse(dumps(data), content_type="application/json; charset=utf-8")


def _piece(value: Any) -> Any:
    return exact_json.piece(value) if isinstance(value, Decimal) else str(value)
