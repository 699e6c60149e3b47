"""Several processes that share an account on one machine, and the server that counts."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from wooxy_async.limits import SLOTS
from wooxy_async.limits._host import account_name
from wooxy_async.sandbox import Sandbox

WORKER = Path(__file__).parent / "host_worker.py"


class Worker:
    """A process of its own that shares the account.

    Args:
        process: the started one.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def reads(self) -> Any:
        """Return what it prints next."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        assert line, "the worker ended without a word"
        return json.loads(line)

    def go(self) -> None:
        """Send it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def end(self) -> None:
        """Kill it."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        self.process._transport.close()  # type: ignore[attr-defined]  # its pipes: a child of it may hold the other ends
        await asyncio.sleep(0)  # in the next turn they are closed


class Machine:
    """The processes of one test.

    Args:
        url: where the server is.
        token: of the account.
        directory: where they meet.
    """

    def __init__(self, url: str, token: str, directory: Path) -> None:
        self.url = url
        self.token = token
        self.directory = directory
        self.workers: list[Worker] = []
        self.options: dict[str, object] = {"limiter": f"host:{directory}"}  # of all processes

    @property
    def file(self) -> Path:
        """The account's file."""
        return self.directory / f"{account_name(self.token, self.url)}.slots"

    async def start(self, mode: str, *, env: dict[str, str] | None = None, **options: object) -> Worker:
        """Start a process, and return when it is ready."""
        given = {"url": self.url, "token": self.token, **self.options, **options}
        words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]
        process = await asyncio.create_subprocess_exec(
            sys.executable, WORKER, mode, *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=env
        )
        worker = Worker(process)
        self.workers.append(worker)
        assert await worker.reads() == "ready"
        return worker

    async def start_many(self, processes: int, mode: str, **options: Any) -> list[Worker]:
        """Start processes with messages of their own."""
        size = options.get("count", SLOTS)
        starts = (self.start(mode, **options, start=at * size) for at in range(processes))
        return list(await asyncio.gather(*starts))

    async def roll(self) -> None:
        """Replace three processes that send, one after the other, each by SIGTERM when its successor sends too."""
        for at, leaving in enumerate([await self._serve(at) for at in range(3)], 3):
            await self._serve(at)
            leaving.signal(signal.SIGTERM)
            told = await leaving.reads()
            assert told.pop("Accepted") > 1
            assert told.keys() <= {"NotSent"}
            await leaving.process.wait()

    async def _serve(self, at: int) -> Worker:
        worker = await self.start("serve", start=at * 1_500)
        worker.go()
        assert await worker.reads() == "serving"
        return worker


@asynccontextmanager
async def machine(tmp_path: Path, **options: Any) -> AsyncIterator[tuple[Sandbox, Machine]]:
    """Start a server, and end all processes at the end."""
    async with Sandbox(**options) as sandbox:
        shared = Machine(sandbox.url, sandbox.token, tmp_path)
        try:
            yield sandbox, shared
        finally:
            for worker in shared.workers:
                await worker.end()
