"""Who edits a thing that somebody else has saved meanwhile is told, with what it says now, and loses nothing."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from html.parser import HTMLParser
from typing import Any

import pytest

from api.models import Webhook
from connectors.fetching import job
from connectors.models import Connector
from contacts.models import Attribute
from core import edit_conflicts, encryption
from segments.models import Segment
from sources.models import Source
from tenants.isolation.context import tenant_context
from tenants.models import IdentityProvider
from tests.cast import Actor
from tests.connectors.scene import connector, save_mapping
from tests.destinations import scene as destinations
from tests.tracking.helpers import site_of

LABELS = {"name": "Name", "daily_at": "Time of day", "segment": "Segment"}


@dataclass
class Thing:
    name: str = "Old"
    daily_at: time | None = time(9)
    segment: int | None = 3

    def get_name_display(self) -> str:
        return self.name.upper()


@pytest.mark.parametrize(
    ("posted", "told"),
    [
        ({}, ""),
        ({"seen": ""}, ""),
        ({"seen": edit_conflicts.seen(Thing(), LABELS), "name": "New"}, ""),
        ({"seen": "other"}, "This was changed while you were editing it. Save again"),
        ({"seen": "other", "name": "Old ", "daily_at": "09:00"}, "editing it. Save again"),
        (
            {"seen": "other", "name": "New", "daily_at": "10:00"},
            "it. Name is “OLD”; Time of day is “09:00”. Save again",
        ),
    ],
)
def test_the_sentence(posted: dict[str, str], told: str) -> None:
    sentence = edit_conflicts.sentence(posted, Thing(), LABELS)
    assert told in sentence
    assert bool(told) == bool(sentence)


def test_long_values_are_cut() -> None:
    sentence = edit_conflicts.sentence({"seen": "x", "name": ""}, Thing(name="n" * 500), {"name": "Name"})
    assert len(sentence) < 250


# --- every form that changes a thing with several fields -------------------------------------------------------------------


def of_segment(alice: Actor) -> tuple[str, str]:
    with tenant_context(alice.workspace.pk):
        return f"segments/{Segment.objects.create(name='Old').pk}/describe/", ""


def of_source(alice: Actor) -> tuple[str, str]:
    with tenant_context(alice.workspace.pk):
        source = Source.objects.create(name="Old", type="customers", origin="file", state="waiting")
    return f"sources/{source.pk}/edit/", ""


def of_sync(alice: Actor) -> tuple[str, str]:
    with tenant_context(alice.workspace.pk):
        sync = destinations.sync_of(destinations.segment_of(*destinations.people("a@example.com")))
    return f"syncs/{sync.pk}/edit/", ""


def of_webhook(alice: Actor) -> tuple[str, str]:
    with tenant_context(alice.workspace.pk):
        webhook = Webhook.objects.create(
            url="http://127.0.0.1:9/", event_types=["import.ended"], salt="x", contact_cursor="", description="Old",
            created_by=alice.user,
        )  # fmt: skip
    return f"webhooks/{webhook.pk}/edit/", ""


def of_connector(alice: Actor) -> tuple[str, str]:
    return f"connectors/{connector(alice.workspace).pk}/edit/", ""


def of_fetching(alice: Actor) -> tuple[str, str]:
    mapping = save_mapping(alice.workspace)
    secret = encryption.encrypt(json.dumps({"password": "of-the-tests", "private_key": ""}), purpose=job.PURPOSE)
    with tenant_context(alice.workspace.pk):
        made = Connector.objects.create(
            name="Old", login="old", protocol="fetch_sftp", mapping_id=mapping.pk, pattern="*.csv",
            remote={"host": "127.0.0.1", "port": 9, "user": "cdp", "folder": "/export"}, remote_secret=secret,
        )  # fmt: skip
    return f"connectors/{made.pk}/fetch/edit/", ""


def of_site(alice: Actor) -> tuple[str, str]:
    site = site_of(alice.workspace).pk
    return f"sites/{site}/?tab=settings", f"sites/{site}/settings/"


def of_import_rules(_alice: Actor) -> tuple[str, str]:
    return "settings/", "settings/save/"


def of_field(alice: Actor) -> tuple[str, str]:
    with tenant_context(alice.workspace.pk):
        field = Attribute.objects.create(key="shoe_size", label="Old", type="text")
    return f"contacts/fields/{field.pk}/", ""


def of_provider(alice: Actor) -> tuple[str, str]:
    with tenant_context(alice.workspace.pk):
        IdentityProvider.objects.create(
            issuer="https://127.0.0.1:9", client_id="Old", secret="x", join_role="", is_on=True
        )
    return "settings/single-sign-on/", "settings/single-sign-on/save/"


FORMS = {
    "import rules": (of_import_rules, "max_rows"), "field": (of_field, "label"), "provider": (of_provider, "client_id"),
    "segment": (of_segment, "description"), "source": (of_source, "description"), "sync": (of_sync, "name"),
    "webhook": (of_webhook, "description"), "connector": (of_connector, "name"), "fetching": (of_fetching, "name"),
    "site": (of_site, "excluded_paths"),
}  # fmt: skip


class Fields(HTMLParser):
    """What a browser would send of the form with the hidden field `seen`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, list[str]]] = []
        self.select: tuple[str, bool] | None = None
        self.text: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name"), given.get("value") or ""
        if tag == "form":
            self.forms.append({})
        elif tag == "option" and self.select and ("selected" in given or not self.forms[-1].get(self.select[0])):
            self.forms[-1][self.select[0]] = [value]
        elif tag == "select":
            self.select = (name or "", True)
        elif tag == "textarea" and name:
            self.text, self.forms[-1][name] = name, [""]
        elif tag == "input" and name and self.forms and self.is_sent(given):
            self.forms[-1].setdefault(name, []).append(value)

    def is_sent(self, given: dict[str, str | None]) -> bool:
        return given.get("type") not in {"checkbox", "radio", "submit", "file"} or "checked" in given

    def handle_data(self, data: str) -> None:
        if self.text:
            self.forms[-1][self.text][0] += data

    def handle_endtag(self, tag: str) -> None:
        self.select = None if tag == "select" else self.select
        self.text = None if tag == "textarea" else self.text

    def sent(self) -> dict[str, list[str]]:
        (form,) = [form for form in self.forms if "seen" in form]
        return form


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]


