"""What a submission is at: its states, and the only changes between them that there are.

A submission goes from left to right, and back to the first wait with each further attempt; from every state it may end,
because its caller, its client or its loop may:

    NEW -> HELD_BACK -> PAUSED -> QUEUED -> REQUESTING -> RESTING -> (HELD_BACK, PAUSED or QUEUED of the next attempt)
                                                                  -> ENDED

HELD_BACK and PAUSED are passed only where the breaker or the account's pace says so. Whether a request that is being
made has left this process is no state: the transport writes that down in the very step of its first write (`Handover`),
and no code of ours runs between the two.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from wooxy_async._rules.outcomes import CauseKind


class State(Enum):
    """What a submission is at; each value is how people are told."""

    following: tuple[State, ...]  # its row of the table: looked up for each message, without hashing

    NEW = "not started"
    HELD_BACK = "waiting because Wooxy does not answer"
    PAUSED = "waiting because Wooxy asked the client to wait"
    QUEUED = "waiting for a slot"
    REQUESTING = "connecting"
    RESTING = "pausing after an attempt"
    ENDED = "at its end"


_WAITS: Final = frozenset({State.HELD_BACK, State.PAUSED, State.QUEUED})
CHANGES: Final[dict[State, frozenset[State]]] = {
    State.NEW: _WAITS | {State.ENDED},
    State.HELD_BACK: frozenset({State.PAUSED, State.QUEUED, State.ENDED}),
    State.PAUSED: frozenset({State.QUEUED, State.ENDED}),
    State.QUEUED: _WAITS | {State.REQUESTING, State.RESTING, State.ENDED},  # no slot; or the account began to pause
    State.REQUESTING: frozenset({State.RESTING, State.ENDED}),
    State.RESTING: _WAITS | {State.ENDED},
    State.ENDED: frozenset(),
}

for _state, _following in CHANGES.items():
    _state.following = tuple(_following)

# What a caller whose time ran out is told, where it says more than "deadline".
AT_DEADLINE: Final[dict[State, CauseKind]] = {State.QUEUED: "no_slot", State.PAUSED: "throttled"}


def changed(state: State, to: State) -> State:
    """Return the state that a submission enters; to enter the one that it is in changes nothing.

    Raises:
        AssertionError: there is no such change, which is a bug of this library.
    """
    if to is not state and to not in state.following:
        raise AssertionError(f"no submission goes from {state.name} to {to.name}")
    return to
