#!/bin/sh
# google-ads-datamanager 0.9.4 with google-api-core 2.44.0, transport "rest".
# Expected: the client raises the same errors whatever its transport: ResourceExhausted where a quota is used up, and a
#   subclass of GoogleAPICallError, with its details, where the service cannot be reached.
# Seen: by REST a 429 is TooManyRequests, the superclass, so that `except ResourceExhausted`, which is right over gRPC, lets it
#   through; and a service that answers 503 is asked again silently until the time that a call has is over, then RetryError is
#   raised, which is no GoogleAPICallError and has neither details nor response.
# Source of the expectation: the reference of google.api_core.exceptions, which maps RESOURCE_EXHAUSTED to ResourceExhausted.
# Here: destinations/google/client.py catches both, and tells the client not to try again: the run does, and says so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check google-ads-datamanager==0.9.4 google-api-core==2.44.0 \
  google-auth==2.63.0 requests
cat >"$folder/try.py" <<'PYTHON'
import http.server
import json
import threading
import warnings

warnings.simplefilter("ignore")
from google.ads import datamanager_v1
from google.api_core import exceptions, retry
from google.oauth2.credentials import Credentials

states = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
asked = []


class Service(http.server.BaseHTTPRequestHandler):
    code = 429

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked.append(self.code)
        said = json.dumps({"error": {"code": self.code, "message": "not now", "status": states[self.code]}}).encode()
        self.send_response(self.code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_parts):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = datamanager_v1.IngestionServiceClient(
    credentials=Credentials("token"), transport="rest",
    client_options={"api_endpoint": f"http://127.0.0.1:{server.server_address[1]}"},
)
request = datamanager_v1.IngestAudienceMembersRequest(validate_only=True)
soon = retry.Retry(predicate=retry.if_exception_type(exceptions.ServiceUnavailable), initial=0.1, timeout=1)
for code, how in ((429, {}), (503, {"retry": soon})):
    Service.code = code
    asked.clear()
    try:
        client.ingest_audience_members(request=request, **how)
    except exceptions.GoogleAPIError as problem:
        print(
            code, type(problem).__name__, "ResourceExhausted:", isinstance(problem, exceptions.ResourceExhausted),
            "GoogleAPICallError:", isinstance(problem, exceptions.GoogleAPICallError),
            "details:", hasattr(problem, "details"), "asked again:", len(asked) > 1,
        )
PYTHON
said=$(cd "$folder" && timeout 120 venv/bin/python try.py)
echo "$said"
[ "$said" = "429 TooManyRequests ResourceExhausted: False GoogleAPICallError: True details: True asked again: False
503 RetryError ResourceExhausted: False GoogleAPICallError: False details: False asked again: True" ]
