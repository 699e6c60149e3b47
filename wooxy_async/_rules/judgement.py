"""Failure → outcome: one table. Read from the top; the first row that fits decides.

The README prints it, and a test compares the two. It judges by what was seen on the wire, never by an
exception's class: classes alone call processed requests "not sent" (findings, fault table).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec

from wooxy_async._rules.documented import ApiError, ErrorCode
from wooxy_async._rules.outcomes import (
    Accepted,
    Cause,
    CauseKind,
    InDoubt,
    Invalid,
    NotSent,
    Outcome,
    Problem,
    Rejected,
)
from wooxy_async._rules.redaction import mask_digits
from wooxy_async._rules.wire import Refused, Taken


class Verdict(Enum):
    """Which of the five outcomes."""

    INVALID = "Invalid"
    NOT_SENT = "NotSent"
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    IN_DOUBT = "InDoubt"


class Again(Enum):
    """Whether a message is sent again by itself."""

    NEVER = "–"  # noqa: RUF001 - a dash, as the table prints it
    NO = "no"
    WITHIN_POLICY = "yes, within `RetryPolicy`"
    AFTER_PAUSE = "yes; `Retry-After` honoured, the whole account pauses (urgent: at most 2 s, then one at a time)"
    IF_ASKED = "only with `retry_in_doubt=True`"


class Seen(msgspec.Struct, kw_only=True):
    """What was seen of one attempt.

    Args:
        problems: the local rules that the message breaks.
        handed_over: a byte of the request may have left this process, or a mocked session answered.
        status: the HTTP status of a whole answer, or None where there was none.
        answer: its body where that was well-formed.
        failure: what happened instead of a whole answer.
        retry_after: seconds that the server asked to wait.
        words: the beginning of an answer that was not well-formed, without secrets.
        has_proxy: a proxy stands between the client and the server.
    """

    problems: tuple[Problem, ...] = ()
    handed_over: bool = False
    status: int | None = None
    answer: Taken | Refused | None = None
    failure: Cause | None = None
    retry_after: float | None = None
    words: str = ""
    has_proxy: bool = False


class Row(NamedTuple):
    """One row of the table; `seen` and `again` are what the README prints."""

    seen: str
    verdict: Verdict
    again: Again
    fits: Callable[[Seen], bool]


def _codes(seen: Seen) -> set[ErrorCode]:
    return {error.code for error in seen.answer.errors} if isinstance(seen.answer, Refused) else set()


def _may_be_a_gateway(status: int) -> bool:
    """Return whether who answers may not know what became of the message."""
    return status >= 500 or status == 408  # noqa: PLR2004 - the class of a status is its first digit


def _is_a_refusal(status: int) -> bool:
    return 400 <= status < 500 and status != 408  # noqa: PLR2004 - likewise


# The body decides, because the page gives no statuses; the status helps where the body says nothing that is documented.
TABLE: Final = (
    Row("a local rule is broken", Verdict.INVALID, Again.NEVER, lambda seen: bool(seen.problems)),
    Row(
        "no slot within the caller's deadline; connection not made; no byte handed over",
        Verdict.NOT_SENT,
        Again.WITHIN_POLICY,
        lambda seen: not seen.handed_over,
    ),
    Row(
        "a well-formed body, whatever the status: `result: true`",
        Verdict.ACCEPTED,
        Again.NEVER,
        lambda seen: isinstance(seen.answer, Taken),
    ),
    Row(
        "… `result: false` with error 21 among its errors",
        Verdict.IN_DOUBT,
        Again.IF_ASKED,
        lambda seen: ErrorCode.INTERNAL_SERVER_ERROR in _codes(seen),
    ),
    Row(
        "… `result: false` with another documented error",
        Verdict.REJECTED,
        Again.NO,
        lambda seen: bool(_codes(seen) - {ErrorCode.UNKNOWN}),
    ),
    Row("429 (refused for load)", Verdict.NOT_SENT, Again.AFTER_PAUSE, lambda seen: seen.status == 429),  # noqa: PLR2004 - the row says what it is
    Row(
        "407 from the proxy that is configured",
        Verdict.NOT_SENT,
        Again.NO,
        lambda seen: seen.status == 407 and seen.has_proxy,  # noqa: PLR2004 - likewise
    ),
    Row(
        "`result: false` with nothing documented under 5xx or 408",
        Verdict.IN_DOUBT,
        Again.IF_ASKED,
        lambda seen: isinstance(seen.answer, Refused) and _may_be_a_gateway(seen.status or 0),
    ),
    Row(
        "`result: false` otherwise; any other 4xx but 408",
        Verdict.REJECTED,
        Again.NO,
        lambda seen: isinstance(seen.answer, Refused) or _is_a_refusal(seen.status or 0),
    ),
    Row(
        "handed over, and then: lost connection, deadline, cancellation, unreadable or oversized answer, "
        "2xx of another shape, 3xx, 408, 5xx",
        Verdict.IN_DOUBT,
        Again.IF_ASKED,
        lambda _seen: True,
    ),
)


_TAKEN: Final = next(row for row in TABLE if row.verdict is Verdict.ACCEPTED)


def judge(seen: Seen) -> Row:
    """Return the first row of the table that fits."""
    if seen.status == 200 and type(seen.answer) is Taken and seen.handed_over and not seen.problems:  # noqa: PLR2004 - the usual answer
        return _TAKEN
    return next(row for row in TABLE if row.fits(seen))


_PLAIN_CAUSES: Final[dict[int, tuple[CauseKind, str]]] = {
    407: ("proxy", "The proxy asks for a login (HTTP 407)."),
    408: ("server_error", "The server gave up waiting (HTTP 408)."),
    429: ("throttled", "Wooxy refused the request for load (HTTP 429)."),
}


def _cause(seen: Seen) -> Cause:
    """Say why a message was not sent or is in doubt, with the server's words where it had some."""
    if seen.failure is not None:
        return seen.failure
    status = seen.status or 0
    if ErrorCode.INTERNAL_SERVER_ERROR in _codes(seen):
        return Cause(kind="server_error", text=f"Wooxy answered “Internal server error” (HTTP {status}).")
    kind, text = _PLAIN_CAUSES.get(status) or _by_class(status)
    words = mask_digits("; ".join(error.text for error in _errors(seen)) or seen.words)
    return Cause(kind=kind, text=f"{text[:-1]}: {words}" if words else text)


