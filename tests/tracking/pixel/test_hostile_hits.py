"""What somebody can try who knows the public key of a site, by either way in, down to what is stored of it.

Other parts of the same question: a wrong key and a preflight are in test_collector, arrays and signatures in test_batches,
constants for everybody in test_claims, addresses with names in them in test_hits.
"""

import random
import uuid
from typing import Any

import orjson
import pytest

from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.tracking.helpers import contact, device, site_of, visitors
from tests.tracking.pixel.conftest import Ask
from tracking.models import Event, Site, Visitor, VisitorIdentifier
from tracking.pixel import collector, hits, inbox, inbox_consumer
from tracking.pixel.rate_limits import Rates
from tracking.pixel.visitor_resolution import MOST_NAMES, MOST_VISITORS

pytestmark = pytest.mark.usefixtures("empty_inbox")
ANNA, BOB, PHONE = "anna@example.com", "bob@example.com", "+442079460958"
SCRIPT = "<script>alert(1)</script>"


def sent(ask: Ask, site: Site, *what: dict[str, Any], at_once: int = 100) -> None:
    """Send hits in arrays; all are acknowledged and stored."""
    for start in range(0, len(what), at_once):
        assert ask(f"/p/{site.key}", orjson.dumps(what[start : start + at_once]))[0] == "204 No Content"
    while inbox_consumer.drain():
        pass


def page(on: str, **more: Any) -> dict[str, Any]:
    return {"device": on, "kind": "page", "url": "https://shop.example/", **more}


def identify(on: str, **names: str) -> dict[str, Any]:
    return page(on, kind="identify", identifiers=names)


def drops(site: Site) -> dict[str, int]:
    return inbox.drops(tenant_id=site.tenant_id, site_id=site.pk)


def people(tenant: Tenant) -> list[dict[str, Any]]:
    with tenant_context(tenant.pk):
        return list(Contact.objects.order_by("pk").values())


# --- to be somebody else ----------------------------------------------------------------------------------------------


def test_who_claims_to_be_somebody_changes_nothing_of_that_contact(ask: Ask, tenant: Tenant, site: Site) -> None:
    """An address in an identify attaches what this browser does from now on; the contact's data stays, and so do the
    visitors that it had."""
    contact(tenant, email=ANNA, first_name="Anna")
    before = people(tenant)
    on, mallory = device(), device()
    sent(ask, site, page(on), identify(on, email=ANNA))
    claim = {"first_name": SCRIPT, "phone": "+442079460018", "email": ANNA, "consent": "yes"}
    sent(ask, site, page(mallory), page(mallory, kind="identify", identifiers=claim, properties=claim))
    assert people(tenant) == before
    found = {str(v.device): v for v in visitors(tenant)}
    assert (found[on].views, found[mallory].views) == (1, 1)


def test_who_knows_a_device_takes_no_visitor_away(ask: Ask, tenant: Tenant, site: Site) -> None:
    anna, bob, on = contact(tenant, email=ANNA), contact(tenant, email=BOB), device()
    sent(ask, site, page(on), identify(on, email=ANNA), page(on))
    sent(ask, site, identify(on, email=BOB), page(on))
    assert [(v.generation, v.contact_id, v.views) for v in visitors(tenant)] == [(0, anna, 2), (1, bob, 1)]


@pytest.mark.parametrize("seed", range(4))
def test_no_chain_of_claims_joins_two_people_that_are_known(ask: Ask, tenant: Tenant, site: Site, seed: int) -> None:
    """Whatever is claimed in which order: nobody is merged, and no visitor that is somebody becomes somebody else."""
    chance = random.Random(seed)
    known = [contact(tenant, email=f"p{n}@example.com", external_id=f"C-{n}") for n in range(5)]
    before = people(tenant)
    devices = [device() for _ in range(6)]
    owners: dict[int, int] = {}
    for _ in range(8):
        claims = []
        for _ in range(10):
            names = {"email": f"p{chance.randrange(5)}@example.com", "external_id": f"C-{chance.randrange(5)}"}
            some = dict(chance.sample(sorted(names.items()), chance.choice([1, 2])))
            claims.append(identify(chance.choice(devices), **some))
        sent(ask, site, *claims)
        now = {v.pk: v.contact_id for v in visitors(tenant) if v.contact_id is not None}
        assert {pk: now.get(pk) for pk in owners} == owners
        owners = now
    assert set(owners.values()) <= set(known)
    assert people(tenant) == before


