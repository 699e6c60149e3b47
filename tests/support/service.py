"""A web service that sends a message for each request, as uvicorn runs it in several workers; nothing is configured."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from people import message

from wooxy_async import NotSentError, WooxyClient

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

READY = "SERVICE_READY"  # names a directory, in which each worker leaves a file when it is ready
client = WooxyClient()


async def app(scope: Event, receive: Receive, send: Send) -> None:
    """Answer 200 for a message that was accepted, 503 for one that was not sent; the body is the worker's number."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    try:
        await client.send(message(int(scope["path"].rpartition("/")[2])))
        status = 200
    except NotSentError:
        status = 503
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})


async def _live(receive: Receive, send: Send) -> None:
    """Say that this worker is ready, and close the client at the end."""
    await receive()
    (Path(os.environ[READY]) / str(os.getpid())).touch()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await client.aclose()
    await send({"type": "lifespan.shutdown.complete"})
