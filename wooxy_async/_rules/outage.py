"""What a stream waits for while Wooxy is down."""

from __future__ import annotations

from wooxy_async._rules.described import Described
from wooxy_async._rules.outcomes import CauseKind


class Outage(Described, frozen=True, kw_only=True):
    """Wooxy gives no valid reply, and a stream waits for one.

    Args:
        lasted: seconds since the first of the attempts that failed in a row.
        kind: what went wrong last, a word for programs, as in `Cause`.
        because: the same as a sentence for people; holds no token.
        next_try_in: seconds until Wooxy is asked again; 0 while an answer is waited for.
        gives_up_in: seconds until the stream ends.
    """

    lasted: float
    kind: CauseKind
    because: str
    next_try_in: float
    gives_up_in: float
