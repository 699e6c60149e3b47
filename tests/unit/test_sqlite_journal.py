"""The journal in one SQLite file: its place, its lock, what it refuses, and what kills and power losses leave."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wooxy_async.journals import (
    Choices,
    JournalBusyError,
    JournalDamagedError,
    JournalError,
    JournalOldError,
    JournalPlaceError,
    Manifest,
    RowState,
    Settlement,
    SQLiteJournal,
    default_path,
    read_rows,
)
from wooxy_async.journals._generation import Generation, GenerationFile
from wooxy_async.journals._lock import RunLock, _disown_all, boot_id, holder_of
from wooxy_async.journals._marks import PLACES, ROOM, MarksFile, read_marks
from wooxy_async.journals._place import check_place, lock_path, marks_path, state_directory, user_name
from wooxy_async.journals._schema import APPLICATION, STEPS, connect, connect_to_read
from wooxy_async.journals._sqlite import _disown_all as disown_journals
from wooxy_async.journals._worker import Worker
from wooxy_async.journals.testing import row

SETTINGS = {"text": "Hi"}


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where generations are kept."""
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "state"))
    return tmp_path / "state" / "journals"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a journal."""
    return tmp_path / "contacts.csv.wooxy"


@asynccontextmanager
async def begun(path: Path, rows: int = 5, **options: Any) -> AsyncIterator[SQLiteJournal]:
    """A journal whose run goes on, with so many rows."""
    async with SQLiteJournal(path, **options) as journal:
        await journal.begin(Manifest(settings=SETTINGS))
        await journal.add([row(place) for place in range(1, rows + 1)])
        await journal.merge(Choices())
        yield journal


async def settle(journal: SQLiteJournal, count: int) -> None:
    """Send so many rows."""
    for claimed in await journal.claim(count):
        journal.mark_sending(claimed.id)
        await journal.settle(claimed.id, Settlement(RowState.ACCEPTED, 1.0, None, b"{}"))


def query(path: Path, statement: str, *values: object) -> list[Any]:
    """Run a statement on a file, as somebody else would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        return db.execute(statement, values).fetchall()


def content(path: Path) -> bytes:
    """Read a file."""
    return path.read_bytes()


# Where it lies.


def test_the_default_place_is_beside_the_contacts() -> None:
    """With a name of its own."""
    assert default_path("lists/contacts.csv") == Path("lists/contacts.csv.wooxy")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fuse", "9p"])
def test_network_file_systems_are_refused_by_name(kind: str, tmp_path: Path) -> None:
    """With the remedy."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 1 0:1 / / rw - ext4 disk rw\n2 1 0:2 / {tmp_path} rw - {kind} there rw\n")
    with pytest.raises(JournalPlaceError, match=rf"network file system \({kind}\).*journal=PATH"):
        check_place(tmp_path / "a.wooxy", mounts)


@pytest.mark.parametrize("name", ["Dropbox", "OneDrive - Shop", "Google Drive", "Nextcloud"])
async def test_synchronised_folders_are_refused_by_name(name: str, tmp_path: Path) -> None:
    """By what they are called."""
    (tmp_path / name / "lists").mkdir(parents=True)
    with pytest.raises(JournalPlaceError, match=f"synchronised with other machines .*{name}.*journal=PATH"):
        await SQLiteJournal(tmp_path / name / "lists" / "a.wooxy").begin(Manifest(settings={}))
    assert list((tmp_path / name / "lists").iterdir()) == []


@pytest.mark.parametrize("mark", [".stfolder", ".dropbox.cache"])
def test_synchronised_folders_are_refused_by_what_lies_in_them(mark: str, tmp_path: Path) -> None:
    """Syncthing's may have any name."""
    (tmp_path / mark).mkdir()
    with pytest.raises(JournalPlaceError, match="synchronised"):
        check_place(tmp_path / "a.wooxy")


def test_without_a_table_of_mounts_every_place_is_local(tmp_path: Path) -> None:
    """As where there is no Linux."""
    check_place(tmp_path / "a.wooxy", tmp_path / "none")


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    """A folder that is missing."""
    with pytest.raises(JournalPlaceError, match="is no directory"):
        check_place(tmp_path / "gone" / "a.wooxy")