def _by_class(status: int) -> tuple[CauseKind, str]:
    if status >= 500:  # noqa: PLR2004 - the class of a status is its first digit
        return "server_error", f"The server failed (HTTP {status})."
    if 300 <= status < 400:  # noqa: PLR2004 - likewise
        return "redirected", f"The server redirected the request, which is never followed (HTTP {status})."
    return "unreadable_answer", f"The answer is not of the documented form (HTTP {status})."


def conclude(row: Row, seen: Seen, **common: Any) -> Outcome:
    """Build the outcome that a row of the table gives.

    Args:
        row: the row that fits.
        seen: what was seen.
        common: `index`, `message`, `attempts` and `elapsed` of the outcome.
    """
    match row.verdict:
        case Verdict.INVALID:
            return Invalid(problems=seen.problems, **common)
        case Verdict.NOT_SENT:
            return NotSent(cause=_cause(seen), retry_after=seen.retry_after, **common)
        case Verdict.ACCEPTED:
            return Accepted(message_ids=seen.answer.message_ids if isinstance(seen.answer, Taken) else (), **common)
        case Verdict.REJECTED:
            return Rejected(errors=_errors(seen) or (_undocumented(seen),), status=seen.status or 0, **common)
    return InDoubt(cause=_cause(seen), status=seen.status, errors=_errors(seen), **common)


def _errors(seen: Seen) -> tuple[ApiError, ...]:
    return seen.answer.errors if isinstance(seen.answer, Refused) else ()


def _undocumented(seen: Seen) -> ApiError:
    return ApiError(
        code=ErrorCode.UNKNOWN, text=f"HTTP {seen.status} without a documented error: {seen.words}".strip(" :")
    )
