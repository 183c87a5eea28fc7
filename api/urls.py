from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, path

from api.api import api
from api.views import reference


def operations() -> Iterator[URLPattern]:
    """A route for each address of the API. Its view has its `operations`, by which api.middleware judges a request."""
    for bound in api._get_bound_routers():
        views = [view for view in bound.path_operations.values() for _operation in view.operations]
        for pattern, view in zip(bound.urls_paths(bound.prefix), views, strict=True):
            if pattern.name == view.operations[0].view_func.__name__:  # the others have the same address and view
                callback: Any = pattern.callback
                callback.operations, callback.permission = view.operations, "api"
                yield pattern


app_name = "api"
urlpatterns = [
    path("", reference.page, name="reference"),
    path("v1/openapi.json", reference.openapi, name="openapi"),
]
urlpatterns += [path(f"v1/{pattern.pattern}", pattern.callback, name=pattern.name) for pattern in operations()]