def test_ten_thousand_identifiers_on_a_visitor_are_a_few(ask: Ask, tenant: Tenant, site: Site) -> None:
    on = device()
    sent(ask, site, *(identify(on, phone=f"+4479111{n:05}") for n in range(10_000)))
    with tenant_context(tenant.pk):
        stored, most = VisitorIdentifier.objects.count(), Visitor.objects.count()
        assert Event.objects.count() == 10_000  # what was done is kept, without the name
    assert most <= MOST_VISITORS
    assert stored <= MOST_VISITORS * MOST_NAMES
    assert drops(site)["too_many_people"] == 10_000 - stored


@pytest.mark.parametrize("value", ["null", "undefined", "0", "N/A", "[object Object]", "none", "-", "unknown"])
def test_placeholders_tie_nobody(ask: Ask, tenant: Tenant, site: Site, value: str) -> None:
    devices = [device() for _ in range(30)]
    sent(ask, site, *(identify(on, external_id=value) for on in devices))
    with tenant_context(tenant.pk):
        Contact.objects.create(origin="manual", external_id=value)
    sent(ask, site, *(identify(on, external_id=value) for on in devices))
    assert [v.contact_id for v in visitors(tenant)] == [None] * 30


# --- the key of one site, the visitors of another ---------------------------------------------------------------------


def test_the_device_and_the_names_of_another_workspace_lead_nowhere(ask: Ask, tenant: Tenant, site: Site) -> None:
    other = workspace(person("Charlie"))
    foreign, on = site_of(other), device()
    theirs = contact(other, email=ANNA)
    sent(ask, foreign, page(on), identify(on, email=ANNA))
    sent(ask, site, page(on), identify(on, email=ANNA), identify(on, email=BOB))
    assert [v.contact_id for v in visitors(tenant)] == [None, None]
    assert [(v.contact_id, v.views) for v in visitors(other)] == [(theirs, 1)]
    sent(ask, site, page(on, tenant_id=other.pk, site_id=foreign.pk))
    assert [(v.contact_id, v.views) for v in visitors(other)] == [(theirs, 1)]


# --- what no database likes -------------------------------------------------------------------------------------------

