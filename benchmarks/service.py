"""A web service that sends a message for each request, run by uvicorn in one or several workers."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

from benchmarks.lock_files import LockFiles
from benchmarks.work import message_maker
from wooxy_async import NotSentError, WooxyClient

READY: Final = "BENCHMARK_READY"  # names a directory, in which each worker leaves a file when it is ready
FILES: Final = "BENCHMARK_FILES"  # names that of lock files, where they are to be used

_client = WooxyClient(limiter=LockFiles(Path(files))) if (files := os.environ.get(FILES)) else WooxyClient()  # type: ignore[arg-type]
_message = message_maker()


async def app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Answer 200 for a message that was accepted, 503 for one that was not sent."""
    if scope["type"] == "lifespan":
        await receive()
        (Path(os.environ[READY]) / str(os.getpid())).touch()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await _client.aclose()
        await send({"type": "lifespan.shutdown.complete"})
        return
    try:
        await _client.send(_message(int(scope["path"].rpartition("/")[2])))
        status = 200
    except NotSentError:
        status = 503
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})
