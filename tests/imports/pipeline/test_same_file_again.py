"""A double click, a reload and the back button make one import; the same file another day is told before it runs."""

import threading

from django.db import connections
from django.test import Client

from imports.models import Import
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring

FILE = "email\na@example.com\n"


def made(alice: Actor) -> int:
    with tenant_context(alice.workspace.pk):
        return int(Import.objects.count())


def test_the_same_form_twice_is_one_import(alice: Actor) -> None:
    once = {"text": FILE, "once": "a" * 32}
    first, second = alice.post("imports/upload/", once), alice.post("imports/upload/", once)
    assert first.headers["Location"] == second.headers["Location"]
    assert made(alice) == 1


def test_another_file_in_the_same_form_is_another_import(alice: Actor) -> None:
    alice.post("imports/upload/", {"text": FILE, "once": "a" * 32})
    alice.post("imports/upload/", {"text": FILE + "b@example.com\n", "once": "a" * 32})
    alice.post("imports/upload/", {"text": FILE, "once": "b" * 32})
    assert made(alice) == 3


def test_two_clicks_at_once_are_one_import(alice: Actor) -> None:
    found: list[str] = []
    start = threading.Barrier(4)

    def click() -> None:
        client = Client()
        client.force_login(alice.user)
        start.wait()
        response = client.post(alice.url("imports/upload/"), {"text": FILE, "once": "c" * 32})
        found.append(response.headers["Location"])
        connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert made(alice) == 1


def test_the_page_carries_a_mark_of_its_own(alice: Actor) -> None:
    pages = {alice.get("imports/new/").content.decode().split('name="once" value="')[1][:32] for _ in range(2)}
    assert len(pages) == 2


def test_the_same_file_is_told_before_it_runs(alice: Actor) -> None:
    bring(alice.workspace, FILE, user=alice.user)
    response = alice.post("imports/upload/", {"text": FILE, "once": "d" * 32}, follow=True)
    assert "This file was imported before" in response.content.decode()
    response = alice.post("imports/upload/", {"text": FILE + "b@example.com\n", "once": "d" * 32}, follow=True)
    assert "This file was imported before" not in response.content.decode()
