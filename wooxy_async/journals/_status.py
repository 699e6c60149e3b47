"""How a campaign stands, read from its journal: also while a run writes it, and after one was killed."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from wooxy_async._ports import Manifest
from wooxy_async._rules.journal import RowState, Settlement
from wooxy_async.journals._lock import Holder, holder_of
from wooxy_async.journals._marks import trusted_marks
from wooxy_async.journals._place import lock_path, marks_path
from wooxy_async.journals._schema import connect_to_read, explained


class JournalRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a campaign.

    Args:
        host: its machine.
        pid: its process.
        began: when, UTC.
        ended: when, UTC; None where it goes on or was killed.
        how: "finished", "stopped", "refused", "running" or "killed".
    """

    host: str
    pid: int
    began: datetime
    ended: datetime | None
    how: str


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has decided.

    Args:
        at: when, UTC.
        act: what.
        who: the person.
        why: more about it, or "".
        rows: how many rows it was about.
    """

    at: datetime
    act: str
    who: str
    why: str
    rows: int


class JournalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a campaign stands.

    Args:
        columns: of its contacts; () where they were no file.
        counts: how many rows are what. After a kill, those in doubt and those to be sent stand where the next run will
            find them.
        unusable: of those that are invalid, how many are what: "invalid", "duplicate", "restricted", "suppressed".
        holder: who holds it now; None if nobody does.
        last_run: the last run; None where there was none.
        first_at: when the first outcome came, UTC; None where none has.
        last_at: when the last one came.
        acts: what persons have decided, in its order.
    """

    columns: tuple[str, ...]
    counts: dict[RowState, int]
    unusable: dict[str, int]
    holder: Holder | None
    last_run: JournalRun | None
    first_at: datetime | None
    last_at: datetime | None
    acts: tuple[Act, ...]


def read_status(path: str | os.PathLike[str]) -> JournalStatus:
    """Return how a campaign stands; its journal is not written to, and not locked.

    Args:
        path: of the journal.

    Raises:
        JournalDamagedError: it is no journal, damaged, or of another version of wooxy_async.
        JournalError: it cannot be read.
    """
    path = Path(path)
    holder = holder_of(lock_path(path))
    with closing(connect_to_read(path)) as db, explained(path), _one_moment(db):
        kept = db.execute("SELECT value FROM meta WHERE name = 'manifest'").fetchone()
        first, last = db.execute("SELECT min(at), max(at) FROM rows WHERE state NOT IN ('gone', 'pending')").fetchone()
        return JournalStatus(
            columns=() if kept is None else msgspec.json.decode(kept[0], type=Manifest).columns,
            counts=_counts(db, path, is_running=holder is not None),
            unusable=_unusable(db),
            holder=holder,
            last_run=_last_run(db, is_running=holder is not None),
            first_at=_time(first),
            last_at=_time(last),
            acts=tuple(_acts(db)),
        )


@contextmanager
def _one_moment(db: sqlite3.Connection) -> Iterator[None]:
    """Read all of it as it is at one moment, whatever a run writes meanwhile."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def _counts(db: sqlite3.Connection, path: Path, *, is_running: bool) -> dict[RowState, int]:
    counts = Counter(
        {RowState(state): count for state, count in db.execute("SELECT state, count(*) FROM rows GROUP BY state")}
    )
    if counts[RowState.CLAIMED] and not is_running:
        del counts[RowState.CLAIMED]
        counts.update(_left(db, path))
    return {state: count for state, count in counts.items() if count}


def _left(db: sqlite3.Connection, path: Path) -> Iterator[RowState]:
    """Yield what each row that a killed run had claimed will be for the next run, as `SQLiteJournal` judges it."""
    last = db.execute("SELECT token, boot, durability FROM runs ORDER BY run DESC LIMIT 1").fetchone()
    marks = trusted_marks(marks_path(path), *last)
    for (row,) in db.execute("SELECT id FROM rows WHERE state = 'claimed'"):
        noted = None if marks is None else marks.get(row)
        if noted:
            yield msgspec.msgpack.decode(noted, type=Settlement).state
        else:
            yield RowState.PENDING if marks is not None and noted is None else RowState.IN_DOUBT


def _unusable(db: sqlite3.Connection) -> dict[str, int]:
    kind = "coalesce(json_extract(outcome, '$.kind'), 'invalid')"
    told = db.execute(f"SELECT {kind}, count(*) FROM rows WHERE state = 'invalid' GROUP BY 1 ORDER BY 1")  # noqa: S608 - ours
    return dict(told.fetchall())


def _last_run(db: sqlite3.Connection, *, is_running: bool) -> JournalRun | None:
    found = db.execute("SELECT host, pid, began, ended, how FROM runs ORDER BY run DESC LIMIT 1").fetchone()
    if found is None:
        return None
    host, pid, began, ended, how = found
    if ended is None:
        how = "running" if is_running else "killed"
    return JournalRun(host=host, pid=pid, began=datetime.fromtimestamp(began, UTC), ended=_time(ended), how=how)


def _acts(db: sqlite3.Connection) -> Iterator[Act]:
    for at, act, who, why, rows in db.execute("SELECT at, act, who, why, rows FROM acts ORDER BY rowid"):
        yield Act(at=datetime.fromtimestamp(at, UTC), act=act, who=who, why=why, rows=rows)


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
