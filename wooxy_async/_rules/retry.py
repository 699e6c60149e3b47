"""When a message that is known not taken is sent again, and after what pause."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from wooxy_async._rules.arguments import number, whole
from wooxy_async._rules.judgement import Again

# The least and the most of each number of a policy; its docstring repeats them.
RANGES: Final = {"attempts": (1, 100), "wait_initial": (0, 3600), "wait_max": (0, 3600)}
_CENTURY: Final = 100 * 365.25 * 24 * 60 * 60  # seconds; a clock can add so much


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often and with what pauses a message is tried; a pause holds no slot.

    Only what is known not taken is tried again by itself. Pauses are exponential with full jitter: before
    attempt n + 1 a random time up to `wait_initial` x 2^(n-1), at most `wait_max`.

    Args:
        attempts: requests for one message at the most, 1 to 100; 1 never tries again. In `send_many` a number over 1
            bounds only what is in doubt: what is known not taken is tried for as long as the stream has `patience`.
        wait_initial: seconds, the bound of the first pause, 0 to 3600.
        wait_max: seconds, the bound of every pause of our own, 0 to 3600. A `Retry-After` beyond it is given back by a
            `send(priority="bulk")`; streams observe it in full, and urgent messages 2 seconds of it.
        retry_in_doubt: also send again what may have been delivered. The person may get the message twice.

    Raises:
        TypeError, ValueError: an argument is not of its type or range.
    """

    attempts: int = 4
    wait_initial: float = 0.5
    wait_max: float = 30.0
    retry_in_doubt: bool = False

    def __post_init__(self) -> None:
        """Refuse what could never work when it is written, not at the first failure."""
        whole("RetryPolicy(attempts=…)", self.attempts, *RANGES["attempts"])
        number("RetryPolicy(wait_initial=…)", self.wait_initial, *RANGES["wait_initial"])
        number("RetryPolicy(wait_max=…)", self.wait_max, *RANGES["wait_max"])
        if not isinstance(self.retry_in_doubt, bool):
            raise TypeError(f"RetryPolicy(retry_in_doubt=…) must be True or False, not {self.retry_in_doubt!r}.")

    def pause(self, attempt: int, draw: float) -> float:
        """Return the pause after an attempt.

        Args:
            attempt: the 1-based attempt that failed.
            draw: a random number from 0 to 1.

        Returns:
            Seconds.
        """
        return min(self.wait_max, math.ldexp(self.wait_initial, min(attempt - 1, 60))) * draw


def may_try_again(policy: RetryPolicy, again: Again, attempts: int, *, is_endless: bool) -> bool:
    """Return whether a message is tried again after its last attempt.

    Args:
        policy: how often.
        again: what the outcome table says of the last attempt.
        attempts: how many were made.
        is_endless: what is known not taken is tried for as long as it takes, as in a stream; unless the policy says
            once.
    """
    if again in (Again.NEVER, Again.NO):
        return False
    if again is Again.IF_ASKED:
        return policy.retry_in_doubt and attempts < policy.attempts
    return attempts < policy.attempts or (is_endless and policy.attempts > 1)


def retry_after(value: str | None, now: float) -> float | None:
    """Read a `Retry-After` header.

    Args:
        value: the header: seconds, or a date.
        now: the time, in seconds since the epoch.

    Returns:
        Seconds from now, never negative; None where there is none that can be read.

    Source:
        RFC 9110, section 10.2.3.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _CENTURY)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
