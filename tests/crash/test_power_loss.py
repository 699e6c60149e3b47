"""A power loss as SQLite sees it: whatever was not synced may be gone, in any order, and no claimed row is sent again.

SQLite's log is cut after each frame since the last sync, and any of those frames are lost; the database that is left is
opened by the next run.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from wooxy_async.journals import Choices, Manifest, RowState, Settlement, SQLiteJournal
from wooxy_async.journals.testing import row

ROWS = 60
HEADER = 32  # bytes of the log, and of each of its frames beside the page
FRAME = 24 + 4096
SETTINGS = {"text": "Hi"}


class Moment(NamedTuple):
    """The files at one moment.

    Args:
        database: its bytes.
        log: those of SQLite's log.
        synced: bytes of the log that no power loss takes.
        taken: rows that a run had been given, or that an outcome stood for.
    """

    database: bytes
    log: bytes
    synced: int
    taken: frozenset[int]


class Watched(SQLiteJournal):
    """A journal of which is known what was synced: a commit with synchronous = FULL syncs the log as it is then."""

    synced = 0
    _is_full = False

    async def watch(self) -> None:
        """Begin to look."""
        await self._alone(lambda: self._db.set_trace_callback(self._trace))

    def _trace(self, statement: str) -> None:
        if statement.startswith("PRAGMA synchronous"):
            self._is_full = statement.endswith("FULL")

    def _transaction(self, *given: Any, **options: Any) -> Any:
        result = super()._transaction(*given, **options)
        if self._is_full:
            self.synced = self.log.stat().st_size
        return result

    @property
    def log(self) -> Path:
        """SQLite's log."""
        return self.path.with_name(f"{self.path.name}-wal")


async def moments(path: Path, seed: int) -> list[Moment]:
    """Run a journal, and keep its files as they are after each change."""
    rng, found = random.Random(seed), []
    taken: set[int] = set()
    async with Watched(path) as journal:
        await journal.begin(Manifest(settings=SETTINGS))
        await journal.watch()
        await journal.add([row(place) for place in range(1, ROWS + 1)])
        await journal.merge(Choices())
        open_rows: list[int] = []
        while len(taken) < ROWS or open_rows:
            if not open_rows or (len(taken) < ROWS and rng.random() < 0.3):
                claimed = [each.id for each in await journal.claim(rng.randint(1, 10))]
                open_rows += claimed
                taken.update(claimed)
            else:
                done = open_rows.pop(rng.randrange(len(open_rows)))
                await journal.settle(done, Settlement(RowState.ACCEPTED, 1.0, None, b"{}"))
            found.append(Moment(path.read_bytes(), journal.log.read_bytes(), journal.synced, frozenset(taken)))  # noqa: ASYNC240
    return found


def losses(moment: Moment, rng: random.Random) -> Iterator[bytes]:
    """Yield what a power loss may leave of the log: every prefix since the sync, and frames lost in between."""
    ends = range(moment.synced, len(moment.log) + 1, FRAME)
    for end in ends:
        yield moment.log[:end]
    for _ in range(3):
        left = bytearray(moment.log)
        for begin in ends[:-1]:
            if rng.random() < 0.5:
                left[begin : begin + FRAME] = bytes(FRAME)
        yield bytes(left)


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_claimed_row_looks_pending_after_a_power_loss(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is in doubt, or its outcome stands; the database is sound."""
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "state"))
    rng, tries = random.Random(seed), 0
    for moment in (await moments(tmp_path / "a.wooxy", seed))[:: 3 if seed == 1 else 5]:
        assert moment.synced >= HEADER, "nothing was synced"
        for log in losses(moment, rng):
            tries += 1
            folder = tmp_path / str(tries)
            monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(folder / "state"))
            left = revived(folder, moment.database, log)
            async with SQLiteJournal(left) as journal:
                await journal.begin(Manifest(settings=SETTINGS))
                await journal.merge(Choices())
            with closing(sqlite3.connect(left)) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                states = dict(db.execute("SELECT id, state FROM rows"))
            assert {states[at] for at in moment.taken} <= {"in_doubt", "accepted"}
            assert len(states) == ROWS
    assert tries > 50


def revived(folder: Path, database: bytes, log: bytes) -> Path:
    """Write what is left to a folder, without the marks: their run's boot is over."""
    folder.mkdir()
    path = folder / "a.wooxy"
    path.write_bytes(database)
    path.with_name("a.wooxy-wal").write_bytes(log)
    return path
