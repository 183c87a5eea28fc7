"""What a hit may be: every reason to drop one, what is cut away, and that nothing else is ever raised."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import exact_json
from tracking.pixel import hits
from tracking.pixel.hits import Dropped, Hit

DEVICE = "8f14e45f-ceea-467f-a0e6-5b6f3d7b2c11"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def parse(agent: str = AGENT, opted_out: bool = False, **data: Any) -> Hit:
    body = orjson.dumps({"device": DEVICE, "kind": "page", **data})
    return hits.parse(body, agent=agent, opted_out=opted_out)


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("reason", "given"),
    [
        ("opted_out", {"opted_out": True}),
        ("bot", {"agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}),
        ("bot", {"agent": "Mozilla/5.0 HeadlessChrome/120"}),
        ("bot", {"agent": "python-requests/2.32"}),
        ("bot", {"agent": "facebookexternalhit/1.1"}),
        ("kind", {"kind": "purchase"}),
        ("kind", {"kind": None}),
        ("kind", {"kind": ["page"]}),
        ("kind", {"kind": {}}),
        ("properties", {"properties": [1]}),
        ("properties", {"properties": "text"}),
        ("properties", {"properties": {str(i): i for i in range(101)}}),
        ("properties", {"properties": nested(6)}),
        ("properties", {"properties": {"a": [[[[[[]]]]]]}}),
        ("properties", {"properties": nested(250)}),
        ("name", {"kind": "track"}),
        ("name", {"kind": "track", "name": "  "}),
        ("name", {"kind": "track", "name": {"a": 1}}),
        ("device", {"device": None}),
        ("device", {"device": "me"}),
        ("device", {"device": "00000000-0000-0000-0000-000000000005"}),
        ("identifiers", {"identifiers": "anna@example.com"}),
        ("identifiers", {"kind": "identify"}),
        ("identifiers", {"kind": "identify", "identifiers": {"colour": "red"}}),
        ("identifiers", {"kind": "identify", "identifiers": {"email": ""}}),
    ],
)
def test_reasons_to_drop(reason: str, given: dict[str, Any]) -> None:
    with pytest.raises(Dropped) as dropped:
        parse(**given)
    assert dropped.value.reason == reason


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("not_json", b""),
        ("not_json", b"{"),
        ("not_json", b"[]"),
        ("not_json", b"\xff\xfe"),
        ("not_json", b'{"kind": "\\ud800"}'),
        ("not_json", b'{"properties": {"a": 1e999}}'),
        ("not_json", b"[" * 30_000),
        ("properties", b'{"kind": "page", "properties": {"a": ' + b"[" * 1000 + b"]" * 1000 + b"}}"),
        ("too_large", b" " * (hits.MAX_BYTES + 1)),
    ],
)
def test_bodies_that_are_dropped(reason: str, body: bytes) -> None:
    with pytest.raises(Dropped) as dropped:
        hits.parse(body, agent=AGENT, opted_out=False)
    assert dropped.value.reason == reason


def test_the_largest_body_is_read() -> None:
    body = orjson.dumps({"device": DEVICE, "kind": "page"})
    padded = body + b" " * (hits.MAX_BYTES - len(body))
    assert hits.parse(padded, agent=AGENT, opted_out=False).kind == "page"


@pytest.mark.parametrize(
    "agent", ["", AGENT, "Mozilla/5.0 (Linux; Android 9; CUBOT X18) Chrome/138 Mobile Safari/537.36"]
)
def test_people_are_not_robots(agent: str) -> None:
    assert parse(agent=agent).device == DEVICE


def test_texts_are_cut_and_cleaned() -> None:
    hit = parse(
        kind="track",
        name=" Added\x00 to cart " + "x" * 400,
        title=7,
        referrer="javascript:alert(1)",
        properties={"note\x00": "a\x00" + "b" * 5000, "list": [{"deep": "\x00"}], "n": 1.5, "yes": True, "no": None},
        identifiers={"email": " anna@example.com ", "phone": ["+44"], "colour": "red"},
    )
    assert hit.name is not None
    assert hit.name.startswith("Added to cart x")
    assert len(hit.name) == hits.MAX_TEXT
    assert (hit.title, hit.referrer) == ("7", None)
    assert hit.properties["note"] == "a" + "b" * (hits.MAX_TEXT * 4 - 1)
    assert hit.properties["list"] == [{"deep": ""}]
    assert (hit.properties["n"], hit.properties["yes"], hit.properties["no"]) == (1.5, True, None)
    assert hit.identifiers == {"email": "anna@example.com"}


def test_properties_may_be_five_deep() -> None:
    assert parse(properties=nested(5)).properties == nested(5)
    assert parse(properties={str(i): i for i in range(100)}).properties["99"] == 99


def test_a_device_has_one_form() -> None:
    assert parse(device=DEVICE.replace("-", "").upper()).device == DEVICE


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://shop.example/a?q=boots&page=2", "https://shop.example/a?q=boots&page=2"),
        ("https://shop.example/a?q=boots#email=a@b.c", "https://shop.example/a?q=boots"),
        ("https://anna:secret@shop.example/a", "https://shop.example/a"),
        ("https://shop.example/?email=a%40b.c&utm_source=mail", "https://shop.example/?email=&utm_source=mail"),
        ("https://shop.example/?u=anna%40example.com", "https://shop.example/?u="),
        ("https://shop.example/?u=a%2540b.c&v=a%252540b.c", "https://shop.example/?u=&v="),
        ("https://shop.example/u/a%2540b.c/orders", "https://shop.example/u//orders"),
        (
            "https://shop.example/?tel=%2B371&first_name=Anna&LastName=B&dob=1990&pwd=x&api_key=y&hotel=z",
            "https://shop.example/?tel=&first_name=&LastName=&dob=&pwd=&api_key=&hotel=z",
        ),
        ("https://shop.example/?reset_token=abc&SessionId=1", "https://shop.example/?reset_token=&SessionId="),
        ("https://shop.example/?author=tolstoy&auth=1", "https://shop.example/?author=tolstoy&auth="),
        ("https://shop.example/leave/anna%40example.com/now", "https://shop.example/leave//now"),
        ("https://shop.example/leave/anna@example.com", "https://shop.example/leave/"),
        ("https://shop.example/@anna", "https://shop.example/@anna"),
        ("http://localhost:8000/", "http://localhost:8000/"),
        ("ftp://shop.example/", None),
        ("/relative", None),
        ("https://", None),
        ("https://[::1", None),
        ("", None),
        (None, None),
        (12, None),
        ({"a": 1}, None),
    ],
)
def test_addresses_keep_nothing_that_names_a_person(given: Any, kept: str | None) -> None:
    assert parse(url=given).url == kept


def test_addresses_are_at_most_2000_characters() -> None:
    for url in ("https://shop.example/" + "a" * 5000, "https://shop.example/?q=" + "ж" * 1900):
        assert len(parse(url=url).url or "") == hits.MAX_URL


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ("device", "kind", "name", "url", "title", "referrer", "properties", "identifiers", "other")
ALIKE = st.fixed_dictionaries({"device": st.just(DEVICE), "kind": st.sampled_from(sorted(hits.KINDS)) | JSON})


@given(
    ALIKE.flatmap(lambda base: st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=9).map(lambda more: base | more))
)
def test_parse_raises_only_dropped_and_what_it_keeps_can_be_stored(data: dict[str, Any]) -> None:
    try:
        hit = hits.parse(orjson.dumps(data, default=str), agent=AGENT, opted_out=False)
    except Dropped:
        return
    assert b"\\u0000" not in orjson.dumps(hit, default=exact_json.piece)
    assert hit.kind in hits.KINDS


@given(st.binary(max_size=200))
def test_parse_raises_only_dropped_for_any_bytes(body: bytes) -> None:
    with pytest.raises(Dropped):
        hits.parse(body, agent=AGENT, opted_out=False)


@given(st.text(max_size=60).map("https://shop.example/".__add__) | st.text(max_size=60).map("https://".__add__))
def test_clean_url_never_raises(url: str) -> None:
    kept = hits.clean_url(url)
    assert kept is None or (kept.startswith(("https://", "http://")) and "#" not in kept)


def test_a_view_without_script_belongs_to_the_device_of_its_site() -> None:
    hit = hits.without_script("https://shop.example/?email=a@b.c", site_id=5, agent=AGENT, opted_out=False)
    assert (hit.kind, hit.url, hit.identifiers) == ("page", "https://shop.example/?email=", {})
    assert hit.device == "00000000-0000-0000-0000-000000000005"


@pytest.mark.parametrize(
    ("reason", "given"),
    [("url", {"page": ""}), ("bot", {"agent": "Bingbot/2.0"}), ("opted_out", {"opted_out": True})],
)
def test_views_without_script_are_judged_too(reason: str, given: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"page": "https://shop.example/", "site_id": 5, "agent": AGENT, "opted_out": False}
    with pytest.raises(Dropped) as dropped:
        hits.without_script(**usual | given)
    assert dropped.value.reason == reason
