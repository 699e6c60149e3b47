"""What is learned of a campaign from its refusals: a country that a sender may not send to, or a share too high.

The same refusal of all messages ends the client's stream by itself; what stands here needs the rows of a campaign.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

import msgspec

from wooxy_async._rules.documented import ErrorCode
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, Outcome, Rejected
from wooxy_async.campaigns._countries import country_of

PARKED_AT: Final = 20  # refusals in a row of one sender for one country
LOOKED_AT: Final = 200  # answers
MAX_REFUSED: Final = 0.3  # of them
_OF_A_COUNTRY: Final = frozenset({ErrorCode.COUNTRY_NOT_ALLOWED, ErrorCode.COUNTRY_NOT_ALLOWED_FOR_SENDER})


class ParkedPair(msgspec.Struct, frozen=True):
    """A sender whose messages to one country are no longer tried in this run; their rows are to be sent as before.

    Args:
        sender_id: as in `ViberMessage`; None for Wooxy's default.
        country: its two letters.
        rows: how many were passed over so far.
    """

    sender_id: str | None
    country: str
    rows: int = 0


class Refusals:
    """Counts the refusals of one run."""

    def __init__(self) -> None:
        self._in_a_row: Counter[tuple[str | None, str]] = Counter()
        self._parked: Counter[tuple[str | None, str]] = Counter()
        self._last: deque[bool] = deque(maxlen=LOOKED_AT)

    def add(self, outcome: Outcome) -> None:
        """Learn of an outcome; only the server's answers count."""
        if isinstance(outcome, Accepted):
            if self._in_a_row:
                self._in_a_row.pop(_pair(outcome.message), None)
            self._last.append(False)
        elif isinstance(outcome, Rejected):
            is_of_a_country = any(error.code in _OF_A_COUNTRY for error in outcome.errors)
            self._last.append(not is_of_a_country)
            if is_of_a_country:
                self._count(_pair(outcome.message))

    @property
    def are_too_many(self) -> bool:
        """Whether over 30 % of the last 200 answers are refusals, those for a country aside."""
        return len(self._last) == LOOKED_AT and sum(self._last) > MAX_REFUSED * LOOKED_AT

    @property
    def parked(self) -> tuple[ParkedPair, ...]:
        """The pairs that are passed over."""
        return tuple(ParkedPair(*pair, rows) for pair, rows in self._parked.items())

    def passes_over(self, message: ViberMessage) -> str | None:
        """Return why a message is not to be tried, and count it then; None where it is to be tried."""
        if not self._parked or (pair := _pair(message)) not in self._parked:
            return None
        self._parked[pair] += 1
        sender = "Wooxy's default sender" if pair[0] is None else f"The sender {pair[0]}"
        return f"{sender} was refused for {pair[1]} {PARKED_AT} times in a row, so that this was not tried."

    def _count(self, pair: tuple[str | None, str]) -> None:
        self._in_a_row[pair] += 1
        if self._in_a_row[pair] == PARKED_AT:
            self._parked[pair] = 0


def _pair(message: ViberMessage) -> tuple[str | None, str]:
    return message.sender_id, country_of(message.phone_number)
