"""The books of a run: what it has come to, its results file, and the report at its end."""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from wooxy_async import Accepted, NotSent, Outcome
from wooxy_async._ports import Clock
from wooxy_async._rules.redaction import mask_number
from wooxy_async.campaigns import Plan, UnusableRow
from wooxy_async.cli._ending import CommandError, Ending, ExitCode
from wooxy_async.cli._screen import printable, reason

# The outcomes in the order in which they are shown: their tag, the word for it, its colour, and what it means.
WORDS: Final = (
    ("accepted", "accepted", "green", "the server took them"),
    ("rejected", "refused", "red", "the server said no; they were not taken"),
    ("invalid", "invalid", "red", "they break a rule; nothing was sent"),
    ("not_sent", "not sent", "yellow", "they were not taken: safe to send again"),
    ("in_doubt", "in doubt", "magenta", "may have been delivered: a person decides"),
)
_WORD_OF: Final = {tag: (word, colour) for tag, word, colour, _ in WORDS}
_KEPT: Final = 10


class Noted(msgspec.Struct, frozen=True):
    """One row that was not accepted, fit for the screen."""

    row: int
    number: str
    word: str
    colour: str
    reason: str


class Tally:
    """Counts outcomes, and keeps the first rows of each kind that was not accepted.

    Args:
        clock: where time comes from.
    """

    def __init__(self, clock: Clock = time) -> None:
        self.counts: Counter[str] = Counter()
        self.noted: list[Noted] = []
        self.never_started = 0
        self._clock = clock
        self._began = clock.monotonic()

    @property
    def settled(self) -> int:
        """How many messages have an outcome."""
        return self.counts.total()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Outcomes per second."""
        return self.settled / max(self.elapsed, 1e-9)

    def add(self, row: int, outcome: Outcome) -> None:
        """Count an outcome."""
        tag = tag_of(outcome)
        self.counts[tag] += 1
        if isinstance(outcome, Accepted):
            return
        if isinstance(outcome, NotSent) and outcome.cause.kind == "not_started":
            self.never_started += 1
        elif self.counts[tag] <= _KEPT:
            word, colour = _WORD_OF[tag]
            self.noted.append(Noted(row, mask_number(outcome.message.phone_number), word, colour, reason(outcome)))


def tag_of(outcome: Outcome) -> str:
    """Return the word by which programs know an outcome."""
    return str(type(outcome).__struct_config__.tag)


def note_unusable(row: UnusableRow, number_column: str) -> Noted:
    """Return an unusable row, fit for the screen."""
    problem = row.problems[0]
    name = {"phone_number": f"{number_column}: ", "row": ""}.get(problem.field, f"{problem.field}: ")
    colour = "yellow" if row.kind == "duplicate" else "red"
    return Noted(row.row, "", row.kind, colour, printable(f"{name}{problem.remedy}"))


class ResultsFile:
    """A new file of JSON lines; each line is handed to the system when it is written.

    Args:
        path: where; nothing may stand there.

    Raises:
        CommandError: it exists, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except FileExistsError:
            raise CommandError(f"--results: {path} exists, and is never overwritten. Give another name.") from None
        except OSError as error:
            raise CommandError(f"--results: {path} cannot be made ({error.strerror}).") from None
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, line: bytes) -> None:
        """Write one line.

        Raises:
            OSError: the disk is full, or the like.
        """
        whole = line + b"\n"
        if self._file.write(whole) < len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.lines += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def default_path(contacts: Path) -> Path:
    """Return a name in the current directory that is free, as contacts.results.jsonl or contacts.results-2.jsonl."""
    names = chain(("",), (f"-{number}" for number in count(2)))
    return next(path for name in names if not (path := Path(f"{contacts.stem}.results{name}.jsonl")).exists())


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
        counts = self.tally.counts
        if self.not_started or self.broken or self.ending.error or counts["not_sent"]:
            return ExitCode.ENDED_EARLY
        if counts["in_doubt"]:
            return ExitCode.IN_DOUBT
        refused = counts["rejected"] + counts["invalid"] + self.plan.invalid + self.plan.restricted
        return ExitCode.REFUSED if refused else ExitCode.ACCEPTED

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
                "exit_code": int(self.exit_code),
                **more,
            }
        )


def plan_counts(plan: Plan) -> dict[str, Any]:
    """Return a plan's counts by name."""
    names = ("rows", "sendable", "invalid", "restricted", "duplicates", "restricted_by_country")
    return {name: getattr(plan, name) for name in names}
