"""What a client counts."""

from __future__ import annotations

from wooxy_async._rules.described import Described


class Statistics(Described, frozen=True, kw_only=True):
    """A client at one moment; counts are since it was made.

    Args:
        borrowed: slots in use by this client.
        closed: slots of the account that are kept closed: after an end in doubt, after their event loop was closed, or
            for a moment after an answer while the account recovers from a 429.
        waiting: messages of this client that wait for a slot.
        accepted, rejected, invalid, not_sent, in_doubt: outcomes so far.
        outlived: requests in progress whose caller no longer waits; each of them ends in a call of `on_settled`.
        settled: doubts that a late answer has settled; those that stay in doubt are not counted.
        paused_for: seconds until the client sends again after the server asked it to wait; 0 if it does not pause.
        paused_because: why it pauses, or "".
    """

    borrowed: int = 0
    closed: int = 0
    waiting: int = 0
    accepted: int = 0
    rejected: int = 0
    invalid: int = 0
    not_sent: int = 0
    in_doubt: int = 0
    outlived: int = 0
    settled: int = 0
    paused_for: float = 0.0
    paused_because: str = ""
