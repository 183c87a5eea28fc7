"""Workspaces whose data a page outside of them may show: the way around the middleware that is none."""

from django.http import HttpRequest

from tenants import second_factor
from tenants.workspaces import WorkspaceLink, workspaces_of


def open_to(request: HttpRequest) -> list[WorkspaceLink]:
    """Those that the person could open now: without the ones that need a second factor which this session has not shown."""
    user_id = request.user.pk or 0
    places = workspaces_of(user_id)
    if not any(place.needs_second_factor for place in places):
        return places
    has_shown = second_factor.is_shown(request) and second_factor.exists(user_id)
    return [place for place in places if has_shown or not place.needs_second_factor]
