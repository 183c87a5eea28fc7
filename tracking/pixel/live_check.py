"""What has been seen of a site lately, in sentences: whether the pixel works, and if it does not, why. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tracking.pixel.inbox import CHECK, KEPT, Sign

# So long a sign that something is wrong is news, and a site without hits is nothing to worry about.
RECENT_SECONDS, QUIET_SECONDS = 3_600, 86_400
MOST = 4


@dataclass(frozen=True)
class Finding:
    """One thing that was seen: when, on which host, and what it means."""

    tone: str
    title: str
    text: str
    at: datetime
    host: str
    seconds: int


# What the script says of itself, and drops that a person who tests is surprised by.
_MEANINGS: dict[str, tuple[str, str, str]] = {
    f"{CHECK}works": ("ok", "The script is installed and active", ""),
    f"{CHECK}waiting": (
        "warn", "The script is waiting for consent", "Nothing is recorded until the page calls cdp.consent(true).",
    ),
    f"{CHECK}refused": (
        "warn", "Consent was refused in this browser", "Nothing is recorded until the page calls cdp.consent(true).",
    ),
    f"{CHECK}opted_out": (
        "warn", "This browser asks not to be tracked",
        "It sends Global Privacy Control or Do Not Track, so nothing is recorded. Use another browser to test.",
    ),
    "host": ("bad", "Hits from a host that is not allowed", "They are dropped. Add the host under Settings if it is yours."),
    "opted_out": ("", "A browser that asks not to be tracked", "Its hits are dropped."),
    "internal": ("", "A hit from an internal IP address", "It was dropped, as the settings of this site say."),
    "excluded": ("", "A hit from an excluded page", "It was dropped, as the settings of this site say."),
    "signature": ("bad", "A hit with a wrong signature", "It was dropped. Check the secret of your server."),
    "too_often": ("warn", "Too many hits from one IP address", "They got a 429, and the script sends them again."),
}  # fmt: skip


def findings(signs: Mapping[str, Sign], *, now: datetime) -> list[Finding]:
    """The latest first, but the pixel's own sign of life before all."""
    kept = signs.get(KEPT)
    found = [_finding(*_MEANINGS[what], sign, now) for what, sign in signs.items() if what in _MEANINGS]
    recent = sorted((f for f in found if f.seconds < RECENT_SECONDS), key=lambda f: f.seconds)
    if kept is None:
        return recent[:MOST]
    alive = _finding("ok", "The pixel works", "", kept, now)
    if alive.seconds >= QUIET_SECONDS:
        alive = _finding(
            "warn", "Nothing has arrived recently", "Check that the script is still on the pages.", kept, now
        )
    return [alive, *recent[: MOST - 1]]


def _finding(tone: str, title: str, text: str, sign: Sign, now: datetime) -> Finding:
    at = datetime.fromtimestamp(sign.at, UTC)
    return Finding(tone, title, text, at, sign.host, max(0, int((now - at).total_seconds())))
