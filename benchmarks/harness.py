"""Runs the questions: every case once a round, in another order each round, so that a slow minute hits all alike.

The server has a process of its own, and each measurement a fresh one: this module, run with a case and an address.
"""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self

import msgspec

from benchmarks.interface import SLOTS, Case, Counts, Latency, Record, question

LIMIT: Final = 1800.0  # seconds for one measurement
_FIGURES = 4  # of a measurement, that are told while it runs


class MeasurementError(Exception):
    """A measurement failed; its text is what the process wrote."""


def _processors() -> tuple[set[int], set[int]]:
    """Return the processors of the server and those of the clients, so that neither drives the other from its own."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    *most, last = sorted(os.sched_getaffinity(0))
    return {last}, set(most) or {last}


def _pin(process: int, processors: set[int]) -> None:
    if processors:
        os.sched_setaffinity(process, processors)


def pin_client() -> None:
    """Keep this process off the server's processor."""
    _pin(0, _processors()[1])


def unpin() -> None:
    """Let this process and its children run anywhere: several clients on one processor would measure that one."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


class Server:
    """The server process, and the line to it."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the run's; the server ends with its standard input
        )
        _pin(self._process.pid, _processors()[0])
        self.url: str = msgspec.json.decode(self._hear())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def set(self, latency: Latency) -> None:
        """Set the latency, and the counts back to zero."""
        self._ask(msgspec.json.encode(latency))

    def counts(self) -> Counts:
        """Return what the server counted."""
        return msgspec.json.decode(self._ask(b""), type=Counts)

    def _ask(self, line: bytes) -> bytes:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def measure(case: Case, url: str) -> dict[str, float]:
    """Make one measurement in a fresh process.

    Raises:
        MeasurementError: the process failed or took too long.
    """
    command = [sys.executable, "-m", "benchmarks.harness", msgspec.json.encode(case).decode(), url]
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=True, env=surroundings)  # noqa: S603 - our own
    except subprocess.CalledProcessError as error:
        raise MeasurementError(error.stderr.decode(errors="replace").strip()) from None
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"it took longer than {LIMIT:g} s") from None
    values: dict[str, float] = msgspec.json.decode(done.stdout.splitlines()[-1])
    return values


def run(cases: list[Case], rounds: int) -> Iterator[list[Record]]:
    """Measure all cases in interleaved rounds; yields, after each round, all records so far in the cases' order.

    Raises:
        MeasurementError: a measurement failed, or a peer had more than ten requests in progress.
    """
    records: list[Record] = []
    places = {case.key: at for at, case in enumerate(cases)}
    with Server() as server:
        for number in range(rounds):
            due = [case for case in cases if number == 0 or not case.once]
            for at, case in enumerate(_mixed(due, number), 1):
                record = _measure(server, case, number)
                records.append(record)
                _tell(f"round {number + 1}/{rounds}  {at}/{len(due)}  {case.key}  {_figures(record)}")
            yield sorted(records, key=lambda record: (places[record.key], record.round))


def _mixed(cases: Iterable[Case], seed: int) -> list[Case]:
    mixed = list(cases)
    random.Random(seed).shuffle(mixed)
    return mixed


def _measure(server: Server, case: Case, number: int) -> Record:
    server.set(case.latency)
    try:
        values = measure(case, server.url)
    except MeasurementError as error:
        raise MeasurementError(f"{case.key}: {error}") from None
    counts = server.counts()
    if counts.peak > SLOTS:
        raise MeasurementError(f"{case.key}: {counts.peak} requests were in progress at once, {SLOTS} are allowed")
    return Record(
        key=case.key,
        question=case.question,
        name=case.name,
        peer=case.peer,
        round=number,
        values=values,
        counts=counts,
    )


def _figures(record: Record) -> str:
    figures = [f"{name}={value:,.4g}" for name, value in list(record.values.items())[:_FIGURES]]
    return "  ".join([*figures, f"peak={record.counts.peak}"])


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


def main() -> None:
    """Measure the case that the first argument describes, against the server at the second."""
    logging.disable()
    pin_client()
    case = msgspec.json.decode(sys.argv[1], type=Case)
    values = question(case.question).measure(case, sys.argv[2])
    sys.stdout.write(msgspec.json.encode(values).decode() + "\n")
    sys.stdout.flush()
    os._exit(0)  # requests that hang on purpose are not waited for


if __name__ == "__main__":
    main()
