"""Closing and reopening: what a closed workspace refuses, by each way in, and that everything goes on afterwards."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from api import tokens
from cdp.celery import app
from connectors import logins
from connectors.models import Connector
from contacts.subscriptions import signup
from imports.models import Import
from imports.options import Options
from imports.wizard import column_choices, upload
from tenants import outbox, pending_work
from tenants.closing import lifecycle
from tenants.isolation.context import tenant_context
from tenants.members import invitations
from tenants.models import AuditEntry, Membership, Tenant
from tenants.workspaces import closed_of, workspaces_of
from tests.cast import Actor, person
from tests.imports.helpers import receive
from tests.tenants.simultaneous import together
from tracking.models import Site
from tracking.pixel import sites

ROOT = Path(__file__).resolve().parents[3]


def close(who: Actor) -> None:
    with tenant_context(who.workspace.pk):
        assert lifecycle.close(who.workspace, name=who.workspace.name, user=who.user)


def test_it_closes_for_who_types_its_name(alice: Actor) -> None:
    for typed in ("", "nordvik outdoor", "Nordvik", "Nordvik Outdoor!"):
        answer = alice.post("settings/workspace/close/", {"name": typed})
        assert answer.status_code == 422
        assert "This is not the name" in answer.content.decode()
    assert Tenant.open.filter(pk=alice.workspace.pk).exists()
    answer = alice.post("settings/workspace/close/", {"name": "  Nordvik  Outdoor "})
    assert answer["Location"] == alice.url("closed/")
    page = alice.get("closed/").content.decode()
    assert "Nordvik Outdoor is closed" in page
    assert "Reopen workspace" in page


@pytest.mark.parametrize("role", ["admin", "marketer", "ops", "viewer"])
def test_only_owners_close_rename_and_export(alice: Actor, member: Any, role: str) -> None:
    who = member(role)
    for path in ("close/", "rename/", "export/"):
        assert who.post(f"settings/workspace/{path}", {"name": "Nordvik Outdoor"}).status_code == 404
    close(alice)
    for path in ("", "contacts/", "closed/", "closed/reopen/", "settings/workspace/export/progress/"):
        answer = who.get(path)
        assert answer.status_code == 410
        assert "Nordvik Outdoor is closed" in answer.content.decode()
    assert who.post("closed/reopen/").status_code == 410


def test_outsiders_cannot_tell_a_closed_workspace_from_none(alice: Actor, charlie: Actor) -> None:
    close(alice)
    for path in ("", "closed/", "contacts/"):
        found = charlie.client.get(alice.url(path))
        assert found.status_code == 404
        assert found.content == charlie.client.get(f"/w/no-such-workspace/{path}").content


def test_owners_are_led_to_the_one_page(alice: Actor) -> None:
    close(alice)
    for path in ("", "contacts/", "imports/", "settings/workspace/close/", "nothing/at/all/"):
        assert alice.get(path)["Location"] == alice.url("closed/")
    assert alice.post("imports/new/")["Location"] == alice.url("closed/")
    part = alice.get("imports/live/", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == alice.url("closed/")


def test_every_way_in_refuses_and_works_again_after_reopening(alice: Actor) -> None:
    own = alice.workspace.pk
    with tenant_context(own):
        _token, text = tokens.create("Shop", scopes=["contacts.view"], user=alice.user, expires_at=None)[:2]
        site = Site.objects.create(name="shop", key=sites.new_key(own))
        Connector.objects.create(name="Shop", login="shop", protocol="sftp", secret_at=timezone.now())
        invitation = invitations.invite("new@example.com", role="viewer", by=alice.user)
        form_key = signup.new_key(own)
        pending_work.mark_pending("imports")
    link = re.search(r"/invitation/(\S+)/", _mail_to(alice, "new@example.com"))
    assert link
    assert invitation.pk

    def ways() -> dict[str, bool]:
        sites.forget(site.key)
        return {
            "token": _finds(text),
            "pixel": sites.find(site.key) is not None,
            "file servers": logins.find(f"{alice.workspace.slug}.shop", protocol="sftp") is not None,
            "sweeps": own in pending_work.waiting("imports"),
            "sign-up forms": signup.tenant_of(form_key) is not None,
            "invitations": Client().get(f"/invitation/{link[1]}/").status_code == 200,
            "menu": own in {place.id for place in workspaces_of(alice.user.pk)},
        }

    assert set(ways().values()) == {True}
    close(alice)
    assert set(ways().values()) == {False}
    assert [place.id for place in closed_of(alice.user.pk)] == [own]
    assert alice.post("closed/reopen/")["Location"] == alice.url("")
    assert set(ways().values()) == {True}
    assert closed_of(alice.user.pk) == []


def _finds(text: str) -> bool:
    try:
        return tokens.find(text) is not None
    except tokens.WorkspaceClosed:
        return False


def _mail_to(who: Actor, address: str) -> str:
    outbox.send_waiting(who.workspace.pk)
    return next(str(m.body) for m in reversed(mail.outbox) if m.to == [address])


def test_tasks_do_nothing_for_a_closed_workspace(alice: Actor) -> None:
    imp = receive(alice.workspace, "email\na@example.com\n", user=alice.user)
    with tenant_context(alice.workspace.pk):
        options = Options.parse({})
        columns = column_choices.apply_choices(imp, {}, written=None, options=options)
        upload.start(imp, options=options, columns=columns, auto_start=True)
    app.loader.import_default_modules()
    task = app.tasks["imports.work"]
    close(alice)
    task(tenant_id=alice.workspace.pk, import_id=imp.pk)
    with tenant_context(alice.workspace.pk):
        before = Import.objects.values("phase", "rows", "status").get(pk=imp.pk)
        assert before["rows"] is None
        lifecycle.reopen(alice.workspace, user=alice.user)
    task(tenant_id=alice.workspace.pk, import_id=imp.pk)
    with tenant_context(alice.workspace.pk):
        assert Import.objects.values("phase", "rows", "status").get(pk=imp.pk) != before


def test_every_task_for_a_workspace_is_judged() -> None:
    app.loader.import_default_modules()
    own = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    assert len(own) > 25
    assert {name for name, task in own.items() if task.works_when_closed} == {"tenants.export_workspace"}


# Where code may ask for any workspace, closed ones too, each with its reason.
ANY = {
    "tenants/": "the rules of closing themselves",
    "cdp/demo/workspace.py": "makes the demonstration",
    "tracking/management/commands/rebuild_tallies.py": "of what is stored",
    "imports/management/commands/check_integrity.py": "of what is stored",
    "tracking/pixel/inbox_consumer.py": "stores what was accepted before",
}


def test_whoever_chooses_a_workspace_chooses_among_open_ones() -> None:
    """`Tenant.objects` is for the workspace of the context, or for one of which the caller has been let in."""
    found = []
    for app_name in ("api", "audiences", "cdp", "connectors", "contacts", "destinations", "imports", "insights", "segments",
                     "sources", "tenants", "tracking"):  # fmt: skip
        for path in (ROOT / app_name).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if "migrations" in path.parts or any(name.startswith(known) for known in ANY):
                continue
            text = path.read_text()
            for node in ast.walk(ast.parse(text)) if "Tenant.objects" in text else ():
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                    text = ast.unparse(node)
                    if text.startswith("Tenant.objects.") and text.split(".")[2] not in ("get", "values_list"):
                        found.append(f"{name}: {text}")
    assert found == []
    chosen = re.compile(r'Tenant\.objects\.values_list\("pk", flat=True\)')
    assert [p for p in ROOT.glob("*/**/*.py") if "tests" not in p.parts and chosen.search(p.read_text())] == []


def test_members_are_told_once_and_owners_how_to_come_back(alice: Actor, bob: Actor) -> None:
    gone = person("Gone")
    with tenant_context(alice.workspace.pk):
        Membership.objects.create(user=gone, role="viewer")
    gone.is_active = False
    gone.save()
    mail.outbox.clear()
    close(alice)
    outbox.send_waiting(alice.workspace.pk)
    told = {m.to[0]: str(m.body) for m in mail.outbox}
    assert set(told) == {alice.user.email, bob.user.email}
    assert "/closed/" in told[alice.user.email]
    assert "http" not in told[bob.user.email]
    assert len(mail.outbox) == 2


def test_two_who_close_at_once_close_it_once(alice: Actor) -> None:
    def act() -> bool:
        with tenant_context(alice.workspace.pk):
            return lifecycle.close(alice.workspace, name=alice.workspace.name, user=alice.user)

    assert sorted(together([act, act])) == [False, True]
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="workspace.closed").count() == 1


def test_the_day_of_the_erasure_is_thirty_days_ahead_and_shown(alice: Actor) -> None:
    with time_machine.travel("2026-11-01 12:00:00Z", tick=False):
        close(alice)
        tenant = Tenant.objects.get(pk=alice.workspace.pk)
        assert f"{tenant.erase_at:%Y-%m-%d}" == "2026-12-01"
        assert "1 Dec" in alice.get("closed/").content.decode()
    home = alice.client.get("/").content.decode()
    assert "Closed" in home
    assert alice.url() in home
