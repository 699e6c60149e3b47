"""A journal in one SQLite file, with nothing to install and nothing to run.

Two marks tell what a killed process has left behind. A row is *claimed* with a sync to disk, ten at a time and ahead of
need, so that no request waits for the disk; and *sending* with one write to the page cache, right before its first
byte. After a kill the kernel still has both: only rows that were *sending* are in doubt. After a power loss the second
mark cannot be trusted, and every claimed row without an outcome is.
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar, cast, get_args

import anyio
import msgspec

from wooxy_async._ports import Beginning, Choices, Clock, Manifest, Merged
from wooxy_async._rules.arguments import one_of
from wooxy_async._rules.journal import ClaimedRow, NewRow, RowState, Settlement
from wooxy_async.journals._errors import JournalError, JournalOldError
from wooxy_async.journals._generation import Generation, GenerationFile
from wooxy_async.journals._lock import RunLock, boot_id
from wooxy_async.journals._marks import MarksFile, trusted_marks
from wooxy_async.journals._place import check_place, lock_path, marks_path, state_directory, stop_path, user_name
from wooxy_async.journals._rows import Decision, Doubt, Rows, RunStamp, differences as differences_of
from wooxy_async.journals._schema import connect, explained
from wooxy_async.journals._worker import Job, Worker

Durability = Literal["process", "power"]
Result = TypeVar("Result")
_journals: Final[weakref.WeakSet[SQLiteJournal]] = weakref.WeakSet()
_kept_open: Final[list[SQLiteJournal]] = []  # of a parent: a child of fork must not even close their connections


class SQLiteJournal:
    """A journal in one file beside the contacts.

    It belongs to the event loop that runs when it is first used, and to one run at a time.

    Args:
        path: of the file; made if it is missing. Beside it lie files of the same name with "-lock", "-sending", "-wal"
            and "-shm". Only its owner may read them.
        durability: "process": after a kill at most ten rows are in doubt, after a power loss at most thirty. "power":
            at most ten after a power loss too, at the price of two syncs to disk for each message.
        accept_old: go on with an older copy of a journal, although outcomes are missing in it.
        state: a directory that keeps how far the journal has come, by which an older copy is recognised; None for
            `~/.local/state/wooxy_async/journals`, or the one that WOOXY_RUNTIME_DIR names.
        who: is noted with what a person decides; None for the user's name.
        clock: where time comes from; the standard library's `time`.

    Raises:
        ValueError: `durability` is none of its words.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Durability = "process",
        accept_old: bool = False,
        state: str | os.PathLike[str] | None = None,
        who: str | None = None,
        clock: Clock = time,
    ) -> None:
        self.path: Path = Path(path)
        self.who: str = user_name() if who is None else who
        self._is_power = one_of("durability", durability, get_args(Durability)) == "power"
        self._accept_old = accept_old
        self._state = None if state is None else Path(state)
        self._clock = clock
        self._pid = os.getpid()
        self._worker: Worker | None = None
        self._lock: RunLock | None = None
        self._marks: MarksFile | None = None
        self._failure: BaseException | None = None
        self._db: sqlite3.Connection
        self._rows: Rows
        self._kept: GenerationFile
        self._generation = Generation(0, 0)
        self._manifest: Manifest
        self._accepted: tuple[str, ...] = ()  # settings that are others now
        self._settled: list[int] = []  # in the transaction that is open
        _journals.add(self)

    def __repr__(self) -> str:
        return f"SQLiteJournal({str(self.path)!r})"

    async def begin(self, manifest: Manifest, *, accept_settings: bool = False) -> Beginning:
        """Take the journal for one run, and judge what a killed run has left; see `Journal.begin`.

        Raises:
            JournalPlaceError: it would lie where no journal can.
            JournalBusyError: another run holds it.
            JournalDamagedError: it is no journal, damaged, or of a newer version.
            JournalOldError: it is an older copy.
            JournalError: it cannot be used.
        """
        return await self._open(lambda: self._begin(manifest, accept_settings=accept_settings))

    async def doubts(self) -> Sequence[Doubt]:
        """Take the journal for `resolve`, judge what a killed run has left, and return the rows in doubt.

        Raises:
            JournalError: as for `begin`.
        """
        return await self._open(self._begin_resolving)

    async def resolve(self, rows: Sequence[int], decision: Decision) -> None:
        """Record what a person says of rows that `doubts` has returned; `end` lets go of the journal.

        Args:
            rows: by their id.
            decision: "delivered": they have arrived; "again": the next run sends them; "give-up": nobody does.

        Raises:
            ValueError: `decision` is none of its words.
            JournalError: one of them is not in doubt; nothing was changed.
        """
        one_of("decision", decision, get_args(Decision))
        await self._alone(
            lambda: self._transaction(
                lambda: self._rows.resolve(rows, decision, at=self._clock.time(), who=self.who), is_durable=True
            )
        )

    async def add(self, rows: Sequence[NewRow]) -> None:
        """Add rows of the contacts; see `Journal.add`."""
        await self._alone(lambda: self._add(rows))

    async def merge(self, choices: Choices) -> Merged:
        """End the adding; see `Journal.merge`.

        Raises:
            JournalChangedError: known rows have changed, and nobody has said what to do.
        """
        return await self._alone(lambda: self._merge(choices))

    async def claim(self, most: int) -> Sequence[ClaimedRow]:
        """Take the next pending rows; they are on the disk as claimed when this returns."""
        return await self._together(lambda: self._rows.claim(most), is_durable=True)

    async def release(self, rows: Sequence[int]) -> None:
        """Give claimed rows back that were not begun."""
        await self._together(lambda: self._rows.release(rows))

    async def before_sending(self, row: int) -> None:
        """Mark a row *sending* so that it outlives a power loss, where `durability` asks for it."""
        if self._is_power:
            await self._together(lambda: self._mark_durably(row))

    def mark_sending(self, row: int) -> None:
        """Mark a row *sending*, right before its first byte.

        Raises:
            OSError: it cannot be marked.
        """
        self._open_marks.set(row)

    def take_back(self, row: int) -> None:
        """Make a row claimed again that was not taken."""
        with suppress(OSError):
            self._open_marks.clear(row)

    def note_outcome(self, row: int, settlement: Settlement) -> bool:
        """Note an outcome, so that it outlives the process; see `Journal.note_outcome`.

        With durability "power" it has to outlive more.
        """
        return not self._is_power and self._open_marks.note(row, msgspec.msgpack.encode(settlement))

    async def settle(self, row: int, settlement: Settlement) -> None:
        """Record an outcome; see `Journal.settle`."""
        await self._together(lambda: self._settle(row, settlement), is_durable=self._is_power)

    async def counts(self) -> dict[RowState, int]:
        """Return how many rows are what."""
        return await self._together(self._rows.counts)

    async def end(self, how: str = "finished") -> None:
        """End the run, and let go of the journal; where it has failed, only the latter."""
        if self._worker is None:
            return
        with anyio.CancelScope(shield=True):
            try:
                if self._failure is None:
                    await self._alone(lambda: self._end(how))
            finally:
                await self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.end("finished" if error is None else "stopped")

    # In the loop: work is handed to the thread.

    @property
    def _open_marks(self) -> MarksFile:
        if self._marks is None or self._pid != os.getpid():
            raise OSError("the journal is not open in this process")
        return self._marks

    async def _together(self, work: Callable[[], Result], *, is_durable: bool = False) -> Result:
        return await self._submit(work, is_durable=is_durable)

    async def _alone(self, work: Callable[[], Result]) -> Result:
        return await self._submit(work, is_alone=True)

    async def _submit(self, work: Callable[[], Result], **options: bool) -> Result:
        if self._worker is None or self._pid != os.getpid():
            raise JournalError(f"The journal {self.path} is not open in this process.")
        return await self._worker.submit(work, **options)

    async def _open(self, work: Callable[[], Result]) -> Result:
        if self._worker is not None:
            raise JournalError("This SQLiteJournal is in use: make one for each run.")
        await anyio.to_thread.run_sync(check_place, self.path)
        self._pid, self._failure = os.getpid(), None
        self._lock = RunLock(lock_path(self.path), self._clock.time())
        self._worker = Worker(self._transact, f"wooxy journal {self.path.name}")
        try:
            return await self._alone(work)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._close()
            raise

    async def _close(self) -> None:
        worker, self._worker = cast("Worker", self._worker), None
        await worker.submit(self._disconnect, is_alone=True)
        worker.end()
        cast("RunLock", self._lock).release()

    # In the thread that owns the database.

    def _transact(self, jobs: list[Job]) -> list[Any]:
        if jobs[0].is_alone:
            with explained(self.path):
                return [jobs[0].work()]
        if self._failure is not None:
            raise JournalError(str(self._failure))
        try:
            with explained(self.path):
                return self._transaction(
                    lambda: [job.work() for job in jobs], is_durable=any(job.is_durable for job in jobs)
                )
        except BaseException as error:
            self._failure = error
            raise

    def _transaction(self, work: Callable[[], Result], *, is_durable: bool) -> Result:
        """Do work in a transaction of its own, or in the one of adding that is open."""
        if not self._db.in_transaction:  # else it is durable from its beginning
            self._db.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            now = Generation(self._generation.changes + 1, self._generation.outcomes + len(self._settled))
            self._rows.set_generation(now)
            self._db.execute("COMMIT")
        except BaseException:
            self._settled.clear()
            with suppress(sqlite3.Error):  # SQLite has done it itself
                self._db.execute("ROLLBACK")
            raise
        self._generation = now
        self._kept.write(now, is_durable=is_durable)
        for row in self._settled:
            self.take_back(row)  # not before its outcome stands
        self._settled.clear()
        return result

    def _begin(self, manifest: Manifest, *, accept_settings: bool) -> Beginning:
        stop_path(self.path).unlink(missing_ok=True)  # that of a run before
        self._connect()
        known = self._rows.manifest()
        token = secrets.token_bytes(16)
        given_back, in_doubt = self._transaction(lambda: self._begin_run(token), is_durable=True)
        self._marks = MarksFile(marks_path(self.path), token)
        differences = {} if known is None else differences_of(known.settings, manifest.settings)
        self._accepted = tuple(differences) if accept_settings else ()
        self._manifest = manifest if accept_settings or not differences else known or manifest
        return Beginning(
            is_new=known is None,
            is_same_source=known is not None and bool(manifest.source) and known == manifest,
            differences=differences,
            given_back=given_back,
            in_doubt=in_doubt,
        )

    def _connect(self) -> None:
        self._db = connect(self.path)
        self._rows = Rows(self._db)
        self._generation = self._rows.generation()
        self._kept = GenerationFile(self._state or state_directory(), self._rows.meta("id"), boot_id())
        self._check_age()

    def _begin_resolving(self) -> list[Doubt]:
        if not self.path.exists():
            raise JournalError(f"There is no journal at {self.path}.")
        self._connect()
        self._transaction(self._judge_left, is_durable=True)
        return self._rows.doubts()

    def _check_age(self) -> None:
        try:
            self._kept.check(self._generation)
        except JournalOldError as error:
            if not self._accept_old:
                raise
            why = str(error).partition(":")[2].split(",")[0].strip()
            self._generation = self._generation._replace(changes=self._kept.known().changes)
            self._transaction(lambda: self._note("accept_old", why), is_durable=True)

    def _note(self, act: str, why: str) -> None:
        self._rows.note(act, at=self._clock.time(), who=self.who, why=why, rows=0)

    def _begin_run(self, token: bytes) -> tuple[int, int]:
        left = self._judge_left()
        stamp = RunStamp(token, boot_id(), "power" if self._is_power else "process")
        self._rows.begin_run(stamp, host=socket.gethostname(), pid=os.getpid(), at=self._clock.time())
        return left

    def _judge_left(self) -> tuple[int, int]:
        last = self._rows.last_run()
        marks = None if last is None else trusted_marks(marks_path(self.path), *last)
        for row in self._rows.left():
            if noted := (marks or {}).get(row):
                self._settle(row, msgspec.msgpack.decode(noted, type=Settlement))
        return self._rows.judge_left(None if marks is None else frozenset(marks), self._clock.time())

    def _add(self, rows: Sequence[NewRow]) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
            self._rows.begin_adding()
        self._rows.add(rows)

    def _merge(self, choices: Choices) -> Merged:
        now = self._clock.time()
        choices = msgspec.structs.replace(choices, who=choices.who or self.who)

        def merge() -> Merged:
            merged = Merged()
            if is_adding:
                merged = self._rows.merge(choices, now, keeps_content=not self._accepted)
            if self._accepted:
                self._note("accept_settings", ", ".join(self._accepted))
            is_skipped = choices.changed == "skip" and merged.changed  # looked at again by every run
            self._rows.set_manifest(
                msgspec.structs.replace(self._manifest, source="") if is_skipped else self._manifest
            )
            self._rows.reopen_unfinished()
            return msgspec.structs.replace(merged, reopened=self._rows.reopen(choices, now))

        is_adding = self._db.in_transaction
        return self._transaction(merge, is_durable=True)

    def _end(self, how: str) -> None:
        if self._db.in_transaction:  # of an adding that was not merged: none of its rows is kept
            self._db.execute("ROLLBACK")
        self._transaction(lambda: self._rows.end_run(how, self._clock.time()), is_durable=True)

    def _settle(self, row: int, settlement: Settlement) -> None:
        self._rows.settle(row, settlement)
        self._settled.append(row)

    def _mark_durably(self, row: int) -> None:
        self._open_marks.set(row)
        self._open_marks.sync()

    def _disconnect(self) -> None:
        for each in (getattr(self, "_db", None), self._marks, getattr(self, "_kept", None)):
            if each is not None:
                each.close()  # a database rolls back what was not merged
        self._marks = None


def _disown_all() -> None:
    """In a forked child: touch nothing of the parent's, not even to close it."""
    _kept_open.extend(journal for journal in _journals)


os.register_at_fork(after_in_child=_disown_all)
