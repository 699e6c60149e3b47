"""The processes of a run: the server, and a fresh one for each measurement."""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType
from typing import Final, Self

import msgspec

from benchmarks.interface import Case, Counts, Latency

LIMIT: Final = 1800.0  # seconds for one measurement


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
    command = [sys.executable, "-m", "benchmarks.measuring", msgspec.json.encode(case).decode(), url]
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=True, env=surroundings)  # noqa: S603 - our own
    except subprocess.CalledProcessError as error:
        raise MeasurementError(error.stderr.decode(errors="replace").strip()) from None
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"it took longer than {LIMIT:g} s") from None
    values: dict[str, float] = msgspec.json.decode(done.stdout.splitlines()[-1])
    return values
