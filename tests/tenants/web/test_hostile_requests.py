"""No request is answered with 500: hostile values in every part of every address, every parameter, every field."""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from api.models import ApiToken, Delivery, Webhook
from audiences.models import Audience, Lookalike
from connectors.models import Connector, ConnectorFile
from contacts.models import Attribute, BulkAction, Category, Contact, Merge, SignupForm
from destinations.models import Destination, Sync, SyncRun
from imports.models import Import, SavedMapping, SegmentUpload
from segments.models import Segment, SegmentEdit
from sources.models import Ambiguity, Source
from tenants.isolation.base import TenantModel
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Invitation, Membership, WorkspaceExport
from tenants.web import middleware
from tests.cast import actor
from tests.imports.helpers import bring, receive
from tests.tenants import hostile
from tests.tenants.hostile import ALONE, PARTS, RAW, VALUES, Form, forms_of, listening, matches
from tests.tenants.isolation.test_isolation import fill
from tracking.models import MailHook, Quarantine, Site, SourceName, Visitor

pytestmark = pytest.mark.long
FILE = "email,first_name,phone,tier\nann@example.com,Ann,+447911123456,gold\nnot-an-address,Bob,,\nbob@example.com,Bob,,x\n"
# Which rows a number in an address may be about.
OBJECTS: dict[str, Any] = {
    "import_id": Import, "contact_id": Contact, "segment_id": Segment, "site_id": Site, "name_id": SourceName,
    "hook_id": MailHook, "action_id": BulkAction, "entry_id": AuditEntry, "form_id": SignupForm, "field_id": Attribute,
    "category_id": Category, "merge_id": Merge, "saved_id": SavedMapping, "membership_id": Membership,
    "invitation_id": Invitation, "item_id": Quarantine, "source_id": Source, "ambiguity_id": Ambiguity,
    "visitor_id": Visitor, "edit_id": SegmentEdit, "upload_id": SegmentUpload,
    "webhook_id": Webhook, "delivery_id": Delivery, "connector_id": Connector, "file_id": ConnectorFile,
    "token_id": ApiToken, "sync_id": Sync, "run_id": SyncRun, "destination_id": Destination,
    "audience_id": Audience, "lookalike_id": Lookalike,
    "export_id": WorkspaceExport,
}  # fmt: skip
WORDS = {
    "key": ["email", "tier", "nope"], "outcome": ["created"], "token": ["x"], "uidb36": ["1"], "kind": ["google", "file"],
    "guide": ["admin"], "data_kind": ["webhooks", "audit"],
}  # fmt: skip
ROUTES = hostile.routes(settings.WORKSPACE_URLCONF)
OUTSIDE = hostile.routes(settings.ROOT_URLCONF)
# In parts of an address these are no address of any row: there is nothing there.
NOTHING = {"NUL", "huge", "above 64 bits", "negative", "huge negative", "foreign"}


class World:
    """A full workspace with its owner, and a stranger's, whose ids are the foreign ones."""

    def __init__(self) -> None:
        cache.clear()
        self.alice, self.charlie = actor("Alice"), actor("Charlie")
        for who in (self.charlie, self.alice):
            bring(who.workspace, FILE, segment="Everybody", user=who.user)
            bring(who.workspace, FILE.replace("Ann", "Anna"), review=True, user=who.user)
            receive(who.workspace, FILE, user=who.user)
            with tenant_context(who.workspace.pk):
                fill(who)
                SourceName.objects.create(kind=SourceName.Kind.ENDPOINT, name="shop")
        self.alice.client.raise_request_exception = False
        self.membership = middleware._membership(self.alice.user.pk, self.alice.workspace.slug)
        with tenant_context(self.charlie.workspace.pk):
            self.foreign = {name: model.objects.order_by("-pk").first() for name, model in OBJECTS.items()}

    def ids(self, name: str) -> list[int]:
        """Ids of the own workspace for a part of an address, at most three."""
        model = OBJECTS.get(name)
        if model is None:
            return [1]
        with tenant_context(self.alice.workspace.pk):
            return list(model.objects.order_by("-pk").values_list("pk", flat=True)[:3]) or [1]

    def a_foreign(self, name: str) -> str:
        found = self.foreign.get(name)
        return str(found.pk) if found else str(self.charlie.workspace.pk)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture
