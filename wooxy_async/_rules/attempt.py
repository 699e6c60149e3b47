"""The record of one request, for the log and for the hook `on_attempt`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wooxy_async._rules.messages import Masked, Plain, ViberMessage
from wooxy_async._rules.outcomes import Outcome
from wooxy_async._rules.redaction import mask_number, mask_reference


class Attempt(Masked, frozen=True, kw_only=True):
    """One request for one message; holds no token and no personal data but the caller's reference.

    Args:
        index: the message's 0-based place in its source.
        reference: the caller's own id of the message, whole; the repr shows a digest.
        number: the last three characters of the phone number, "…" for the rest; "…" alone where it has six or fewer.
        attempt: 1-based.
        outcome: what it would be if it were the last: "accepted", "rejected", "not_sent" or "in_doubt".
        cause: `Cause.kind` where it had no valid reply.
        status: the HTTP status of a whole answer.
        elapsed: seconds from the slot to the judgement.
        waited: seconds that it waited for its slot before.
    """

    index: int
    reference: str | None
    number: str
    attempt: int
    outcome: str
    cause: str | None
    status: int | None
    elapsed: float
    waited: float = 0.0

    def _shown(self) -> Iterator[tuple[str, Any]]:
        for name, value in super()._shown():
            yield name, Plain(mask_reference(value)) if name == "reference" else value


def attempt_of(
    message: ViberMessage, outcome: Outcome, *, status: int | None, elapsed: float, waited: float
) -> Attempt:
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
        waited=waited,
    )


def logged_reference(reference: str | None, *, whole: bool) -> str:
    """Return a reference as the text of a log record shows it, in one line.

    Args:
        reference: the caller's own id of a message.
        whole: whether it is shown as it is.
    """
    return repr(reference) if whole else mask_reference(reference)
