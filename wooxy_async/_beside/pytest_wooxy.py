"""The pytest plugin of wooxy_async: fixtures for tests of programs that send, and a fuse.

It stands beside the package because importing a module of a package imports the package: here nothing but pytest is
imported until a fixture is asked for. While it is loaded nothing but loopback is reached: WOOXY_ONLY is set for the
whole run, and clients that are made meanwhile heed it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from wooxy_async import WooxyClient
    from wooxy_async.sandbox import Sandbox

_VARIABLE: Final = "WOOXY_ONLY"
_MARKER: Final = (
    "wooxy_real: a WooxyClient that is made in this test may reach what lies outside this machine, "
    f"as far as the {_VARIABLE} of the environment lets it"
)
_SCOPES: Final = ("function", "class", "module", "package", "session")
_outside: Final = pytest.StashKey[str | None]()  # what the variable was before


def pytest_configure(config: pytest.Config) -> None:
    """Let nothing out of this machine, and tell of the marker that does."""
    config.addinivalue_line("markers", _MARKER)
    given: dict[str, Any] = getattr(config, "workerinput", {})  # of pytest-xdist: here the variable is set already
    config.stash[_outside] = given["wooxy_only"] if "wooxy_only" in given else os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "loopback"
    if config.pluginmanager.hasplugin("asyncio"):
        config.pluginmanager.register(_fixtures_of_pytest_asyncio())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the environment as it was."""
    _set(config.stash.get(_outside, None))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist what the variable was before."""
    node.workerinput["wooxy_only"] = node.config.stash[_outside]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Lift the fuse for a test that says so, its fixtures included."""
    if item.get_closest_marker("wooxy_real") is None:
        return (yield)
    _set(item.config.stash[_outside])
    try:
        return (yield)
    finally:
        _set("loopback")


def _set(value: str | None) -> None:
    if value is None:
        os.environ.pop(_VARIABLE, None)
    else:
        os.environ[_VARIABLE] = value


@pytest.fixture
def wooxy_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A Wooxy of the test's own: `wooxy_sandbox.messages.to("+1…")`, `wooxy_sandbox.script(Fault.error(17))`.

    A client that the program makes itself, meanwhile and without arguments, sends to it too.
    """
    from wooxy_async import _pytest_plugin  # noqa: PLC0415 - imports nothing before it is asked for

    with _pytest_plugin.running_sandbox() as sandbox:
        for name, value in _pytest_plugin.environment(sandbox).items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.fixture
def wooxy_options() -> dict[str, Any]:
    """The arguments of `wooxy_client` that a test wants to be other; override this fixture."""
    return {}


@pytest.fixture
def wooxy_client(request: pytest.FixtureRequest) -> WooxyClient:
    """A client of `wooxy_sandbox`, for tests under pytest-asyncio or anyio's plugin; its pauses take no time."""
    from wooxy_async import _pytest_plugin  # noqa: PLC0415 - likewise

    client: WooxyClient = request.getfixturevalue(_pytest_plugin.fixture_for(request))
    return client


async def _client(wooxy_sandbox: Sandbox, wooxy_options: dict[str, Any]) -> AsyncIterator[WooxyClient]:
    """Open a client in the event loop of the test, and close it there."""
    from wooxy_async import _pytest_plugin  # noqa: PLC0415 - likewise

    async with _pytest_plugin.client_of(wooxy_sandbox, wooxy_options) as client:
        yield client


@pytest.fixture
async def _wooxy_client_anyio(
    anyio_backend: object,  # noqa: ARG001 - by it anyio's plugin knows its own fixtures
    wooxy_sandbox: Sandbox,
    wooxy_options: dict[str, Any],
) -> AsyncIterator[WooxyClient]:
    async for client in _client(wooxy_sandbox, wooxy_options):
        yield client


def _fixtures_of_pytest_asyncio() -> object:
    """Return a plugin with a fixture for each scope that the event loop of a test may have."""
    import pytest_asyncio  # noqa: PLC0415 - it is loaded already

    made = {f"_wooxy_client_{scope}": pytest_asyncio.fixture(_copied(_client), loop_scope=scope) for scope in _SCOPES}
    return type("AsyncioFixtures", (), made)


def _copied(function: Any) -> Any:
    """Return a function of one's own, because its fixture's loop is noted on it."""

    @functools.wraps(function)
    async def copy(wooxy_sandbox: Sandbox, wooxy_options: dict[str, Any]) -> AsyncIterator[WooxyClient]:
        async for client in function(wooxy_sandbox, wooxy_options):
            yield client

    return copy
