#!/bin/sh
# amplitude-analytics 1.3.0 (a client that sends what customers did).
# Expected: a property that cannot be sent is refused with an error, or left out, and the others arrive.
# Seen: one property with a date, a Decimal or a tuple takes all properties of its event with it: the event arrives without
#   any, nothing is raised, nothing is logged, and the callback hears "success". A property that is None is left out alone.
#   A Revenue with a price of 12 is not sent at all (one line in the log), with a price of 12.0 it is.
# Source of the expectation: the client's README, where event_properties are "a dictionary of key-value pairs"; and Revenue,
#   whose price is said to be a number.
# Here: the API answers for each item, names the field that cannot be taken and keeps the others (api/upserts.py); prices are
#   decimals on every way (core/exact_json.py). Sums of a team that sends to both are not the same ones.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check amplitude-analytics==1.3.0
"$folder/venv/bin/python" - <<'PYTHON'
import json
import logging
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from amplitude import Amplitude, BaseEvent, Config, EventOptions, Revenue

arrived, said, logged = {}, [], []


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        for event in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["events"]:
            arrived[event["user_id"]] = event.get("event_properties")
        answer = b'{"code": 200}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_parts):
        pass


class Listener(logging.Handler):
    def emit(self, record):
        logged.append(record.getMessage())


logger = logging.getLogger("of the script")
logger.setLevel(logging.DEBUG)
logger.propagate = False
logger.addHandler(Listener())
server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
Thread(target=server.serve_forever, daemon=True).start()
client = Amplitude("key", Config(
    server_url=f"http://127.0.0.1:{server.server_port}/", logger=logger,
    callback=lambda event, code, _words: said.append((event.user_id, code)),
))
cases = {"plain": 1, "none": None, "date": date(2026, 5, 1), "decimal": Decimal("12.10"), "tuple": (1, 2)}
for user, value in cases.items():
    client.track(BaseEvent("Order", user_id=f"user-{user}", event_properties={"city": "Riga", "value": value}))
for price in (12.0, 12):
    client.revenue(Revenue(price=price), EventOptions(user_id=f"price-{type(price).__name__}"))
for sending in client.flush():
    if sending is not None:
        sending.result()
client.shutdown()
seen = {name: properties for name, properties in sorted(arrived.items())}
print(f"amplitude-analytics 1.3.0, properties that arrived: {seen}; answers: {sorted(said)}; logged: {logged}")
lost = all(seen[f"user-{name}"] is None for name in ("date", "decimal", "tuple"))
kept = seen["user-plain"] == {"city": "Riga", "value": 1} and seen["user-none"] == {"city": "Riga"}
told = set(logged) == {"Invalid price for revenue event", "Event sent successfully."}
told = told and len(said) == len(seen) and all(code == 200 for _user, code in said)
raise SystemExit(0 if lost and kept and told and "price-float" in seen and "price-int" not in seen else 1)
PYTHON
