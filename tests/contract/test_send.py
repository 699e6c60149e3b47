"""`send`: one message, its receipt, and every way in which it does not come."""

import asyncio

import aiohttp
import msgspec
import pytest
from people import message

from wooxy_async import (
    Accepted,
    AuthenticationError,
    Button,
    CountryNotAllowedError,
    DomainError,
    ErrorCode,
    InDoubt,
    InDoubtError,
    InvalidMessageError,
    NotSentError,
    Outcome,
    RejectedError,
    RetryPolicy,
    SenderError,
    TagError,
    WooxyClient,
)
from wooxy_async.sandbox import Account, Domain, Fault, Sandbox


async def test_a_receipt_holds_the_servers_id(sandbox: Sandbox, client: WooxyClient) -> None:
    """The id that the server gave comes back, with the caller's reference and one attempt."""
    receipt = await client.send(message(7, reference="order-17"))
    assert isinstance(receipt, Accepted)
    assert receipt.message_ids == (sandbox.messages[0].id,)
    assert (receipt.index, receipt.attempts, receipt.message.reference) == (0, 1, "order-17")
    assert receipt.elapsed > 0


async def test_every_field_arrives(sandbox: Sandbox, client: WooxyClient) -> None:
    """All fields reach the server as written, the number as E.164, and nothing else does."""
    await client.send(
        message(
            phone_number=" +1 (415) 555-0123 ",
            text="გამარჯობა 李雷 🎉 “quotes”\nline",
            sender_id="Shop",
            button=Button(text="Open", url="https://shop.example/x?a=1&b=2"),
            device="phone",
            ttl=1800,
            tags=["spring", "vip"],
            reference="never leaves",
        )
    )
    taken = sandbox.messages[0]
    assert (taken.number, taken.text) == ("+14155550123", "გამარჯობა 李雷 🎉 “quotes”\nline")
    assert (taken.domain, taken.sender_id, taken.device, taken.ttl) == ("shop.example", "Shop", "phone", 1800)
    assert (taken.button.text, taken.button.url) == ("Open", "https://shop.example/x?a=1&b=2")
    assert tuple(taken.tags) == ("spring", "vip")
    assert b"never leaves" not in msgspec.json.encode(sandbox.messages)


async def test_the_button_field_can_be_switched(sandbox: Sandbox) -> None:
    """With button_field="button" the button arrives under the other name of the page."""
    async with WooxyClient(sandbox.token, base_url=sandbox.url, button_field="button") as client:
        await client.send(message(button=Button(text="Open", url="https://shop.example")))
    assert sandbox.messages[0].button.text == "Open"


async def test_an_invalid_message_never_leaves(sandbox: Sandbox, client: WooxyClient) -> None:
    """A message that breaks local rules raises with all its problems, and no request was made."""
    with pytest.raises(InvalidMessageError) as caught:
        await client.send(message(phone_number="+49abc", text="", device="tv", ttl=True, tags=["_x"]))
    assert [problem.field for problem in caught.value.outcome.problems] == [
        "phone_number",
        "text",
        "device",
        "ttl",
        "tags[0]",
    ]
    assert sandbox.requests == 0


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1, RejectedError),
        (12, DomainError),
        (13, CountryNotAllowedError),
        (15, SenderError),
        (19, TagError),
        (20, AuthenticationError),
        (21, InDoubtError),
        (22, RejectedError),
    ],
)
async def test_refusals_have_a_class(sandbox: Sandbox, client: WooxyClient, number: int, kind: type[Exception]) -> None:
    """A documented error arrives as the class of what has to be fixed, and is not sent again."""
    sandbox.script(Fault.error(number))
    with pytest.raises(kind) as caught:
        await client.send(message(sender_id="Shop", tags=("spring",)))
    assert type(caught.value) is kind
    assert sandbox.requests == 1


async def test_several_errors_arrive_together(token: str) -> None:
    """All errors of one answer arrive, and the class is that of the widest."""
    account = Account(token=token, domains=[Domain(name="other.example")], tags=["known"])
    async with Sandbox(account=account) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
        with pytest.raises(DomainError) as caught:
            await client.send(message(tags=["unknown"]))
    codes = [error.code for error in caught.value.errors]
    assert codes == [ErrorCode.DOMAIN_NOT_FOUND, ErrorCode.TAG_NOT_REGISTERED]
    assert caught.value.status == 200


