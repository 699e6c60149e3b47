"""What a provider of tokens may do, and what becomes of it."""

import asyncio
import logging
import threading
from collections.abc import Awaitable
from functools import partial

import pytest
from clocks import ManualClock

from wooxy_async import WooxyClient
from wooxy_async._client.tokens import ASK_AGAIN, ASK_LIMIT, KEPT, SERVES, Provider, Tokens
from wooxy_async._rules.redaction import Redactor


class Given:
    """A provider that gives what the test says.

    Args:
        token: that it gives, or what it raises.
    """

    def __init__(self, token: object) -> None:
        self.token = token
        self.calls = 0
        self.threads: set[int] = set()

    def __call__(self) -> str:
        """Give it."""
        self.calls += 1
        self.threads.add(threading.get_ident())
        if isinstance(self.token, BaseException):
            raise self.token
        return self.token  # type: ignore[return-value]

    async def asynchronously(self) -> str:
        """Give it."""
        return self()


def made(provider: Provider, ask_limit: float = ASK_LIMIT) -> tuple[Tokens, Redactor, ManualClock]:
    """Return the tokens of a provider, what redacts them, and their clock."""
    redact, clock = Redactor(()), ManualClock()
    return Tokens(provider, redact, clock, ask_limit), redact, clock


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_token_is_kept_for_a_while_and_asked_for_anew(is_async: bool) -> None:
    """A function runs in a thread of its own, a coroutine function in the loop; both are asked once a minute."""
    given = Given("first-token-of-all")
    tokens, redact, clock = made(given.asynchronously if is_async else given)
    assert [await tokens.ready() for _ in range(3)] == [None] * 3
    assert (given.calls, tokens.secret.reveal(), tokens.number) == (1, "first-token-of-all", 1)
    assert (threading.get_ident() in given.threads) is is_async
    given.token = "second-token-of-all"
    clock.now += KEPT - 0.1
    await tokens.ready()
    assert tokens.secret.reveal() == "first-token-of-all"
    clock.now += 0.1
    await tokens.ready()
    assert (tokens.secret.reveal(), tokens.number, given.calls) == ("second-token-of-all", 2, 2)
    assert redact("first-token-of-all second-token-of-all") == "*** ***"
    assert "token-of-all" not in repr(tokens.secret) + repr(vars(tokens))


async def test_many_that_wait_ask_once_and_one_that_leaves_disturbs_none() -> None:
    """A provider is asked by one at a time."""
    asked, go = 0, asyncio.Event()

    async def slow() -> str:
        nonlocal asked
        asked += 1
        await go.wait()
        return "token-of-patience"

    tokens, _redact, _clock = made(slow)
    waits = [asyncio.ensure_future(tokens.ready()) for _ in range(5)]
    while not asked:
        await asyncio.sleep(0)
    waits[0].cancel()
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*waits[1:]) == [None] * 4
    assert asked == 1


async def test_after_a_refusal_it_is_asked_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """The answer says whether there is another token; for one that is not the last nobody is asked."""
    given = Given("token-that-is-refused")
    tokens, _redact, _clock = made(given)
    await tokens.ready()
    assert await tokens.renewed(tokens.number) is False
    assert given.calls == 2
    given.token = "token-that-is-good"
    assert await tokens.renewed(1) is True
    assert await tokens.renewed(1) is True
    assert given.calls == 3
    given.token = RuntimeError()
    assert await tokens.renewed(2) is False
    assert caplog.text.count("WARNING") == 1


