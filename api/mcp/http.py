"""The server over HTTP, at /mcp: an ASGI application beside the web application, without sessions.

Each request says who it is by its token, and is answered as JSON; nothing is kept between two of them but plans. Whether the
token is good is asked before anything is read.
"""

import asyncio
import json
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings

from api.mcp import server
from api.mcp.calls import Caller, Refused, in_thread
from core import problem_json

PATH = "/mcp"
# A file that an assistant writes is small: what is larger is uploaded by other ways.
MOST_BYTES = 4 * 1024 * 1024


def _token_of_request(context: Context[Any, Any]) -> str:
    request: Any = context.request_context.request
    return _token(request.headers.get("authorization", ""))


def _token(header: str) -> str:
    kind, _space, text = header.partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


class McpApplication:
    """Answers at PATH. The server's task group lives in a task of the event loop, from the first request on."""

    def __init__(self) -> None:
        self._started: asyncio.Future[Any] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        token = _token(headers.get("authorization", ""))
        try:
            await in_thread(lambda: Caller(token).get("workspace"))
        except Refused as problem:
            await _refuse(send, problem)
            return
        application = await self._running()
        await application(scope, receive, send)

    async def _running(self) -> Any:
        if self._started is None or self._ended():
            self._started = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._serve(self._started))
        return await asyncio.shield(self._started)

    def _ended(self) -> bool:
        """Whether the task has failed: the next request then begins another one."""
        return self._task is not None and self._task.done()

    async def _serve(self, started: "asyncio.Future[Any]") -> None:
        """Hold the task group open for as long as the process lives."""
        try:
            made = server.build(_token_of_request)
            application = made.streamable_http_app(
                streamable_http_path=PATH, json_response=True, stateless_http=True, max_request_body_size=MOST_BYTES,
                # A page of another site cannot know the token, which is all that counts here.
                transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            )  # fmt: skip
            async with made.session_manager.run():
                started.set_result(application)
                await asyncio.Event().wait()
        except Exception as problem:
            if started.done():
                raise
            started.set_exception(problem)  # whoever waits for it is told


async def _refuse(send: Any, problem: Refused) -> None:
    """The problem as the API has told it: `code` says to a program what the sentence says to people."""
    body = json.dumps(problem.document, ensure_ascii=False).encode()
    headers = [(b"content-type", problem_json.CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    if problem.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="mcp"'))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
