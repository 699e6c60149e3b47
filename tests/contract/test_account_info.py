"""Get account info: a look at the account that sends nothing."""

import asyncio
import pickle
from decimal import Decimal
from typing import Any

import pytest
from people import message, messages

from wooxy_async import Accepted, AccountError, AccountInfo, ErrorCode, WooxyClient
from wooxy_async.sandbox import Account, Fault, Sandbox


async def test_name_and_balance_are_told_and_nothing_is_sent(token: str) -> None:
    """As the account has them; the balance is exact."""
    async with Sandbox(account=Account(token=token, name="Acme Ltd", balance=12.34)) as sandbox:
        async with WooxyClient(token, base_url=sandbox.url) as client:
            assert await client.account_info() == AccountInfo(name="Acme Ltd", balance=Decimal("12.34"))
        assert (sandbox.account_infos, sandbox.requests, sandbox.taken) == (1, 0, 0)


@pytest.mark.parametrize(
    ("fault", "expected", "said"),
    [
        (Fault.error(23), (ErrorCode.ACCESS_TOKEN_UNKNOWN, None), r"refused to give the account's info \(HTTP 401\)"),
        (Fault.error(21), (ErrorCode.INTERNAL_SERVER_ERROR, "server_error"), "Internal server error"),
        (Fault.server_error(503), (None, "server_error"), r"The server failed \(HTTP 503\)"),
        (Fault.reply(408), (None, "server_error"), r"HTTP 408"),
        (Fault.reply(404), (None, "unreadable_answer"), r"no account info \(HTTP 404\)"),
        (Fault.reply(200, '{"result": true}'), (None, "unreadable_answer"), "no account info"),
        (Fault.reply(200, "\xff"), (None, "unreadable_answer"), "no account info"),
        (Fault.too_many_requests(7), (None, "throttled"), r"HTTP 429"),
        (Fault.reset_after_reading(), (None, "connection_lost"), "connection was lost"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_what_is_no_sound_answer_is_an_error(
    sandbox: Sandbox, client: WooxyClient, fault: Fault, expected: tuple[ErrorCode | None, str | None], said: str
) -> None:
    """It says what the server said, or what happened; the token stands nowhere."""
    sandbox.script(fault, method="account_info")
    with pytest.raises(AccountError, match=said) as caught:
        await client.account_info()
    error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert str(error) == str(caught.value)
    assert sandbox.token not in f"{error!r} {error}"
    code = error.errors[0].code if error.errors else None
    assert (code, error.cause and error.cause.kind) == expected


async def test_a_refusal_for_load_pauses_the_account(sandbox: Sandbox, client: WooxyClient) -> None:
    """`Retry-After` is the account's, whatever it was answered to."""
    sandbox.script(Fault.too_many_requests(3000), method="account_info")
    with pytest.raises(AccountError):
        await client.account_info()
    assert client.statistics().paused_for > 2000


async def test_it_takes_a_slot(token: str) -> None:
    """The eleventh request waits, whichever method it is of; the server never sees more than ten."""
    async with Sandbox(token=token, latency=0.02) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
        infos = [asyncio.ensure_future(client.account_info()) for _ in range(25)]
        outcomes = [outcome async for outcome in client.send_many(messages(25))]
        assert {type(outcome) for outcome in outcomes} == {Accepted}
        assert len(set(await asyncio.gather(*infos))) == 1
        assert sandbox.peak_in_progress <= 10
        assert (sandbox.violations, sandbox.account_infos, sandbox.taken) == (0, 25, 25)


async def test_no_slot_no_request(sandbox: Sandbox) -> None:
    """A limiter that does not work fails the call, and nothing leaves."""

    class Broken:
        def slot(self, **_given: Any) -> Any:
            raise OSError("no space left")

        def statistics(self) -> Any:
            raise OSError("no space left")

    async with WooxyClient(sandbox.token, base_url=sandbox.url, limiter=Broken()) as client:
        with pytest.raises(AccountError, match="The limiter failed") as caught:
            await client.account_info()
        assert caught.value.cause is not None
        assert caught.value.cause.kind == "limiter_unavailable"
    assert sandbox.account_infos == 0


async def test_a_time_out_ends_it_and_its_slot_opens_late(sandbox: Sandbox) -> None:
    """The server may be at work on it still: its slot is kept closed as after any end in doubt."""
    sandbox.script(Fault.no_answer(), method="account_info")
    async with WooxyClient(sandbox.token, base_url=sandbox.url, loss_hold=3000) as client:
        asking = asyncio.ensure_future(client.account_info(timeout=0.2))
        with pytest.raises(AccountError, match=r"no answer within the time-out of 0\.2 s") as caught:
            await asking
        assert caught.value.cause is not None
        assert caught.value.cause.kind == "deadline"
        assert sandbox.account_infos <= 1
        if sandbox.account_infos:  # else a busy machine was still connecting
            assert client.statistics().closed == 1


async def test_a_closed_client_does_not_ask(sandbox: Sandbox, client: WooxyClient) -> None:
    """As with `send`."""
    await client.send(message(0))
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.account_info()
    assert sandbox.account_infos == 0


@pytest.mark.parametrize(
    ("account", "number"),
    [
        ({"token": "other"}, 23),
        ({"enabled": False}, 24),
        ({"has_data": False}, 25),
        ({"secret_matches": False}, 26),
        ({"broken": True}, 21),
    ],
)
async def test_the_sandbox_refuses_what_the_page_refuses(account: dict[str, Any], number: int) -> None:
    """The first seven of the page's errors are those of the sending method."""
    async with Sandbox(account=Account(**account)) as sandbox, WooxyClient("t", base_url=sandbox.url) as client:
        with pytest.raises(AccountError) as caught:
            await client.account_info()
        assert [list(ErrorCode).index(error.code) + 1 for error in caught.value.errors] == [number]


def test_the_sandboxs_arguments_are_checked() -> None:
    """By name."""
    with pytest.raises(TypeError, match="balance"):
        Account(balance="12")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="balance"):
        Account(balance=float("nan"))
    with pytest.raises(ValueError, match="name"):
        Account(name="")
    sandbox = Sandbox()
    with pytest.raises(ValueError, match="method"):
        sandbox.script(Fault.none(), method="other")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="number"):
        sandbox.script(Fault.none(), method="account_info", number="+14155550123")
