"""Tokens that change while messages go: none is refused for it, the cap is one, and no token shows."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from people import message, messages

from wooxy_async import (
    Accepted,
    AuthenticationError,
    NotSent,
    NotSentError,
    Rejected,
    RejectedError,
    RetryPolicy,
    WooxyClient,
)

ONCE = RetryPolicy(attempts=1)


class Office:
    """An API that knows one token at a time, and the vault from which a client has it.

    Args:
        latency: seconds that an answer takes.
    """

    def __init__(self, latency: float = 0.01) -> None:
        self.tokens = ["token-number-0-of-the-office"]
        self.latency = latency
        self.peak = self.taken = self.refused = self.asked = self._now = 0
        self.rotate_each = 0
        self.url = ""

    @property
    def token(self) -> str:
        """The one that is accepted now."""
        return self.tokens[-1]

    def rotate(self) -> None:
        """Know another one from now on."""
        self.tokens.append(f"token-number-{len(self.tokens)}-of-the-office")

    def give(self) -> str:
        """Give the token to the client."""
        self.asked += 1
        return self.token

    async def answer(self, request: web.Request) -> web.Response:
        """Take a message under the token of now, and refuse it under any other."""
        await request.read()
        self._now += 1
        self.peak = max(self.peak, self._now)
        shown = request.headers["Access-Token"]
        is_good = shown == self.token
        await asyncio.sleep(self.latency)
        self._now -= 1
        if not is_good:
            self.refused += 1
            said = {"result": False, "errors": [f"No matches found for access token {shown}"]}
            return web.json_response(said, status=401)
        if request.path.endswith("/info"):
            return web.json_response({"result": True, "accountName": "shop", "accountBalance": 7.0})
        self.taken += 1
        if self.rotate_each and self.taken % self.rotate_each == 0:
            self.rotate()
        return web.json_response({"result": True, "viber_message_ids": [f"id-{self.taken}"]})


@asynccontextmanager
async def office(latency: float = 0.01) -> AsyncIterator[Office]:
    """Open one."""
    made = Office(latency)
    application = web.Application()
    application.router.add_post("/{path:.*}", made.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


def client_of(api: Office, **options: object) -> WooxyClient:
    """Return a client that has its token from the vault."""
    return WooxyClient(api.give, base_url=api.url, account="shop", **{"limiter": "process", "retry": ONCE, **options})  # type: ignore[arg-type]


async def test_no_message_is_refused_while_tokens_change(caplog: pytest.LogCaptureFixture) -> None:
    """A stream and single messages, another token after each 200: all are taken, ten at once, no token shows."""
    caplog.set_level(logging.DEBUG)
    async with office() as api, client_of(api) as client:
        api.rotate_each = 200
        stream = client.send_many(messages(1500))
        urgent = [await client.send(message(2000 + at)) for at in range(20)]
        outcomes = [outcome async for outcome in stream]
        assert {type(outcome) for outcome in [*outcomes, *urgent]} == {Accepted}
    assert (api.taken, api.peak) == (1520, 10)
    assert len(api.tokens) == 8
    assert 7 <= api.refused <= 70
    shown = caplog.text + str([outcome.to_json() for outcome in outcomes]) + repr(client)
    assert [token for token in api.tokens if token in shown] == []


async def test_a_token_that_is_refused_and_is_the_last_ends_a_stream() -> None:
    """The provider was asked once more, and has no other."""
    async with office() as api:
        api.rotate()
        stale = api.tokens[0]
        asked: list[float] = []

        async def give() -> str:
            asked.append(time.monotonic())
            return stale

        options = {"base_url": api.url, "account": "shop", "limiter": "process", "max_concurrency": 1, "retry": ONCE}
        async with WooxyClient(give, **options) as client:  # type: ignore[arg-type]
            with pytest.raises(AuthenticationError) as caught:
                await client.send(message(1))
            assert len(asked) == 2
            assert stale not in str(caught.value) + repr(caught.value.outcome)
            with pytest.raises(AuthenticationError, match="Wooxy refuses the account"):
                async for _outcome in client.send_many(messages(50)):
                    pass
    assert api.taken == 0


async def test_a_message_is_tried_with_one_more_token_only() -> None:
    """Where that is refused as well, the refusal stands; a stream goes on as long as there are others."""
    async with office() as api:
        given = iter(range(100))

        def answer() -> str:
            return f"token-that-nobody-knows-{next(given)}"

        api.give = answer  # type: ignore[method-assign]
        async with client_of(api, max_concurrency=1) as client:
            with pytest.raises(RejectedError):
                await client.send(message(1))
            assert (api.refused, api.taken) == (2, 0)
            outcomes = [outcome async for outcome in client.send_many(messages(3))]
            assert {type(outcome) for outcome in outcomes} == {Rejected}
            assert (len(outcomes), api.refused) == (3, 8)


async def test_without_a_token_nothing_starts() -> None:
    """NotSent, with what is wrong; a stream waits for its patience, and goes on with the first token."""
    async with office() as api:
        tokens: list[str] = []

        def give() -> str:
            return tokens[0]

        options = {"base_url": api.url, "account": "shop", "limiter": "process", "retry": ONCE}
        async with WooxyClient(give, **options) as client:  # type: ignore[arg-type]
            with pytest.raises(NotSentError, match=r"provider failed \(IndexError\)") as caught:
                await client.send(message(1))
            assert isinstance(caught.value.outcome, NotSent)
            assert caught.value.outcome.cause.kind == "token_unavailable"
            assert (api.refused, api.taken) == (0, 0)
            stream = client.send_many(messages(30))
            taking = asyncio.ensure_future(_all(stream))
            await asyncio.sleep(0.1)
            tokens.append(api.token)
            outcomes = await taking
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == api.taken
    assert api.taken > 0
    assert {type(outcome) for outcome in outcomes} <= {Accepted, NotSent}


async def _all(stream: AsyncIterator[object]) -> list[object]:
    return [outcome async for outcome in stream]


async def test_the_account_is_asked_with_the_new_token_too() -> None:
    """As a message is."""
    async with office() as api, client_of(api) as client:
        assert (await client.account_info()).name == "shop"
        api.rotate()
        assert (await client.account_info()).name == "shop"
        assert (api.refused, api.asked) == (1, 2)


async def test_clients_with_and_without_a_provider_share_the_account() -> None:
    """The account's name is what the ten slots go by."""
    async with office(0.05) as api:
        fixed = WooxyClient(api.token, base_url=api.url, account="shop", limiter="process", retry=ONCE)
        async with client_of(api) as client, fixed:
            sends = [each.send(message(at)) for at in range(15) for each in (client, fixed)]
            assert len(await asyncio.gather(*sends)) == 30
    assert api.peak == 10


async def test_a_caller_who_leaves_while_the_provider_is_asked_again_is_told_the_truth() -> None:
    """Its message was refused and not taken: it is NotSent, and not tried with the new token."""
    async with office() as api:
        go, asked = asyncio.Event(), asyncio.Event()

        async def give() -> str:
            if api.refused:
                asked.set()
                await go.wait()
            return api.token

        options = {"base_url": api.url, "account": "shop", "limiter": "process", "retry": ONCE}
        async with WooxyClient(give, **options) as client:  # type: ignore[arg-type]
            await client.send(message(1))
            api.rotate()
            sending = asyncio.ensure_future(client.send(message(2)))
            await asked.wait()
            closing = asyncio.ensure_future(client.aclose(drain=5))
            await asyncio.sleep(0)
            go.set()
            with pytest.raises((NotSentError, RejectedError)):
                await sending
            await closing
    assert (api.taken, api.refused) == (1, 1)