async def test_only_the_owner_may_read_it(path: Path) -> None:
    """Nor its companions, whatever the umask and whatever stood there."""
    os.close(os.open(path, os.O_CREAT, 0o644))
    before = os.umask(0)
    try:
        async with begun(path) as journal:
            await settle(journal, 1)
            found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.glob("*.wooxy*")}
    finally:
        os.umask(before)
    assert found == {path.name + more: 0o600 for more in ("", "-lock", "-sending", "-wal", "-shm")}


# Who holds it.


async def test_a_second_run_is_told_who_holds_it(path: Path) -> None:
    """In this process and in another; afterwards nobody does."""
    now = datetime.now(UTC)
    assert holder_of(lock_path(path)) is None
    async with begun(path):
        holder = holder_of(lock_path(path))
        assert holder is not None
        assert holder.pid == os.getpid()
        assert abs((holder.since - now).total_seconds()) < 60
        with pytest.raises(JournalBusyError, match=rf"process {os.getpid()} on .*, since .* UTC.*stop that process"):
            await SQLiteJournal(path).begin(Manifest(settings=SETTINGS))
        program = (
            "import asyncio, sys; from wooxy_async.journals import *\n"
            "try: asyncio.run(SQLiteJournal(sys.argv[1]).begin(Manifest(settings={})))\n"
            "except JournalBusyError as error: print(error)"
        )
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
        )
        assert f"process {os.getpid()} on " in done.stdout
    assert holder_of(lock_path(path)) is None


async def test_looking_at_a_journal_drops_no_lock(path: Path) -> None:
    """Opening and closing its files in this process, as SQLite's own locks would not bear."""
    async with begun(path):
        for each in path.parent.glob("*.wooxy*"):
            each.read_bytes()
        with pytest.raises(JournalBusyError):
            await SQLiteJournal(path).begin(Manifest(settings=SETTINGS))


def test_a_lock_whose_holder_has_not_written_yet(path: Path) -> None:
    """It is held all the same, since the file was made."""
    path.touch()
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        holder = holder_of(path)
    assert holder is not None
    assert (holder.pid, holder.host) == (0, "this machine")


def test_a_lock_on_a_file_that_was_deleted_is_none(path: Path) -> None:
    """Whoever deletes the file lets the next run in; the one after it is refused."""
    with RunLock(path, 0.0):
        path.unlink()
        with RunLock(path, 0.0) as second, pytest.raises(JournalBusyError):
            RunLock(path, 0.0)
        second.release()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_lock_whose_file_was_deleted_while_it_was_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, is_replaced: bool
) -> None:
    """Is taken again, on the file that is there."""
    flock, deletions = fcntl.flock, [path.unlink]

    def delete_first(descriptor: int, operation: int) -> None:
        for delete in deletions:
            deletions.clear()
            delete()
            if is_replaced:
                path.touch()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", delete_first)
    with RunLock(path, 0.0), pytest.raises(JournalBusyError):
        RunLock(path, 0.0)


def test_what_a_child_of_fork_does(path: Path) -> None:
    """It closes its copy of the lock, and leaves what the file says."""
    lock = RunLock(path, 0.0)
    copy = os.dup(lock._fd)
    _disown_all()
    lock.release()
    assert holder_of(path) is not None
    os.close(copy)
    assert holder_of(path) is None
    disown_journals()


def test_a_lock_that_cannot_be_made(path: Path) -> None:
    """Its text says why."""
    path.mkdir()
    with pytest.raises(JournalError, match="cannot be made: Is a directory"):
        RunLock(path, 0.0)


def test_a_boot_that_nobody_names(tmp_path: Path) -> None:
    """Is no boot."""
    assert boot_id(tmp_path / "none") == ""
    assert boot_id() == boot_id() != ""


async def test_a_forked_child_touches_nothing(path: Path) -> None:
    """It is told that the journal is not its own, and its end leaves the lock to the parent."""
    async with begun(path) as journal:
        pid = os.fork()
        if not pid:  # pragma: no cover - another process
            told = 1
            with suppress(BaseException):
                coroutine = journal.claim(1)
                try:
                    coroutine.send(None)
                except JournalError:
                    told = 0
                with suppress(OSError):
                    journal.mark_sending(1)
                    told = 1
            os._exit(told)
        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        with pytest.raises(JournalBusyError):
            await SQLiteJournal(path).begin(Manifest(settings=SETTINGS))
        await settle(journal, 1)


