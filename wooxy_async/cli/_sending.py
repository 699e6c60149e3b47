"""A campaign on its way through the client: every row gets a line, whatever ends the run.

The first Ctrl-C (or SIGTERM) ends the intake and waits for what is in flight; the second leaves at once, and writes
what was in flight as in doubt.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Final

import anyio
import msgspec
from anyio.abc import TaskStatus

from wooxy_async import Outcome, OutcomeStream, ViberMessage, WooxyError
from wooxy_async.campaigns import Campaign, CampaignError, UnusableRow
from wooxy_async.cli._results import ResultsFile
from wooxy_async.cli._tally import Tally, tag_of

_LEFT: Final = {"kind": "cancelled", "text": "The command was left before the answer came."}


class Sending:
    """The books of one run.

    Args:
        campaign: what is sent.
        tally: counts the outcomes.
        results: gets a line for each row.
    """

    def __init__(self, campaign: Campaign, tally: Tally, results: ResultsFile) -> None:
        self.tally = tally
        self.broken: OSError | None = None
        self.unwritten: list[str] = []
        self._campaign = campaign
        self._results = results
        self._rows: dict[int, int] = {}  # the row of each message that has no outcome yet, by its index

    def messages(self) -> Iterator[ViberMessage]:
        """Yield the messages, and write the rows in between that are none."""
        index = 0
        for row in self._campaign.rows():
            if isinstance(row, UnusableRow):
                self._write(row.row, row.kind, row.to_json())
            else:
                self._rows[index] = row.row
                index += 1
                yield row.message
            if self.broken:
                return

    def settle(self, outcome: Outcome) -> None:
        """Count and write an outcome."""
        row = self._rows.pop(outcome.index)
        self.tally.add(row, outcome)
        self._write(row, tag_of(outcome), b'{"row":%d,%b' % (row, outcome.to_json()[1:]))

    def abandon(self) -> int:
        """Write what has no outcome as in doubt, and return how many that are."""
        for row in self._rows.values():
            line = {"row": row, "outcome": "in_doubt", "cause": _LEFT}
            self._write(row, "in_doubt", msgspec.json.encode(line))
        return len(self._rows)

    def _write(self, row: int, word: str, line: bytes) -> None:
        if self.broken is None:
            try:
                self._results.write(line)
            except OSError as error:
                self.broken = error
        if self.broken is not None:
            self.unwritten.append(f"row {row} {word}")


class Ending(msgspec.Struct):
    """How a run ended.

    Args:
        signal: the first signal that came, or None.
        left: how many messages were in flight when a second one came.
        error: what ended the run before its last message, in words.
    """

    signal: int | None = None
    left: int = 0
    error: str | None = None


async def send_all(stream: OutcomeStream, sending: Sending, ending: Ending) -> None:
    """Take a stream's outcomes until it ends, or until a signal comes.

    Args:
        stream: made of `sending.messages()`.
        sending: the books.
        ending: is told how it went, as soon as it is known.
    """
    async with anyio.create_task_group() as group:
        leave, intake = anyio.CancelScope(), anyio.CancelScope()
        await group.start(_watch, ending, intake, leave)
        with leave:
            with intake:
                await _take(stream, sending, ending)
            await stream.aclose()
            for outcome in stream.undelivered:
                sending.settle(outcome)
        if leave.cancelled_caught:
            ending.left = sending.abandon()
        group.cancel_scope.cancel()


async def _take(stream: OutcomeStream, sending: Sending, ending: Ending) -> None:
    try:
        async for outcome in stream:
            sending.settle(outcome)
            if sending.broken:
                return
    except (WooxyError, CampaignError) as error:
        ending.error = str(error)


async def _watch(
    ending: Ending, intake: anyio.CancelScope, leave: anyio.CancelScope, *, task_status: TaskStatus[None]
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            if ending.signal is not None:
                leave.cancel()
                return
            ending.signal = number
            intake.cancel()