async def test_the_last_token_serves_for_a_while_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Then there is none; a failure is not repeated within a second, and its text, which may hold a token, not told."""
    given = Given("token-that-serves")
    tokens, _redact, clock = made(given)
    await tokens.ready()
    given.token = RuntimeError("secret-of-the-vault")
    clock.now += SERVES - 0.1
    assert [await tokens.ready() for _ in range(3)] == [None] * 3
    assert given.calls == 2
    clock.now += ASK_AGAIN
    missing = await tokens.ready()
    assert missing is not None
    assert (missing.kind, missing.text) == (
        "token_unavailable",
        "There is no access token: its provider failed (RuntimeError).",
    )
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the last token serves for 15 minutes at the most" in caplog.text
    assert "secret-of-the-vault" not in caplog.text
    given.token = "token-that-comes-back"
    clock.now += ASK_AGAIN
    assert await tokens.ready() is None


@pytest.mark.parametrize("token", [None, "", "two words", b"bytes"])
async def test_what_is_no_token_is_none(token: object) -> None:
    """The reason says what is wrong, and not what was given."""
    tokens, _redact, _clock = made(Given(token))
    missing = await tokens.ready()
    assert missing is not None
    assert missing.text.startswith("There is no access token: its provider gave none (access_token must be")
    assert "two words" not in missing.text


async def test_a_provider_that_cancels_itself_has_failed() -> None:
    """Who waits is not cancelled for it."""

    async def cancelled() -> str:
        raise asyncio.CancelledError

    tokens, _redact, _clock = made(cancelled)
    missing = await tokens.ready()
    assert missing is not None
    assert "failed (CancelledError)" in missing.text


async def test_a_function_that_returns_an_awaitable_is_awaited() -> None:
    """As a coroutine function behind a plain one."""
    given = Given("token-of-a-coroutine")

    def behind() -> Awaitable[str]:
        return given.asynchronously()

    tokens, _redact, _clock = made(behind)
    assert await tokens.ready() is None
    assert tokens.secret.reveal() == "token-of-a-coroutine"


async def test_one_that_hangs_is_left_and_not_asked_by_a_second_thread() -> None:
    """Nobody waits longer than five seconds; the thread that hangs ends with the program."""
    go, calls = threading.Event(), []

    def hang() -> str:
        calls.append(threading.current_thread())
        go.wait()
        return "token-that-comes-late"

    tokens, _redact, clock = made(hang, 0.05)
    missing = await tokens.ready()
    assert missing is not None
    assert "has not answered within 0.05 s" in missing.text
    assert calls[0].daemon
    clock.now += ASK_AGAIN
    missing = await tokens.ready()
    assert missing is not None
    assert "failed (TimeoutError)" in missing.text
    assert len(calls) == 1
    go.set()
    await asyncio.to_thread(calls[0].join)
    await asyncio.sleep(0)
    clock.now += ASK_AGAIN
    assert await tokens.ready() is None


async def test_one_that_will_not_be_cancelled_is_left() -> None:
    """What it brings later is nobody's."""
    go, ended = asyncio.Event(), asyncio.Event()

    async def stubborn() -> str:
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue
        ended.set()
        raise RuntimeError

    tokens, _redact, _clock = made(stubborn, 0.02)
    missing = await tokens.ready()
    assert missing is not None
    assert "has not answered" in missing.text
    go.set()
    await ended.wait()
    await asyncio.sleep(0)


def test_a_loop_that_was_closed_while_it_was_asked_leaves_nothing_behind() -> None:
    """Neither the thread nor the next loop is disturbed."""
    go = threading.Event()
    threads: list[threading.Thread] = []

    def slow() -> str:
        threads.append(threading.current_thread())
        go.wait()
        return "token-of-the-second-loop"

    tokens, _redact, _clock = made(slow)

    async def leave() -> None:
        wait = asyncio.ensure_future(tokens.ready())
        while not threads:
            await asyncio.sleep(0.001)
        wait.cancel()

    asyncio.run(leave())
    go.set()
    threads[0].join()
    assert asyncio.run(tokens.ready()) is None


def test_a_provider_needs_the_name_of_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tokens change, and with them what the ten slots would go by."""
    monkeypatch.delenv("WOOXY_ACCOUNT", raising=False)
    with pytest.raises(ValueError, match="access_token is a function: name the account with account="):
        WooxyClient(partial(str, "token"))
    WooxyClient(partial(str, "token"), account="shop", limiter="process")
    monkeypatch.setenv("WOOXY_ACCOUNT", "shop")
    WooxyClient(partial(str, "token"), limiter="process")
