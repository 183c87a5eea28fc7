"""The API as a whole: its routers, how answers are written, and what becomes of exceptions."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from api import problems
from api.bodies import JsonParser
from api.rendering import JsonRenderer
from api.routes import (
    attributes,
    audiences,
    connectors,
    contact_acts,
    duplicates,
    events,
    exports,
    import_reference,
    import_rows,
    imports,
    segments,
    sites,
    sources,
    syncs,
    webhooks,
    workspace,
)

VERSION = "1.0.0"
DESCRIPTION = """\
Contacts, imports, segments and events of a workspace, for programs. Every request has a token of one workspace in its header
`Authorization: Bearer …`. Times are ISO 8601 in UTC. Errors are `application/problem+json`."""


class Api(NinjaAPI):
    """Operations are named after their functions."""

    def get_openapi_operation_id(self, operation: Any) -> str:
        return str(operation.view_func.__name__)


api = Api(
    title="CDP API",
    version=VERSION,
    description=DESCRIPTION,
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
    renderer=JsonRenderer(),
    parser=JsonParser(),
)
# In the order of the reference.
ROUTERS = (
    workspace.router,
    imports.router,
    import_rows.router,
    import_reference.router,
    contact_acts.router,  # and contacts: methods of one address have to be in one router
    exports.router,
    events.router,
    segments.router,
    audiences.router,
    syncs.router,
    sources.router,
    duplicates.router,
    attributes.router,
    sites.router,
    connectors.router,
    webhooks.router,
)
for router in ROUTERS:
    api.add_router("", router)


@api.exception_handler(Exception)
def answer_problem(_request: HttpRequest, exception: Any) -> HttpResponse:
    """The answer to whatever an operation raises; what is a fault of ours goes on to the middleware."""
    problem = problems.of(exception)
    if problem is None:
        raise exception
    return problem.response()


for handled in list(api._exception_handlers):
    api.add_exception_handler(handled, answer_problem)
