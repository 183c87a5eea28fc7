"""A small provider of OpenID Connect on this machine: real keys, real requests, and every answer can be spoilt."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, SECRET = "cdp", "between us: 7"


@dataclass
class Asked:
    """What a browser was sent to the provider with."""

    state: str
    nonce: str
    challenge: str
    redirect_uri: str
    hint: str


@dataclass
class Provider:
    """Its state: who is signed in there, and what it tells of them."""

    issuer: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    # What is told: changes of the claims, of the header, of the document; another key to sign with.
    claims: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    document: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    signing: Any = None
    status: int = 200
    answer: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, Asked] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def visit(self, address: str, email: str, /, **claims: Any) -> str:
        """The person signs in on the provider's page: the address that they are sent back to."""
        query = {key: value[0] for key, value in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?"), address
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert set(query["scope"].split()) == {"openid", "profile", "email"}
        asked = Asked(
            query["state"], query["nonce"], query["code_challenge"], query["redirect_uri"], query.get("login_hint", "")
        )
        code = secrets.token_hex(8)
        self.codes[code] = asked
        self.claims = {"email": email, "email_verified": True, "sub": f"sub of {email}", "name": "Ann Lee", **claims}
        return f"{asked.redirect_uri}?code={code}&state={asked.state}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The exchange of a code, which works once, for who can show the secret and the verifier."""
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or form.get("client_secret") != SECRET
            or form.get("redirect_uri") != asked.redirect_uri
            or base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != asked.challenge
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        base = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked.nonce}
        claims = {key: value for key, value in {**base, **self.claims}.items() if key not in self.without}
        headers = {"kid": "1"}
        key: Any = None if self.algorithm == "none" else self.signing or self.key
        signed = jwt.encode(claims, key, algorithm=self.algorithm, headers=headers)
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": signed, **self.answer}

    def document_now(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.document,
        }

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": "1", "use": "sig", "alg": "RS256"}]}


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that answers on a free port of this machine."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.requests.append(self.path)
            if self.path == "/.well-known/openid-configuration":
                self.send(provider.status, provider.document_now())
            elif self.path == "/keys":
                self.send(200, provider.keys())
            elif self.path == "/elsewhere":
                self.send_response(302)
                self.send_header("Location", f"{provider.issuer}/keys")
                self.end_headers()
            else:
                self.send(404, {})

        def do_POST(self) -> None:
            provider.requests.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send(*provider.token({key: value[0] for key, value in parse_qs(body).items()}))

        def send(self, status: int, what: dict[str, Any]) -> None:
            body = json.dumps(what).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
