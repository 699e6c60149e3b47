"""The shop's own tests, against a sandbox."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from shop.login import send_code
from shop.newsletter import send_all
from wooxy_async import NotSent, RetryPolicy, ViberMessage, WooxyClient
from wooxy_async.sandbox import Account, Fault, Sandbox, TakenMessage
from wooxy_async.testing import FakeClient, accepted, rejected


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Wooxy of the shop's own."""
    async with Sandbox(account=Account(domains=("shop.example",)), latency=0.01) as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[WooxyClient]:
    """A client of it."""
    retry = RetryPolicy(wait_initial=0)
    async with WooxyClient(sandbox.token, base_url=sandbox.url, loss_hold=0, timeout=5, retry=retry) as opened:
        yield opened


async def test_a_code_arrives(client: WooxyClient, sandbox: Sandbox) -> None:
    """With its text."""
    assert isinstance(await send_code(client, "+14155550123", "2718"), tuple)
    taken: TakenMessage = sandbox.messages[0]
    assert taken.text == "Your code is 2718"


async def test_a_lost_answer_is_told(client: WooxyClient, sandbox: Sandbox) -> None:
    """Nobody knows then."""
    sandbox.script(Fault.reset_after_reading())
    assert str(await send_code(client, "+14155550123", "2718")).startswith("Look at your phone")
    assert sandbox.violations == 0


async def test_all_get_one(client: WooxyClient) -> None:
    """Each reference has a word."""
    assert len(await send_all(client, ["+14155550123", "nobody"])) == 2


async def test_a_cancelled_job_says_whether_it_may_run_again(client: WooxyClient) -> None:
    """Nothing was out yet."""
    message = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")
    task = asyncio.create_task(client.send(message))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert isinstance(getattr(caught.value, "outcome", None), NotSent)


async def test_a_stand_in() -> None:
    """Without a socket: what becomes of the next messages is said before."""
    client = FakeClient()
    client.script(lambda message: accepted(message, "5d91"), partial(rejected, code=15))
    assert await send_code(client, "+14155550123", "2718") == ("5d91",)
    assert str(await send_code(client, "+14155550123", "2718")).startswith("The sender: ")
    assert [message.reference for message in client.messages.to("+14155550123")] == ["login-2718"] * 2
