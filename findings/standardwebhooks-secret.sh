#!/bin/sh
# standardwebhooks 1.1.0, the reference library of the Standard Webhooks specification for Python.
# Expected: a secret in URL-safe base 64 (with - and _, as many generators of secrets write them) is read, or refused; every
#   failure of `verify` is its WebhookVerificationError, and a body whose signature is right passes.
# Seen: the characters - and _ are dropped in silence, so the key is another, shorter one and no signature ever fits. A body that
#   is signed and no JSON, an empty one for example, ends in json's JSONDecodeError after the signature was found right.
# Source of the expectation: the specification signs bytes and does not ask for JSON; the library's README catches
#   WebhookVerificationError alone.
# Here: secrets of webhooks use the alphabet with + and / (api/webhooks/signatures.py), and bodies are always JSON
#   (api/webhooks/bodies.py), so that receivers with this library work.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import base64
import hashlib
import hmac
import json
import time

from standardwebhooks import Webhook, WebhookVerificationError

key = bytes(range(226, 256)) + b"\xfb\xef"
plain, url_safe = (encode(key).decode() for encode in (base64.b64encode, base64.urlsafe_b64encode))
assert plain != url_safe


def outcome(secret: str, body: bytes) -> str:
    now = str(int(time.time()))
    signed = f"msg_1.{now}.".encode() + body
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": f"v1,{signature}"}
    try:
        webhook = Webhook(f"whsec_{secret}")
    except Exception as problem:
        return f"refused by {type(problem).__name__}"
    try:
        return f"passes as {webhook.verify(body, headers)}"
    except WebhookVerificationError as problem:
        return str(problem)
    except json.JSONDecodeError:
        return "JSONDecodeError"


seen = {
    "alphabet with + and /": outcome(plain, b'{"a": 1}'),
    "URL-safe alphabet": outcome(url_safe, b'{"a": 1}'),
    "empty body": outcome(plain, b""),
}
for what, came in seen.items():
    print(f"standardwebhooks 1.1.0: {what}: {came}")
raise SystemExit(
    0
    if seen
    == {
        "alphabet with + and /": "passes as {'a': 1}",
        "URL-safe alphabet": "No matching signature found",
        "empty body": "JSONDecodeError",
    }
    else 1
)
PYTHON
