"""Meta as far as custom audiences go: nodes and edges of the Graph API, from the pages “Custom Audience”, “Custom Audience:
Users”, “Error Handling” and “Rate Limits”."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.destinations.networks.server import Network

USERS = re.compile(r"/v[0-9.]+/([0-9]+)/users").fullmatch
AUDIENCE = re.compile(r"/v[0-9.]+/([0-9]+)").fullmatch
TOKEN = "EAAB-a-token-that-works"
MOST = 10_000
KEYS = ("EMAIL", "PHONE")
# name → (status, error, headers)
ERRORS: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
    "429": (429, {"message": "Too many calls", "code": 4, "type": "OAuthException"}, {"Retry_After": "2"}),
    "17": (400, {"message": "User request limit reached", "code": 17, "error_subcode": 2446079}, {}),
    "80003": (
        400, {"message": "There have been too many calls to this ad-account", "code": 80003},
        {"X_Business_Use_Case_Usage": json.dumps({"1": [{"estimated_time_to_regain_access": 3}]})},
    ),
    "190": (401, {"message": "Error validating access token", "code": 190, "error_subcode": 463}, {}),
    "471": (400, {"message": "The audience was flagged", "code": 471}, {}),
    "1713230": (400, {"message": "Invalid parameter", "code": 100, "error_subcode": 1713230}, {}),
    "2": (500, {"message": "Service temporarily unavailable", "code": 2, "is_transient": True}, {}),
}  # fmt: skip


def fields_of(body: bytes, content_type: str) -> dict[str, str]:
    """The fields of a form, in one line or in parts."""
    if not content_type.startswith("multipart/form-data"):
        return {key: values[0] for key, values in parse_qs(body.decode()).items()}
    found = {}
    for part in body.split(b"--" + content_type.partition("boundary=")[2].encode())[1:-1]:
        head, _blank, value = part.partition(b"\r\n\r\n")
        found[head.decode().partition('name="')[2].partition('"')[0]] = value.removesuffix(b"\r\n").decode()
    return found


class Meta(Network):
    """`lists` has, for each audience, the hashes by which people are found. `rows` has the last row of each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = {TOKEN}
        self.flagged = False
        self.invalid = 0  # so many rows of each request are counted as invalid, and taken all the same

    def handle(self, handler: Any, method: str, path: str, body: bytes) -> None:
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        form = fields_of(body, handler.headers.get("Content-Type", ""))
        if parts.path.endswith("/oauth/access_token"):
            handler.answer(200, json.dumps({"access_token": TOKEN, "expires_in": 5_184_000}).encode())
            return
        if query.get("access_token", form.get("access_token")) not in self.tokens:
            self._error(handler, "190")
            return
        if found := USERS(parts.path):
            self._users(handler, found[1], form, removes=form.get("method") == "delete" or method == "DELETE")
        elif found := AUDIENCE(parts.path):
            status = {"code": 471 if self.flagged else 200, "description": "Flagged" if self.flagged else "Normal"}
            said = {"id": found[1], "name": "Winter", "operation_status": status}
            handler.answer(200, json.dumps(said).encode())
        else:
            handler.answer(404, json.dumps({"error": {"code": 803, "message": "Unknown path"}}).encode())

    def _users(self, handler: Any, audience: str, form: dict[str, str], *, removes: bool) -> None:
        payload, session = json.loads(form["payload"]), json.loads(form["session"])
        rows = payload["data"]
        fault, done = self.next_fault()
        if len(rows) > MOST:
            handler.answer(400, json.dumps({"error": {"code": 100, "message": "Too many users"}}).encode())
            return
        if done and (not fault or fault in ("drop", "2", "html")):
            self._take(audience, payload["schema"], rows, f"{session['session_id']}-{session['batch_seq']}", removes)
        if fault == "drop":
            handler.drop()
        elif fault == "html":
            handler.answer(502, b"<html>Bad gateway</html>", Content_Type="text/html")
        elif fault:
            self._error(handler, fault)
        else:
            said = {
                "audience_id": audience, "session_id": str(session["session_id"]), "num_received": len(rows),
                "num_invalid_entries": min(self.invalid, len(rows)), "invalid_entry_samples": {},
            }  # fmt: skip
            handler.answer(200, json.dumps(said).encode())

    def _take(self, audience: str, schema: list[str], rows: list[list[str]], request: str, removes: bool) -> None:
        places = [place for place, name in enumerate(schema) if name in KEYS]
        with self.lock:
            self.counted[request] += 1
            self.people += len(rows)
            told = {f"{schema[place]}:{row[place]}" for row in rows for place in places if row[place]}
            if removes:
                self.list_of(audience).difference_update(told)
            else:
                self.list_of(audience).update(told)

    def _error(self, handler: Any, name: str) -> None:
        status, error, headers = ERRORS[name]
        handler.answer(status, json.dumps({"error": {"type": "OAuthException", **error}}).encode(), **headers)
