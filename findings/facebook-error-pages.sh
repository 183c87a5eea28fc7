#!/bin/sh
# facebook-business 26.0.3, answers that are no JSON.
# Expected: a call raises FacebookRequestError unless its status says that it has succeeded.
# Seen: the status counts only where there is no body. A page in HTML of a proxy or a load balancer, with 502 or 413, is a
#   success, unless it has the words “Service Unavailable”: add_users returns, and nobody was added.
# Source of the expectation: the docstring of FacebookAdsApi.call, “FacebookResponse.error() if the request failed”.
# Here: destinations/meta/client.py looks at the status and at num_received of each answer itself.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check facebook-business==26.0.3
cat >"$folder/try.py" <<'PYTHON'
import http.server
import threading
import warnings

warnings.simplefilter("ignore")
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookError
from facebook_business.session import FacebookSession

answers = [
    (400, '{"error": {"message": "Invalid parameter", "code": 100}}'),
    (502, ""),
    (502, "<html><body>502 Bad Gateway</body></html>"),
    (413, "<html><body>413 Request Entity Too Large</body></html>"),
    (503, "<html><body>503 Service Unavailable</body></html>"),
]


class Graph(http.server.BaseHTTPRequestHandler):
    answer = answers[0]

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, text = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_parts):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Graph)
threading.Thread(target=server.serve_forever, daemon=True).start()
FacebookSession.GRAPH = f"http://127.0.0.1:{server.server_address[1]}"
FacebookAdsApi.init(access_token="token", api_version="v26.0")
for Graph.answer in answers:
    try:
        CustomAudience("77").add_users(["EMAIL"], [["0" * 64]], is_raw=True, pre_hashed=True)
        said = "success"
    except FacebookError as problem:
        said = type(problem).__name__
    print(Graph.answer[0], "with a body:" if Graph.answer[1] else "without a body:", said)
PYTHON
said=$(cd "$folder" && timeout 120 venv/bin/python try.py)
echo "$said"
[ "$said" = "400 with a body: FacebookRequestError
502 without a body: FacebookRequestError
502 with a body: success
413 with a body: success
503 with a body: FacebookRequestError" ]