def known(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Who asks, and as what, is looked up once and not for each of some ten thousand requests: the address of the workspace
    and the session are as they should be in all of them, and the others are tried by `test_outside_of_workspaces`."""
    monkeypatch.setattr("django.contrib.auth.middleware.get_user", lambda _request: world.alice.user)
    monkeypatch.setattr(middleware, "_membership", lambda _user, _slug: world.membership)
    return world


def parts_of(world: World, path: str) -> list[list[tuple[str, str]]]:
    """Values for the parts of a route, as (name, text) pairs: those of the workspace's own rows."""
    choices = []
    for kind, name in PARTS.findall(path):
        values = [str(pk) for pk in world.ids(name)] if kind == "int" else WORDS.get(name, ["x"])
        choices.append([(name, value) for value in values])
    return [list(found) for found in itertools.product(*choices)][:3]


def address(path: str, parts: list[tuple[str, str]], *, raw: bool = False) -> str:
    values = iter(parts)
    return PARTS.sub(lambda _m: next(values)[1] if raw else quote(next(values)[1], safe=""), path)


def text_of(world: World, name: str, value: str) -> str:
    return {"FOREIGN": world.a_foreign(name), "OWN": str(world.ids(name)[0])}.get(value, value)


def ask(world: World, method: str, url: str, data: Any = None) -> Any:
    answer = getattr(world.alice.client, method)(url, data or {})
    said = b"a file" if answer.streaming else answer.content
    answer.close()
    unwell = answer.status_code == 503 and url.startswith("/health/")  # no worker runs here
    assert unwell or answer.status_code < 500, (method, url[:300], str(data)[:300], answer.status_code)
    if 400 <= answer.status_code < 500 and answer.status_code != 405:
        assert said.strip(), (method, url[:300], str(data)[:300], answer.status_code)
    return answer


def forms_for(world: World, path: str) -> Iterator[Form]:
    """Forms on pages of the workspace that lead to a route, one for each set of fields."""
    prefix = world.alice.url()
    seen = set()
    for form in world_forms(world):
        kind = frozenset(re.sub(r"\d+", "#", name) for name in form.fields)
        if matches(path, form.action, prefix) and kind not in seen:
            seen.add(kind)
            yield form


def one_of_each(names: Iterable[str]) -> list[str]:
    """Of fields that differ in a number only (a column, a line), the first."""
    return list({re.sub(r"\d+", "#", name): name for name in reversed(list(names))}.values())


_forms: dict[int, list[Form]] = {}


def world_forms(world: World) -> list[Form]:
    """Every form of every page that can be reached by GET, with what is in it."""
    key = world.alice.workspace.pk
    if key not in _forms:
        found: list[Form] = []
        prefix = world.alice.url()
        waiting = [prefix + address(p, parts) for p, _view in ROUTES for parts in parts_of(world, p)]
        seen: set[str] = set()
        while waiting:
            url = waiting.pop()
            short = urlsplit(url).path
            if url in seen or not short.startswith(prefix):
                continue
            seen.add(url)
            answer = world.alice.client.get(url)
            answer.close()
            if answer.streaming or "html" not in answer.headers.get("Content-Type", ""):
                continue
            forms, _links = forms_of(answer.content.decode(), url)
            found += [f for f in forms if urlsplit(f.action).path.startswith(prefix)]
        _forms[key] = found
    return _forms[key]


@pytest.mark.parametrize("path", [path for path, _view in ROUTES if PARTS.search(path)])
def test_parts_of_addresses(known: World, path: str) -> None:
    world = known
    for parts in parts_of(world, path)[:1]:
        for index, (name, _own) in enumerate(parts):
            for title, value in VALUES.items():
                tried = [*parts[:index], (name, text_of(world, name, value)), *parts[index + 1 :]]
                url = world.alice.url(address(path, tried))
                answers = [ask(world, method, url) for method in ("get", "post")]
                if title in NOTHING and name in OBJECTS:
                    assert {a.status_code for a in answers} <= {404, 405}, (url, title)
            for title, value in RAW.items():
                url = world.alice.url(address(path, [*parts[:index], (name, value), *parts[index + 1 :]], raw=True))
                for method in ("get", "post"):
                    assert ask(world, method, url).status_code in (404, 405), (url, title)


@pytest.mark.parametrize("path", [path for path, _view in ROUTES])
def test_parameters(known: World, path: str) -> None:
    for parts in parts_of(known, path)[: 3 if "import_id" in path else 1]:
        url = known.alice.url(address(path, parts))
        try_parameters(known, url)


def try_parameters(world: World, url: str) -> None:
    names: set[str] = set()
    asked: set[str] = {""}
    while not asked <= names:
        names |= asked
        with listening() as heard:
            ask(world, "get", f"{url}?{urlencode(dict.fromkeys(names, '1'))}")
        asked = {name for name in heard if "\0" not in name}
    for title, value in VALUES.items():
        texts = {name: text_of(world, name, value) for name in names}
        answer = ask(world, "get", f"{url}?{urlencode(texts)}")
        assert title != "NUL" or 400 <= answer.status_code < 500
        for name, text in texts.items() if title in ("NUL", "huge", "JSON with NUL") else ():
            ask(world, "get", f"{url}?{urlencode({name: text})}")
    for value in RAW.values():
        ask(world, "get", url + "?" + "&".join(f"{quote(name)}={value}" for name in names))
    ask(world, "get", url + "?" + "&".join(f"{quote(name)}={n}" for name in names for n in range(3)))


@pytest.mark.xdist_group("forms of hostile requests")
@pytest.mark.parametrize("path", [path for path, _view in ROUTES])
def test_fields_of_forms(world: World, path: str) -> None:
    """Each field of each form alone, among what the page sends untouched; then all fields that are ever asked for."""
    for form in forms_for(world, path):
        url = form.action
        where, _mark, query = url.partition("?")
        usual: dict[str, Any] = {**dict(parse_qsl(query)), **form.fields}
        for name in one_of_each(form.fields):
            for title in ALONE:
                value = VALUES[title]
                answer = ask(world, form.method, where, {**usual, name: text_of(world, name, value)})
                assert title != "NUL" or 400 <= answer.status_code < 500, (url, name)
            ask(world, form.method, where, {**usual, name: ["1", "2", "3"] * 50})
            ask(world, form.method, where, {key: texts for key, texts in usual.items() if key != name})
    for parts in parts_of(world, path)[:2]:
        url = world.alice.url(address(path, parts))
        with listening() as heard:
            ask(world, "post", url)
        names = {name for name in heard if "\0" not in name}
        for value in VALUES.values():
            ask(world, "post", url, {name: text_of(world, name, value) for name in names})


@pytest.mark.parametrize("path", [path for path, _view in OUTSIDE])
def test_outside_of_workspaces(world: World, path: str) -> None:
    signed_out = Client(raise_request_exception=False)
    me = world.alice.client
    with tenant_context(world.alice.workspace.pk):
        keys = [SignupForm.objects.order_by("pk")[0].key, MailHook.objects.order_by("pk")[0].key]
    for client in (signed_out, me):
        stage = type("W", (), {"alice": type("A", (), {"client": client})})()
        names = [name for _kind, name in PARTS.findall(path)]
        for values in [*keys, "x"] if names else [""]:
            url = "/" + address(path, [(name, values) for name in names])
            with listening() as heard:
                ask(stage, "get", url)
                ask(stage, "post", url)
            for value in VALUES.values():
                texts = {name: value for name in heard if "\0" not in name}
                ask(stage, "get", f"{url}?{urlencode(texts)}")
                ask(stage, "post", url, texts)
        for index in range(len(names)):
            for value in [*map(quote, VALUES.values()), *RAW.values()]:
                tried = [(other, value if at == index else "x") for at, other in enumerate(names)]
                for method in ("get", "post"):
                    ask(stage, method, "/" + address(path, tried, raw=True))
    if path.startswith("logout"):
        me.force_login(world.alice.user)


def test_every_table_with_numbers_in_addresses_is_known() -> None:
    names = {name for path, _view in ROUTES for kind, name in PARTS.findall(path) if kind == "int"}
    assert names - set(OBJECTS) <= {"line", "group_id"}
    assert all(issubclass(model, TenantModel) for model in OBJECTS.values())
    assert set(OBJECTS.values()) <= set(apps.get_models())
