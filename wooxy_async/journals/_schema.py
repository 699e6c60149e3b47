"""The database of a journal: its tables, how it is opened, and how an older one is carried forward."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from wooxy_async.journals._errors import JournalDamagedError, JournalError

APPLICATION: Final = 0x776F6F78  # "woox": by this number a journal is told from any other SQLite file
_BUSY: Final = 5.0  # seconds that a reader may keep the file
# The steps from each version of the schema to the next; a new journal takes them all.
STEPS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE runs (
        run INTEGER PRIMARY KEY, token BLOB NOT NULL, boot TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
        durability TEXT NOT NULL, began REAL NOT NULL, ended REAL, how TEXT
    );
    CREATE TABLE rows (
        id INTEGER PRIMARY KEY, key TEXT UNIQUE, row INTEGER NOT NULL, sheet_row INTEGER NOT NULL, line INTEGER,
        state TEXT NOT NULL, number TEXT NOT NULL, reference TEXT NOT NULL, "values" TEXT NOT NULL,
        digest BLOB NOT NULL, run INTEGER, at REAL, code TEXT, outcome TEXT
    );
    CREATE INDEX rows_by_state ON rows (state);
    CREATE TABLE acts (
        at REAL NOT NULL, act TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, rows INTEGER NOT NULL
    );
    """,
)
SCHEMA: Final = len(STEPS)


def connect(path: Path, steps: Sequence[str] = STEPS) -> sqlite3.Connection:
    """Open a journal for writing; a new one is made, an older one carried forward.

    Args:
        path: of the file.
        steps: from each version of the schema to the next.

    Raises:
        JournalDamagedError: it is no journal, damaged, or of a newer wooxy_async.
        JournalError: it cannot be opened.
    """
    with explained(path), suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with explained(path):
        path.chmod(0o600)  # its companions are made with the same
        connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY)
        try:
            _prepare(connection, path, steps)
        except BaseException:
            connection.close()
            raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a journal to look at it, also while a run writes it; may be used by one thread after another.

    Raises:
        JournalDamagedError: it is no journal, damaged, or of another version of wooxy_async.
        JournalError: it cannot be opened.
    """
    with explained(path):
        if not path.exists():
            raise JournalError(f"There is no journal at {path}.")
        connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY, check_same_thread=False)
        try:
            _check_same(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_same(connection: sqlite3.Connection, path: Path) -> None:
    if _check(connection, path, SCHEMA) != SCHEMA:
        raise JournalDamagedError(f"{path} is of an older wooxy_async; the next run carries it forward.")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise in our words what the system or SQLite raises."""
    try:
        yield
    except OSError as error:
        raise JournalError(f"{path} cannot be used: {error.strerror}.") from None
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise JournalDamagedError(
                f"{path} is no journal, or it is damaged ({error}). Nothing was sent. Bring back a copy, or name "
                "another journal; a new one knows nothing of what was sent."
            ) from None
        raise JournalError(f"{path} cannot be used: {error}.") from None


def _prepare(connection: sqlite3.Connection, path: Path, steps: Sequence[str]) -> None:
    found = _check(connection, path, len(steps))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    if found == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[found:]:
            for statement in step.split(";"):
                connection.execute(statement)
        if found == 0:
            connection.execute("INSERT INTO meta VALUES ('id', ?)", (secrets.token_hex(16),))
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _check(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    """Return the version of the schema, 0 for an empty file."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not (application or version or tables):
        return 0
    if application != APPLICATION:
        raise JournalDamagedError(f"{path} is no journal, but another SQLite file. Name another one.")
    if version > newest:
        raise JournalDamagedError(
            f"{path} is of a newer wooxy_async (schema {version}; this one knows {newest}): update."
        )
    return int(version)