ODD: list[tuple[str, bytes]] = [
    (
        "NUL",
        b'{"kind": "track", "name": "a\\u0000b", "properties": {"k\\u0000": "\\u0000"}, "title": "\\u0000", DEVICE}',
    ),
    ("half a pair", b'{"kind": "page", "title": "\\ud800", DEVICE}'),
    ("not UTF-8", b'{"kind": "page", "title": "\xff\xfe", DEVICE}'),
    ("infinite", b'{"kind": "page", "properties": {"a": 1e999}, DEVICE}'),
    ("a power", b'{"kind": "page", "properties": {"a": 1e300}, DEVICE}'),
    ("NaN", b'{"kind": "page", "properties": {"a": NaN}, DEVICE}'),
    ("many digits", b'{"kind": "page", "properties": {"a": ' + b"9" * 4000 + b"}, DEVICE}"),
    ("a point", b'{"kind": "page", "properties": {"a": 0.' + b"9" * 4000 + b"}, DEVICE}"),
    ("deep", b'{"kind": "page", "properties": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b", DEVICE}"),
    ("deep elsewhere", b'{"kind": "page", "x": ' + b"[" * 20_000 + b", DEVICE}"),
    ("key twice", b'{"kind": "page", "kind": "track", "name": "x", DEVICE}'),
    ("long key", b'{"kind": "page", "properties": {"' + b"k" * 9000 + b'": 1}, DEVICE}'),
    ("wide", b'{"kind": "page", "properties": {' + b",".join(b'"%d": 1' % n for n in range(1000)) + b"}, DEVICE}"),
    ("another time", b'{"kind": "page", "age": -99999999999, DEVICE}'),
    ("the year 1970", b'{"kind": "page", "age": 1780000000000, "at": 0, DEVICE}'),
    ("the future", b'{"kind": "page", "at": 99999999999, "age": 0, DEVICE}'),
    ("objects", b'{"kind": "page", "url": {}, "title": [], "referrer": {"a": 1}, "name": {}, DEVICE}'),
    (
        "markup",
        b'{"kind": "track", "name": "<script>alert(1)</script>", "title": "<img src=x onerror=alert(1)>", DEVICE}',
    ),
    ("prototype", b'{"kind": "track", "name": "x", "properties": {"__proto__": {"a": 1}, "constructor": 1}, DEVICE}'),
    ("long identifiers", b'{"kind": "identify", "identifiers": {"external_id": "' + b"x" * 9000 + b'"}, DEVICE}'),
    ("right to left", '{"kind": "identify", "identifiers": {"email": "\u202eanna@example.com"}, DEVICE}'.encode()),
]


@pytest.mark.parametrize(("what", "body"), ODD, ids=[name for name, _body in ODD])
@pytest.mark.parametrize("wrapped", [False, True], ids=["alone", "array"])
def test_odd_bodies_hold_up_nothing(
    ask: Ask, tenant: Tenant, site: Site, what: str, body: bytes, wrapped: bool
) -> None:
    """Stored or dropped with a reason, never an error, and the hit behind it is stored."""
    body = body.replace(b"DEVICE", b'"device": "%s"' % device().encode())
    assert ask(f"/p/{site.key}", b"[" + body + b"]" if wrapped else body)[0] == "204 No Content"
    sent(ask, site, page(device(), title="Behind"))
    with tenant_context(tenant.pk):
        stored = list(Event.objects.order_by("pk"))
    reasons = {reason: n for reason, n in drops(site).items() if not reason.startswith("unreadable_")}
    assert stored[-1].title == "Behind"
    assert len(stored) + sum(reasons.values()) == 2
    assert set(reasons) <= {"not_json", "properties", "time"}, what
    assert inbox.waiting() == 0


def test_what_is_stored_of_markup_is_only_text_on_a_page(ask: Ask, alice: Any) -> None:
    site, on = site_of(alice.workspace), device()
    anna = contact(alice.workspace, email=ANNA)
    sent(ask, site, identify(on, email=ANNA), page(on, kind="track", name=SCRIPT, title=SCRIPT))
    for path in (f"activity/of-contact/{anna}/", f"contacts/{anna}/", f"visitors/of-contact/{anna}/"):
        answer = alice.get(path)
        assert answer.status_code == 200
        assert SCRIPT not in answer.content.decode()


# --- too much ---------------------------------------------------------------------------------------------------------


def test_a_flood_on_one_key_leaves_the_others_alone(ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From ever other addresses: the site is limited as a whole, where the platform says so."""
    other = site_of(workspace(person("Charlie")))
    rates = Rates(1_000, of_site=10)
    monkeypatch.setattr(collector, "_rates", lambda: rates)
    asked = [ask(f"/p/{site.key}", page(device()), REMOTE_ADDR=f"198.51.100.{n}")[0][:3] for n in range(15)]
    assert asked == ["204"] * 10 + ["429"] * 5
    assert ask(f"/p/{other.key}", page(device()), REMOTE_ADDR="198.51.100.1")[0] == "204 No Content"
    assert drops(site) == {"too_often": 5}


def test_the_largest_array_of_the_largest_hits_is_stored(ask: Ask, tenant: Tenant, site: Site) -> None:
    on = device()
    hit = page(on, properties={f"k{n}": "ж" * 2 for n in range(30)})
    many = [{**hit, "id": uuid.uuid4().hex} for _ in range(hits.MAX_BATCH)]
    while len(orjson.dumps(many)) > hits.MAX_BATCH_BYTES:
        many.pop()
    sent(ask, site, *many)
    sent(ask, site, *many)
    with tenant_context(tenant.pk):
        assert Event.objects.count() == len(many)
    assert drops(site) == {"repeated": len(many)}
