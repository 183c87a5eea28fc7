"""What the pixel sends, checked before anything is stored. Pure: bytes in, a Hit or a reason to drop it out."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from contacts.values.columns import IDENTIFIERS
from core import exact_json

MAX_BYTES = 32 * 1024
MAX_URL = 2000
MAX_TEXT = 300
MAX_AGENT = 1000
MAX_PROPERTIES = 100
MAX_DEPTH = 5
KINDS = frozenset({"page", "track", "identify", "order"})
# Programs that say what they are. Whoever hides it is not caught, and that is said in the docs.
_BOT = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|headless|preview|monitor|lighthouse|pingdom|uptime|curl/|wget/|python-|scrapy|facebookexternalhit",
    re.IGNORECASE,
)
# Values that must not be kept from an address: they name or authorise a person.
_PRIVATE = re.compile(r"e-?mail|phone|token|passw|secret|session|auth(?!or)|signature|iban|card", re.IGNORECASE)
_EMAIL = re.compile(r"[^/@]+(?:@|%40)[^/@]+\.[^/@]+", re.IGNORECASE)
# Devices below are not for browsers to claim: a site's views without script belong to the one with the site's number.
_RESERVED, _RESERVED_FORM = 2**64, "00000000-0000-0000-"
# As scripts write it; other spellings take the longer way.
_DEVICE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch


class Dropped(ValueError):
    """A hit that is not kept; the reason is counted for the site."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing a visitor did. `identifiers` are claims of a browser: they attach behaviour, never change a contact."""

    device: str
    kind: str
    name: str | None
    url: str | None
    title: str | None
    referrer: str | None
    properties: dict[str, Any]
    identifiers: dict[str, str]


def parse(body: bytes, *, agent: str, opted_out: bool) -> Hit:
    """Judge the body of a hit. Raises Dropped with the reason.

    `opted_out` is the visitor's Global Privacy Control or Do Not Track signal: nothing is stored then.
    """
    _refuse_robots(agent, opted_out=opted_out)
    if len(body) > MAX_BYTES:
        raise Dropped("too_large")
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Dropped("not_json") from None
    if not isinstance(data, dict):
        raise Dropped("not_json")
    return _hit(data, body)


def without_script(page: str, *, site_id: int, agent: str, opted_out: bool) -> Hit:
    """The page view that an image in <noscript> represents; `page` is its Referer. Raises Dropped.

    Nothing that may be used tells these browsers apart, so all of a site's views without script share one device.
    """
    _refuse_robots(agent, opted_out=opted_out)
    url = clean_url(page)
    if url is None:
        raise Dropped("url")
    device = str(uuid.UUID(int=site_id % _RESERVED))
    return Hit(device, "page", None, url, None, None, {}, {})


def _refuse_robots(agent: str, *, opted_out: bool) -> None:
    if opted_out:
        raise Dropped("opted_out")
    if _is_robot(agent) if len(agent) <= MAX_AGENT else _BOT.search(agent):
        raise Dropped("bot")


# Few browsers and pages make most hits: what is worked out of a text is remembered.
@lru_cache(maxsize=1_024)
def _is_robot(agent: str) -> bool:
    return _BOT.search(agent) is not None


def _hit(data: Mapping[str, Any], body: bytes) -> Hit:
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Dropped("kind")
    properties = data.get("properties") or {}
    if not isinstance(properties, dict) or len(properties) > MAX_PROPERTIES or _deeper(properties, than=MAX_DEPTH):
        raise Dropped("properties")
    if exact_json.has_float(properties):
        properties = _exact(body)
    name = _text(data.get("name"))
    if kind == "track" and not name:
        raise Dropped("name")
    return Hit(
        device=_device(data.get("device")),
        kind=kind,
        name=name,
        url=clean_url(data.get("url")),
        title=_text(data.get("title")),
        referrer=clean_url(data.get("referrer")),
        properties=_storable(properties),
        identifiers=_identifiers(data.get("identifiers") or {}, needed=kind == "identify"),
    )


def _exact(body: bytes) -> dict[str, Any]:
    """The properties once more, with the digits of their numbers."""
    try:
        properties: dict[str, Any] = exact_json.loads(body)["properties"]
    except RecursionError:  # something else in the body is deeper than anybody needs
        raise Dropped("not_json") from None
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
    kept = [(k, "" if _PRIVATE.search(k) or "@" in v else v) for k, v in parse_qsl(parts.query, keep_blank_values=True)]
    return urlunsplit((parts.scheme, host, path, urlencode(kept), ""))[:MAX_URL]
