"""Sign-ins at networks (`destinations/<kind>/oauth.py`), bound to the session and the workspace of who began them.

A page begins with `begin` and sends the person to the address; the page that the network sends back to, one for all
workspaces and kinds, finishes with `finish`. A state is good once, for a quarter of an hour, in the session that asked
for it.
"""

import secrets
import time
from collections.abc import MutableMapping
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from destinations.kinds import Problem

KEY = "destinations.sign_in"
SECONDS = 900.0


class SignedIn(NamedTuple):
    """What a connection needs, and until when it is valid (None: until it is withdrawn)."""

    secret: dict[str, str]
    expires_at: datetime | None


class Begun(NamedTuple):
    """Who has begun a sign-in: the kind, the workspace, and what the page wanted to remember, such as a name."""

    kind: str
    tenant_id: int
    remembered: dict[str, Any]


def is_offered(kind: str) -> bool:
    """Whether people can sign in at a destination of this kind on this platform."""
    if find_spec(f"destinations.{kind}.oauth") is None:
        return False
    return bool(_of(kind).is_configured())


def begin(
    session: MutableMapping[str, Any], kind: str, *, tenant_id: int, redirect_uri: str, remembered: dict[str, Any]
) -> str:
    """The address where a person signs in. `remembered` is what `finish` gives back."""
    state = secrets.token_urlsafe(32)
    session[KEY] = {
        "state": state, "kind": kind, "tenant": tenant_id, "until": time.time() + SECONDS, "remembered": remembered,
    }  # fmt: skip
    return str(_of(kind).address(redirect_uri=redirect_uri, state=state))


def address_of(kind: str) -> str:
    """Where people sign in at destinations of a kind, for the policy of a page whose form leads there."""
    return str(_of(kind).address(redirect_uri="", state=""))


def who(session: MutableMapping[str, Any], state: str) -> Begun:
    """Who has begun this sign-in; a second time there is nobody. Raises Problem."""
    begun = session.pop(KEY, None)
    known = isinstance(begun, dict) and secrets.compare_digest(str(begun["state"]).encode(), state.encode())
    if not known or not isinstance(begun, dict) or time.time() > float(begun["until"]):
        raise Problem("This sign-in was not begun here, or too long ago. Begin again.")
    return Begun(str(begun["kind"]), int(begun["tenant"]), dict(begun["remembered"]))


def finish(begun: Begun, code: str, *, redirect_uri: str) -> SignedIn:
    """What the sign-in is worth. Talks to the network: not inside of a transaction. Raises Problem."""
    if not code:
        raise Problem("The sign-in was canceled.")
    signed_in: SignedIn = _of(begun.kind).secret_of(code, redirect_uri=redirect_uri)
    return signed_in


def _of(kind: str) -> Any:
    return import_module(f"destinations.{kind}.oauth")
