"""A service of four workers, with which nothing is done but to start it: real uvicorn, real requests."""

import asyncio
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from waiting import until

from wooxy_async.sandbox import Sandbox

SUPPORT = Path(__file__).parents[1] / "support"
WORKERS, REQUESTS = 4, 400
READY = "SERVICE_READY"


@asynccontextmanager
async def running(sandbox: Sandbox, place: Path) -> AsyncIterator[aiohttp.BaseConnector]:
    """Run the service until the end of the block; gives what connects to it."""
    ready = place / "ready"
    ready.mkdir()
    known = {"WOOXY_ACCESS_TOKEN": sandbox.token, "WOOXY_BASE_URL": sandbox.url, READY: str(ready)}
    command = ["uvicorn", "service:app", "--workers", str(WORKERS), "--uds", str(place / "socket"), "--lifespan", "on"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, "--log-level", "warning", cwd=SUPPORT, env={**os.environ, **known}
    )
    try:
        await until(lambda: len(list(ready.iterdir())) == WORKERS)
        async with aiohttp.UnixConnector(str(place / "socket"), limit=0) as connector:
            yield connector
        process.send_signal(signal.SIGTERM)
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ask(session: aiohttp.ClientSession, at: int) -> tuple[int, str]:
    """Have the service send one message; returns the status, and which worker it was."""
    async with session.post(f"http://service/{at}") as answer:
        return answer.status, await answer.text()


def test_four_workers_of_a_service_share_ten_slots() -> None:
    """400 requests at once, answers after 0.2 s, nothing configured: 400 are answered 200, and the server saw ten."""

    async def serve() -> None:
        with tempfile.TemporaryDirectory() as place:  # a short path: a socket's has 108 bytes
            async with (
                Sandbox(latency=0.2) as sandbox,
                running(sandbox, Path(place)) as connector,
                aiohttp.ClientSession(connector=connector) as session,
            ):
                answers = await asyncio.gather(*(ask(session, at) for at in range(REQUESTS)))
        assert Counter(status for status, _worker in answers) == {200: REQUESTS}
        assert len({worker for _status, worker in answers}) > 1
        assert (sandbox.peak_in_progress, sandbox.violations) == (10, 0)
        assert (sandbox.taken, sandbox.duplicates) == (REQUESTS, 0)

    asyncio.run(asyncio.wait_for(serve(), 120))
