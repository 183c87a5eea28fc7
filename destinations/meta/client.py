"""Custom audiences of Meta, by the Marketing API and its own client (facebook-business).

The client is handed what is hashed already. It is not asked to judge an answer (findings/facebook-error-pages.sh), nor to
remove people, which it would write into an address (findings/facebook-remove-users.sh). Its errors carry the people of a
request, so their text is never kept. FacebookAdsApi.init, which reports crashes to Meta, is not called.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import requests
from django.conf import settings
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from destinations.kinds import Busy, Expired, Outcome, Parcel, Refused

SECONDS = 60.0
# Kinds of identifiers and the columns that Meta has for them, in the order of a row.
COLUMNS = {
    "email": "EMAIL", "phone": "PHONE", "external_id": "EXTERN_ID", "first_name": "FN", "last_name": "LN", "city": "CT",
    "region": "ST", "postal_code": "ZIP", "country": "COUNTRY", "gender": "GEN", "birth_year": "DOBY",
    "birth_month": "DOBM", "birth_day": "DOBD",
}  # fmt: skip
# Codes of errors, from Meta's pages “Error Handling” and “Rate Limits”.
TOO_MANY = {4, 17, 32, 341, 613, 80000, 80003, 80004, 80014}
PASSING = {1, 2}
INVALID_TOKEN = {102, 190, 458, 459, 460, 463, 464, 467}
FLAGGED, BLOCKED = 471, 1713230


@contextmanager
def connect(
    _account: Mapping[str, Any], secret: Mapping[str, Any], target: Mapping[str, Any]
) -> Iterator["MetaClient"]:
    """A connection; nothing is sent before the first request."""
    session = FacebookSession(
        settings.META_APP_ID, settings.META_APP_SECRET, secret.get("access_token", ""), timeout=SECONDS
    )
    session.GRAPH = settings.META_GRAPH_URL
    with session.requests:
        yield MetaClient(FacebookAdsApi(session), str(target.get("audience_id", "")))


class MetaClient:
    """One custom audience."""

    def __init__(self, api: Any, audience_id: str) -> None:
        self.api, self.audience_id = api, audience_id

    def send(self, parcel: Parcel) -> Outcome:
        columns, rows = _table(parcel)
        session = {
            # Repeated with the same numbers, a request is the same to Meta.
            "session_id": int(parcel.uid[:15], 16), "batch_seq": 1, "last_batch_flag": True,
            "estimated_num_total": len(rows),
        }  # fmt: skip
        params = CustomAudience.format_params(columns, rows, is_raw=True, pre_hashed=True, session=session)
        # As a part of a form, as in Meta's examples: written into one line, each sign that is no letter would become three,
        # at the cost of most of the time that a request takes.
        payload = orjson.dumps(params.pop("payload")).decode()
        if parcel.removes:
            params["method"] = "delete"
        answer = self._call("POST", (self.audience_id, "users"), params, {"payload": (None, payload)})
        if "num_received" not in answer:
            raise Busy("Meta has answered something else than it should.")
        invalid = int(answer.get("num_invalid_entries") or 0)
        return Outcome(int(answer["num_received"]), {"Invalid entry": invalid} if invalid else {})

    def result(self, request_id: str) -> Outcome | None:
        """Meta's answers are results."""
        raise Refused(f"Meta has no request {request_id}.")

    def check(self) -> str:
        answer = self._call("GET", (self.audience_id,), {"fields": "name,operation_status,delivery_status"})
        status = answer.get("operation_status") or {}
        if status.get("code") == FLAGGED:
            raise Refused(
                "Meta has flagged this audience and accepts no more contacts. See why in the Audience Manager, then repair "
                "the sync."
            )
        if "id" not in answer:
            raise Busy("Meta has answered something else than it should.")
        return f"Meta accepts contacts for the audience “{str(answer.get('name', self.audience_id))[:80]}”."

    def _call(
        self, method: str, path: tuple[str, ...], params: dict[str, Any], parts: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            response = self.api.call(method, path, params=params, files=parts)
        except FacebookRequestError as problem:
            raise _meaning(problem) from None
        except (requests.RequestException, ValueError):
            raise Busy("Meta cannot be reached.") from None
        answer = response.json()
        if not 200 <= int(response.status()) < 300 or not isinstance(answer, dict):
            raise Busy("Meta has a problem.")
        return answer


def _table(parcel: Parcel) -> tuple[list[str], list[list[str]]]:
    """The columns that somebody has something for, and a row for each person."""
    present = {identifier.kind for person in parcel.people for identifier in person}
    kinds = [kind for kind in COLUMNS if kind in present]
    places = {kind: place for place, kind in enumerate(kinds)}
    rows = []
    for person in parcel.people:
        row = [""] * len(kinds)
        for kind, _value, _normal, sent in person:
            row[places[kind]] = sent
        rows.append(row)
    return [COLUMNS[kind] for kind in kinds], rows


def _meaning(problem: Any) -> Exception:
    code, sub, status = problem.api_error_code(), problem.api_error_subcode(), int(problem.http_status() or 0)
    if code in INVALID_TOKEN or status == 401:
        return Expired("Meta no longer accepts the connection: its token has ended. Connect again.")
    if code in TOO_MANY or status == 429:
        return Busy("Meta has had too many requests.", seconds=_seconds(problem.http_headers()))
    if code in PASSING or status >= 500 or problem.api_transient_error():
        return Busy("Meta has a problem.", seconds=_seconds(problem.http_headers()))
    if code == FLAGGED:
        return Refused("Meta has flagged this audience and accepts no more contacts. See why in the Audience Manager.")
    if code == 100 and sub == BLOCKED:
        return Refused("Meta has blocked this audience. See why in the Audience Manager, then repair the sync.")
    return Refused(f"Meta has refused the request: {str(problem.api_error_message() or code or status)[:200]}")


def _seconds(headers: Mapping[str, str]) -> float:
    """How long Meta asks to wait: Retry-After, or the minutes in its own header about the use of a business."""
    after = str(headers.get("Retry-After", ""))
    if after.isdigit():
        return float(after)
    try:
        said = json.loads(headers.get("X-Business-Use-Case-Usage", "{}"))
        minutes = [int(use.get("estimated_time_to_regain_access", 0)) for uses in said.values() for use in uses]
    except (ValueError, AttributeError, TypeError):
        return 0.0
    return 60.0 * max(minutes, default=0)
