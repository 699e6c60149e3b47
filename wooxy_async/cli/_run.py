"""A campaign on its way through the client: every row that is pulled gets a line, whatever ends the run.

The first Ctrl-C (or SIGTERM) ends the intake and gives what is in flight 10 seconds for its answer; the second cuts
that too, which leaves it in doubt.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from wooxy_async import Outcome, OutcomeStream, ViberMessage, WooxyClient, WooxyError
from wooxy_async.campaigns import Campaign, CampaignError, Plan, UnusableRow
from wooxy_async.cli._books import Report, ResultsFile, Tally, tag_of
from wooxy_async.cli._ending import Ending, in_options, until_signalled
from wooxy_async.cli._views import Progress, showing


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

    def _write(self, row: int, word: str, line: bytes) -> None:
        if self.broken is None:
            try:
                self._results.write(line)
            except OSError as error:
                self.broken = error
        if self.broken is not None:
            self.unwritten.append(f"row {row} {word}")


async def send_campaign(
    client: WooxyClient, campaign: Campaign, plan: Plan, results: ResultsFile, screen: Console, *, slots: int
) -> Report:
    """Send a campaign, and show how it goes.

    Args:
        client: closed at the end.
        campaign: what is sent.
        plan: the same, judged.
        results: gets a line for each row.
        screen: where people read.
        slots: how many requests may be in progress.
    """
    sending, ending = Sending(campaign, Tally(), results), Ending()
    progress = Progress(sending.tally, ending, total=plan.sendable, slots=slots, statistics=client.statistics)
    async with showing(screen, progress):
        await send_all(client, sending, ending)
    return make_report(plan, sending, ending, results)


async def send_all(client: WooxyClient, sending: Sending, ending: Ending) -> None:
    """Send a campaign until its end or a signal, give what is in flight 10 seconds, and close the client.

    Args:
        client: closed at the end.
        sending: the books.
        ending: is told how it went, as soon as it is known.
    """
    stream = client.send_many(sending.messages())
    await until_signalled(client, _take(stream, sending, ending), ending)
    for outcome in stream.undelivered:
        sending.settle(outcome)


async def _take(stream: OutcomeStream, sending: Sending, ending: Ending) -> None:
    try:
        async for outcome in stream:
            sending.settle(outcome)
            if sending.broken:
                return
    except (WooxyError, CampaignError) as error:
        ending.error = in_options(str(error))


def make_report(plan: Plan, sending: Sending, ending: Ending, results: ResultsFile) -> Report:
    """Return the report of a run."""
    return Report(
        plan=plan,
        tally=sending.tally,
        ending=ending,
        seconds=sending.tally.elapsed,
        results=str(results.path),
        written=results.lines,
        broken=None if sending.broken is None else sending.broken.strerror,
        unwritten=tuple(sending.unwritten),
    )
