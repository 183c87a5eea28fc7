#!/bin/sh
# facebook-business 26.0.3, CustomAudience.remove_users.
# Expected: users to remove travel as those to add do, in the body of the request.
# Seen: they are in the address of a DELETE, each sign that is no letter written as three. 500 people of one SHA-256 each make
#   an address of more than 34,000 bytes, 5,000 one of more than 340,000, where many servers and proxies stop at 8,000 to
#   64,000. add_users sends the same people as a form.
# Source of the expectation: Meta's page “Custom Audience: Users” allows 10,000 people in a request, to add and to remove.
# Here: destinations/meta/client.py sends them in the body of a POST that says method=delete.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check facebook-business==26.0.3
cat >"$folder/try.py" <<'PYTHON'
import hashlib
import http.server
import threading
import warnings

warnings.simplefilter("ignore")
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

seen = []


class Graph(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen.append((self.command, len(self.path), len(body)))
        said = b'{"num_received": 1, "num_invalid_entries": 0}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_DELETE = answer

    def log_message(self, *_parts):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Graph)
threading.Thread(target=server.serve_forever, daemon=True).start()
FacebookSession.GRAPH = f"http://127.0.0.1:{server.server_address[1]}"
FacebookAdsApi.init(access_token="token", api_version="v26.0")
audience = CustomAudience("77")
schema = [CustomAudience.Schema.MultiKeySchema.email]


def people(count):
    return [[hashlib.sha256(f"person{n}@example.com".encode()).hexdigest()] for n in range(count)]


audience.add_users(schema, people(500), is_raw=True, pre_hashed=True)
audience.remove_users(schema, people(500), is_raw=True, pre_hashed=True)
for method, address, body in seen:
    print(method, "address over 34,000:", address > 34_000, "body over 34,000:", body > 34_000)
PYTHON
said=$(cd "$folder" && timeout 120 venv/bin/python try.py)
echo "$said"
[ "$said" = "POST address over 34,000: False body over 34,000: True
DELETE address over 34,000: True body over 34,000: False" ]
