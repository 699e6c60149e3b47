"""The pytest plugin, in runs of pytest of their own: as a user of it writes and starts tests."""

import sys

import pytest

pytest_plugins = ["pytester"]

ASYNCIO = "[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
TESTS = """
import asyncio
import os

import pytest

from wooxy_async import InDoubtError, NotSentError, RejectedError, ViberMessage, WooxyClient
from wooxy_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.MARK
MESSAGE = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")


async def test_a_message_arrives(wooxy_client: WooxyClient, wooxy_sandbox: Sandbox) -> None:
    await wooxy_client.send(MESSAGE)
    assert [message.text for message in wooxy_sandbox.messages.to("+14155550123")] == ["Hello"]


async def test_a_refusal_a_fault_and_a_pause(wooxy_client, wooxy_sandbox) -> None:
    wooxy_sandbox.script(Fault.error(17), Fault.reset_after_reading(), Fault.too_many_requests(3600))
    with pytest.raises(RejectedError):
        await wooxy_client.send(MESSAGE)
    with pytest.raises(InDoubtError):
        await wooxy_client.send(MESSAGE)
    assert (await wooxy_client.send(MESSAGE, timeout=86400)).attempts > 1


async def test_nothing_is_left_of_the_test_before(wooxy_client, wooxy_sandbox) -> None:
    await asyncio.gather(*[wooxy_client.send(MESSAGE) for _ in range(10)])
    assert wooxy_client.statistics().closed == 0
    assert wooxy_client.statistics().paused_for == 0
    await wooxy_sandbox.until(lambda: wooxy_sandbox.taken == 10)
    wooxy_sandbox.reset()
    assert wooxy_sandbox.taken == 0
    assert [outcome.index async for outcome in wooxy_client.send_many([MESSAGE])] == [0]


async def test_the_program_makes_its_own_client(wooxy_sandbox) -> None:
    async with WooxyClient() as client:
        await client.send(MESSAGE)
    assert len(wooxy_sandbox.messages) == 1


async def test_what_is_under_way_at_the_end(wooxy_client, wooxy_sandbox) -> None:
    wooxy_sandbox.script(Fault.no_answer())
    left = asyncio.ensure_future(wooxy_client.send(MESSAGE))
    left.add_done_callback(lambda task: task.exception())
    await wooxy_sandbox.until(lambda: wooxy_sandbox.taken == 1)


class TestOptions:
    @pytest.fixture
    def wooxy_options(self):
        return {"max_concurrency": 1, "timeout": 0.2}

    async def test_options(self, wooxy_client, wooxy_sandbox) -> None:
        wooxy_sandbox.script(Fault.no_answer())
        with pytest.raises(InDoubtError):
            await wooxy_client.send(MESSAGE)
        assert "max_concurrency=1" in repr(wooxy_client)


async def test_nobody_outside_is_reached() -> None:
    assert os.environ["WOOXY_ONLY"] == "loopback"
    async with WooxyClient("a-token", base_url="https://api.wooxy.com", limiter="process") as client:
        with pytest.raises(NotSentError) as caught:
            await client.send(MESSAGE)
    assert caught.value.outcome.cause.kind == "fuse"
"""
REAL = """
import os

import pytest


@pytest.mark.wooxy_real
def test_real():
    assert os.environ.get("WOOXY_ONLY") == EXPECTED


def test_not_real():
    assert os.environ["WOOXY_ONLY"] == "loopback"
"""
PLAIN = """
import sys


def test_light():
    ours = ("wooxy_async", "aiohttp", "anyio", "msgspec", "phonenumbers", "pytest_asyncio")
    assert [name for name in ours if name in sys.modules] == []
    assert "pytest_wooxy" in sys.modules
"""
SILENT = ("-p", "no:cacheprovider")


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without a fuse, and without what this run says to its own tests."""
    for name in ("WOOXY_ONLY", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("mode", "mark"), [("auto", "asyncio"), ("strict", "asyncio"), ("strict", "anyio")])
def test_the_fixtures_serve_each_way_to_run_async_tests(pytester: pytest.Pytester, mode: str, mark: str) -> None:
    """pytest-asyncio in both modes, and anyio's plugin on asyncio; warnings are errors."""
    pytester.makeini(ASYNCIO.format(mode=mode))
    backend = "import pytest\n\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    pytester.makeconftest(backend if mark == "anyio" else "")
    pytester.makepyfile(TESTS.replace("MARK", mark))
    pytester.runpytest_subprocess(*SILENT).assert_outcomes(passed=7)


