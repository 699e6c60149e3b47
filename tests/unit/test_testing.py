"""What users' tests are made of: outcomes by hand, and a client without a socket."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, get_args

import pytest

from wooxy_async import (
    Accepted,
    AccountInfo,
    AuthenticationError,
    Cause,
    CauseKind,
    DomainError,
    ErrorCode,
    InDoubt,
    InDoubtError,
    Invalid,
    InvalidMessageError,
    NotSent,
    NotSentError,
    Outcome,
    Problem,
    Rejected,
    RejectedError,
    ViberMessage,
    WooxyClient,
)
from wooxy_async._rules.documented import DOCUMENTED
from wooxy_async.testing import FakeClient, SkippingClock, accepted, in_doubt, invalid, not_sent, rejected

MESSAGE = ViberMessage(
    domain="shop.example",
    phone_number="+1 415 555 0123",
    text="Your code is 2718",
    sender_id="Shop",
    tags=("spring",),
    reference="order-17",
)
WRONG = ViberMessage(domain="shop.example", phone_number="nobody", text="")
IN_DOUBT_ALONE = {
    "closed",
    "lease_lost",
    "connection_lost",
    "no_answer",
    "unreadable_answer",
    "redirected",
    "server_error",
}
EITHER = {"cancelled", "deadline", "internal_error"}

# Outcomes


@pytest.mark.parametrize("row", [row for row in DOCUMENTED if row.number != 21], ids=lambda row: row.code.value)
def test_each_documented_refusal_can_be_made(row: Any) -> None:
    """By its number or its code, with the page's words around the message's values; no placeholder is left."""
    outcome = rejected(MESSAGE, row.number)
    (error,) = outcome.errors
    assert error.code is row.code
    assert "{" not in error.text
    assert outcome == rejected(MESSAGE, row.code) == rejected(MESSAGE, row.code.value)
    with pytest.raises(RejectedError):
        outcome.unwrap()


def test_a_refusal_names_what_the_message_has() -> None:
    """Domain, number, sender and tag are the message's, as the server would repeat them."""
    assert rejected(MESSAGE, ErrorCode.DOMAIN_NOT_FOUND).errors[0].values == {"domain": "shop.example"}
    assert rejected(MESSAGE, 3).errors[0].values == {"phoneNumber": "+14155550123"}
    assert rejected(WRONG, 3).errors[0].values == {"phoneNumber": "nobody"}
    assert rejected(MESSAGE, 15).errors[0].values == {"id": "Shop"}
    assert rejected(MESSAGE, 14).errors[0].values == {"id": "shop.example"}
    assert rejected(MESSAGE, 19).errors[0].values == {"tag": "spring"}
    bare = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")
    assert rejected(bare, 19).errors[0].values == {"tag": "sale"}


def test_an_undocumented_refusal_has_words_of_its_own() -> None:
    """They are given; a documented one may have others than the page's too."""
    assert rejected(MESSAGE, "UNKNOWN", text="Go away", status=403).errors[0].text == "Go away"
    assert rejected(MESSAGE, 12, text="domain?").errors[0].text == "domain?"


@pytest.mark.parametrize(
    ("code", "given", "said"),
    [
        (21, {}, "is no refusal: use in_doubt"),
        ("UNKNOWN", {}, "pass text="),
        ("UNKNOWN", {"text": "x", "status": 500}, "is no refusal"),
        (0, {}, "1 to 26"),
        (True, {}, "1 to 26"),
        ("NONE", {}, "an ErrorCode"),
    ],
)
def test_a_refusal_that_no_client_gives_is_not_made(code: Any, given: dict[str, Any], said: str) -> None:
    """The one table decides, and the refusal says what to do."""
    with pytest.raises(ValueError, match=said):
        rejected(MESSAGE, code, **given)


@pytest.mark.parametrize("kind", get_args(CauseKind))
def test_a_cause_makes_the_outcomes_that_it_has(kind: CauseKind) -> None:
    """Not sent, in doubt, or either, as the comments beside the causes say."""
    in_doubt_alone, either = kind in IN_DOUBT_ALONE, kind in EITHER
    if either or not in_doubt_alone:
        outcome: Outcome = not_sent(MESSAGE, kind)
        assert outcome.attempts == int(kind in {"not_connected", "throttled", "proxy"})
    else:
        with pytest.raises(ValueError, match=r"use in_doubt\(…\)"):
            not_sent(MESSAGE, kind)
    if either or in_doubt_alone:
        outcome = in_doubt(MESSAGE, cause=kind)
        assert (outcome.cause.kind, outcome.attempts) == (kind, 1)
    else:
        with pytest.raises(ValueError, match=r"use not_sent\(…\)"):
            in_doubt(MESSAGE, cause=kind)


