"""`account_info`: one request in a slot of its own, that sends nothing and may be repeated."""

from __future__ import annotations

from typing import Final

from wooxy_async._client import slots
from wooxy_async._client.session import Session
from wooxy_async._ports import Lease, Priority, Reply, TransportError
from wooxy_async._rules.account import ACCOUNT_BODY, AccountError, AccountInfo, read_account
from wooxy_async._rules.documented import ErrorCode, Scope
from wooxy_async._rules.outcomes import Cause
from wooxy_async._rules.redaction import mask_digits
from wooxy_async._rules.retry import retry_after
from wooxy_async._rules.wire import Refused

_TOO_MANY: Final = 429
_GAVE_UP: Final = 408
_FAILED: Final = 500


async def ask(session: Session, *, priority: Priority, deadline: float | None = None) -> AccountInfo:
    """Ask for the account's info once.

    Args:
        session: the client's.
        priority: of its wait for a slot.
        deadline: the clock's `monotonic()` at which the wait for a slot ends, or None.

    Raises:
        AccountError: there is no valid reply.
    """
    tokens = session.tokens
    number = 0 if tokens is None else tokens.number
    try:
        return await _ask_once(session, priority, deadline)
    except AccountError as error:
        is_refused = any(each.scope is Scope.ACCOUNT for each in error.errors)
        if tokens is None or not is_refused or not await tokens.renewed(number):
            raise
    return await _ask_once(session, priority, deadline)


async def _ask_once(session: Session, priority: Priority, deadline: float | None) -> AccountInfo:
    acquired = await slots.acquire(session, priority, deadline)
    if isinstance(acquired, Cause):
        raise AccountError(acquired.text, cause=acquired)
    slot, lease = acquired
    try:
        return await _request(session, lease)
    finally:
        await slots.release(session, slot)


async def _request(session: Session, lease: Lease) -> AccountInfo:
    began, status = session.clock.monotonic(), _FAILED
    watch = slots.LeaseWatch(session, lease)
    handover = watch.handover
    with watch:
        try:
            reply = await session.transport().post(ACCOUNT_BODY, handover, session.settings.account_url)
            status = reply.status
        except TransportError as error:
            raise AccountError(error.text, cause=Cause(kind=error.kind, text=error.text, detail=error.detail)) from None
        finally:
            if handover.started and status >= _FAILED:
                slots.keep_closed(session, lease, session.settings.loss_hold)
    return _judge(session, reply, began)


def _judge(session: Session, reply: Reply, began: float) -> AccountInfo:
    answer = read_account(reply.body, session.settings.redact)
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
        asked = None if reply.retry_after is None else retry_after(reply.retry_after, session.clock.time())
        session.pauses.refused(began, asked, lambda nth: session.settings.retry.pause(nth, session.jitter()))
        cause = Cause(kind="throttled", text=f"Wooxy refused the request for load (HTTP {status}).")
    elif status >= _FAILED or status == _GAVE_UP:
        cause = Cause(kind="server_error", text=f"The server failed (HTTP {status}).")
    else:
        cause = Cause(kind="unreadable_answer", text=f"The answer is no account info (HTTP {status}).")
    raise AccountError(cause.text, status=status, cause=cause)