def test_a_loop_of_the_whole_module_serves_too(pytester: pytest.Pytester) -> None:
    """The client belongs to the loop of its test, whatever the scope of that is."""
    pytester.makeini(ASYNCIO.format(mode="auto"))
    pytester.makepyfile(TESTS.replace("MARK", "asyncio(loop_scope='module')"))
    pytester.runpytest_subprocess(*SILENT).assert_outcomes(passed=7)


@pytest.mark.parametrize(
    ("mark", "conftest"),
    [
        ("anyio", "import pytest\n\n\n@pytest.fixture\ndef anyio_backend():\n    return ('trio', {})\n"),
        (
            "trio",
            "def pytest_configure(config):\n    config.addinivalue_line('markers', 'trio: as pytest-trio has it')\n",
        ),
    ],
)
def test_under_trio_a_sentence_says_asyncio_only(pytester: pytest.Pytester, mark: str, conftest: str) -> None:
    """Before anything else goes wrong, and without a traceback."""
    pytester.makeconftest(conftest)
    pytester.makepyfile(f"import pytest\n\n\n@pytest.mark.{mark}\nasync def test_it(wooxy_client):\n    pass\n")
    result = pytester.runpytest_subprocess(*SILENT, "-p", "no:asyncio")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["wooxy_async runs on asyncio only, and this test runs under trio: *"])
    assert "Traceback" not in result.stdout.str()


def test_a_test_that_is_not_async_has_a_sandbox_too(pytester: pytest.Pytester) -> None:
    """For programs that start loops of their own; no async plugin is needed."""
    pytester.makepyfile("""
import asyncio

from wooxy_async import ViberMessage, WooxyClient


def test_a_script(wooxy_sandbox):
    message = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")

    async def main():
        async with WooxyClient() as own:
            await own.send(message)

    asyncio.run(main())
    assert len(wooxy_sandbox.messages) == 1


def test_no_loop(wooxy_client):
    pass
""")
    result = pytester.runpytest_subprocess(*SILENT, "-W", "error", "-p", "no:asyncio", "-p", "no:anyio")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["wooxy_client is for async tests, *WooxyClient() finds the sandbox*"])


@pytest.mark.parametrize(("before", "workers"), [(None, ()), (None, ("-n1",)), ("+4366412345678", ("-n1",))])
def test_the_marker_lifts_the_fuse(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, before: str | None, workers: tuple[str, ...]
) -> None:
    """As far as the environment lets it, for its test alone, in workers of pytest-xdist too."""
    if before is not None:
        monkeypatch.setenv("WOOXY_ONLY", before)
    pytester.makepyfile(REAL.replace("EXPECTED", repr(before)))
    result = pytester.runpytest_subprocess(*SILENT, *workers, "--strict-markers")
    result.assert_outcomes(passed=2)


def test_the_environment_is_left_as_it_was(pytester: pytest.Pytester) -> None:
    """A program that runs pytest within itself has its own variable afterwards, or none."""
    pytester.makepyfile("def test_nothing():\n    pass\n")
    program = pytester.makepyfile(
        program="""
import os
import pytest

for before in (None, "+4366412345678"):
    if before is not None:
        os.environ["WOOXY_ONLY"] = before
    assert pytest.main(["-q", "-p", "no:cacheprovider"]) == 0
    assert os.environ.get("WOOXY_ONLY") == before
"""
    )
    assert pytester.run(sys.executable, program).ret == 0


def test_without_a_fixture_nothing_but_pytest_is_imported(pytester: pytest.Pytester) -> None:
    """The plugin is loaded in every run of an environment; it costs those nothing that do not ask for it."""
    pytester.makepyfile(PLAIN)
    quiet = ("-p", "no:anyio", "-p", "no:asyncio", "-p", "no:hypothesispytest", "-p", "no:timeout", "-p", "no:xdist")
    pytester.runpytest_subprocess(*SILENT, *quiet).assert_outcomes(passed=1)