def test_outcomes_have_what_they_are_given() -> None:
    """The parts of each, and places in a source."""
    cause = Cause(kind="throttled", text="HTTP 429.")
    assert not_sent(MESSAGE, cause, retry_after=3, index=2) == NotSent(
        index=2, message=MESSAGE, attempts=1, elapsed=0.0, cause=cause, retry_after=3
    )
    assert in_doubt(MESSAGE, "server_error").status == 500
    assert in_doubt(MESSAGE, "server_error", status=503, may_settle=True).status == 503
    assert accepted(MESSAGE, "5d91", "5d92", index=1).message_ids == ("5d91", "5d92")
    first, second = accepted(MESSAGE), accepted(MESSAGE)
    assert first.message_ids != second.message_ids
    assert len(first.message_ids[0]) == 24


def test_an_invalid_message_has_its_own_problems() -> None:
    """All that a client would find, or those that are given; one without any is refused."""
    assert {problem.field for problem in invalid(WRONG).problems} == {"phone_number", "text"}
    problem = Problem(field="text", value="x", rule="mine", remedy="must be nicer")
    assert invalid(MESSAGE, problem, index=3) == Invalid(
        index=3, message=MESSAGE, attempts=0, elapsed=0.0, problems=(problem,)
    )
    with pytest.raises(ValueError, match="breaks no rule"):
        invalid(MESSAGE)


def test_an_outcome_of_nothing_is_refused() -> None:
    """A mock in the place of a message is found where it is given."""
    with pytest.raises(TypeError, match="of a ViberMessage, not object"):
        accepted(object())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cause must be one of no_slot"):
        in_doubt(MESSAGE, cause="bad luck")  # type: ignore[arg-type]


# The client


async def test_a_fake_takes_what_is_right() -> None:
    """With an id, kept among its messages, and found by whatever spelling of the number."""
    async with FakeClient() as client:
        receipt = await client.send(MESSAGE, timeout=5, priority="bulk", retry_in_doubt=True)
    assert len(receipt.message_ids) == 1
    assert client.messages == (MESSAGE,)
    assert client.messages.to("+14155550123") == client.messages.to("+1 415 555 0123") == (MESSAGE,)
    assert client.messages.to("+14155550124") == client.messages.to("nobody") == ()
    assert client.outcomes == (receipt,)


async def test_a_fake_checks_by_the_clients_own_rules() -> None:
    """All problems, and a number's by the check that is asked for."""
    client = FakeClient()
    with pytest.raises(InvalidMessageError) as caught:
        await client.send(WRONG)
    assert {problem.field for problem in caught.value.outcome.problems} == {"phone_number", "text"}
    assert client.messages.to("nobody") == (WRONG,)
    unused = ViberMessage(domain="shop.example", phone_number="+12005550123", text="Hello")
    await client.send(unused)
    with pytest.raises(InvalidMessageError):
        await FakeClient(phone_check="valid").send(unused)


async def test_a_script_says_what_becomes_of_the_next_messages() -> None:
    """One each, of whatever message it was made; a wrong message uses none up; then all is taken again."""
    client, other = FakeClient(), ViberMessage(domain="other.example", phone_number="+14155550199", text="Hi")
    client.script(rejected(other, 15), not_sent(other, "throttled", retry_after=2), partial(rejected, code=12))
    client.script(in_doubt(other, cause="no_answer"))
    with pytest.raises(InvalidMessageError):
        await client.send(WRONG)
    for error in (RejectedError, NotSentError, DomainError, InDoubtError):
        with pytest.raises(error) as caught:
            await client.send(MESSAGE)
        assert caught.value.outcome.message == MESSAGE
    await client.send(MESSAGE)
    assert [type(outcome) for outcome in client.outcomes] == [Invalid, Rejected, NotSent, Rejected, InDoubt, Accepted]
    counted = client.statistics()
    assert (counted.accepted, counted.rejected, counted.invalid, counted.not_sent, counted.in_doubt) == (1, 2, 1, 1, 1)


async def test_a_script_of_something_else_is_refused() -> None:
    """When it is written, or when a function of it returns no outcome."""
    client = FakeClient()
    with pytest.raises(TypeError, match="script takes outcomes"):
        client.script("rejected")  # type: ignore[arg-type]
    client.script(lambda _message: None)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="must make an outcome, not None"):
        await client.send(MESSAGE)


async def test_a_fake_masks_what_the_client_masks() -> None:
    """Neither its repr, nor its outcomes', nor its exceptions' text shows number, text or reference."""
    client = FakeClient()
    client.script(partial(rejected, code=3))
    with pytest.raises(RejectedError) as caught:
        await client.send(MESSAGE)
    shown = f"{client!r} {client.outcomes!r} {client.messages!r} {caught.value} {caught.value!r}"
    assert not [secret for secret in ("4155550123", "415 555", "2718", "order-17") if secret in shown]
    assert repr(client) == "<FakeClient: open, 1 messages>"


def rows(count: int) -> Iterator[ViberMessage]:
    """Yield messages to as many people."""
    for row in range(count):
        yield ViberMessage(domain="shop.example", phone_number=f"+1415555{row:04d}", text="Hello")


