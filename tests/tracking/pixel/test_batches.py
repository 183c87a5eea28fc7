"""Several hits in one body, hits of a site's server, and signed identifiers: one table for both ways in."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.conf import settings

from core import broker
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.tracking.helpers import contact, device
from tests.tracking.pixel.conftest import Ask
from tracking.models import Event, Site, Visitor
from tracking.pixel import collector, hits, inbox, inbox_consumer, signatures, site_secrets, sites
from tracking.pixel.rate_limits import Rates

pytestmark = pytest.mark.usefixtures("empty_inbox")
ORIGIN = {"HTTP_ORIGIN": "https://shop.example"}
ANNA = "anna@example.com"


def page(on: str | None = None, **more: Any) -> dict[str, Any]:
    return {"device": on or device(), "kind": "page", "url": "https://shop.example/", "id": str(uuid.uuid4()), **more}


def array(*items: Any) -> bytes:
    return orjson.dumps(items)


def kept() -> list[hits.Hit]:
    return [e.hit for e in inbox.read(1000)]


def drops(site: Site) -> dict[str, int]:
    return inbox.drops(tenant_id=site.tenant_id, site_id=site.pk)


def changed(site: Site, **values: Any) -> Site:
    with tenant_context(site.tenant_id):
        Site.objects.filter(pk=site.pk).update(**values)
    sites.forget(site.key)
    return site


@pytest.fixture
def secret(site: Site) -> bytes:
    with tenant_context(site.tenant_id):
        return site_secrets.renew(site, now=datetime.now(UTC)).encode()


def signed(body: bytes, secret: bytes, *, at: float | None = None) -> dict[str, str]:
    return {"HTTP_CDP_SIGNATURE": signatures.sign_body(body, secret=secret, at=int(at or time.time()))}


# --- arrays -----------------------------------------------------------------------------------------------------------


def test_the_hits_of_an_array_are_kept_in_their_order_and_judged_one_by_one(ask: Ask, site: Site) -> None:
    good = [page(name=str(n)) for n in range(3)]
    body = array(good[0], {"kind": "?"}, "x", good[1], {**page(), "device": "me"}, good[2], {"kind": "?"})
    assert ask(f"/p/{site.key}", body)[0] == "204 No Content"
    assert [h.name for h in kept()] == ["0", "1", "2"]
    assert drops(site) == {"kind": 2, "not_json": 1, "device": 1}


def test_an_array_is_kept_whole_or_not_acknowledged(ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    body = array(*(page() for _ in range(50)))
    ask(f"/p/{site.key}", array(page()))  # the site is known from here on
    with monkeypatch.context() as patch:
        broker.broker.cache_clear()
        patch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
        assert ask(f"/p/{site.key}", body)[0] == "503 Service Unavailable"
    broker.broker.cache_clear()
    assert len(kept()) == 1
    assert ask(f"/p/{site.key}", body)[0] == "204 No Content"
    assert len(kept()) == 51


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[]", {"not_json": 1}),
        (b"[[]]", {"not_json": 1}),
        (b"[1, null, true]", {"not_json": 3}),
        (array(*[{"kind": "?"}] * 100), {"kind": 100}),
        (array(*[{"kind": "?"}] * 101), {"too_large": 101}),
        (b"[" + b" " * hits.MAX_BATCH_BYTES, {"too_large": 1}),
        (array({"kind": "page", "properties": {"a": ["x" * 1000] * 33}}, {"kind": "?"}), {"too_large": 1, "kind": 1}),
        (b"[" * 60_000, {"not_json": 1}),
        (b'[{"kind": "page", "properties": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}]", {"properties": 1}),
        (b'[{"kind": "page", "properties": {"a": 1.5}, "x": ' + b"[" * 1000 + b"]" * 1000 + b"}]", None),
    ],
)  # fmt: skip
def test_arrays_that_are_too_much(ask: Ask, site: Site, body: bytes, expected: dict[str, int] | None) -> None:
    assert ask(f"/p/{site.key}", body)[0] == "204 No Content"
    found = drops(site)
    assert sum(found.values()) == 1 if expected is None else found == expected
    assert kept() == []


@pytest.mark.parametrize(
    ("reason", "headers", "settings_"),
    [
        ("opted_out", {"HTTP_SEC_GPC": "1"}, {}),
        ("bot", {"HTTP_USER_AGENT": "Googlebot/2.1"}, {}),
        ("host", {"HTTP_ORIGIN": "https://copy.example"}, {"hosts": "shop.example"}),
        ("internal", {"REMOTE_ADDR": "203.0.113.9"}, {"internal_addresses": "203.0.113.0/24"}),
        ("excluded", {}, {"excluded_paths": "/\n/admin/*"}),
    ],
)
def test_each_hit_of_an_array_that_is_refused_as_a_whole_counts(
    ask: Ask, site: Site, reason: str, headers: dict[str, str], settings_: dict[str, str]
) -> None:
    changed(site, **settings_)
    assert ask(f"/p/{site.key}", array(page(), page(), page()), **ORIGIN | headers)[0] == "204 No Content"
    assert (drops(site), kept()) == ({reason: 3}, [])


def test_the_limit_of_an_address_counts_hits_not_requests(
    ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = Rates(10)
    monkeypatch.setattr(collector, "_rates", lambda: rates)
    sender = {"REMOTE_ADDR": "198.51.100.7"}
    answers = [ask(f"/p/{site.key}", array(*(page() for _ in range(6))), **sender)[0][:3] for _ in range(2)]
    assert answers == ["204", "429"]
    assert (drops(site), len(kept())) == ({"too_often": 6}, 6)
    assert ask(f"/p/{site.key}", page(), REMOTE_ADDR="198.51.100.8")[0] == "204 No Content"


# --- paths and addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "counts"),
    [
        ("https://shop.example/", True),
        ("https://shop.example/admin", True),
        ("https://shop.example/admin/", False),
        ("https://shop.example/admin/users/7?x=1", False),
        ("https://shop.example/en/checkout", False),
        ("https://shop.example/en/checkout/thanks", True),
        ("https://shop.example/a1", True),
        ("https://shop.example/a[1]", False),
    ],
)
def test_pages_that_are_not_recorded(ask: Ask, site: Site, url: str, counts: bool) -> None:
    changed(site, excluded_paths="/admin/*\n*/checkout\n/a[1]")
    ask(f"/p/{site.key}", page(url=url))
    assert (len(kept()), drops(site)) == ((1, {}) if counts else (0, {"excluded": 1}))


def test_the_image_is_not_counted_on_them_either(ask: Ask, site: Site) -> None:
    changed(site, excluded_paths="/admin/*", internal_addresses="203.0.113.9")
    ask(f"/p/{site.key}", method="GET", HTTP_REFERER="https://shop.example/admin/x")
    ask(f"/p/{site.key}", method="GET", HTTP_REFERER="https://shop.example/", REMOTE_ADDR="203.0.113.9")
    assert (drops(site), kept()) == ({"excluded": 1, "internal": 1}, [])


@pytest.mark.parametrize(
    ("address", "internal"),
    [("203.0.113.9", True), ("::ffff:203.0.113.9", True), ("203.0.114.9", False), ("2001:db8::5", True), ("", False),
     ("nonsense", False)],
)  # fmt: skip
def test_internal_addresses(site: Site, address: str, internal: bool) -> None:
    known = sites.find(changed(site, internal_addresses="203.0.113.0/24\n2001:db8::/32").key)
    assert known is not None
    assert sites.is_within(address, known.internal) is internal


# --- time, IDs, campaigns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, 0.0), (90_000, 90.0), (-5_000, 0.0), (172_800_000, 172_800.0), (10_001.5, 10.0015), (9_000, 0.0), (None, 0.0),
        (172_800_001, "time"), (-601_000, "time"), (1e300, "time"), (2**62, "time"), ("1", "time"), (True, "time"),
        ([1], "time"),
    ],
)  # fmt: skip
def test_the_age_of_a_hit(ask: Ask, site: Site, age: Any, expected: Any) -> None:
    before = time.time()
    assert ask(f"/p/{site.key}", array(page(age=age)))[0] == "204 No Content"
    if expected == "time":
        assert (drops(site), kept()) == ({"time": 1}, [])
    else:
        [entry] = inbox.read(10)
        assert before - expected <= entry.at <= time.time() - expected


@pytest.mark.parametrize("event_id", ["", "x", 7, {}, "0" * 31, "z" * 32])
def test_an_id_that_is_none_is_told(ask: Ask, site: Site, event_id: Any) -> None:
    ask(f"/p/{site.key}", page(id=event_id))
    assert (drops(site), kept()) == ({"id": 1}, [])


@pytest.mark.parametrize(
    ("seconds", "good"), [(1, True), (86_400, True), (0, False), (-1, False), (86_401, False), (1.5, False), (True, False),
                          ("9", False), (None, False)],
)  # fmt: skip
def test_visible_time(ask: Ask, site: Site, seconds: Any, good: bool) -> None:
    ask(f"/p/{site.key}", page(kind="time", properties={"seconds": seconds, "more": 1}))
    assert [h.properties for h in kept()] == ([{"seconds": seconds}] if good else [])
    assert drops(site) == ({} if good else {"properties": 1})


@pytest.mark.parametrize(
    ("query", "referrer", "expected"),
    [
        ("utm_source=news&UTM_Medium=mail&x=1", None, {"utm_source": "news", "utm_medium": "mail"}),
        ("gclid=abc&fbclid=def", "https://ads.example/", {"gclid": "abc", "fbclid": "def"}),
        ("msclkid=1", "https://shop.example/start", {}),  # not where the visit began
        ("utm_term=" + "x" * 400, None, {"utm_term": "x" * hits.MAX_TEXT}),
        ("utm_source=anna%40example.com", None, {}),
        ("", None, {}),
    ],
)
def test_campaigns_are_kept_with_the_page_of_landing(
    ask: Ask, site: Site, query: str, referrer: str | None, expected: dict[str, str]
) -> None:
    ask(f"/p/{site.key}", page(url=f"https://shop.example/?{query}", referrer=referrer))
    assert [h.properties for h in kept()] == [expected]


# --- the site's server, and signed identifiers ------------------------------------------------------------------------


def order(**more: Any) -> dict[str, Any]:
    return page(kind="order", properties={"amount": 59.9, "currency": "EUR"}, identifiers={"email": ANNA}, **more)


@pytest.mark.usefixtures("secret")
def test_orders_that_the_server_signs_are_no_claims(ask: Ask, tenant: Tenant, site: Site, secret: bytes) -> None:
    anna = contact(tenant, email=ANNA)
    body = array(order(at=time.time() - 3600), order())
    headers = signed(body, secret) | {"HTTP_USER_AGENT": "python-requests/2", "HTTP_DNT": "1"}
    changed(site, hosts="shop.example", internal_addresses="203.0.113.9")
    assert ask(f"/p/{site.key}", body, REMOTE_ADDR="203.0.113.9", **headers)[0] == "204 No Content"
    ask(f"/p/{site.key}", order(), **ORIGIN)
    inbox_consumer.drain()
    with tenant_context(tenant.pk):
        orders = list(Event.objects.filter(kind="order").order_by("at"))
        assert set(Visitor.objects.values_list("contact_id", flat=True)) == {anna}
    assert [event.is_claim for event in orders] == [False, False, True]
    assert 3590 < (orders[1].at - orders[0].at).total_seconds() < 3610


@pytest.mark.parametrize("what", ["wrong secret", "another body", "too old", "no form", "no secret"])
def test_a_wrong_signature_is_refused_and_says_so(ask: Ask, site: Site, secret: bytes, what: str) -> None:
    body = array(order())
    headers = signed(body, b"cdps_other" if what == "wrong secret" else secret)
    if what == "another body":
        body = array(order())
    elif what == "too old":
        headers = signed(body, secret, at=time.time() - 400)
    elif what == "no form":
        headers = {"HTTP_CDP_SIGNATURE": "yes"}
    elif what == "no secret":
        changed(site, secret_salt="")
    status, _headers, content = ask(f"/p/{site.key}", body, **headers)
    assert (status, content) == ("401 Unauthorized", collector.WRONG_SIGNATURE)
    assert (drops(site), kept()) == ({"signature": 1}, [])
    # A key that does not exist is answered alike.
    assert ask(f"/p/{site.tenant_id:x}-{'0' * 16}", body, **headers)[0::2] == (status, content)


def test_a_captured_post_is_stored_once(ask: Ask, tenant: Tenant, site: Site, secret: bytes) -> None:
    body = array(order())
    headers = signed(body, secret)
    assert [ask(f"/p/{site.key}", body, **headers)[0][:3] for _ in range(3)] == ["204"] * 3
    inbox_consumer.drain()
    with tenant_context(tenant.pk):
        assert Event.objects.count() == 1
    assert drops(site) == {"repeated": 2}


def test_the_server_is_told_what_was_dropped(ask: Ask, site: Site, secret: bytes) -> None:
    body = array(order(), order(id=None), order(at=0), order(at="now"), {"kind": "?"})
    status, _headers, content = ask(f"/p/{site.key}", body, **signed(body, secret))
    assert status.startswith("422 ")
    assert orjson.loads(content) == {"accepted": 1, "dropped": {"id": 1, "time": 2, "kind": 1}}
    assert (drops(site), len(kept())) == ({"id": 1, "time": 2, "kind": 1}, 1)


def test_identifiers_that_the_server_has_signed_are_marked(ask: Ask, site: Site, secret: bytes) -> None:
    names = {"email": ANNA, "external_id": "C-1"}
    good = signatures.sign_identity(names, secret=secret)
    hit = page(kind="identify", identifiers=names)
    ask(f"/p/{site.key}", array({**hit, "signature": good}, hit))
    assert [h.properties for h in kept()] == [{hits.SIGNED: True}, {}]
    wrong: Any
    for wrong in ("", "0" * 64, good[:-1], 7, {}, good.upper()):
        ask(f"/p/{site.key}", {**hit, "signature": wrong})
    ask(f"/p/{site.key}", {**hit, "signature": good, "identifiers": {"email": "bob@example.com"}})
    assert (drops(site), len(kept())) == ({"signature": 7}, 2)


def test_a_browser_cannot_mark_its_hit_itself(ask: Ask, site: Site) -> None:
    ask(f"/p/{site.key}", page(properties={"$signed": True, "$other": 1, "signed": True}, signed=True))
    assert [h.properties for h in kept()] == [{"signed": True}]


# --- the live check ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [*sorted(hits.CHECKS), "?", None, 7])
def test_what_a_script_says_of_itself_is_noted_and_is_no_hit(ask: Ask, site: Site, state: Any) -> None:
    body = {"kind": "check", "state": state}
    assert ask(f"/p/{site.key}", body, HTTP_ORIGIN="https://shop.example:8443")[0] == "204 No Content"
    known = state in hits.CHECKS
    signs = inbox.signs(tenant_id=site.tenant_id, site_id=site.pk)
    assert {what: sign.host for what, sign in signs.items()} == {f"check:{state}" if known else "kind": "shop.example"}
    assert (drops(site), kept()) == ({} if known else {"kind": 1}, [])
