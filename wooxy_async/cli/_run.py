"""A campaign on its way through the client, from its journal, until its end or a signal.

The first Ctrl-C (or SIGTERM, SIGHUP, `wooxy stop`) ends the intake and gives what is in flight 10 seconds for its
answer; the second cuts that too, which leaves it in doubt.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec
from rich.console import Console

from wooxy_async import NotSentError, Outcome, RejectedError, WooxyClient, WooxyError
from wooxy_async._rules.documented import Scope
from wooxy_async._rules.errors import scope
from wooxy_async.campaigns import Campaign, CampaignError, CampaignRun, RefusalsError
from wooxy_async.cli._books import Report, ResultsFile, Tally
from wooxy_async.cli._ending import Ending, ExitCode, in_options, until_signalled
from wooxy_async.cli._views import Progress, showing
from wooxy_async.journals import JournalError, RowState, SQLiteJournal, read_status, stop_was_asked
from wooxy_async.limits import SLOTS

MAX_UNREACHED: Final = 30.0  # seconds for which a server is waited for that was never reached
_UNREACHED: Final = "not_connected"
_LOOK_EVERY: Final = 0.5  # seconds; `wooxy stop` ends a run within two


class RunBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How a run goes.

    Args:
        slots: how many requests may be in progress.
        limit: how many messages are sent at the most; None for all.
        rate: how many a second; None for as many as the slots give.
        patience: seconds without a valid reply after which it ends.
        keep_going: whether it goes on in spite of refusals.
        unreached: seconds for which a server is waited for that was never reached.
    """

    slots: int = SLOTS
    limit: int | None = None
    rate: float | None = None
    patience: float = 900.0
    keep_going: bool = False
    unreached: float = MAX_UNREACHED


class Carrier:
    """Carries one campaign through a client.

    Args:
        client: open; closed at the end.
        campaign: its block was entered.
        journal: the campaign's.
        bounds: how it goes.
        screen: where people read.
        results: gets a line for each outcome; or None.
        may_go_on: asks a person, with what ended the run, whether to go on in spite of it; None where nobody can be.
    """

    def __init__(
        self,
        client: WooxyClient,
        campaign: Campaign,
        journal: SQLiteJournal,
        *,
        bounds: RunBounds,
        screen: Console,
        results: ResultsFile | None = None,
        may_go_on: Callable[[str], bool] | None = None,
    ) -> None:
        self.tally = Tally()
        self.ending = Ending()
        self._client = client
        self._campaign = campaign
        self._journal = journal
        self._bounds = bounds
        self._screen = screen
        self._results = results
        self._may_go_on = may_go_on
        self._runs: list[CampaignRun] = []

    @property
    def to_send(self) -> int:
        """How many messages this run is to send."""
        pending = self._campaign.resumed.counts.get(RowState.PENDING, 0)
        return pending if self._bounds.limit is None else min(pending, self._bounds.limit)

    async def carry(self) -> Report:
        """Send until the end of the campaign or a signal, give what is in flight 10 seconds, and close the client."""
        await until_signalled(self._client, self._send(), self.ending)
        for run in self._runs:
            for outcome in run.undelivered:
                self._add(run, outcome)
        unrecorded = tuple(outcome for run in self._runs for outcome in run.unrecorded)
        try:
            counts = await self._journal.counts()
        except JournalError:  # told already: it has ended the run
            counts = self._counted(len(unrecorded))
        return Report(
            journal=str(self._journal.path),
            resumed=self._campaign.resumed,
            to_send=self.to_send,
            tally=self.tally,
            ending=self.ending,
            seconds=self.tally.elapsed,
            counts=counts,
            unusable=read_status(self._journal.path).unusable,
            parked=tuple(pair for run in self._runs for pair in run.parked),
            unrecorded=unrecorded,
            results=self._results,
        )

    def _counted(self, unrecorded: int) -> dict[RowState, int]:
        """Return how many rows are what by our own counts, where the journal cannot be asked any more."""
        counts = Counter(self._campaign.resumed.counts)
        counts[RowState.PENDING] -= self.tally.settled + unrecorded
        counts.update({RowState(tag): count for tag, count in self.tally.counts.items()})
        return dict(counts)

    async def _send(self) -> None:
        bounds = self._bounds
        while True:
            run = self._campaign.run(self._client, limit=self._left, rate=bounds.rate, keep_going=bounds.keep_going)
            self._runs.append(run)
            async with showing(self._screen, self._progress(run)), run:
                error = await self._take_all(run)
            if error is None:
                return
            why = in_options(str(error))
            if not _is_of_messages(error) or not self._goes_on(why):
                is_reached = self._was_reached or not (
                    isinstance(error, NotSentError) and error.outcome.cause.kind == _UNREACHED
                )
                self.ending.error, self.ending.code = why, None if is_reached else ExitCode.NEVER_REACHED
                return

    def _goes_on(self, why: str) -> bool:
        return self._bounds.keep_going or (self._may_go_on is not None and self._may_go_on(why))

    @property
    def _was_reached(self) -> bool:
        return any(self.tally.counts[tag] for tag in ("accepted", "rejected", "in_doubt"))

    @property
    def _left(self) -> int | None:
        return None if self._bounds.limit is None else self._bounds.limit - self.tally.settled

    async def _take_all(self, run: CampaignRun) -> Exception | None:
        """Take all outcomes; return what ended the run before its last message."""
        watching = asyncio.create_task(self._watch(run))
        try:
            async for outcome in run:
                self._add(run, outcome)
        except (WooxyError, CampaignError, JournalError) as error:
            return error
        finally:
            watching.cancel()
        return None

    async def _watch(self, run: CampaignRun) -> None:
        """End a run that was asked to stop, or whose server was never reached."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if stop_was_asked(self._journal.path):
                signal.raise_signal(signal.SIGTERM)
                return
            if (outage := run.outage) is None or outage.kind != _UNREACHED or self._was_reached:
                continue
            if outage.lasted >= self._bounds.unreached:
                self.ending.error = f"the server was never reached. {outage.because}"
                self.ending.code = ExitCode.NEVER_REACHED
                await run.aclose()

    def _add(self, run: CampaignRun, outcome: Outcome) -> None:
        row = run.row_of(outcome).sheet_row
        self.tally.add(row, outcome)
        if self._results is not None:
            self._results.add(row, outcome)

    def _progress(self, run: CampaignRun) -> Progress:
        return Progress(
            self.tally,
            self.ending,
            total=self.to_send,
            slots=self._bounds.slots,
            statistics=self._client.statistics,
            outage=lambda: run.outage,
        )


def _is_of_messages(error: Exception) -> bool:
    """Return whether it is the messages that were refused, and not the account, the server or the journal."""
    if isinstance(error, RejectedError):
        return scope(error.outcome) is not Scope.ACCOUNT
    return isinstance(error, RefusalsError) or (isinstance(error, NotSentError) and error.outcome.cause.kind == "proxy")