async def test_a_fake_streams_in_order() -> None:
    """Each with its index; the source is pulled as outcomes are asked for, and may be a plain list too."""
    client, source = FakeClient(), rows(5)
    client.script(in_doubt(MESSAGE))
    async with client.send_many(source) as stream:
        first = await anext(stream)
        assert isinstance(first, InDoubt)
        assert len(client.messages) == 1
        rest = [outcome async for outcome in stream]
    assert [outcome.index for outcome in rest] == [1, 2, 3, 4]
    assert stream.undelivered == ()
    assert [outcome.index async for outcome in client.send_many([MESSAGE, WRONG])] == [0, 1]


async def test_a_stream_that_is_left_closes_its_source() -> None:
    """And gives nothing more; closing it again, with a time to wait, does nothing."""
    closed = []

    async def later() -> AsyncIterator[ViberMessage]:
        try:
            for message in rows(3):
                yield message
        finally:
            closed.append(True)

    async with FakeClient().send_many(later()) as stream:
        await anext(stream)
    assert closed == [True]
    await stream.aclose(drain=1)
    assert [outcome async for outcome in stream] == []
    await FakeClient().send_many(later()).aclose()
    assert closed == [True]


async def test_a_refused_account_ends_a_stream() -> None:
    """After its outcome, with what the client raises then."""
    client = FakeClient()
    client.script(rejected(MESSAGE, 20, status=401))
    stream = client.send_many(rows(3))
    assert isinstance(await anext(stream), Rejected)
    with pytest.raises(AuthenticationError, match="refuses the account, so the stream ends"):
        await anext(stream)
    assert [outcome async for outcome in stream] == []
    assert len(client.messages) == 1


async def test_a_source_that_fails_ends_a_stream() -> None:
    """Its own error, which says where, or a TypeError that names the index."""

    def failing() -> Iterator[ViberMessage]:
        yield MESSAGE
        raise LookupError

    stream = FakeClient().send_many(failing())
    await anext(stream)
    with pytest.raises(LookupError) as caught:
        await anext(stream)
    assert caught.value.__notes__ == ["raised by the source of send_many at index 1"]
    with pytest.raises(TypeError, match="but message 1 is str"):
        [outcome async for outcome in FakeClient().send_many([MESSAGE, "Hello"])]  # type: ignore[list-item]


WRONG_USE: list[tuple[str, Any]] = [
    ("send", {"message": "Hello"}),
    ("send", {"message": MESSAGE, "timeout": 0}),
    ("send", {"message": MESSAGE, "priority": "first"}),
    ("send_many", {"messages": "Hello"}),
    ("send_many", {"messages": 7}),
    ("send_many", {"messages": [], "priority": "first"}),
    ("account_info", {"timeout": -1}),
    ("aclose", {"drain": -1}),
]


@pytest.mark.parametrize(("method", "given"), WRONG_USE)
async def test_a_fake_refuses_wrong_use_in_the_clients_words(method: str, given: dict[str, Any]) -> None:
    """The same exception with the same text."""

    async def refusal(client: Any) -> tuple[type[Exception], str]:
        with pytest.raises((TypeError, ValueError)) as caught:
            await getattr(client, method)(**given)
        return type(caught.value), str(caught.value)

    async with WooxyClient("a-token", base_url="http://127.0.0.1:9", limiter="process") as real:
        assert await refusal(FakeClient()) == await refusal(real)


@pytest.mark.parametrize("wrong", [{"phone_check": "strict"}, {"button_field": "both"}])
def test_a_fakes_options_are_the_clients(wrong: dict[str, Any]) -> None:
    """A word that the client refuses is refused."""
    with pytest.raises(ValueError, match=r"must be one of"):
        FakeClient(**wrong)


async def test_a_closed_fake_sends_nothing() -> None:
    """As the client does, also where its stream is asked for more."""
    async with FakeClient() as client:
        stream = client.send_many(rows(2))
        await anext(stream)
        assert not client.closed
        await client.aclose(drain=0)
    assert client.closed
    assert repr(client) == "<FakeClient: closed, 1 messages>"
    for use in (client.send(MESSAGE), anext(stream), client.account_info(), client.__aenter__()):
        with pytest.raises(RuntimeError, match="closed: make a new one"):
            await use
    assert len(client.messages) == 1


async def test_a_fake_has_an_account() -> None:
    """One of its own, or that which it is given."""
    assert (await FakeClient().account_info(timeout=1)).name == "Shop"
    info = AccountInfo(name="Mine", balance=Decimal("1.5"))
    assert await FakeClient(account=info).account_info() == info


async def test_a_fake_lets_others_run() -> None:
    """A send that is cancelled before its turn was never given."""
    client = FakeClient()
    task = asyncio.create_task(client.send(MESSAGE))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert client.messages == ()


# Time


async def test_a_skipping_clock_is_moved_on() -> None:
    """By what is slept; an hour takes no time."""
    clock = SkippingClock()
    before, since = clock.monotonic(), clock.time()
    await clock.skip(3600)
    assert clock.skipped == 3600
    assert clock.monotonic() - before >= 3600
    assert clock.time() - since >= 3600
    assert abs(clock.time() - 3600 - time.time()) < 60
