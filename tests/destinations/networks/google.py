"""Google as far as customer lists go: sign-in, and the Data Manager API, from its pages “Send audience members”,
“Diagnostics” and “Limits and quotas”."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.destinations.networks.server import Network

REFRESH, ACCESS = "1//a-refresh-token", "ya29.an-access-token"
MOST = 10_000
HEX = re.compile(r"[0-9a-f]{64}").fullmatch
SUCCESS, PROCESSING, FAILED, PARTIAL = 1, 2, 3, 4
STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}


class Google(Network):
    """Requests are taken at once and done when somebody asks for their result for the second time (`patience`), in order.
    `results` are what comes of the next ones: SUCCESS unless it is said."""

    def __init__(self, *, patience: int = 0) -> None:
        super().__init__()
        self.refresh_tokens = {REFRESH}
        self.patience = patience
        self.results: list[int] = []
        self.taken: dict[str, dict[str, Any]] = {}  # in the order in which they came
        self.terms = True

    def handle(self, handler: Any, method: str, path: str, body: bytes) -> None:
        at = urlsplit(path).path
        if at == "/token":
            self._token(handler, body)
            return
        if handler.headers.get("Authorization") != f"Bearer {ACCESS}":
            self._error(handler, 401, "Request had invalid authentication credentials.")
            return
        if at == "/v1/requestStatus:retrieve":
            self._status(handler, parse_qs(urlsplit(path).query)["requestId"][0])
        elif at in ("/v1/audienceMembers:ingest", "/v1/audienceMembers:remove"):
            self._members(handler, json.loads(body), removes=at.endswith("remove"))
        else:
            self._error(handler, 404, "Not found")

    def _token(self, handler: Any, body: bytes) -> None:
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") == "authorization_code":
            said = {"access_token": ACCESS, "refresh_token": REFRESH, "expires_in": 3599, "token_type": "Bearer"}
        elif form.get("refresh_token") in self.refresh_tokens:
            said = {"access_token": ACCESS, "expires_in": 3599, "token_type": "Bearer"}
        else:
            handler.answer(
                400, b'{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}'
            )
            return
        handler.answer(200, json.dumps(said).encode())

    def _members(self, handler: Any, said: dict[str, Any], *, removes: bool) -> None:
        fault, done = self.next_fault()
        if problem := self._wrong(said, removes=removes):
            self._error(handler, 400, problem, reason=problem)
            return
        if fault == "429":
            self._error(handler, 429, "Quota exceeded", Retry_After="2")
            return
        if fault in ("401", "403"):
            self._error(handler, int(fault), "Refused")
            return
        request_id = uuid.uuid4().hex
        if said.get("validateOnly"):
            handler.answer(200, b"{}")
            return
        if done:
            with self.lock:
                self.people += len(said["audienceMembers"])
                result = self.results.pop(0) if self.results else SUCCESS
                self.taken[request_id] = {"said": said, "removes": removes, "asked": 0, "result": result, "done": False}
                if not self.patience:
                    self._finish()
        if fault == "drop":
            handler.drop()
        elif fault == "503":
            self._error(handler, 503, "Unavailable")
        else:
            handler.answer(200, json.dumps({"requestId": request_id}).encode())

    def _wrong(self, said: dict[str, Any], *, removes: bool) -> str:
        """What the API would refuse a whole request for."""
        if len(said["audienceMembers"]) > MOST:
            return "TOO_MANY_AUDIENCE_MEMBERS"
        if not removes and not (self.terms and said.get("termsOfService")):
            return "TERMS_AND_CONDITIONS_NOT_SIGNED"
        consent = said.get("consent", {})
        if not removes and (consent.get("adUserData"), consent.get("adPersonalization")) != (1, 1):
            return "INVALID_ARGUMENT"
        for sent in identifiers(said):
            hashes = sent.partition(":")[2].split(" ")[: 2 if sent.startswith("address") else 1]
            if not all(HEX(one) for one in hashes):
                return "INVALID_HEX_ENCODING"
        return ""

    def finish(self) -> None:
        """Do all that was taken."""
        with self.lock:
            self._finish()

    def _finish(self) -> None:
        for request in self.taken.values():
            if request["done"]:
                continue
            request["done"] = True
            if request["result"] == FAILED:
                continue
            told = self.list_of(request["said"]["destinations"][0]["productDestinationId"])
            if request["removes"]:
                told.difference_update(identifiers(request["said"]))
            else:
                told.update(identifiers(request["said"]))

    def _status(self, handler: Any, request_id: str) -> None:
        request = self.taken.get(request_id)
        if request is None:
            self._error(handler, 400, "Unknown request", reason="INVALID_REQUEST_ID")
            return
        request["asked"] += 1
        if request["asked"] > self.patience:
            self.finish()
        status: dict[str, Any] = {"requestStatus": request["result"] if request["done"] else PROCESSING}
        if request["done"] and request["result"] in (FAILED, PARTIAL):
            reason = "PROCESSING_ERROR_REASON_INTERNAL_ERROR"
            status["errorInfo"] = {"errorCounts": [{"recordCount": "1", "reason": reason}]}
        handler.answer(200, json.dumps({"requestStatusPerDestination": [status]}).encode())

    def _error(self, handler: Any, status: int, message: str, *, reason: str = "", **headers: str) -> None:
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "datamanager"}]
        error = {"code": status, "message": message, "status": STATUS.get(status, "UNAVAILABLE")}
        handler.answer(
            status, json.dumps({"error": {**error, "details": details if reason else []}}).encode(), **headers
        )


def identifiers(said: dict[str, Any]) -> Iterator[str]:
    """Everything by which people are found, as the product writes it."""
    for member in said["audienceMembers"]:
        for one in member["userData"]["userIdentifiers"]:
            if "emailAddress" in one:
                yield f"email:{one['emailAddress']}"
            elif "phoneNumber" in one:
                yield f"phone:{one['phoneNumber']}"
            else:
                at = one["address"]
                yield f"address:{at['givenName']} {at['familyName']} {at['regionCode']} {at['postalCode']}"
