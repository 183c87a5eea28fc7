"""The web server's way in: the application of cdp.wsgi behind a front that waits for slow clients."""

import resource

from django.conf import settings

from api.mcp.http import PATH as MCP_PATH
from api.mcp.http import McpApplication
from cdp.front import Front, Message, Receive, Send
from cdp.wsgi import application as _wsgi
from core.postgres import liveness
from tracking.pixel.collector import PREFIX, AsyncCollector

# A connection is an open file, and systems allow few of them before they are asked for more.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = 65_536 if _hard == resource.RLIM_INFINITY else min(_hard, 65_536)
if _soft != resource.RLIM_INFINITY and _soft < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _hard))

# Nobody waits for a database that has stopped to answer.
liveness.watch()
_collect = AsyncCollector if settings.COLLECTOR == "loop" else None
front, _mcp = Front(_wsgi, hits=PREFIX, collect=_collect), McpApplication()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Assistants have an application of their own; everything else goes through the front."""
    await (_mcp if scope.get("path") == MCP_PATH else front)(scope, receive, send)
