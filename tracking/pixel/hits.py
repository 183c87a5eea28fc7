"""What the pixel sends, checked before anything is stored. Pure: bytes in, a Hit or a reason to drop it out."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from contacts.values.columns import IDENTIFIERS
from core import exact_json
from tracking import links
from tracking.pixel import signatures

MAX_BYTES = 32 * 1024
# A batch: one body with an array of hits.
MAX_BATCH_BYTES, MAX_BATCH = 60 * 1024, 100
# A script sends a hit again until it is acknowledged, but not for longer than this; clocks of browsers are set back, too.
MAX_AGE_SECONDS, CLOCK_SECONDS = 2 * 86_400, 600
# A hit that waited no longer than this counts from its arrival: the order of arrival is exact, delays of networks are not.
SHORT_SECONDS = 10
MAX_VISIBLE_SECONDS = 86_400
MAX_URL = 2000
MAX_TEXT = 300
MAX_AGENT = 1000
MAX_PROPERTIES = 100
MAX_DEPTH = 5
KINDS = frozenset({"page", "track", "identify", "order", "time"})
# The property of a hit that the site's server has signed. Names that begin so are not for browsers to give.
SIGNED, RESERVED = "$signed", "$"
# States of a script that looks at itself: it works, waits for consent, was refused it, the browser asks not to be tracked.
CHECKS = frozenset({"works", "waiting", "refused", "opted_out"})
# What an advertisement adds to the address that it leads to.
_CLICK_IDS = {
    "gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id", "yclid", "epik", "rdt_cid",
    "sccid", "irclickid",
}  # fmt: skip
# Programs that say what they are. Whoever hides it is not caught, and that is said in the docs.
_BOT = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|headless|preview|monitor|lighthouse|pingdom|uptime|curl/|wget/|python-|scrapy|facebookexternalhit",
    re.IGNORECASE,
)
# Values that must not be kept from an address: they name or authorise a person.
_PRIVATE = re.compile(
    r"e-?mail|phone|\btel\b|mobile|msisdn|token|passw|pwd|secret|session|auth(?!or)|signature|iban|card|jwt|\botp\b|"
    r"api[_-]?key|(?:first|last|full|sur)[_-]?name|birth|\bdob\b|\bssn\b",
    re.IGNORECASE,
)
# Escaped once or twice, as links in links are.
_AT = re.compile(r"@|%(?:25)*40", re.IGNORECASE)
_EMAIL = re.compile(rf"[^/@]+(?:{_AT.pattern})[^/@]+\.[^/@]+", re.IGNORECASE)
# Devices below are not for browsers to claim: a site's views without script belong to the one with the site's number.
_RESERVED, _RESERVED_FORM = 2**64, "00000000-0000-0000-"
# As scripts write it; other spellings take the longer way.
_DEVICE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_ID = re.compile(r"[0-9a-f]{32}").fullmatch


class Dropped(ValueError):
    """A hit that is not kept; the reason is counted for the site."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing a visitor did. `identifiers` are claims of a browser: they attach behaviour, never change a contact.

    `id` is the sender's: a hit that comes again with it is stored once. `age`: seconds since it was made.
    """

    device: str
    kind: str
    name: str | None
    url: str | None
    title: str | None
    referrer: str | None
    properties: dict[str, Any]
    identifiers: dict[str, str]
    id: str | None = None
    age: float = 0.0


class Batch(NamedTuple):
    """What a body holds: the hits to keep, and a reason for each that is dropped."""

    hits: list[Hit]
    drops: list[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a sender can prove itself with. `secrets` are those of the site. `now`, in seconds, only where the body is signed
    by the site's server: then times of the server's clock are taken, and a hit without an ID is not."""

    secrets: Sequence[bytes] = ()
    now: float | None = None


_NOTHING = Proof()


def parse(body: bytes, *, agent: str, opted_out: bool, proof: Proof = _NOTHING) -> Hit:
    """Judge the body of one hit. Raises Dropped with the reason.

    `opted_out` is the visitor's Global Privacy Control or Do Not Track signal: nothing is stored then.
    """
    batch = parse_all(body, agent=agent, opted_out=opted_out, proof=proof)
    if batch.drops or len(batch.hits) != 1:
        raise Dropped(batch.drops[0] if batch.drops else "not_json")
    return batch.hits[0]


