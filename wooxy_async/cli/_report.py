"""How a run ended: for people, for machines, and for the shell."""

from __future__ import annotations

from typing import Any

import msgspec

from wooxy_async.campaigns import Plan
from wooxy_async.cli._exits import ExitCode
from wooxy_async.cli._results import ResultsFile
from wooxy_async.cli._sending import Sending
from wooxy_async.cli._signals import Ending
from wooxy_async.cli._tally import WORDS, Tally


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over.

    Args:
        plan: what was to go.
        tally: what became of it.
        ending: how it ended.
        seconds: how long it took.
        results: the name of the results file.
        written: how many rows stand in it.
        broken: why the results file is not complete, or None.
        unwritten: the rows that are missing in it, each with its outcome.
    """

    plan: Plan
    tally: Tally
    ending: Ending
    seconds: float
    results: str
    written: int
    broken: str | None = None
    unwritten: tuple[str, ...] = ()

    @property
    def not_started(self) -> int:
        """How many messages never left because the run ended before."""
        return self.plan.sendable - self.tally.settled + self.tally.never_started

    @property
    def exit_code(self) -> int:
        """What the shell sees."""
        if self.ending.exit_code is not None:
            return self.ending.exit_code
        unusable = self.plan.invalid + self.plan.restricted
        complete = self.tally.counts["accepted"] == self.plan.sendable and not unusable and not self.broken
        return ExitCode.ACCEPTED if complete else ExitCode.NOT_ALL

    def to_json(self, **more: Any) -> bytes:
        """Encode to one line of JSON.

        Args:
            more: what else stands in it.
        """
        return msgspec.json.encode(
            {
                **plan_counts(self.plan),
                "outcomes": {tag: self.tally.counts[tag] for tag, *_ in WORDS},
                "not_started": self.not_started,
                "seconds": round(self.seconds, 3),
                "results": self.results,
                "error": self.ending.error or self.broken,
                **more,
            }
        )


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


def plan_counts(plan: Plan) -> dict[str, Any]:
    """Return a plan's counts by name."""
    names = ("rows", "sendable", "invalid", "restricted", "duplicates", "restricted_by_country")
    return {name: getattr(plan, name) for name in names}
