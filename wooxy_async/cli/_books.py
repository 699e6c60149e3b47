"""The books of a run: what it has come to, its results file, and the report at its end."""

from __future__ import annotations

import errno
import os
import time
from collections import Counter, deque
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from wooxy_async import Accepted, Outcome
from wooxy_async._ports import Clock
from wooxy_async._rules.redaction import mask_number
from wooxy_async.campaigns import ParkedPair, Resumed, UnusableRow
from wooxy_async.cli._ending import Ending, ExitCode
from wooxy_async.cli._options import new_file
from wooxy_async.cli._screen import printable, reason
from wooxy_async.journals import RowState

# The outcomes in the order in which they are shown: their tag, the word for it, its colour, and what it means.
WORDS: Final = (
    ("accepted", "accepted", "green", "the server took them"),
    ("rejected", "refused", "red", "the server said no; they were not taken"),
    ("invalid", "invalid", "red", "they break a rule; nothing was sent"),
    ("not_sent", "not sent", "yellow", "they were not taken: safe to send again"),
    ("in_doubt", "in doubt", "magenta", "may have been delivered: a person decides"),
)
_WORD_OF: Final = {tag: (word, colour) for tag, word, colour, _ in WORDS}
_NO_FAULT: Final = ("duplicate", "suppressed")  # rows that are left out and nothing is wrong with
_KEPT: Final = 5  # rows of a kind
_KINDS: Final = 100
_SAMPLED_EVERY: Final = 0.5  # seconds
_REMEMBERED: Final = 30.0


class Noted(msgspec.Struct, kw_only=True):
    """Rows that were not accepted for one reason, fit for the screen.

    Args:
        word: what became of them.
        colour: of the word.
        reason: why.
        count: how many.
        rows: the first of them, as a spreadsheet numbers them.
        number: the first one's, masked; "" where it does not matter.
    """

    word: str
    colour: str
    reason: str
    count: int = 1
    rows: list[int]
    number: str = ""


class Tally:
    """Counts outcomes, and keeps the first rows of each reason for which some were not accepted.

    Args:
        clock: where time comes from.
    """

    def __init__(self, clock: Clock = time) -> None:
        self.counts: Counter[str] = Counter()
        self._noted: dict[tuple[str, str], Noted] = {}
        self._clock = clock
        self._began = clock.monotonic()
        self._samples = deque([(self._began, 0)])

    @property
    def settled(self) -> int:
        """How many messages have an outcome."""
        return self.counts.total()

    @property
    def noted(self) -> list[Noted]:
        """What was not accepted, the most frequent first."""
        return sorted(self._noted.values(), key=lambda noted: -noted.count)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._began

    def rate(self) -> float:
        """Return outcomes per second, of the last 30 s."""
        now, samples = self._clock.monotonic(), self._samples
        if now - samples[-1][0] >= _SAMPLED_EVERY:
            samples.append((now, self.settled))
        while len(samples) > 1 and now - samples[1][0] >= _REMEMBERED:
            samples.popleft()
        since, before = samples[0]
        return (self.settled - before) / max(now - since, 1e-9)

    def add(self, row: int, outcome: Outcome) -> None:
        """Count an outcome.

        Args:
            row: as a spreadsheet numbers it.
            outcome: of its message.
        """
        tag = tag_of(outcome)
        self.counts[tag] += 1
        if isinstance(outcome, Accepted):
            return
        why = reason(outcome)
        if (noted := self._noted.get((tag, why))) is None:
            if len(self._noted) < _KINDS:
                word, colour = _WORD_OF[tag]
                number = mask_number(outcome.message.phone_number)
                self._noted[tag, why] = Noted(word=word, colour=colour, reason=why, rows=[row], number=number)
            return
        noted.count += 1
        if len(noted.rows) < _KEPT:
            noted.rows.append(row)