# What it refuses.


def foreign(path: Path) -> None:
    """Make another program's file."""
    query(path, "CREATE TABLE passwords (a)")


def newer(path: Path) -> None:
    """Make a file of a later version."""
    connect(path).close()
    query(path, f"PRAGMA user_version = {len(STEPS) + 1}")


def damaged(path: Path) -> None:
    """Make a journal of which a page is overwritten."""
    connect(path).close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


def truncated(path: Path) -> None:
    """Make a journal whose second half is missing."""
    connect(path).close()
    os.truncate(path, path.stat().st_size // 2)


REFUSED: dict[Callable[[Path], Any], str] = {
    foreign: "is no journal, but another SQLite file",
    newer: r"is of a newer wooxy_async \(schema 2; this one knows 1\): update",
    damaged: "is no journal, or it is damaged.*Nothing was sent",
    truncated: "is no journal, or it is damaged.*Nothing was sent",
    lambda path: path.write_text("phone,name\n" * 100): "is no journal, or it is damaged.*Nothing was sent",
}


@pytest.mark.parametrize("make", REFUSED, ids=["foreign", "newer", "damaged", "truncated", "text"])
async def test_a_file_that_is_no_sound_journal_is_refused(make: Callable[[Path], Any], path: Path) -> None:
    """Never guessed at, and never changed."""
    make(path)
    before = content(path)
    with pytest.raises(JournalDamagedError, match=REFUSED[make]):
        await SQLiteJournal(path).begin(Manifest(settings={}))
    assert content(path) == before
    assert holder_of(lock_path(path)) is None


async def test_an_older_journal_is_carried_forward(path: Path) -> None:
    """Its rows stand, and who only looks at it is told to wait for that."""
    async with begun(path) as journal:
        await settle(journal, 2)
    steps = (*STEPS, "ALTER TABLE rows ADD COLUMN later TEXT DEFAULT 'x'")
    with closing(connect(path, steps)) as db:
        assert db.execute("SELECT state, later FROM rows WHERE id < 4").fetchall() == [
            ("accepted", "x"),
            ("accepted", "x"),
            ("pending", "x"),
        ]
        assert db.execute("PRAGMA user_version").fetchone() == (len(steps),)
    query(path, "PRAGMA user_version = 0")
    with pytest.raises(JournalDamagedError, match="is of an older wooxy_async; the next run carries it forward"):
        connect_to_read(path)


def test_a_step_that_fails_changes_nothing(path: Path) -> None:
    """All of it or none."""
    with pytest.raises(JournalError, match="cannot be used: no such table: absent"):
        connect(path, (*STEPS, "DROP TABLE absent"))
    assert query(path, "SELECT count(*) FROM sqlite_schema") == [(0,)]
    assert query(path, "PRAGMA application_id") != [(APPLICATION,)]


def test_a_journal_that_is_not_there_is_not_made_by_looking(path: Path) -> None:
    """It is no journal of nothing."""
    with pytest.raises(JournalError, match="There is no journal at"):
        connect_to_read(path)
    assert not path.exists()


async def test_the_rows_of_a_journal_can_be_read(path: Path) -> None:
    """While a run writes it: all, or those of some states, with numbers that no repr shows."""
    async with begun(path) as journal:
        await settle(journal, 2)
        rows = list(read_rows(path))
        assert [each.row for each in rows] == [1, 2, 3, 4, 5]
        assert (rows[0].state, rows[0].number, rows[0].outcome) == (RowState.ACCEPTED, "+14155550001", {})
        assert (rows[0].at, rows[4].at) == (datetime.fromtimestamp(1, UTC), None)
        assert (rows[4].state, rows[4].outcome, rows[4].values) == (RowState.PENDING, None, {})
        assert "0001" not in repr(rows[0])
        assert [each.row for each in read_rows(path, RowState.PENDING)] == [3, 4, 5]
        assert list(read_rows(path, RowState.IN_DOUBT, RowState.REJECTED)) == []


async def test_a_journal_can_be_looked_at_while_it_is_written(path: Path) -> None:
    """By a connection of one's own."""
    async with begun(path) as journal:
        await settle(journal, 2)
        with closing(connect_to_read(path)) as db:
            assert db.execute("SELECT count(*) FROM rows WHERE state = 'accepted'").fetchone() == (2,)


async def test_a_place_that_cannot_be_written_is_a_clear_error(path: Path) -> None:
    """As a folder in place of the file is one."""
    os.mkdir(path)  # noqa: PTH102 - in a coroutine
    with pytest.raises(JournalError, match="cannot be used"):
        await SQLiteJournal(path).begin(Manifest(settings={}))


async def test_a_folder_that_vanishes_is_a_clear_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one on a disk that is pulled out."""

    def vanished(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", vanished)
    with pytest.raises(JournalError, match=r"cannot be (used|made): Input/output error"):
        connect(path)


async def test_misuse(path: Path) -> None:
    """Each in a sentence."""
    with pytest.raises(ValueError, match="durability"):
        SQLiteJournal(path, durability="much")  # type: ignore[arg-type]
    journal = SQLiteJournal(path)
    assert repr(journal) == f"SQLiteJournal({str(path)!r})"
    with pytest.raises(JournalError, match="is not open in this process"):
        await journal.claim(1)
    with pytest.raises(OSError, match="not open"):
        journal.mark_sending(1)
    async with begun(path) as journal:
        with pytest.raises(JournalError, match="make one for each run"):
            await journal.begin(Manifest(settings=SETTINGS))


async def test_who_decides_is_the_user_or_who_is_named(path: Path) -> None:
    """As the notes of a journal say."""
    assert SQLiteJournal(path).who == user_name() != ""
    async with SQLiteJournal(path, who="Ann") as journal:
        await journal.begin(Manifest(settings={}))
        await journal.merge(Choices(reopen=("TEXT_EMPTY",)))
    assert query(path, "SELECT act, who, why FROM acts") == [("reopen", "Ann", "TEXT_EMPTY")]


def test_a_user_without_an_entry_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in many containers."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    assert user_name() == "user 54321"


# A disk that is full, a journal that vanishes.


async def test_a_full_disk_is_a_clear_end_and_loses_nothing(path: Path) -> None:
    """What stood stands; the failed journal takes nothing more, and can be ended."""
    async with SQLiteJournal(path) as journal:
        await journal.begin(Manifest(settings=SETTINGS))
        await journal.add([row(place) for place in range(1, 6)])
        await journal.merge(Choices())
        await settle(journal, 2)
        await journal._alone(lambda: journal._db.execute("PRAGMA max_page_count = 1"))
        many = b'{"x":"' + b"y" * 100_000 + b'"}'
        (third,) = await journal.claim(1)
        with pytest.raises(JournalError, match="database or disk is full"):
            await journal.settle(third.id, Settlement(RowState.ACCEPTED, 1.0, None, many))
        with pytest.raises(JournalError, match=r"cannot be used: database or disk is full"):
            await journal.claim(1)
    async with begun(path) as again:
        assert await again.counts() == {RowState.ACCEPTED: 2, RowState.PENDING: 3}


# Older copies, kills and power losses.


async def test_a_restored_older_copy_is_refused(path: Path, tmp_path: Path) -> None:
    """It is told how many outcomes are missing; accepted in so many words, that is noted."""
    async with begun(path) as journal:
        await settle(journal, 1)
    shutil.copy(path, tmp_path / "backup")
    async with begun(path) as journal:
        await settle(journal, 3)
    shutil.copy(tmp_path / "backup", path)
    with pytest.raises(JournalOldError, match=r"3 outcomes are missing from this copy.*accept_old=True"):
        await SQLiteJournal(path).begin(Manifest(settings=SETTINGS))
    async with begun(path, accept_old=True, who="Ann") as journal:
        assert await journal.counts() == {RowState.ACCEPTED: 1, RowState.PENDING: 4}
    assert query(path, "SELECT act, who, why FROM acts") == [
        ("accept_old", "Ann", "3 outcomes are missing from this copy")
    ]
    async with begun(path) as journal:
        assert await journal.counts() == {RowState.ACCEPTED: 1, RowState.PENDING: 4}


async def test_a_copy_that_lacks_a_change_but_no_outcome_is_refused_too(path: Path, tmp_path: Path) -> None:
    """As one from the beginning of a run that was killed."""
    async with begun(path):
        pass
    shutil.copy(path, tmp_path / "backup")
    async with begun(path):
        pass
    shutil.copy(tmp_path / "backup", path)
    with pytest.raises(JournalOldError, match=r"its last changes are missing from this copy"):
        await SQLiteJournal(path).begin(Manifest(settings=SETTINGS))


def test_what_a_power_loss_took_makes_no_older_copy(tmp_path: Path) -> None:
    """On another boot only what was synced must be there."""
    with closing(GenerationFile(tmp_path, "id", "boot-1")) as file:
        file.check(Generation(0, 0))
        file.write(Generation(5, 2), is_durable=True)
        file.write(Generation(9, 6), is_durable=False)
    with pytest.raises(JournalOldError, match="4 outcomes"):
        GenerationFile(tmp_path, "id", "boot-1").check(Generation(5, 2))
    GenerationFile(tmp_path, "id", "boot-2").check(Generation(5, 2))
    with pytest.raises(JournalOldError, match="2 outcomes"):
        GenerationFile(tmp_path, "id", "boot-2").check(Generation(4, 0))
    (tmp_path / "id").write_text("rubbish")
    GenerationFile(tmp_path, "id", "boot-1").check(Generation(0, 0))


def test_without_a_state_directory_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And nothing is refused."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "file"))
    assert state_directory() is None
    with closing(GenerationFile(None, "id", "boot")) as file:
        file.write(Generation(5, 2), is_durable=True)
        file.check(Generation(0, 0))
    with closing(GenerationFile(tmp_path / "gone", "id", "boot")) as file:
        file.write(Generation(5, 2), is_durable=True)


def test_the_state_directory_is_the_users(monkeypatch: pytest.MonkeyPatch, state: Path, tmp_path: Path) -> None:
    """Made with access for the user alone; one that cannot be written is none."""
    import pwd  # noqa: PLC0415

    assert state_directory() == state
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert state_directory() is None
    monkeypatch.undo()
    monkeypatch.delenv("WOOXY_RUNTIME_DIR", raising=False)
    entry = pwd.struct_passwd(("me", "x", 1, 1, "", str(tmp_path / "home"), ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)
    assert state_directory() == tmp_path / "home/.local/state/wooxy_async/journals"


async def left_by_a_kill(path: Path, durability: Any = "process") -> None:
    """Leave three rows claimed, one of them being sent, as a kill does."""
    async with begun(path, durability=durability) as journal:
        first, *_ = await journal.claim(3)
        await journal.before_sending(first.id)
        journal.mark_sending(first.id)


async def test_after_a_kill_only_what_was_being_sent_is_in_doubt(path: Path) -> None:
    """The others are sent."""
    await left_by_a_kill(path)
    async with SQLiteJournal(path) as journal:
        found = await journal.begin(Manifest(settings=SETTINGS))
        assert (found.in_doubt, found.given_back) == (1, 2)
        assert await journal.counts() == {RowState.IN_DOUBT: 1, RowState.PENDING: 4}
    ((outcome,),) = query(path, "SELECT outcome FROM rows WHERE state = 'in_doubt'")
    assert "was killed before it knew the answer" in outcome


@pytest.mark.parametrize("durability", ["process", "power"])
async def test_an_outcome_that_was_noted_outlives_a_kill(durability: Any, path: Path) -> None:
    """Also where the database knows nothing of it yet; with "power" more than a kill has to be outlived."""
    accepted = Settlement(RowState.ACCEPTED, 1.0, None, b'{"outcome":"accepted"}')
    async with begun(path, durability=durability) as journal:
        first, second = await journal.claim(2)
        for each in (first, second):
            journal.mark_sending(each.id)
        assert journal.note_outcome(first.id, accepted) is (durability == "process")
    async with SQLiteJournal(path) as journal:
        found = await journal.begin(Manifest(settings=SETTINGS))
        assert found.in_doubt == (1 if durability == "process" else 2)
    expected = [(1.0, '{"outcome":"accepted"}')] if durability == "process" else []
    assert query(path, "SELECT at, outcome FROM rows WHERE state = 'accepted'") == expected
    async with SQLiteJournal(path) as journal:
        await journal.begin(Manifest(settings=SETTINGS))  # what was settled counts for its age


@pytest.mark.parametrize("spoiled", ["boot", "no boot", "marks", "gone"])
async def test_after_a_power_loss_all_that_was_claimed_is_in_doubt(spoiled: str, path: Path) -> None:
    """On another boot, on one that nobody names, and where the marks are not that run's."""
    await left_by_a_kill(path)
    if "boot" in spoiled:
        query(path, "UPDATE runs SET boot = ?", "another" if spoiled == "boot" else "")
    elif spoiled == "marks":
        marks_path(path).write_bytes(bytes(marks_path(path).stat().st_size))
    else:
        marks_path(path).unlink()
    async with SQLiteJournal(path) as journal:
        found = await journal.begin(Manifest(settings=SETTINGS))
        assert (found.in_doubt, found.given_back) == (3, 0)
    outcomes = query(path, "SELECT outcome FROM rows WHERE state = 'in_doubt'")
    assert all("ended with its machine" in outcome for (outcome,) in outcomes)


async def test_marks_that_were_synced_are_trusted_after_a_power_loss(path: Path) -> None:
    """With durability "power"."""
    await left_by_a_kill(path, "power")
    query(path, "UPDATE runs SET boot = 'another'")
    async with SQLiteJournal(path) as journal:
        found = await journal.begin(Manifest(settings=SETTINGS))
        assert (found.in_doubt, found.given_back) == (1, 2)


def test_marks(tmp_path: Path) -> None:
    """A row is marked once, and its place is free again when the mark is taken away."""
    marks = MarksFile(tmp_path / "marks", b"t" * 16)
    for number in range(1, 3 * PLACES):
        marks.set(number)
        marks.set(number)
        assert read_marks(tmp_path / "marks", b"t" * 16) == {number: b""}
        assert marks.note(number, b"an outcome")
        assert read_marks(tmp_path / "marks", b"t" * 16) == {number: b"an outcome"}
        marks.clear(number)
        marks.clear(number)
        assert read_marks(tmp_path / "marks", b"t" * 16) == {}
    assert not marks.note(1, b"of a row that is not marked")
    marks.set(1)
    assert marks.note(1, b"x" * ROOM)
    assert not marks.note(1, b"x" * (ROOM + 1))
    assert read_marks(tmp_path / "marks", b"t" * 16) == {1: b"x" * ROOM}
    marks.sync()
    assert read_marks(tmp_path / "marks", b"o" * 16) is None
    os.truncate(tmp_path / "marks", 17)
    assert read_marks(tmp_path / "marks", b"t" * 16) is None
    assert read_marks(tmp_path / "none", b"t" * 16) is None
    marks.close()
    assert not marks.note(1, b"")
    with pytest.raises(OSError, match="Bad file descriptor"):
        marks.set(2)
    assert len(marks._free) == PLACES - 1


def test_marks_that_cannot_be_written() -> None:
    """A disk that is full already is a full disk, before anything is sent."""
    with pytest.raises(OSError, match=r"Invalid argument|No space"):
        MarksFile(Path("/dev/full"), b"t" * 16)


def test_a_worker_whose_loop_is_closed(tmp_path: Path) -> None:
    """Its thread ends all the same; and whoever has left is not told."""
    done: list[str] = []

    def transact(jobs: list[Any]) -> list[Any]:
        return [job.work() for job in jobs]

    async def begin() -> Worker:
        worker = Worker(transact, "worker")
        worker.submit(lambda: done.append("cancelled")).cancel()
        await worker.submit(lambda: done.append("told"))
        worker.submit(lambda: done.append("late"))
        return worker

    worker = asyncio.run(begin())
    worker.end()
    worker._thread.join()
    assert done == ["cancelled", "told", "late"]
    assert tmp_path.exists()