def parse_all(body: bytes, *, agent: str, opted_out: bool, proof: Proof = _NOTHING) -> Batch:
    """Judge a hit, or each one of an array of hits."""
    refused = None if proof.now is not None else _robot_or_opt_out(agent, opted_out=opted_out)
    if refused:
        return Batch([], [refused] * count_in(body))
    several = body[:1] == b"["
    if len(body) > (MAX_BATCH_BYTES if several else MAX_BYTES):
        return Batch([], ["too_large"])
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Batch([], ["not_json"])
    try:
        if not isinstance(data, list):
            return Batch([_hit(data, body, None, proof)], [])
        if len(data) > MAX_BATCH:
            return Batch([], ["too_large"] * len(data))
    except Dropped as dropped:
        return Batch([], [dropped.reason])
    batch = Batch([], [])
    for place, item in enumerate(data):
        try:
            if len(body) > MAX_BYTES and len(orjson.dumps(item)) > MAX_BYTES:
                raise Dropped("too_large")
            batch.hits.append(_hit(item, body, place, proof))
        except Dropped as dropped:
            batch.drops.append(dropped.reason)
    return batch if data else Batch([], ["not_json"])


def count_in(body: bytes) -> int:
    """How many hits a body means to hold, where they are refused all together."""
    if body[:1] != b"[" or len(body) > MAX_BATCH_BYTES:
        return 1
    try:
        return max(1, len(orjson.loads(body)))
    except orjson.JSONDecodeError:
        return 1


def check_of(body: bytes) -> str | None:
    """What the script says of itself where a member of the workspace opens a page with the live check in its address: its
    state of consent. None for a hit."""
    if len(body) > 500 or b'"check"' not in body:
        return None
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    known = isinstance(data, dict) and data.get("kind") == "check" and data.get("state") in CHECKS
    return str(data["state"]) if known else None


def without_script(page: str, *, site_id: int, agent: str, opted_out: bool) -> Hit:
    """The page view that an image in <noscript> represents; `page` is its Referer. Raises Dropped.

    Nothing that may be used tells these browsers apart, so all of a site's views without script share one device.
    """
    refused, url = _robot_or_opt_out(agent, opted_out=opted_out), clean_url(page)
    if refused:
        raise Dropped(refused)
    if url is None:
        raise Dropped("url")
    device = str(uuid.UUID(int=site_id % _RESERVED))
    return Hit(device, "page", None, url, None, None, {}, {})


def _robot_or_opt_out(agent: str, *, opted_out: bool) -> str | None:
    if opted_out:
        return "opted_out"
    return "bot" if (_is_robot(agent) if len(agent) <= MAX_AGENT else _BOT.search(agent)) else None


# Few browsers and pages make most hits: what is worked out of a text is remembered.
@lru_cache(maxsize=1_024)
def _is_robot(agent: str) -> bool:
    return _BOT.search(agent) is not None


def _hit(data: Any, body: bytes, place: int | None, proof: Proof) -> Hit:
    """The hit of one object; `place` is its number where the body is an array."""
    if not isinstance(data, dict):
        raise Dropped("not_json")
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Dropped("kind")
    properties = data.get("properties") or {}
    if not isinstance(properties, dict) or len(properties) > MAX_PROPERTIES or _deeper(properties, than=MAX_DEPTH):
        raise Dropped("properties")
    if exact_json.has_float(properties):
        properties = _exact(body, place)
    name = _text(data.get("name"))
    if kind == "track" and not name:
        raise Dropped("name")
    url, referrer = clean_url(data.get("url")), clean_url(data.get("referrer"))
    kept = {k: v for k, v in _storable(properties).items() if k[:1] != RESERVED}
    if kind == "time":
        kept = _visible(kept)
    elif kind == "page" and url and "?" in url:
        kept = campaign(url, referrer) | kept
    identifiers = _identifiers(data.get("identifiers") or {}, needed=kind == "identify")
    if proof.now is not None or _is_signed(data.get("signature"), identifiers, proof):
        kept[SIGNED] = True
    if "cid=" in str(data.get("url")) and (link := links.found_in(str(data["url"])[:MAX_URL])):
        identifiers[links.KIND] = link  # verified by the drain, which knows the workspace's key
    return Hit(
        device=_device(data.get("device")),
        kind=kind,
        name=name,
        url=url,
        title=_text(data.get("title")),
        referrer=referrer,
        properties=kept,
        identifiers=identifiers,
        id=_event_id(data.get("id"), needed=proof.now is not None),
        age=_age(data, proof),
    )


