"""Read by type checkers, never run: what users write must be understood by them."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import assert_type

from wooxy_async import (
    Accepted,
    ApiError,
    Button,
    Cause,
    InDoubt,
    Invalid,
    NotSent,
    Outcome,
    OutcomeStream,
    Problem,
    Rejected,
    RejectedError,
    RetryPolicy,
    Statistics,
    ViberMessage,
    WooxyClient,
)
from wooxy_async.limits import Limiter, ProcessLimiter
from wooxy_async.testing import FakeClient, Sender, Stream, accepted, in_doubt, rejected


async def sends(client: WooxyClient) -> None:
    """One message and its receipt."""
    button = Button(text="Open", url="https://shop.example")
    soon = datetime.now(UTC) + timedelta(minutes=5)
    message = ViberMessage(
        domain="shop.example", phone_number="+14155550123", text="Hello", button=button, not_after=soon
    )
    receipt = await client.send(message, timeout=5, priority="bulk", retry_in_doubt=True)
    assert_type(receipt, Accepted)
    assert_type(receipt.message_ids, tuple[str, ...])
    assert_type(client.statistics(), Statistics)


async def streams(
    client: WooxyClient, rows: Iterator[ViberMessage], later: AsyncIterator[ViberMessage]
) -> list[Outcome]:
    """Many messages, every outcome told apart."""
    outcomes: list[Outcome] = []
    async for outcome in client.send_many(rows):
        match outcome:
            case Accepted(message_ids=ids):
                assert_type(ids, tuple[str, ...])
            case Rejected(errors=errors):
                assert_type(errors, tuple[ApiError, ...])
            case Invalid(problems=problems):
                assert_type(problems, tuple[Problem, ...])
            case NotSent(cause=cause, retry_after=seconds):
                assert_type(cause, Cause)
                assert cause.kind in ("expired", "fuse") or cause.detail in ("dns", "certificate_expired", None)
                assert_type(seconds, float | None)
            case InDoubt(cause=cause):
                assert_type(cause, Cause)
        outcomes.append(outcome)
    async with client.send_many(later) as stream:
        assert_type(stream, OutcomeStream)
        assert_type(stream.undelivered, tuple[Outcome, ...])
    return outcomes


def configures(limiter: ProcessLimiter) -> WooxyClient:
    """A client with a limiter of its own."""
    given: Limiter = limiter
    return WooxyClient("token", limiter=given, retry=RetryPolicy(attempts=2))


async def sends_by_either(message: ViberMessage) -> list[Outcome]:
    """The real client and the one for tests are both what a program asks for."""
    fake = FakeClient()
    fake.script(rejected(message, 12), in_doubt(message, cause="no_answer"), lambda given: accepted(given, "5d91"))
    senders: list[Sender] = [WooxyClient("token"), fake]
    outcomes: list[Outcome] = []
    for sender in senders:
        async with sender as opened:
            assert_type(await opened.send(message, timeout=5), Accepted)
            async with opened.send_many([message], priority="bulk") as stream:
                given: Stream = stream
                outcomes += [outcome async for outcome in given]
                outcomes += stream.undelivered
    assert_type(fake.messages.to("+14155550123")[0], ViberMessage)
    return outcomes


def raises(error: RejectedError) -> tuple[ApiError, ...]:
    """An exception's own fields."""
    assert_type(error.outcome, Rejected)
    return error.errors
