"""Workspaces whose data a page outside of them may show: the way around the middleware that is none."""

from django.http import HttpRequest

from tenants import access_requirements
from tenants.workspaces import WorkspaceLink, workspaces_of


def open_to(request: HttpRequest) -> list[WorkspaceLink]:
    """Those that the person could open now: without the ones that ask for
    something which this session has not shown."""
    places = workspaces_of(request.user.pk or 0)
    return [place for place in places if access_requirements.missing(request, place, place.role) is None]