async def test_what_is_known_not_taken_is_sent_again(sandbox: Sandbox) -> None:
    """A refusal for load is retried by itself after its Retry-After, and the message arrives once."""
    sandbox.script(Fault.too_many_requests(0), Fault.too_many_requests(0))
    async with WooxyClient(sandbox.token, base_url=sandbox.url, retry=RetryPolicy(wait_initial=0.01)) as client:
        receipt = await client.send(message())
    assert receipt.attempts == 3
    assert (sandbox.requests, sandbox.taken) == (3, 1)


async def test_retries_end(sandbox: Sandbox) -> None:
    """After the last attempt the message is NotSent, with the server's words about waiting."""
    sandbox.script(Fault.too_many_requests(0), always=True)
    policy = RetryPolicy(attempts=2, wait_initial=0.01)
    async with WooxyClient(sandbox.token, base_url=sandbox.url, retry=policy) as client:
        with pytest.raises(NotSentError, match="429") as caught:
            await client.send(message())
    assert (caught.value.outcome.attempts, caught.value.retry_after, sandbox.taken) == (2, 0.0, 0)


async def test_a_long_retry_after_is_given_back(sandbox: Sandbox) -> None:
    """A Retry-After beyond the bound is not waited for by bulk: NotSent says when, and so does whoever comes next."""
    sandbox.script(Fault.too_many_requests(3600))
    async with WooxyClient(sandbox.token, base_url=sandbox.url, retry=RetryPolicy(wait_max=1)) as client:
        with pytest.raises(NotSentError) as caught:
            await client.send(message(), priority="bulk", timeout=80_000)
        assert caught.value.retry_after == 3600
        assert 3000 < client.statistics().paused_for <= 3600
        assert "429" in client.statistics().paused_because
        with pytest.raises(NotSentError, match="asked the client to wait") as next_one:
            await client.send(message(), priority="bulk")
        assert next_one.value.outcome.cause.kind == "throttled"
        assert 3000 < (next_one.value.retry_after or 0) <= 3600
    assert sandbox.requests == 1


async def test_a_pause_beyond_the_deadline_is_not_waited_for(sandbox: Sandbox, client: WooxyClient) -> None:
    """When the next attempt would come after the caller's deadline, the answer comes now."""
    sandbox.script(Fault.too_many_requests(20))
    with pytest.raises(NotSentError) as caught:
        await client.send(message(), timeout=10, priority="bulk")
    assert (caught.value.retry_after, sandbox.requests) == (20, 1)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.reset_after_reading(),
        Fault.reset_after_reading(taken=False),
        Fault.close_after_reading(),
        Fault.half_answer(),
        Fault.not_json(),
        Fault.server_error(500, taken=True),
        Fault.server_error(503),
        Fault.redirect("http://127.0.0.1:1/"),
    ],
    ids=lambda fault: f"{fault.name}-{fault.taken}",
)
async def test_doubt_is_said_and_not_sent_again(sandbox: Sandbox, client: WooxyClient, fault: Fault) -> None:
    """What may have been taken is InDoubt, and one request was made."""
    sandbox.script(fault)
    with pytest.raises(InDoubtError):
        await client.send(message())
    assert sandbox.requests == 1


async def test_doubt_is_sent_again_only_when_asked(sandbox: Sandbox, client: WooxyClient) -> None:
    """With retry_in_doubt the message goes again; the person may get it twice."""
    sandbox.script(Fault.reset_after_reading())
    receipt = await client.send(message(), retry_in_doubt=True)
    assert (receipt.attempts, sandbox.taken) == (2, 2)


async def test_a_doubt_is_not_forgotten(sandbox: Sandbox) -> None:
    """When the second request of a doubtful message is refused, the message stays InDoubt."""
    sandbox.script(Fault.reset_after_reading(), Fault.error(12))
    policy = RetryPolicy(wait_initial=0, retry_in_doubt=True)
    async with WooxyClient(sandbox.token, base_url=sandbox.url, retry=policy) as client:
        with pytest.raises(InDoubtError) as caught:
            await client.send(message())
    assert (caught.value.outcome.cause.kind, sandbox.requests) == ("connection_lost", 2)