def tag_of(outcome: Outcome) -> str:
    """Return the word by which programs know an outcome."""
    return str(type(outcome).__struct_config__.tag)


def note_unusable(row: UnusableRow, number_column: str) -> Noted:
    """Return an unusable row, fit for the screen."""
    problem = row.problems[0]
    name = {"phone_number": f"{number_column}: ", "row": ""}.get(problem.field, f"{problem.field}: ")
    colour = "yellow" if row.kind == "duplicate" else "red"
    return Noted(word=row.kind, colour=colour, reason=printable(f"{name}{problem.remedy}"), rows=[row.sheet_row])


class ResultsFile:
    """A file of JSON lines; each line is handed to the system when it is written.

    Args:
        path: where.
        goes_on: what stands there is of an earlier run of the same campaign; else nothing may stand there.

    Raises:
        CommandError: it exists, or cannot be made.
    """

    def __init__(self, path: Path, *, goes_on: bool = False) -> None:
        self.path = path
        self.lines = 0
        self.broken = ""
        self._file = os.fdopen(new_file("--results", path, goes_on=goes_on), "wb", buffering=0)

    def add(self, row: int, outcome: Outcome) -> None:
        """Write an outcome; where that fails, as on a full disk, the file ends, and `broken` says why."""
        if not self.broken:
            try:
                self._write(b'{"row":%d,%b\n' % (row, outcome.to_json()[1:]))
            except OSError as error:
                self.broken = error.strerror or str(error)

    def _write(self, line: bytes) -> None:
        if self._file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.lines += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over.

    Args:
        journal: its path.
        resumed: what its journal found at the start.
        to_send: how many messages this run was to send.
        tally: what became of those that it came to.
        ending: how it ended.
        seconds: how long it took.
        counts: how many rows of the campaign are what now.
        unusable: the rows that cannot be sent, by kind.
        parked: senders that were refused for a country.
        unrecorded: outcomes that are known and could not be written to the journal.
        results: the results file, or None.
    """

    journal: str
    resumed: Resumed
    to_send: int
    tally: Tally
    ending: Ending
    seconds: float
    counts: dict[RowState, int]
    unusable: dict[str, int]
    parked: tuple[ParkedPair, ...] = ()
    unrecorded: tuple[Outcome, ...] = ()
    results: ResultsFile | None = None

    @property
    def not_started(self) -> int:
        """How many messages are still to be sent, by another run."""
        return sum(self.counts.get(state, 0) for state in (RowState.PENDING, RowState.NOT_SENT))

    @property
    def exit_code(self) -> int:
        """What the shell sees."""
        if self.ending.exit_code is not None:
            return self.ending.exit_code
        if self.not_started or self.ending.error or self.unrecorded:
            return ExitCode.ENDED_EARLY
        if self.counts.get(RowState.IN_DOUBT):
            return ExitCode.IN_DOUBT
        refused = self.counts.get(RowState.REJECTED) or any(
            count for kind, count in self.unusable.items() if kind not in _NO_FAULT
        )
        return ExitCode.REFUSED if refused else ExitCode.ACCEPTED

    def to_json(self, **more: Any) -> bytes:
        """Encode to one line of JSON.

        Args:
            more: what else stands in it.
        """
        found = {name: value for name, value in msgspec.structs.asdict(self.resumed).items() if name != "counts"}
        return msgspec.json.encode(
            {
                "journal": self.journal,
                "resumed": found,
                "to_send": self.to_send,
                "outcomes": {tag: self.tally.counts[tag] for tag, *_ in WORDS},
                "rows": {state.value: self.counts.get(state, 0) for state in RowState if state in self.counts},
                "unusable": self.unusable,
                "parked": self.parked,
                "not_started": self.not_started,
                "seconds": round(self.seconds, 3),
                "results": None if self.results is None else str(self.results.path),
                "error": self.ending.error or (self.results and self.results.broken) or None,
                "exit_code": int(self.exit_code),
                **more,
            }
        )
