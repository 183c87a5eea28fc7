"""An assistant, by the client of the official SDK: it looks, plans, is confirmed, runs and undoes; and nothing else."""

import asyncio
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from django.db import connections
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from api.mcp import http, masking, plans, server
from api.mcp.calls import Caller, in_thread
from contacts.models import Contact
from imports.models import Import
from imports.pipeline import worker
from imports.results import outcome
from tenants.closing import lifecycle
from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, program
from tests.cast import Actor
from tests.segments.scene import contacts, members, static

ROOT = Path(__file__).resolve().parents[3]
FILE = "email,first_name,city\nann@example.com,Ann,Riga\nben@example.com,Ben,Oslo\nnobody,Cat,Bergen\n"


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


@contextmanager
def working(program_: Program) -> Iterator[None]:
    """A worker that looks after the imports of a workspace."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            with tenant_context(program_.workspace.pk):
                waiting = [imp.pk for imp in Import.objects.all() if not outcome.rests(imp)]
            for pk in waiting:
                worker.work(program_.workspace.pk, pk)
        connections.close_all()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class ToolFailed(Exception):
    pass


async def call(client: Client, name: str, **arguments: Any) -> Any:
    """What a tool gives; raises ToolFailed with its words."""
    result = await client.call_tool(name, arguments)
    text = "".join(getattr(part, "text", "") for part in result.content)
    if result.is_error:
        raise ToolFailed(text)
    return json.loads(text)


def talk(program_: Program, about: Callable[[Client], Awaitable[None]]) -> None:
    """A conversation with the server in this process."""

    async def go() -> None:
        try:
            async with Client(server.build(lambda _context: program_.text)) as client:
                await about(client)
        except BaseExceptionGroup as problems:
            raise problems.exceptions[0] from None

    asyncio.run(go())


def test_there_are_at_most_twelve_tools_and_those_that_write_say_so(sync: Program) -> None:
    async def about(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert len(tools) <= 12
        assert {name for name, tool in tools.items() if tool.annotations and not tool.annotations.read_only_hint} == {
            "plan", "confirm", "run", "undo",
        }  # fmt: skip
        assert all(tool.description and "context" not in tool.input_schema["properties"] for tool in tools.values())

    talk(sync, about)


def test_an_import_is_planned_confirmed_run_and_undone(alice: Actor, sync: Program) -> None:
    async def about(client: Client) -> None:
        made = await call(
            client, "plan", action="import_file",
            arguments={"content": FILE, "file_name": "people.csv", "settings": {"description": "By an assistant"}},
        )  # fmt: skip
        assert made["title"] == "Import 3 rows of people.csv"
        assert {"Contacts created: 2", "Rows in error: 1"} <= set(made["effects"])
        assert made["confirm_with"] == "import 3 rows"
        assert await in_thread(lambda: count(alice)) == 0
        for wrong in ("", "x", made["plan"]):
            with pytest.raises(ToolFailed, match=r"not confirmed\. Nothing was written"):
                await call(client, "run", plan=made["plan"], confirmation=wrong)
        with pytest.raises(ToolFailed, match=r"Not confirmed\. Show the plan to the person"):
            await call(client, "confirm", plan=made["plan"], words="yes")
        assert await in_thread(lambda: count(alice)) == 0
        confirmed = await call(client, "confirm", plan=made["plan"], words="Import  3 rows")
        done = await call(client, "run", plan=made["plan"], confirmation=confirmed["confirmation"])
        assert (done["status"], done["created"], done["in_error"]) == ("imported", 2, 1)
        again = await call(client, "run", plan=made["plan"], confirmation=confirmed["confirmation"])
        assert again == done, "twice is once"
        assert await in_thread(lambda: count(alice)) == 2
        undone = await call(client, "undo", plan=made["plan"])
        assert undone["status"] == "undone"
        assert await in_thread(lambda: count(alice)) == 0

    with working(sync):
        talk(sync, about)


def count(actor: Actor) -> int:
    with tenant_context(actor.workspace.pk):
        return int(Contact.objects.living().count())


async def through(client: Client, action: str, **arguments: Any) -> tuple[str, Any]:
    """Plan, confirm and run; the number of the plan, and what came of it."""
    made = await call(client, "plan", action=action, arguments=arguments)
    confirmed = await call(client, "confirm", plan=made["plan"], words=made["confirm_with"])
    return made["plan"], await call(client, "run", plan=made["plan"], confirmation=confirmed["confirmation"])


def test_contacts_are_changed_deleted_and_merged_and_all_is_undone(alice: Actor, sync: Program) -> None:
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben", "Cleo")

    def state() -> list[Any]:
        with tenant_context(alice.workspace.pk):
            rows = Contact.objects.order_by("pk")
            return list(rows.values_list("pk", "first_name", "attributes", "deleted_at", "merged_into"))

    before = state()

    async def about(client: Client) -> None:
        number, done = await through(
            client, "change_contact", contact_id=ids[0], values={"city": "Oslo", "first_name": "Anne"}
        )
        assert done["contact"]["fields"]["city"] == "Oslo"
        await call(client, "undo", plan=number)
        assert await in_thread(state) == before
        number, _done = await through(client, "delete_contact", contact_id=ids[0])
        assert await in_thread(lambda: count(alice)) == 2
        await call(client, "undo", plan=number)
        assert await in_thread(state) == before
        number, _done = await through(client, "merge_contacts", contact_ids=ids[:2], survivor_id=ids[1])
        assert await in_thread(lambda: count(alice)) == 2
        await call(client, "undo", plan=number)
        assert await in_thread(lambda: count(alice)) == 3

    talk(sync, about)


def test_members_are_added_and_leave_again(alice: Actor, sync: Program) -> None:
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben")
        vip = static("VIP", [])

    async def about(client: Client) -> None:
        number, done = await through(client, "change_members", segment_id=vip.pk, change="add", contact_ids=ids)
        assert done["added"] == 2
        assert await in_thread(lambda: members(alice, vip)) == sorted(ids)
        await call(client, "undo", plan=number)
        assert await in_thread(lambda: members(alice, vip)) == []

    talk(sync, about)


def test_what_has_changed_since_is_neither_run_nor_undone(alice: Actor, sync: Program) -> None:
    with tenant_context(alice.workspace.pk):
        (ann,) = contacts("Ann")

    def somebody_writes(city: str) -> None:
        assert sync.call("PATCH", f"contacts/{ann}", data=json.dumps({"contact": {"city": city}}),
                         content_type="application/json").status_code == 200  # fmt: skip

    async def about(client: Client) -> None:
        made = await call(
            client, "plan", action="change_contact", arguments={"contact_id": ann, "values": {"city": "Oslo"}}
        )
        confirmed = await call(client, "confirm", plan=made["plan"], words=made["confirm_with"])
        await in_thread(lambda: somebody_writes("Paris"))
        with pytest.raises(ToolFailed, match=r"has changed since\. Nothing was written"):
            await call(client, "run", plan=made["plan"], confirmation=confirmed["confirmation"])
        number, _done = await through(client, "change_contact", contact_id=ann, values={"city": "Oslo"})
        await in_thread(lambda: somebody_writes("Rome"))
        with pytest.raises(ToolFailed, match="Nothing was undone"):
            await call(client, "undo", plan=number)

    talk(sync, about)


@pytest.mark.parametrize(
    ("action", "arguments", "why"),
    [
        ("import_file", {}, "not complete: content"), ("delete_contact", {"contact_id": "x"}, "not complete: contact_id"),
        ("delete_contact", {"contact_id": 10**15}, "nothing at this address"),
        ("merge_contacts", {"contact_ids": []}, "at least two"),
        ("change_members", {"segment_id": 10**15, "change": "add", "contact_ids": [1]}, "nothing at this address"),
        ("change_contact", {"contact_id": 10**15, "values": {"city": "x"}}, "nothing at this address"),
        ("import_file", {"content": ""}, "empty"), ("change_contact", [], "valid dictionary"),
        ("fly", {}, "Input should be"),
    ],
)  # fmt: skip
def test_plans_that_cannot_be(sync: Program, action: str, arguments: Any, why: str) -> None:
    async def about(client: Client) -> None:
        with pytest.raises(ToolFailed, match=why):
            await call(client, "plan", action=action, arguments=arguments)

    talk(sync, about)


def test_plans_are_of_their_token_alone(alice: Actor, charlie: Actor, sync: Program) -> None:
    with tenant_context(alice.workspace.pk):
        (ann,) = contacts("Ann")
    number, prepared = plans.make(Caller(sync.text), "delete_contact", {"contact_id": ann})
    for other in (program(charlie), program(alice, name="Another")):

        async def about(client: Client) -> None:
            with pytest.raises(ToolFailed, match="no such plan"):
                await call(client, "confirm", plan=number, words=prepared.words)
            with pytest.raises(ToolFailed, match="nothing to undo"):
                await call(client, "undo", plan=number)

        talk(other, about)

    async def foreign(client: Client) -> None:
        with pytest.raises(ToolFailed, match="nothing at this address"):
            await call(client, "read_contact", contact_id=ann)

    talk(program(charlie), foreign)


def test_a_token_has_its_scopes_here_too(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        (ann,) = contacts("Ann")

    async def about(client: Client) -> None:
        assert (await call(client, "workspace"))["scopes"] == ["workspace.view", "contacts.view"]
        number, prepared = await in_thread(
            lambda: plans.make(Caller(looker.text), "delete_contact", {"contact_id": ann})
        )
        confirmed = await call(client, "confirm", plan=number, words=prepared.words)
        with pytest.raises(ToolFailed, match=r"does not have the scope contacts\.edit"):
            await call(client, "run", plan=number, confirmation=confirmed["confirmation"])
        with pytest.raises(ToolFailed, match=r"does not have the scope segments\.view"):
            await call(client, "list_segments")

    looker = program(alice, "workspace.view", "contacts.view")
    talk(looker, about)


def test_values_of_people_are_masked(alice: Actor) -> None:
    secret = ("Marlene", "Dietz", "marlene.dietz@example.com", "+442079460011", "Kurfürstendamm 7", "Riesling")
    with tenant_context(alice.workspace.pk):
        person = Contact.objects.create(
            first_name=secret[0], last_name=secret[1], email=secret[2], phone=secret[3],
            attributes={"street": secret[4], "favourite": secret[5], "city": "Berlin", "visits": 7},
        )  # fmt: skip
    seen: list[str] = []

    async def about(client: Client) -> None:
        for name, arguments in (("find_contacts", {"text": secret[2]}), ("read_contact", {"contact_id": person.pk})):
            seen.append(json.dumps(await call(client, name, **arguments), ensure_ascii=False))
        made = await call(
            client,
            "plan",
            action="change_contact",
            arguments={"contact_id": person.pk, "values": {"street": "Allee 1"}},
        )
        confirmed = await call(client, "confirm", plan=made["plan"], words=made["confirm_with"])
        done = await call(client, "run", plan=made["plan"], confirmation=confirmed["confirmation"])
        seen.extend(json.dumps(one, ensure_ascii=False) for one in (made, done))

    scopes = ("workspace.view", "contacts.view", "contacts.edit")
    talk(program(alice, *scopes), about)
    assert not [value for value in secret if any(value in text for text in seen)]
    assert '"city": "Berlin"' in seen[1]
    assert f"m{masking.HIDDEN}@example.com" in seen[0]
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(pk=person.pk).update(attributes={**person.attributes, "street": secret[4]})
    seen.clear()
    talk(program(alice, *scopes, masking.SCOPE), about)
    assert all(value in seen[1] for value in secret)


def test_looks(alice: Actor, sync: Program) -> None:
    with tenant_context(alice.workspace.pk):
        contacts("Ann", "Ben")
        vip = static("VIP", [])

    async def about(client: Client) -> None:
        assert [row["id"] for row in (await call(client, "list_segments"))["results"]] == [vip.pk]
        assert (await call(client, "read_segment", segment_id=vip.pk))["kind"] == "static"
        rule = {"v": 1, "all": [{"attribute": "city", "op": "empty"}]}
        assert (await call(client, "count_rule", rule=rule))["count"] == 2
        with pytest.raises(ToolFailed):
            await call(client, "count_rule", rule={"v": 1, "all": [{"nope": 1}]})
        assert (await call(client, "list_imports"))["results"] == []
        with pytest.raises(ToolFailed, match="nothing at this address"):
            await call(client, "read_import", import_id=1)
        assert len((await call(client, "find_contacts", text="", limit=1))["results"]) == 1

    talk(sync, about)


def test_over_stdio(sync: Program) -> None:
    async def go() -> None:
        server_ = StdioServerParameters(
            command=sys.executable, args=["-W", "ignore", "manage.py", "mcp"], cwd=str(ROOT),
            env={**os.environ, "CDP_API_TOKEN": sync.text},
        )  # fmt: skip
        async with Client(stdio_client(server_)) as client:
            assert (await call(client, "workspace"))["slug"] == sync.workspace.slug

    asyncio.run(go())


@pytest.fixture
def address() -> Iterator[str]:
    """The application over HTTP, on a port of this machine."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        config = uvicorn.Config(http.McpApplication(), log_level="error", lifespan="off")
        served = uvicorn.Server(config)
        thread = threading.Thread(target=served.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not served.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}{http.PATH}"
        served.should_exit = True
        thread.join()


