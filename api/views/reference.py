"""The document of the API, and its reference for developers."""

import orjson
from django.http import HttpRequest, HttpResponse

from api.document import document
from tenants.roles import public


@public
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document. It says nothing of any workspace, so it needs no token."""
    text = orjson.dumps(document(), default=str, option=orjson.OPT_NON_STR_KEYS)
    answer = HttpResponse(text, content_type="application/json")
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer
