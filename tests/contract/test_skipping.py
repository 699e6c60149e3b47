"""Pauses under a `SkippingClock` take no time: the client is asked for hours of them."""

import pytest

from wooxy_async import NotSentError, RetryPolicy, ViberMessage, WooxyClient
from wooxy_async.sandbox import Fault, Sandbox
from wooxy_async.testing import SkippingClock

MESSAGE = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")
HOURS = RetryPolicy(wait_initial=3600, wait_max=3600)
DAY = 86_400.0


async def test_pauses_between_attempts_are_passed_over(sandbox: Sandbox) -> None:
    """Two that a 429 asks for, up to an hour each, and half an hour for a stream."""
    clock = SkippingClock()
    sandbox.script(*[Fault.too_many_requests(1800)] * 2)
    async with WooxyClient(
        sandbox.token, base_url=sandbox.url, limiter="process", retry=HOURS, clock=clock, patience=DAY
    ) as client:
        receipt = await client.send(MESSAGE, timeout=DAY, priority="urgent")
        assert receipt.attempts == 3
        assert clock.skipped > 0
        sandbox.script(Fault.too_many_requests(1800))
        outcomes = [outcome async for outcome in client.send_many([MESSAGE] * 3)]
    assert [outcome.attempts for outcome in outcomes].count(2) == 1
    assert clock.skipped > 1500
    assert sandbox.taken == 4


async def test_a_connection_that_is_not_made_is_tried_again_at_once() -> None:
    """Nobody listens; the pauses of the policy, up to an hour each, are passed over."""
    clock = SkippingClock()
    async with Sandbox() as sandbox:
        url, token = sandbox.url, sandbox.token
    async with WooxyClient(token, base_url=url, limiter="process", retry=HOURS, clock=clock) as client:
        with pytest.raises(NotSentError) as caught:
            await client.send(MESSAGE, timeout=DAY)
    assert caught.value.outcome.attempts == 4
    assert clock.skipped > 0
