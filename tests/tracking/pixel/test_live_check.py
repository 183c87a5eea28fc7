"""What has been seen of a site, in sentences."""

from datetime import UTC, datetime

import pytest

from tracking.pixel import live_check
from tracking.pixel.hits import CHECKS
from tracking.pixel.inbox import CHECK, Sign

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def signs(**seconds_ago: int) -> dict[str, Sign]:
    return {what.replace("__", ":"): Sign(NOW.timestamp() - s, "shop.example") for what, s in seconds_ago.items()}


def titles(**seconds_ago: int) -> list[str]:
    return [found.title for found in live_check.findings(signs(**seconds_ago), now=NOW)]


def test_a_sign_of_life_comes_first() -> None:
    found = live_check.findings(signs(kept=5, host=2), now=NOW)
    assert [(f.title, f.tone, f.seconds, f.host) for f in found] == [
        ("The pixel works", "ok", 5, "shop.example"),
        ("Hits from a host that is not allowed", "bad", 2, "shop.example"),
    ]


def test_what_is_long_ago_is_no_news() -> None:
    assert titles(host=4_000, kept=90_000) == ["Nothing has arrived recently"]
    assert titles(host=4_000) == []
    assert titles(bot=1, not_json=1) == []  # of no interest to whoever installs


def test_the_latest_are_shown_first_and_not_all() -> None:
    found = titles(kept=9, host=5, internal=4, excluded=3, signature=2, opted_out=1)
    assert len(found) == live_check.MOST
    assert found[1] == "A browser that asks not to be tracked"


@pytest.mark.parametrize("state", sorted(CHECKS))
def test_every_state_of_the_script_has_words(state: str) -> None:
    assert len(live_check.findings({CHECK + state: Sign(NOW.timestamp(), "")}, now=NOW)) == 1


def test_a_clock_that_is_ahead_is_now() -> None:
    assert live_check.findings(signs(kept=-90), now=NOW)[0].seconds == 0
