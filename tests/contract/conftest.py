"""Contract tests run on asyncio in debug mode and on uvloop; the server counts."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from wooxy_async import WooxyClient
from wooxy_async.sandbox import Sandbox

_numbers = itertools.count()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run each asynchronous test on both loops; or, where `WOOXY_TEST_EAGER` is set, on one with eager tasks."""
    if os.environ.get("WOOXY_TEST_EAGER"):
        return {"eager": _eager_loop}
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def _eager_loop() -> asyncio.AbstractEventLoop:
    """Return a loop whose tasks run their first step at once; needs Python 3.12."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore]
    return loop


@pytest.fixture
def token() -> str:
    """A token of one's own: the limiter of this process knows accounts by it."""
    return f"token-of-test-{next(_numbers):08d}"


@pytest.fixture
async def sandbox(token: str) -> AsyncIterator[Sandbox]:
    """A Wooxy that answers at once."""
    async with Sandbox(token=token) as server:
        yield server


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[WooxyClient]:
    """A client of that Wooxy, with a short hold after a lost connection."""
    async with WooxyClient(sandbox.token, base_url=sandbox.url, loss_hold=0.05) as opened:
        yield opened
