"""What is told of each request, to the log and to the hook `on_attempt`."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from wooxy_async._logging import say
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Outcome
from wooxy_async._rules.redaction import mask_number


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request for one message; holds no token and no personal data but the caller's reference.

    Args:
        index: the message's 0-based place in its source.
        reference: the caller's own id of the message.
        number: the phone number but for its last digits.
        attempt: 1-based.
        outcome: what it would be if it were the last: "accepted", "rejected", "not_sent" or "in_doubt".
        cause: `Cause.kind` where it had no valid reply.
        status: the HTTP status of a whole answer.
        elapsed: seconds from the slot to the judgement.
    """

    index: int
    reference: str | None
    number: str
    attempt: int
    outcome: str
    cause: str | None
    status: int | None
    elapsed: float


def attempt_of(message: ViberMessage, outcome: Outcome, *, status: int | None, elapsed: float) -> Attempt:
    """Return the record of an attempt that had an outcome."""
    return Attempt(
        index=outcome.index,
        reference=message.reference,
        number=mask_number(message.phone_number),
        attempt=outcome.attempts,
        outcome=str(type(outcome).__struct_config__.tag),
        cause=getattr(getattr(outcome, "cause", None), "kind", None),
        status=status,
        elapsed=elapsed,
    )


def log_attempt(attempt: Attempt) -> None:
    """Write one record; its parts stand in the record's attributes `wooxy_…` too."""
    extra: dict[str, Any] = {f"wooxy_{name}": getattr(attempt, name) for name in attempt.__struct_fields__}
    say(
        logging.DEBUG,
        "message %s (reference %r, number %s), attempt %s: %s%s, status %s, %.3f s",
        attempt.index,
        attempt.reference,
        attempt.number,
        attempt.attempt,
        attempt.outcome,
        f" ({attempt.cause})" if attempt.cause else "",
        attempt.status,
        attempt.elapsed,
        extra=extra,
    )
