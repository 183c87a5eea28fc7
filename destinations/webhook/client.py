"""An address of one's own: signed requests by the Standard Webhooks specification.

    {"id": "…", "type": "people.added", "list": "VIP", "people": [{"contact": "4711", "email": "…", …}, …]}
    {"id": "…", "type": "people.removed", "list": "VIP", "people": [{"contact": "4711"}, …]}

A repeated request has the same ID, in the body and as webhook-id: a receiver that knows it answers 2xx and does nothing.
"""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from django.utils import timezone

from core import outside_post, standard_webhooks
from core.outside_addresses import BadAddress
from destinations.kinds import Busy, Outcome, Parcel, Refused

USER_AGENT = "cdp-syncs/1"


@contextmanager
def connect(
    account: Mapping[str, Any], secret: Mapping[str, Any], target: Mapping[str, Any]
) -> Iterator["WebhookClient"]:
    """A connection; nothing is sent before the first request."""
    key = base64.b64decode(str(secret["signing_secret"]).removeprefix(standard_webhooks.PREFIX))
    yield WebhookClient(str(account["url"]), key, str(target.get("list", "")))


class WebhookClient:
    """One address."""

    def __init__(self, url: str, key: bytes, name: str) -> None:
        self.url, self.key, self.name = url, key, name

    def send(self, parcel: Parcel) -> Outcome:
        people = [{identifier.kind: identifier.sent for identifier in person} for person in parcel.people]
        kind = "people.removed" if parcel.removes else "people.added"
        body = orjson.dumps({"id": parcel.uid, "type": kind, "list": self.name, "people": people})
        headers = standard_webhooks.headers([self.key], parcel.uid, body, now=timezone.now())
        answer = outside_post.post(
            self.url, body, headers | {"content-type": "application/json", "user-agent": USER_AGENT}
        )
        if answer.is_good:
            return Outcome(len(people))
        if answer.status is None:
            raise Busy(answer.text, seconds=float(answer.retry_after))
        if answer.status in (408, 425, 429) or answer.status >= 500:
            raise Busy(f"The address answered {answer.status}.", seconds=float(answer.retry_after))
        raise Refused(f"The address answered {answer.status}. See there why, then repair the sync.")

    def result(self, request_id: str) -> Outcome | None:
        """An answer of 2xx is the result."""
        raise Refused(f"There is no request {request_id}.")

    def check(self) -> str:
        try:
            outside_post.check(self.url)
        except BadAddress as problem:
            raise Refused(str(problem)) from None
        return "The address can be sent to. It is not asked before the first run."