async def test_nobody_listens() -> None:
    """A refused connection is NotSent, within the retry policy."""
    policy = RetryPolicy(attempts=2, wait_initial=0)
    async with WooxyClient("nobody-token", base_url="http://127.0.0.1:1", retry=policy) as client:
        with pytest.raises(NotSentError, match="refused") as caught:
            await client.send(message())
    assert caught.value.outcome.attempts == 2


async def test_a_deadline_ends_the_wait_not_the_request(sandbox: Sandbox) -> None:
    """The caller's time-out gives InDoubt at once; the late answer settles it, and the message arrived once."""
    settled: list[Outcome] = []
    sandbox.script(Fault.slow_answer(1.5))
    async with WooxyClient(sandbox.token, base_url=sandbox.url, on_settled=settled.append) as client:
        with pytest.raises(InDoubtError, match=r"time-out of 1 s"):
            await client.send(message(reference="late"), timeout=1)
        assert client.statistics().outlived == 1
        assert client.statistics().borrowed == 1
    assert [(type(outcome), outcome.message.reference) for outcome in settled] == [(Accepted, "late")]
    assert (client.statistics().settled, client.statistics().outlived, sandbox.taken) == (1, 0, 1)


async def test_a_cancelled_caller_leaves_its_request_running(sandbox: Sandbox) -> None:
    """Cancelling `send` ends the wait; the request keeps its slot until its answer."""
    settled: list[Outcome] = []
    sandbox.script(Fault.slow_answer(0.2))
    async with WooxyClient(sandbox.token, base_url=sandbox.url, on_settled=settled.append) as client:
        task = asyncio.ensure_future(client.send(message()))
        await sandbox.until(lambda: sandbox.requests == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.statistics().in_doubt == 1
    assert len(settled) == 1


async def test_what_was_told_never_changes(sandbox: Sandbox, client: WooxyClient) -> None:
    """A message has one outcome for its caller, whoever asks again; the late answer goes to `on_settled` alone."""
    sandbox.script(Fault.slow_answer(0.1))
    sending = asyncio.ensure_future(client.send(message()))
    await sandbox.until(lambda: sandbox.requests == 1)
    [submission] = client._session.submissions
    told = submission.give_up("deadline", "The first asks")
    assert submission.give_up("cancelled", "The second asks") is told
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert client.statistics().in_doubt == 1


async def test_a_cancelled_waiter_never_leaves(sandbox: Sandbox) -> None:
    """A message cancelled while it waits for a slot is never sent."""
    sandbox.script(Fault.slow_answer(0.2))
    async with WooxyClient(sandbox.token, base_url=sandbox.url, max_concurrency=1) as client:
        first = asyncio.ensure_future(client.send(message(1)))
        await sandbox.until(lambda: sandbox.requests == 1)
        second = asyncio.ensure_future(client.send(message(2)))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await first
    assert sandbox.requests == 1
    assert client.statistics().not_sent == 1


async def test_ten_hanging_requests_do_not_hang_a_caller(sandbox: Sandbox) -> None:
    """With every slot hanging, an urgent send ends by its own deadline as NotSent and names the cause."""
    sandbox.script(Fault.no_answer(), always=True)
    async with WooxyClient(sandbox.token, base_url=sandbox.url, answer_limit=1.5, loss_hold=0.05) as client:
        hanging = [asyncio.ensure_future(client.send(message(at))) for at in range(10)]
        await sandbox.until(lambda: sandbox.requests == 10)
        with pytest.raises(NotSentError, match="slot") as caught:
            await client.send(message(11), timeout=0.1)
        assert caught.value.outcome.cause.kind == "no_slot"
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(outcome, InDoubtError) for outcome in outcomes)
    assert sandbox.requests == 10


async def test_anything_but_a_message_is_a_type_error(client: WooxyClient) -> None:
    """`send` names what it takes."""
    with pytest.raises(TypeError, match="send takes a ViberMessage, not dict"):
        await client.send({"text": "Hello"})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="timeout must be"):
        await client.send(message(), timeout=-1)
    with pytest.raises(ValueError, match="priority must be one of 'urgent', 'bulk'"):
        await client.send(message(), priority="high")  # type: ignore[arg-type]


