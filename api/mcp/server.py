"""The server: twelve tools at most, the same over stdio (manage.py mcp) and over HTTP (api.mcp.http)."""

import json
from collections.abc import Callable
from typing import Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from api.mcp import masking, plans
from api.mcp.calls import Caller, Refused, in_thread
from api.mcp.plans import BadPlan

INSTRUCTIONS = """\
Contacts, segments and imports of one workspace of a customer data platform. To write anything: call `plan`, show the person
its title and effects, ask for the words in `confirm_with`, pass on to `confirm` exactly what the person has typed, then call
`run` with the confirmation. Never invent the words. `undo` reverses what a plan has done. Values of people are masked
unless the token has the scope contacts.export."""
LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
# The most rows that one answer has: a model reads all of it.
MOST = 50
# Whose token it is that a tool works with.
TokenOf = Callable[[Context[Any, Any]], str]


class Tools:
    """The tools, each an asynchronous method: its docstring and parameters are what an assistant sees of it."""

    def __init__(self, token_of: TokenOf) -> None:
        self._token_of = token_of

    async def _ask(self, context: Context[Any, Any], work: Callable[[Caller], Any]) -> str:
        """The JSON that some work gives, done in a thread; what the API or a plan refuses is an error of the tool."""
        caller = Caller(self._token_of(context))
        try:
            found = await in_thread(lambda: work(caller))
        except (Refused, BadPlan) as problem:
            raise ToolError(str(problem)) from problem
        return json.dumps(found, ensure_ascii=False)

    async def workspace(self, context: Context[Any, Any]) -> str:
        """Which workspace this is, and what the token may do (its scopes)."""
        return await self._ask(context, lambda caller: caller.get("workspace"))

    async def find_contacts(
        self,
        context: Context[Any, Any],
        text: str = "",
        rule: dict[str, Any] | None = None,
        cursor: str = "",
        limit: int = 10,
    ) -> str:
        """Contacts by a search text (name, address, number, external ID), by a rule, or both; the newest first. `next` is
        the cursor of the next page."""

        def work(caller: Caller) -> Any:
            asked = {"q": text, "rule": rule, "cursor": cursor, "limit": max(1, min(limit, MOST))}
            page = caller.post("contacts/search", asked)
            return page if caller.sees_values else {**page, "results": list(map(masking.contact, page["results"]))}

        return await self._ask(context, work)

    async def read_contact(self, context: Context[Any, Any], contact_id: int) -> str:
        """One contact: fields, statuses, segments, former identifiers, merges."""

        def work(caller: Caller) -> Any:
            found = caller.get(f"contacts/{contact_id}")
            return found if caller.sees_values else masking.contact(found)

        return await self._ask(context, work)

    async def list_segments(self, context: Context[Any, Any], cursor: str = "") -> str:
        """Segments with their sizes, the newest first."""
        return await self._ask(context, lambda caller: caller.get("segments", cursor=cursor, limit=MOST))

    async def read_segment(self, context: Context[Any, Any], segment_id: int) -> str:
        """One segment with its rule, as JSON and in words: an example of how rules are written."""
        return await self._ask(context, lambda caller: caller.get(f"segments/{segment_id}"))

    async def count_rule(self, context: Context[Any, Any], rule: dict[str, Any]) -> str:
        """How many contacts a rule means, and the rule in words. Example of a rule:
        {"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Riga"]}]}. Nothing is stored."""
        return await self._ask(context, lambda caller: caller.post("segments/count", {"rule": rule}))

    async def list_imports(self, context: Context[Any, Any], cursor: str = "") -> str:
        """Imports with their counts, the newest first."""
        return await self._ask(context, lambda caller: caller.get("imports", cursor=cursor, limit=MOST))

    async def read_import(self, context: Context[Any, Any], import_id: int, wait: int = 0) -> str:
        """One import with its review: counts, changes, problems of rows with examples. `wait`: seconds (at most 30) until it
        has ended or needs an answer."""

        def work(caller: Caller) -> Any:
            found = caller.get(f"imports/{import_id}", wait=max(0, min(wait, plans.WAIT_SECONDS)))
            try:
                found["review"] = caller.get(f"imports/{import_id}/review")
            except Refused as problem:
                if problem.status != 409:  # the file is still being checked
                    raise
            return found if caller.sees_values else {**found, "review": masking.texts(found.get("review"))}

        return await self._ask(context, work)

    async def plan(
        self,
        context: Context[Any, Any],
        action: Literal["import_file", "change_contact", "delete_contact", "merge_contacts", "change_members"],
        arguments: dict[str, Any],
    ) -> str:
        """Plan a write; no contact is changed. Arguments by action: import_file: content (text of a CSV file), file_name,
        settings; change_contact: contact_id, values; delete_contact: contact_id; merge_contacts: contact_ids, survivor_id;
        change_members: segment_id, change (add or remove), contact_ids. The answer says what would happen, and the words by
        which a person confirms it."""

        def work(caller: Caller) -> Any:
            number, prepared = plans.make(caller, action, arguments)
            details = prepared.details if caller.sees_values else masking.texts(prepared.details)
            return {
                "plan": number, "title": prepared.title, "effects": prepared.effects, "confirm_with": prepared.words,
                "expires_in_seconds": plans.PLAN_SECONDS, **details,
            }  # fmt: skip

        return await self._ask(context, work)

    async def confirm(self, context: Context[Any, Any], plan: str, words: str) -> str:
        """Exchange the words that the person has typed for the confirmation of a plan. Nothing is written yet."""
        return await self._ask(
            context, lambda caller: {"plan": plan, "confirmation": plans.confirm(caller, plan, words)}
        )

    async def run(self, context: Context[Any, Any], plan: str, confirmation: str) -> str:
        """Do what was planned and confirmed. Calling it again does nothing more and gives the same answer."""

        def work(caller: Caller) -> Any:
            return _shown(caller, plans.run(caller, plan, confirmation))

        return await self._ask(context, work)

    async def undo(self, context: Context[Any, Any], plan: str) -> str:
        """Take back what a plan has done, within a day. Refused where somebody has changed the same thing since."""
        return await self._ask(context, lambda caller: _shown(caller, plans.undo(caller, plan)))


def build(token_of: TokenOf) -> MCPServer[Any]:
    """A server whose tools use the token of each request."""
    server: MCPServer[Any] = MCPServer("cdp", title="Customer data platform", instructions=INSTRUCTIONS)
    tools = Tools(token_of)
    looks: list[Callable[..., Any]] = [
        tools.workspace, tools.find_contacts, tools.read_contact, tools.list_segments, tools.read_segment, tools.count_rule,
        tools.list_imports, tools.read_import,
    ]  # fmt: skip
    writes: list[Callable[..., Any]] = [tools.plan, tools.confirm, tools.run, tools.undo]
    for tool in (*looks, *writes):
        server.add_tool(tool, annotations=WRITES if tool in writes else LOOKS, structured_output=False)
    return server


def _shown(caller: Caller, answer: Any) -> Any:
    """An answer of the API with its contact masked."""
    if caller.sees_values or not isinstance(answer, dict) or not isinstance(answer.get("contact"), dict):
        return answer
    return {**answer, "contact": masking.contact(answer["contact"])}
