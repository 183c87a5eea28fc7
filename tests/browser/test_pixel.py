"""The pixel in a real browser, on a shop of another origin with a strict Content-Security-Policy."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.browser.conftest import SECONDS, Aside
from tests.cast import person, workspace
from tests.tracking.helpers import AGENT, contact, site_of
from tracking.models import Event, Site, Visitor
from tracking.pixel import inbox, inbox_consumer, installation

pytestmark = pytest.mark.browser
EMPTY = "() => !Object.keys(localStorage).some((name) => name.startsWith('_cdp.'))"
ANNA = "anna@inbox.example"


class Shop:
    """A site that allows the pixel and nothing else. `attributes` are those of the script."""

    def __init__(self, base: str, key: str) -> None:
        self.attributes = ""
        self.installed = True
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                script = f'<script src="{base}/static/pixel.js" data-key="{key}" {shop.attributes} defer></script>'
                script = script if shop.installed else ""
                form = (
                    '<form action="/thanks"><input type="email" name="e"><input type="tel" name="t">'
                    '<input type="password" name="p"><input name="note"><button>Send</button></form>'
                )
                body = f"<!doctype html><title>{self.path}</title>{script}<h1>Shop</h1>{form}".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header(
                    "Content-Security-Policy",
                    f"default-src 'none'; script-src {base}; connect-src {base}; form-action 'self'",
                )
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def site(aside: Aside, scene: object) -> Site:
    """A site of a workspace of its own. The scene is built before, so that its hits are not among ours."""
    made: Site = aside(lambda: site_of(workspace(person("Marte"))))
    return made


@pytest.fixture
def shop(base: str, site: Site) -> Iterator[Shop]:
    shop = Shop(base, site.key)
    thread = threading.Thread(target=shop.server.serve_forever)
    thread.start()
    yield shop
    shop.server.shutdown()
    thread.join()
    shop.server.server_close()


@pytest.fixture
def window(chrome: Browser) -> Iterator[Callable[..., tuple[BrowserContext, Page]]]:
    """A new browser profile, which says that it is a browser. No page may break its policy or throw."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def new(**options: Any) -> tuple[BrowserContext, Page]:
        contexts.append(chrome.new_context(user_agent=AGENT, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(SECONDS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if "Security Policy" in m.text else None)
        return contexts[-1], page

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def stored(aside: Aside, site: Site) -> Callable[[], list[Event]]:
    """What is stored of the site, in the order in which it happened."""

    def read() -> list[Event]:
        while inbox_consumer.drain():
            pass
        with tenant_context(site.tenant_id):
            return list(Event.objects.order_by("at", "pk"))

    def events() -> list[Event]:
        found: list[Event] = aside(read)
        return found

    return events


def views(events: list[Event]) -> list[str]:
    return [event.title or "" for event in events if event.kind == "page"]


def test_a_visit_from_the_first_page_to_the_order(
    aside: Aside, site: Site, shop: Shop, window: Any, stored: Callable[[], list[Event]]
) -> None:
    """Consent refused, then given; anonymous pages, a product by pushState, identify, an order, and the time."""

    anna = aside(lambda: contact(Tenant.objects.get(pk=site.tenant_id), email=ANNA))
    shop.attributes = 'data-consent="required"'
    context, page = window()
    page.goto(shop.url + "/start?utm_source=news&gclid=abc")
    page.evaluate("cdp.track('Before consent')")
    page.evaluate("cdp.consent(false)")
    assert (context.cookies(), stored()) == ([], [])
    page.goto(shop.url + "/second", referer=shop.url + "/start?utm_source=news&email=anna%40inbox.example")
    assert context.cookies() == []
    page.evaluate("cdp.consent(true)")
    page.evaluate("history.pushState({}, '', '/boots'); document.title = 'Boots'")
    page.wait_for_function("() => cdp && document.title === 'Boots'")
    page.evaluate("cdp.identify({email: 'Anna@Inbox.example'})")
    page.evaluate("cdp.order({amount: 59.9, currency: 'EUR'})")
    page.wait_for_function(EMPTY)
    events = stored()
    assert [e.kind for e in events] == ["page", "page", "identify", "order"]
    assert views(events) == ["/second", "Boots"]
    assert events[0].properties["referrer"].endswith("/start?utm_source=news&email=")
    assert (str(events[3].properties["amount"]), events[3].is_claim) == ("59.9", True)
    [cookie] = context.cookies()
    assert (cookie["name"], len(cookie["value"])) == ("_cdp", 32)

    def visitor() -> tuple[int | None, str]:
        with tenant_context(site.tenant_id):
            found = Visitor.objects.get()
            return found.contact_id, found.device.hex

    assert aside(visitor) == (anna, cookie["value"])


def test_nothing_is_lost_or_stored_twice_when_the_network_fails(
    base: str, aside: Aside, site: Site, shop: Shop, window: Any, stored: Callable[[], list[Event]]
) -> None:
    context, page = window()
    page.goto(shop.url + "/one?utm_source=news&gclid=abc")
    page.wait_for_function(EMPTY)
    lost: list[int] = []

    def lose(route: Route) -> None:
        """The server has it, the browser does not learn of it."""
        lost.append(route.fetch().status)
        route.abort()

    page.route(f"{base}/p/**", lose)
    with page.expect_event("requestfailed"):
        page.evaluate("cdp.track('Answer lost')")
    page.unroute(f"{base}/p/**")
    context.set_offline(True)
    page.evaluate("for (let n = 0; n < 120; n++) cdp.track('Offline ' + n)")
    context.set_offline(False)  # the page hears of it and does not wait longer
    page.wait_for_function(EMPTY)
    events = stored()
    assert set(lost) == {204}
    assert [e.name for e in events if e.kind == "track"] == ["Answer lost", *(f"Offline {n}" for n in range(120))]
    assert events[0].properties == {"utm_source": "news", "gclid": "abc"}
    assert aside(lambda: inbox.drops(tenant_id=site.tenant_id, site_id=site.pk)) == {"repeated": len(lost)}


def test_what_a_page_could_not_send_the_next_one_sends(
    base: str, shop: Shop, window: Any, stored: Callable[[], list[Event]]
) -> None:
    _context, page = window()
    page.route(f"{base}/p/**", lambda route: route.fulfill(status=503))
    page.goto(shop.url + "/one")
    page.evaluate("cdp.track('Kept')")
    page.goto(shop.url + "/two")
    assert stored() == []
    page.unroute(f"{base}/p/**")
    page.goto(shop.url + "/three")
    page.wait_for_function(EMPTY)
    events = [e for e in stored() if e.kind != "time"]
    assert [e.title if e.kind == "page" else e.name for e in events] == ["/one", "Kept", "/two", "/three"]
    assert len({e.visitor_id for e in events}) == 1


def test_visible_time_is_sent_when_a_page_is_left(shop: Shop, window: Any, stored: Callable[[], list[Event]]) -> None:
    _context, page = window()
    page.clock.install()
    page.goto(shop.url + "/one")
    page.clock.run_for(42_000)
    page.evaluate("history.pushState({}, '', '/two')")
    page.clock.run_for(3_000)
    page.wait_for_function(EMPTY)  # the three seconds pass at once: the next request could otherwise overtake this one
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.clock.run_for(60_000)  # not seen
    page.goto(shop.url + "/three")
    page.clock.run_for(1_000)
    page.wait_for_function(EMPTY)
    times = [(str(e.url).rpartition("/")[2], e.properties["seconds"]) for e in stored() if e.kind == "time"]
    assert times == [("one", 42), ("two", 3)]


@pytest.mark.parametrize("allowed", [True, False])
def test_forms_identify_only_where_that_is_wanted(
    shop: Shop, window: Any, stored: Callable[[], list[Event]], allowed: bool
) -> None:
    shop.attributes = "data-forms" if allowed else ""
    _context, page = window()
    page.goto(shop.url + "/form")
    for name, value in (("e", ANNA), ("t", "+442079460018"), ("p", "secret-1"), ("note", "private-2")):
        page.fill(f"[name={name}]", value)
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/thanks*")
    page.wait_for_function(EMPTY)
    events = stored()
    assert [e.kind for e in events if e.kind != "time"] == ["page", *(["identify"] if allowed else []), "page"]
    for event in events:
        said = f"{event.url} {event.properties}"
        assert "private-2" not in said or event.title is None or event.title.startswith("/thanks")
    identify = [e for e in events if e.kind == "identify"]
    assert all("secret-1" not in str(e.properties) and "private-2" not in str(e.properties) for e in identify)


@pytest.mark.parametrize("signal", ["globalPrivacyControl", "doNotTrack"])
def test_who_asks_not_to_be_tracked_is_not_tracked_before_and_after_consent(
    aside: Aside, site: Site, shop: Shop, window: Any, stored: Callable[[], list[Event]], signal: str
) -> None:
    context, page = window()
    page.goto(shop.url + "/before")
    page.wait_for_function(EMPTY)
    assert ([e.kind for e in stored()], len(context.cookies())) == (["page"], 1)
    value = "true" if signal == "globalPrivacyControl" else "'1'"
    page.add_init_script(f"Object.defineProperty(navigator, '{signal}', {{value: {value}}})")
    page.goto(shop.url + "/one#cdp-check")
    page.evaluate("cdp.consent(true); cdp.track('x'); cdp.identify({email: 'a@b.example'})")
    page.goto(shop.url + "/two")
    assert ([e.kind for e in stored()], context.cookies()) == (["page"], [])
    assert page.evaluate("Object.keys(localStorage).length") == 0
    signs = aside(lambda: inbox.signs(tenant_id=site.tenant_id, site_id=site.pk))
    assert {what: sign.host for what, sign in signs.items()} == {"kept": "127.0.0.1", "check:opted_out": "127.0.0.1"}


def test_after_consent_is_taken_back_nothing_is_left(
    base: str, shop: Shop, window: Any, stored: Callable[[], list[Event]]
) -> None:
    context, page = window()
    page.route(f"{base}/p/**", lambda route: route.fulfill(status=503))
    page.goto(shop.url + "/one")
    page.evaluate("cdp.track('x')")
    page.evaluate("cdp.consent(false)")
    page.unroute(f"{base}/p/**")
    page.goto(shop.url + "/two")
    page.evaluate("cdp.track('y')")
    assert stored() == []
    assert page.evaluate("Object.keys(localStorage).length") == 0
    assert [c["value"] for c in context.cookies()] == ["no"]


def test_the_code_for_a_tag_manager_works(
    base: str, site: Site, shop: Shop, window: Any, stored: Callable[[], list[Event]]
) -> None:
    """A tag manager makes an element for the script while the page is open."""
    shop.installed = False
    context, page = window()
    page.goto(shop.url + "/one")
    site.consent_required, site.capture_forms = True, True
    code = installation.snippets(site, base=base).tag_manager
    page.evaluate(code.removeprefix("<script>").removesuffix("</script>"))
    page.wait_for_function("() => window.cdp && cdp.page")
    assert context.cookies() == []  # it waits for consent
    page.evaluate("cdp.consent(true)")
    page.fill("[name=e]", ANNA)
    shop.installed = True  # the next page has the script itself, and sends what this one could not
    page.evaluate("document.querySelector('form').requestSubmit()")
    page.wait_for_url("**/thanks*")
    page.wait_for_function(EMPTY)
    assert [e.kind for e in stored() if e.kind != "time"] == ["page", "identify", "page"]


def test_after_reset_it_is_another_visitor(shop: Shop, window: Any, stored: Callable[[], list[Event]]) -> None:
    _context, page = window()
    page.goto(shop.url + "/one")
    page.evaluate("cdp.identify({email: 'anna@inbox.example'}); cdp.reset(); cdp.track('Later')")
    page.wait_for_function(EMPTY)
    one, named, later = stored()
    assert one.visitor_id == named.visitor_id != later.visitor_id
