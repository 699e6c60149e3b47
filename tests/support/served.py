"""A program of the guide under a real server, as people start it: its text is the test."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

import wooxy_async
from wooxy_async.sandbox import Sandbox

_GUIDE: Final = Path(wooxy_async.__file__).parent / "guide"
_BLOCK: Final = re.compile(r"^```python\n(.*?)^```\n(?:<!-- first\n(.*?)^-->\n)?", re.DOTALL | re.MULTILINE)
_PATIENCE: Final = 120.0  # real seconds after which a server that hangs has failed its test


def program(page: str, holding: str) -> str:
    """Return the block of a page that holds a text, behind what runs before it.

    Args:
        page: its name without `.md`.
        holding: stands in that block alone.
    """
    blocks = _BLOCK.findall((_GUIDE / f"{page}.md").read_text(encoding="utf-8"))
    ((block, first),) = [found for found in blocks if holding in found[0]]
    return f"{first}{block}"


class Served:
    """A server that runs.

    Args:
        process: the one that was started; its workers are its children.
        log: the file of what it wrote.
        port: where it listens.
        text: the program.
    """

    def __init__(self, process: asyncio.subprocess.Process, log: Path, port: int, text: str) -> None:
        self.process = process
        self._log = log
        self.url = f"http://127.0.0.1:{port}"
        self.program = text

    @property
    def log(self) -> str:
        """What it has written until now."""
        return self._log.read_text(encoding="utf-8")

    def noted(self, kind: str) -> list[str]:
        """Return the references that the program noted with an outcome."""
        return re.findall(rf"([^\s:]+) {kind}$", self.log, re.MULTILINE)

    async def stop(self) -> None:
        """Ask it to stop, as systemd and Kubernetes do, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE):
            await self.process.wait()


@asynccontextmanager
async def serving(folder: Path, sandbox: Sandbox, text: str, *words: str, **environment: str) -> AsyncIterator[Served]:
    """Run a server.

    Args:
        folder: for its files.
        sandbox: where the program sends to.
        text: the program, as module `service`.
        words: the command, after `python -m`; `FD` in it is the descriptor of the socket that listens.
        environment: more of it.
    """
    (folder / "service.py").write_text(text, encoding="utf-8")
    own = {
        "WOOXY_ACCESS_TOKEN": sandbox.token,
        "WOOXY_BASE_URL": sandbox.url,
        "WOOXY_RUNTIME_DIR": str(folder / "run"),
        "PYTHONPATH": str(folder),
    }
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening, (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *(word.replace("FD", str(listening.fileno())) for word in words),
            cwd=folder,
            env=os.environ | own | environment,
            stdout=log,
            stderr=log,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
        port = listening.getsockname()[1]
    try:
        yield Served(process, folder / "log", port, text)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


class People:
    """Who use the service: each request has a connection of its own.

    Args:
        http: makes them.
    """

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self.answered: dict[str, int] = {}  # by reference: the status
        self.later: dict[str, str] = {}  # by reference: after how many seconds to ask again

    async def ask(self, reference: str, method: str, url: str, **options: Any) -> None:
        """Send a request, and note its answer; none comes where the server has gone."""
        try:
            async with self._http.request(method, url, **options) as answer:
                await answer.read()
                self.answered[reference] = answer.status
                if seconds := answer.headers.get("Retry-After"):
                    self.later[reference] = seconds
        except aiohttp.ClientError:
            return


@asynccontextmanager
async def people() -> AsyncIterator[People]:
    """Let as many requests be under way as are made."""
    limits = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=limits, timeout=aiohttp.ClientTimeout(_PATIENCE)) as http:
        yield People(http)
