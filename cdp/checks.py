"""Addresses that programs ask for how this process is. Whatever cookie comes along, no session is read for them: sessions
are in the database, and what a check is for is to answer while that is away."""

from django.http import HttpRequest, HttpResponse

from core.http import Handler

ADDRESSES = frozenset({"/health/live", "/health/ready", "/health/deep", "/metrics", "/healthz"})


class WithoutCookies:
    """Takes the cookies away from requests of checks; other addresses pass untouched."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in ADDRESSES:
            request.COOKIES = {}
        return self.get_response(request)
