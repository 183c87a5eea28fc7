"""The environment variables, checked before anything starts: each fault is one sentence."""

from collections.abc import Mapping
from ipaddress import ip_network
from urllib.parse import urlsplit

from cdp.stack.machine import StartError
from core import file_store, sentinels

REQUIRED = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
NUMBERS = {
    "TRUSTED_PROXIES": (0, 20),
    "CDP_WORKERS": (1, 64),
    "CDP_PORT": (1, 65_535),
    "SFTP_PORT": (1, 65_535),
    "FTPS_PORT": (1, 65_535),
    "HITS_PER_MINUTE": (0, 100_000_000),
    "SITE_HITS_PER_MINUTE": (0, 100_000_000),
    "API_REQUESTS_PER_MINUTE": (0, 100_000_000),
    "REPLICA_MOST_LAG": (1, 86_400),
}
SWITCHES = ("DEBUG", "BEHIND_PROXY")
WORDS = {"true", "on", "ok", "y", "yes", "1", "false", "off", "n", "no", "0", ""}
ADDRESSES = {
    "DATABASE_URL": ("postgres", "postgresql"),
    "OWNER_DATABASE_URL": ("postgres", "postgresql"),
    "REPLICA_DATABASE_URL": ("postgres", "postgresql"),
    "SITE_URL": ("http", "https"),
}
CHOICES = {
    "LOG_LEVEL": ("CRITICAL", "DEBUG", "ERROR", "INFO", "WARNING"),
    "COLLECTOR": ("loop", "threads"),
}


def check(environ: Mapping[str, str], *, required: bool = True) -> None:
    """Raise StartError with one sentence about the first value that cannot be used."""
    for name in REQUIRED if required else ():
        if not environ.get(name):
            raise StartError(f"{name} is not set: see docs/environment.md, or start everything with `make up`.")
    for name, (low, high) in NUMBERS.items():
        if name in environ:
            number(environ[name], name=name, low=low, high=high)
    for name in SWITCHES:
        if environ.get(name, "").strip().lower() not in WORDS:
            raise StartError(f"{name} must be true or false, not {environ[name][:40]!r}.")
    for name, schemes in ADDRESSES.items():
        _address(environ.get(name), name=name, schemes=schemes)
    _broker(environ.get("REDIS_URL"))
    _object_store(environ.get("OBJECT_STORE"))
    for name, values in CHOICES.items():
        _choice(environ.get(name, values[0]), name=name, values=values)
    _networks(environ.get("INSIDE_NETWORKS", ""))
    _ports(environ.get("FTPS_PASSIVE_PORTS", ""))


def number(text: str, *, name: str, low: int, high: int) -> int:
    """A whole number between two bounds, or StartError."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise StartError(f"{name} must be a whole number from {low} to {high}, not {text[:40]!r}.")
    return int(text)


def _broker(text: str | None) -> None:
    try:
        if text and sentinels.sentinels_of(text):
            return
    except ValueError as problem:
        raise StartError(f"REDIS_URL is not an address of sentinels: it {problem}.") from None
    _address(text, name="REDIS_URL", schemes=("unix", "rediss", "redis"))


def _object_store(text: str | None) -> None:
    try:
        file_store.options_of(text) if text else None
    except ValueError as problem:
        raise StartError(str(problem)) from None


def _choice(text: str, *, name: str, values: tuple[str, ...]) -> None:
    if text not in values:
        raise StartError(f"{name} must be one of {', '.join(values)}, not {text[:40]!r}.")


def _ports(text: str) -> None:
    first, _dash, last = text.partition("-")
    if text:
        low = number(first, name="FTPS_PASSIVE_PORTS", low=1, high=65_535)
        number(last or first, name="FTPS_PASSIVE_PORTS", low=low, high=65_535)


def _networks(text: str) -> None:
    for network in filter(None, text.split(",")):
        try:
            ip_network(network)
        except ValueError:
            raise StartError(
                f"INSIDE_NETWORKS must be networks such as 10.1.0.0/16, separated by commas, not {network[:40]!r}."
            ) from None


def _address(text: str | None, *, name: str, schemes: tuple[str, ...]) -> None:
    if not text:
        return
    # The value itself is not said: it may hold a password.
    try:
        parts = urlsplit(text)
        good = parts.scheme in schemes and bool(parts.hostname or parts.scheme == "unix") and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise StartError(f"{name} is not an address: it must begin with {schemes[-1]}:// and name a host.")