def _is_signed(signature: Any, identifiers: dict[str, str], proof: Proof) -> bool:
    """Whether the site's server has signed these identifiers for a browser."""
    if signature is None:
        return False
    if not isinstance(signature, str) or not signatures.is_identity(signature, identifiers, secrets=proof.secrets):
        raise Dropped("signature")
    return True


def _event_id(value: Any, *, needed: bool) -> str | None:
    if value is None and not needed:
        return None
    if isinstance(value, str):
        text = value.replace("-", "").lower()
        if _ID(text):
            return text
    raise Dropped("id")


def _age(data: Mapping[str, Any], proof: Proof) -> float:
    """Seconds since a hit was made: scripts say how many milliseconds ago (their clock may be wrong), servers when."""
    age = data.get("age")
    if proof.now is not None and "at" in data:
        at = data["at"]
        age = (proof.now - at) * 1000 if isinstance(at, (int, float)) and not isinstance(at, bool) else "no time"
    if age is None:
        return 0.0
    if not isinstance(age, (int, float)) or isinstance(age, bool):
        raise Dropped("time")
    if not -CLOCK_SECONDS <= age / 1000 <= MAX_AGE_SECONDS:
        raise Dropped("time")
    return age / 1000 if age / 1000 > SHORT_SECONDS else 0.0


def _visible(properties: dict[str, Any]) -> dict[str, Any]:
    """How long a page was seen, in whole seconds."""
    seconds = properties.get("seconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= MAX_VISIBLE_SECONDS:
        raise Dropped("properties")
    return {"seconds": seconds}


def campaign(url: str, referrer: str | None) -> dict[str, str]:
    """UTM values and click IDs of the address on which a visit begins: those of a view that another site led to."""
    return dict(_campaign(url, _host(url) == _host(referrer) if referrer else False))


@lru_cache(maxsize=2_048)
def _campaign(url: str, inside: bool) -> tuple[tuple[str, str], ...]:
    if inside:
        return ()
    pairs = ((k.lower(), v[:MAX_TEXT]) for k, v in parse_qsl(urlsplit(url).query))
    return tuple((k[:100], v) for k, v in pairs if k.startswith("utm_") or k in _CLICK_IDS)[:20]


@lru_cache(maxsize=2_048)
def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _exact(body: bytes, place: int | None) -> dict[str, Any]:
    """The properties once more, with the digits of their numbers."""
    try:
        data = exact_json.loads(body)
    except RecursionError:  # something else in the body is deeper than anybody needs
        raise Dropped("not_json") from None
    properties: dict[str, Any] = (data if place is None else data[place])["properties"]
    return properties


def _device(value: Any) -> str:
    if isinstance(value, str) and _DEVICE(value) and not value.startswith(_RESERVED_FORM):
        return value
    try:
        device = uuid.UUID(str(value))
    except ValueError:
        raise Dropped("device") from None
    if device.int < _RESERVED:
        raise Dropped("device")
    return str(device)


def _identifiers(values: Any, *, needed: bool) -> dict[str, str]:
    if not isinstance(values, dict):
        raise Dropped("identifiers")
    identifiers = {name: text for name in IDENTIFIERS if (text := _text(values.get(name)))}
    if needed and not identifiers:
        raise Dropped("identifiers")
    return identifiers


def _text(value: Any) -> str | None:
    """A short text that the database can hold, or None."""
    if value is None or isinstance(value, (dict, list)):
        return None
    return str(value).replace("\x00", "").strip()[:MAX_TEXT] or None


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")[: MAX_TEXT * 4]
    if isinstance(value, dict):
        return {str(k).replace("\x00", "")[:100]: _storable(v) for k, v in value.items()}
    return [_storable(v) for v in value] if isinstance(value, list) else value


def _deeper(value: Any, *, than: int) -> bool:
    """Whether dicts and lists are nested more than `than` deep; looks no deeper than that itself."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        return False
    return than == 0 or any(_deeper(v, than=than - 1) for v in inner)


def clean_url(value: Any) -> str | None:
    """An address of the web without the values that name or authorise a person, at most 2,000 characters."""
    return _cleaned(str(value or "").replace("\x00", "").strip()[:MAX_URL])


@lru_cache(maxsize=2_048)
def _cleaned(text: str) -> str | None:
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host, path = parts.netloc.rpartition("@")[2], _EMAIL.sub("", parts.path)
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not links.is_ours(k, v)]
    kept = [(k, "" if _PRIVATE.search(k) or _AT.search(v) else v) for k, v in query]
    return urlunsplit((parts.scheme, host, path, urlencode(kept), ""))[:MAX_URL]
