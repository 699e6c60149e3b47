"""`account_info`: one request in a slot of its own, that sends nothing and may be repeated."""

from __future__ import annotations

from typing import Final

from wooxy_async import _slots
from wooxy_async._engine import Engine
from wooxy_async._ports import Handover, Lease, Priority, Reply, TransportError
from wooxy_async._rules.account import ACCOUNT_BODY, AccountError, AccountInfo, read_account
from wooxy_async._rules.documented import ErrorCode
from wooxy_async._rules.outcomes import Cause
from wooxy_async._rules.redaction import mask_digits
from wooxy_async._rules.retry import retry_after
from wooxy_async._rules.wire import Refused

_TOO_MANY: Final = 429
_GAVE_UP: Final = 408
_FAILED: Final = 500


async def ask(engine: Engine, *, priority: Priority, deadline: float | None = None) -> AccountInfo:
    """Ask for the account's info once.

    Args:
        engine: the client's.
        priority: of its wait for a slot.
        deadline: the clock's `monotonic()` at which the wait for a slot ends, or None.

    Raises:
        AccountError: there is no sound answer.
    """
    acquired = await _slots.acquire(engine, priority, deadline)
    if isinstance(acquired, Cause):
        raise AccountError(acquired.text, cause=acquired)
    slot, lease = acquired
    try:
        return await _request(engine, lease)
    finally:
        await _slots.release(engine, slot)


async def _request(engine: Engine, lease: Lease) -> AccountInfo:
    began, handover, status = engine.clock.monotonic(), Handover(lease.holds), _FAILED
    try:
        reply = await engine.transport().post(ACCOUNT_BODY, handover, engine.settings.account_url)
        status = reply.status
    except TransportError as error:
        raise AccountError(error.text, cause=Cause(kind=error.kind, text=error.text, detail=error.detail)) from None
    finally:
        if handover.started and status >= _FAILED:
            _slots.keep_closed(engine, lease, engine.settings.loss_hold)
    return _judge(engine, reply, began)


def _judge(engine: Engine, reply: Reply, began: float) -> AccountInfo:
    answer = read_account(reply.body, engine.settings.redact)
    status = reply.status
    if isinstance(answer, AccountInfo):
        return answer  # says nothing of the load that messages are: the account's pause goes on
    if isinstance(answer, Refused):
        failed = any(error.code is ErrorCode.INTERNAL_SERVER_ERROR for error in answer.errors)
        cause = Cause(kind="server_error", text="The server failed.") if failed else None
        said = mask_digits("; ".join(error.text.rstrip(".!") for error in answer.errors))
        raise AccountError(
            f"Wooxy refused to give the account's info (HTTP {status}): {said}.", answer.errors, status, cause
        )
    if status == _TOO_MANY:
        asked = None if reply.retry_after is None else retry_after(reply.retry_after, engine.clock.time())
        engine.pace.refused(began, asked, lambda nth: engine.settings.retry.pause(nth, engine.draw()))
        cause = Cause(kind="throttled", text=f"Wooxy refused the request for load (HTTP {status}).")
    elif status >= _FAILED or status == _GAVE_UP:
        cause = Cause(kind="server_error", text=f"The server failed (HTTP {status}).")
    else:
        cause = Cause(kind="unreadable_answer", text=f"The answer is no account info (HTTP {status}).")
    raise AccountError(cause.text, status=status, cause=cause)