def test_over_http(address: str, sync: Program, charlie: Actor) -> None:
    async def workspace_of(program_: Program) -> str:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {program_.text}"}) as web,
            Client(streamable_http_client(address, http_client=web)) as client,
        ):
            return str((await call(client, "workspace"))["slug"])

    other = program(charlie)
    for one in (sync, other, sync):
        assert asyncio.run(workspace_of(one)) == one.workspace.slug


@pytest.mark.parametrize(("header", "status"), [("", 401), ("Bearer cdp_1_wrong", 401), ("Basic eDp5", 401)])
def test_nobody_comes_in_over_http_without_a_token(address: str, header: str, status: int) -> None:
    answer = httpx2.post(
        address, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers={"Authorization": header}
    )
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.json()["code"] == ("token_invalid" if "cdp_" in header else "token_missing")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_closed_workspace_says_so_to_its_tokens_alone(address: str, sync: Program, alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        lifecycle.close(alice.workspace, name=alice.workspace.name, user=alice.user)
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    told = httpx2.post(address, json=asked, headers={"Authorization": f"Bearer {sync.text}"})
    assert (told.status_code, told.json()["code"]) == (403, "workspace_closed")
    assert "An owner can reopen it" in told.json()["detail"]
    number = sync.text.split("_")[1]
    other = httpx2.post(address, json=asked, headers={"Authorization": f"Bearer cdp_{number}_{'a' * 43}"})
    assert (other.status_code, other.json()["code"]) == (401, "token_invalid")

    async def about(client: Client) -> None:
        with pytest.raises(ToolFailed, match="An owner can reopen it"):
            await call(client, "workspace")

    talk(sync, about)


def test_the_name_of_the_host_does_not_matter(sync: Program, settings: Any) -> None:
    """Calls from inside have no host that a proxy would let through."""
    settings.ALLOWED_HOSTS = ["cdp.example.com"]
    assert Caller(sync.text).get("workspace")["slug"] == sync.workspace.slug


def test_who_waits_for_a_start_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next request starts it again."""
    application = http.McpApplication()

    def fail(_token_of: Any) -> Any:
        raise RuntimeError("no room")

    async def go() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(server, "build", fail)
            with pytest.raises(RuntimeError, match="no room"):
                await asyncio.wait_for(application._running(), 10)
        assert await asyncio.wait_for(application._running(), 10) is not None

    asyncio.run(go())