async def test_the_mistake_of_a_hook_changes_nothing(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A hook that raises is logged, and the message has its outcome all the same."""

    def broken(_outcome: object) -> None:
        raise ZeroDivisionError

    async with WooxyClient(sandbox.token, base_url=sandbox.url, on_outcome=broken) as client:
        await client.send(message())
    assert "a hook of WooxyClient raised" in caplog.text


async def test_stale_connections_are_not_used(sandbox: Sandbox, client: WooxyClient) -> None:
    """A pooled connection that the server closed is replaced without an attempt being lost."""
    await client.send(message(1))
    port = sandbox.url.rpartition(":")[2]
    await sandbox.aclose()
    async with Sandbox(token=sandbox.token, port=int(port)) as again:
        assert (await client.send(message(2))).attempts == 1
        assert again.taken == 1


async def test_fresh_connections(sandbox: Sandbox) -> None:
    """With fresh_connections each request has a connection of its own."""
    async with WooxyClient(sandbox.token, base_url=sandbox.url, fresh_connections=True) as client:
        for at in range(3):
            await client.send(message(at))
    assert sandbox.taken == 3


async def test_a_doubt_is_told_when_the_caller_leaves_during_a_pause(sandbox: Sandbox) -> None:
    """A caller who leaves while a doubtful message waits for its next attempt leaves a doubt, and nothing is sent."""
    outcomes: list[Outcome] = []
    sandbox.script(Fault.reset_after_reading(), always=True)
    policy = RetryPolicy(wait_initial=3600, wait_max=3600, retry_in_doubt=True)
    async with WooxyClient(
        sandbox.token, base_url=sandbox.url, retry=policy, loss_hold=0.05, on_outcome=outcomes.append
    ) as client:
        sending = asyncio.ensure_future(client.send(message(), timeout=80_000))
        await sandbox.until(lambda: sandbox.requests == 1)
        while client.statistics().borrowed:
            await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert [outcome.cause.kind for outcome in outcomes if isinstance(outcome, InDoubt)] == ["connection_lost"]
    assert sandbox.requests == 1


async def test_a_refusal_for_load_pauses_the_whole_client(sandbox: Sandbox) -> None:
    """After a 429 the next message of the client waits too; a shorter pause does not shorten a longer one."""
    sandbox.script(Fault.too_many_requests(1), Fault.too_many_requests(0))
    async with WooxyClient(sandbox.token, base_url=sandbox.url, retry=RetryPolicy(attempts=1)) as client:
        refused = await asyncio.gather(*(client.send(message(at)) for at in range(2)), return_exceptions=True)
        assert {type(outcome) for outcome in refused} == {NotSentError}
        assert 0 < client.statistics().paused_for <= 1
        with pytest.raises(NotSentError, match="asked the client to wait"):
            await client.send(message(2), timeout=0.01)
        assert sandbox.requests == 2
        assert (await client.send(message(3))).elapsed > 0.1
    assert client.statistics().paused_because == ""


async def test_a_broken_limiter_loses_nothing(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """When a limiter breaks, the message still has an outcome, and the log has the traceback."""

    class Broken:
        def slot(self, **_options: object) -> object:
            raise ZeroDivisionError

    async with WooxyClient(sandbox.token, base_url=sandbox.url, limiter=Broken()) as client:  # type: ignore[arg-type]
        with pytest.raises(NotSentError, match=r"limiter failed \(ZeroDivisionError\)") as caught:
            await client.send(message())
    assert caught.value.outcome.cause.kind == "limiter_unavailable"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("wrong", ["hots", 7, ()])
def test_a_limiter_that_is_none_is_refused(wrong: object) -> None:
    """The error says which limiters there are."""
    with pytest.raises(ValueError, match='limiter must be "process", "host", "host:/dir", "redis://…" or a Limiter'):
        WooxyClient("some-token", limiter=wrong)  # type: ignore[arg-type]


def test_the_versions_under_test_are_supported() -> None:
    """The evidence relies on aiohttp 3.13 or newer."""
    assert tuple(map(int, aiohttp.__version__.split(".")[:2])) >= (3, 13)
