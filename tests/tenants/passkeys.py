"""A passkey in software for tests: a real key that signs real challenges, and whose answers can be spoilt."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from tenants.models import User

# Browsers give no passkeys to hosts without TLS, but for this one.
HOST = "localhost"
FLAG = AuthenticatorData.FLAG
PATH = "/account/passkey/"


def browser(*, address: str = "203.0.113.7", **headers: str) -> Client:
    """A browser at the only host that has passkeys here."""
    return Client(SERVER_NAME=HOST, REMOTE_ADDR=address, headers=headers)


@dataclass
class Passkey:
    """One of an account, registered or not."""

    user: User
    number: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self) -> "Passkey":
        """As its page stores it."""
        public = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        credential = AttestedCredentialData.create(bytes(16), self.number, public)
        about = AuthenticatorData.create(_rp(), FLAG.UP | FLAG.UV | FLAG.AT, 0, credential)
        attestation = AttestationObject.create("none", about, {})
        Authenticator.objects.create(
            user=self.user,
            type=Authenticator.Type.WEBAUTHN,
            data={
                "name": "Laptop",
                "credential": {
                    **self._numbers(),
                    "response": {
                        "clientDataJSON": self._client_data("webauthn.create", "AAAA"),
                        "attestationObject": websafe_encode(attestation),
                    },
                    "clientExtensionResults": {"credProps": {"rk": True}},
                },
            },
        )
        return self

    def answer(self, challenge: str, **spoilt: Any) -> dict[str, Any]:
        """What a browser sends for a challenge. Spoilt: `origin`, `flags`, `key` that signs, `user` whose it says it is."""
        data = self._client_data("webauthn.get", challenge, spoilt.get("origin", f"http://{HOST}"))
        about = AuthenticatorData.create(_rp(), spoilt.get("flags", FLAG.UP | FLAG.UV), 1)
        signed = about + hashlib.sha256(websafe_decode(data)).digest()
        signature = spoilt.get("key", self.key).sign(bytes(signed), ec.ECDSA(hashes.SHA256()))
        handle = user_pk_to_url_str(spoilt.get("user", self.user)).encode()
        return {
            **self._numbers(),
            "response": {
                "clientDataJSON": data,
                "authenticatorData": websafe_encode(about),
                "signature": websafe_encode(signature),
                "userHandle": websafe_encode(handle),
            },
            "clientExtensionResults": {},
        }

    def sign_in(self, client: Client, **spoilt: Any) -> Any:
        """Ask for a challenge at the door, and answer it."""
        return send(client, self.answer(challenge_of(client), **spoilt))

    def _numbers(self) -> dict[str, str]:
        return {"type": "public-key", "id": websafe_encode(self.number), "rawId": websafe_encode(self.number)}

    def _client_data(self, kind: str, challenge: str, origin: str = "http://localhost") -> str:
        return websafe_encode(json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode())


def challenge_of(client: Client) -> str:
    """A new challenge for this browser."""
    asked = client.get(PATH, headers={"X-Requested-With": "XMLHttpRequest"}).json()
    return str(asked["request_options"]["publicKey"]["challenge"])


def send(client: Client, credential: Any) -> Any:
    """Send what a browser sends."""
    return client.post(PATH, {"credential": json.dumps(credential)})


def _rp() -> bytes:
    return hashlib.sha256(HOST.encode()).digest()