@pytest.mark.parametrize(("made", "field"), FORMS.values(), ids=list(FORMS))
def test_the_second_tab_is_told(alice: Actor, made: Callable[[Actor], tuple[str, str]], field: str) -> None:
    shown, sent_to = made(alice)
    page, target = alice.url(shown), alice.url(sent_to or shown)
    first = Fields(alice.client.get(page).content.decode()).sent()
    second = Fields(alice.client.get(page).content.decode()).sent()
    one, two = ("300001", "300002") if field == "max_rows" else ("/first", "/second")
    saved = alice.client.post(target, {**first, field: one})
    assert saved.status_code == 302, saved.content.decode()
    refused = alice.client.post(target, {**second, field: two})
    text = refused.content.decode()
    assert refused.status_code == 422
    assert "This was changed while you were editing it." in text
    assert f"“{one}”" in text
    again = Fields(text).sent()
    assert again[field][0].strip() == two
    assert one in alice.client.get(page).content.decode()
    assert alice.client.post(target, again).status_code == 302
    assert two in alice.client.get(page).content.decode()


@pytest.mark.parametrize(("made", "field"), FORMS.values(), ids=list(FORMS))
def test_one_tab_saves_twice(alice: Actor, made: Callable[[Actor], tuple[str, str]], field: str) -> None:
    """What nobody else has changed is saved, also after a form that was refused for another reason."""
    shown, sent_to = made(alice)
    for value in ("300001", "300002") if field == "max_rows" else ("/one", "/two"):
        form = Fields(alice.client.get(alice.url(shown)).content.decode()).sent()
        assert alice.client.post(alice.url(sent_to or shown), {**form, field: value}).status_code == 302
