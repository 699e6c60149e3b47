"""Parts of the command line that no usual run shows: a busy disk, a screen that goes away, an ignored signal."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clocks import ManualClock
from people import COMMON

from wooxy_async import Accepted
from wooxy_async.cli._books import ResultsFile, Tally
from wooxy_async.cli._ending import asking, deaf
from wooxy_async.cli._screen import OutlivedFile

TAKEN = Accepted(message_ids=("id-1",), **COMMON)


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    """What was faster before, or slower, is forgotten."""
    clock = ManualClock()
    tally = Tally(clock)
    assert tally.rate() == 0
    for _second in range(60):
        clock.now += 1
        for _each in range(10):
            tally.add(2, TAKEN)
        tally.rate()
    assert 9 <= tally.rate() <= 11
    for _second in range(31):
        clock.now += 1
        tally.add(2, TAKEN)
        tally.rate()
    assert 0.9 <= tally.rate() <= 1.1
    assert (tally.settled, tally.elapsed) == (631, 91.0)


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_live_copy_ends_where_a_line_is_not_whole(tmp_path: Path) -> None:
    """And says why; what comes later is not tried."""
    with small_files(100), ResultsFile(tmp_path / "out.jsonl") as results:
        results.add(2, TAKEN)
        assert (results.lines, results.broken) == (0, "No space left on device")
        results.add(3, TAKEN)
        assert results.lines == 0
    assert (tmp_path / "out.jsonl").stat().st_size == 100


def test_a_screen_that_is_full_leads_nowhere_from_then_on() -> None:
    """Also where a text is too long to be kept for later."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        file = OutlivedFile(full)
        assert file.write("x" * 100_000) == 100_000
        file.write("y")
        file.flush()
        assert file.encoding == "utf-8"
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        file = OutlivedFile(full)
        file.write("short enough to be kept")
        file.flush()


def test_a_question_lets_signals_end_the_program_unless_they_are_ignored() -> None:
    """As SIGHUP under nohup; afterwards all is as before."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with asking():
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_at_its_end_ctrl_c_is_not_heard() -> None:
    """What it would end has ended."""
    before = signal.getsignal(signal.SIGINT)
    with deaf():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
