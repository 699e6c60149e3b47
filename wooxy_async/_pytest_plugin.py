"""What the fixtures of `pytest_wooxy` give: a sandbox in a thread of its own, and a client of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from wooxy_async import WooxyClient
from wooxy_async.sandbox import Fault, Sandbox
from wooxy_async.sandbox._server import Method
from wooxy_async.testing import SkippingClock

_numbers: Final = itertools.count(1)
_NO_TRIO: Final = (
    "wooxy_async runs on asyncio only, and this test runs under trio: let the fixture anyio_backend return 'asyncio', "
    "or mark the test with @pytest.mark.parametrize('anyio_backend', ['asyncio'])."
)
_NO_LOOP: Final = (
    "wooxy_client is for async tests, under pytest-asyncio or anyio's plugin. A test that starts an event loop of its "
    "own makes a client there: WooxyClient() finds the sandbox of the fixture wooxy_sandbox."
)


class _ThreadedSandbox(Sandbox):
    """A sandbox whose event loop runs in another thread, so that it answers whatever the test's own loop does.

    Args:
        portal: leads to that loop.
    """

    def __init__(self, portal: BlockingPortal) -> None:
        super().__init__()
        self._portal = portal
        # Limiter and pauses are the token's within a process: what one test leaves behind is not the next one's.
        self._own_token = f"wooxy-sandbox-token-{next(_numbers):08d}"

    @property
    def token(self) -> str:
        """A token that no other test has; any is accepted."""
        return self._own_token

    def script(
        self,
        *faults: Fault,
        number: str | None = None,
        always: bool = False,
        share: float | None = None,
        method: Method = "send",
    ) -> None:
        """Say what happens to the next messages; see `Sandbox.script`."""
        self._portal.call(partial(super().script, *faults, number=number, always=always, share=share, method=method))

    def reset(self) -> None:
        """Forget messages, counts and script; see `Sandbox.reset`."""
        self._portal.call(super().reset)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds of what the server saw; see `Sandbox.until`."""
        await asyncio.wrap_future(self._portal.start_task_soon(super().until, condition))


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """Run a sandbox in a thread of its own."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_ThreadedSandbox(portal)) as sandbox:
        yield sandbox


def environment(sandbox: Sandbox) -> dict[str, str]:
    """Return what lets a client without arguments send to a sandbox."""
    return {"WOOXY_BASE_URL": sandbox.url, "WOOXY_ACCESS_TOKEN": sandbox.token}


def client_of(sandbox: Sandbox, options: dict[str, Any]) -> WooxyClient:
    """Return a client of a sandbox.

    Args:
        sandbox: where it sends to.
        options: arguments in place of those that a test needs most of the time.
    """
    own: dict[str, Any] = {
        "access_token": sandbox.token,
        "base_url": sandbox.url,
        "limiter": "process",
        "loss_hold": 0,
        "clock": SkippingClock(),
        "drain": 0,
    }
    return WooxyClient(**own | options)


def fixture_for(request: pytest.FixtureRequest) -> str:
    """Return the fixture that opens a client in the event loop of a test; fail a test that has none of asyncio."""
    marker = request.node.get_closest_marker("asyncio")
    if marker is not None and request.config.pluginmanager.hasplugin("asyncio"):
        given = marker.kwargs.get("loop_scope") or request.config.getini("asyncio_default_test_loop_scope")
        return f"_wooxy_client_{given}"
    if "anyio_backend" in request.fixturenames:
        backend = request.getfixturevalue("anyio_backend")
        if (backend if isinstance(backend, str) else backend[0]) == "asyncio":
            return "_wooxy_client_anyio"
        pytest.fail(_NO_TRIO, pytrace=False)
    pytest.fail(_NO_TRIO if request.node.get_closest_marker("trio") else _NO_LOOP, pytrace=False)
