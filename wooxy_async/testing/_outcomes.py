"""Outcomes that are made by hand, and true to the one table: none that a client could never give."""

from __future__ import annotations

from itertools import count
from typing import Any, Final, get_args

from wooxy_async._rules.arguments import shown
from wooxy_async._rules.checks import problems as problems_of
from wooxy_async._rules.documented import DOCUMENTED, ApiError, Documented, ErrorCode, recognize
from wooxy_async._rules.judgement import Seen, Verdict, judge
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, Cause, CauseKind, InDoubt, Invalid, NotSent, Problem, Rejected
from wooxy_async._rules.phones import normalize
from wooxy_async._rules.redaction import MASK
from wooxy_async._rules.wire import Refused

_ids: Final = count(1)
# Which of the two a cause may stand in: those that are told before a request is out, and those that are told after.
_BEFORE: Final[frozenset[CauseKind]] = frozenset(
    {
        "no_slot",
        "overloaded",
        "limiter_unavailable",
        "not_connected",
        "not_started",
        "expired",
        "fuse",
        "throttled",
        "proxy",
        "token_unavailable",
    }
)
_AFTER: Final[frozenset[CauseKind]] = frozenset(
    {"closed", "lease_lost", "connection_lost", "no_answer", "unreadable_answer", "redirected", "server_error"}
)
_WITH_A_REQUEST: Final[frozenset[CauseKind]] = frozenset({"not_connected", "throttled", "proxy"})
# The status of a whole answer, where the cause implies one.
_STATUSES: Final[dict[CauseKind, int]] = {"redirected": 307, "server_error": 500, "unreadable_answer": 200}


def accepted(message: ViberMessage, *message_ids: str, index: int = 0) -> Accepted:
    """Return what a client gives for a message that Wooxy took.

    Args:
        message: the message.
        message_ids: Wooxy's ids of it; by default one that no other call has returned in this process.
        index: 0-based place in its source.
    """
    given = message_ids or (f"{next(_ids):024x}",)
    return Accepted(message_ids=given, **_common(message, index, attempts=1))


def rejected(
    message: ViberMessage, code: ErrorCode | int | str, *, text: str | None = None, status: int = 200, index: int = 0
) -> Rejected:
    """Return what a client gives for a message that Wooxy refused.

    Args:
        message: the message.
        code: an `ErrorCode`, or the number of the error on the API page, 1 to 26.
        text: the server's words; by default the documented ones, with the message's own values in them.
        status: the HTTP status of the answer, 200 to 599.
        index: 0-based place in its source.

    Raises:
        ValueError: there is no such error; it is error 21, which leaves a message in doubt; or `ErrorCode.UNKNOWN`
            came without its text.
    """
    error = _error(message, code, text)
    if judge(Seen(handed_over=True, status=status, answer=Refused(errors=(error,)))).verdict is not Verdict.REJECTED:
        raise ValueError(f"{error.code} with status {status} is no refusal: use in_doubt(…) or not_sent(…).")
    return Rejected(errors=(error,), status=status, **_common(message, index, attempts=1))


def invalid(message: ViberMessage, *problems: Problem, index: int = 0) -> Invalid:
    """Return what a client gives for a message that breaks local rules.

    Args:
        message: the message.
        problems: what is wrong with it; by default what really is.
        index: 0-based place in its source.

    Raises:
        ValueError: no problem was given, and the message has none.
    """
    found = problems or problems_of(message)
    if not found:
        raise ValueError("This message breaks no rule: give invalid() one that does, or problems.")
    return Invalid(problems=found, **_common(message, index, attempts=0))


def not_sent(
    message: ViberMessage,
    cause: CauseKind | Cause = "not_connected",
    *,
    retry_after: float | None = None,
    index: int = 0,
) -> NotSent:
    """Return what a client gives for a message that is known not taken.

    Args:
        message: the message.
        cause: its kind, or the whole of it.
        retry_after: seconds that the server asked to wait.
        index: 0-based place in its source.

    Raises:
        ValueError: a message of that cause is in doubt.
    """
    made = _cause(cause, never=_AFTER, other="in_doubt")
    attempts = int(made.kind in _WITH_A_REQUEST)
    return NotSent(cause=made, retry_after=retry_after, **_common(message, index, attempts=attempts))


def in_doubt(
    message: ViberMessage,
    cause: CauseKind | Cause = "connection_lost",
    *,
    status: int | None = None,
    may_settle: bool = False,
    index: int = 0,
) -> InDoubt:
    """Return what a client gives for a message that may have been delivered.

    Args:
        message: the message.
        cause: its kind, or the whole of it.
        status: the HTTP status of an answer; by default that which the cause implies, if any.
        may_settle: whether a late answer may still come.
        index: 0-based place in its source.

    Raises:
        ValueError: a message of that cause is known not to have been sent.
    """
    made = _cause(cause, never=_BEFORE, other="not_sent")
    shown_status = _STATUSES.get(made.kind) if status is None else status
    return InDoubt(cause=made, status=shown_status, may_settle=may_settle, **_common(message, index, attempts=1))


def _common(message: ViberMessage, index: int, *, attempts: int) -> dict[str, Any]:
    if not isinstance(message, ViberMessage):
        raise TypeError(f"an outcome is of a ViberMessage, not {type(message).__name__}.")
    return {"index": index, "message": message, "attempts": attempts, "elapsed": 0.0}


def _cause(given: CauseKind | Cause, *, never: frozenset[CauseKind], other: str) -> Cause:
    kind = given.kind if isinstance(given, Cause) else given
    if kind not in get_args(CauseKind):
        raise ValueError(f"cause must be one of {', '.join(get_args(CauseKind))}, not {shown(kind)}.")
    if kind in never:
        raise ValueError(f"a message whose cause is {kind!r} is never that: use {other}(…).")
    return given if isinstance(given, Cause) else Cause(kind=given, text=f"Made for a test: {given}.")


def _error(message: ViberMessage, code: ErrorCode | int | str, text: str | None) -> ApiError:
    if code == ErrorCode.UNKNOWN:
        if text is None:
            raise ValueError("an error that is not documented has words of its own: pass text=….")
        return ApiError(code=ErrorCode.UNKNOWN, text=text)
    row = next((row for row in DOCUMENTED if code in (row.number, row.code)), None)
    if row is None or isinstance(code, bool):
        raise ValueError(f"code must be an ErrorCode, or a number from 1 to 26, not {shown(code)}.")
    if text is not None:
        return ApiError(code=row.code, text=text)
    return recognize(row.text.format_map(_facts(row, message)), str)


def _facts(row: Documented, message: ViberMessage) -> dict[str, str]:
    """Return what stands at a row's placeholders: the message's own, as far as it has it."""
    number = normalize(message.phone_number, "e164")
    ids = {ErrorCode.DOMAIN_WITHOUT_DEFAULT_LIST: message.domain, ErrorCode.USER_NOT_ENABLED: "17"}
    return {
        "phoneNumber": number if isinstance(number, str) else str(message.phone_number),
        "domain": str(message.domain),
        "code": "UA",
        "id": str(ids.get(row.code, message.sender_id or "Wooxy")),
        "tag": str(message.tags[0]) if message.tags else "sale",
        "accessToken": MASK,
        "key": MASK,
        "userId": "17",
    }
