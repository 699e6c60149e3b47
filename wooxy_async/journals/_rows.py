"""What is done with the rows of a journal, in SQL; all of it in the thread that owns the connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from wooxy_async._ports import Choices, Manifest, Merged
from wooxy_async._rules.journal import CHANGES, ClaimedRow, NewRow, RowState, Settlement
from wooxy_async.journals._errors import JournalChangedError, JournalError
from wooxy_async.journals._generation import Generation

_TOLD: Final = 20  # changed rows that are named
_COLUMNS: Final = 'key, row, sheet_row, line, number, reference, "values", digest'
# A journal keeps *sending* beside the database, so in it a row that is being sent is a claimed one.
_KEPT_AS: Final = {RowState.SENDING: RowState.CLAIMED}
_BEFORE: Final = {
    after: tuple({_KEPT_AS.get(each.before, each.before).value: None for each in CHANGES if each.after is after})
    for after in RowState
}
_SETTLE: Final = "UPDATE rows SET state = ?, at = ?, code = ?, outcome = ? WHERE id = ? AND state IN "
_IS_CHANGED: Final = "incoming.key = rows.key AND incoming.digest <> rows.digest"
# Where other settings were accepted every text may differ, so that only another number is the row's own change.
_HAS_OTHER_NUMBER: Final = "incoming.key = rows.key AND incoming.number <> rows.number"
_IS_KNOWN: Final = "rows.state NOT IN ('gone', 'invalid')"
_PLACE: Final = "row = incoming.row, sheet_row = incoming.sheet_row, line = incoming.line"
_TAKE_OVER: Final = (
    f"{_PLACE}, number = incoming.number, reference = incoming.reference, "
    '"values" = incoming."values", digest = incoming.digest'
)


Decision: TypeAlias = Literal["delivered", "again", "give-up"]
_DECIDED: Final[dict[Decision, RowState]] = {
    "delivered": RowState.DELIVERED,
    "again": RowState.PENDING,
    "give-up": RowState.GIVEN_UP,
}


class Doubt(NamedTuple):
    """A row in doubt.

    Args:
        id: by which the journal knows it.
        row: its place among the contacts.
        sheet_row: the same as a spreadsheet numbers it.
        number: as E.164.
        reference: the caller's own id of it.
        at: since when, seconds since the epoch.
        why: a sentence.
    """

    id: int
    row: int
    sheet_row: int
    number: str
    reference: str
    at: float
    why: str


class RunStamp(NamedTuple):
    """What tells later what a run's marks are worth.

    Args:
        token: at the start of its marks.
        boot: of its machine.
        durability: of its marks.
    """

    token: bytes
    boot: str
    durability: str


class Rows:
    """The rows of one journal.

    Args:
        connection: to its database.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._last = 0  # the last row that was claimed: a run comes once to each that it does not give back
        self._target = "rows"
        self.run = 0

    # The campaign, and how far the journal is.

    def meta(self, name: str, default: str = "") -> str:
        """Return what is kept under a name."""
        found = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return default if found is None else str(found[0])

    def set_meta(self, name: str, value: str) -> None:
        """Keep something under a name."""
        self._db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value)
        )

    def manifest(self) -> Manifest | None:
        """Return what the campaign was made of; None for a new journal."""
        kept = self.meta("manifest")
        return msgspec.json.decode(kept, type=Manifest) if kept else None

    def set_manifest(self, manifest: Manifest) -> None:
        """Keep what the campaign is made of."""
        self.set_meta("manifest", msgspec.json.encode(manifest).decode())

    def generation(self) -> Generation:
        """Return how far the journal is."""
        return Generation(int(self.meta("changes", "0")), int(self.meta("outcomes", "0")))

    def set_generation(self, now: Generation) -> None:
        """Note how far the journal is."""
        self.set_meta("changes", str(now.changes))
        self.set_meta("outcomes", str(now.outcomes))

    def note(self, act: str, *, at: float, who: str, why: str, rows: int) -> None:
        """Note what a person has decided; such notes are only ever added."""
        self._db.execute("INSERT INTO acts VALUES (?, ?, ?, ?, ?)", (at, act, who, why, rows))

    # Runs.

    def last_run(self) -> RunStamp | None:
        """Return the run before; None if there was none."""
        found = self._db.execute("SELECT token, boot, durability FROM runs ORDER BY run DESC LIMIT 1").fetchone()
        return None if found is None else RunStamp(*found)

    def begin_run(self, now: RunStamp, *, host: str, pid: int, at: float) -> None:
        """Note that a run begins."""
        told = self._db.execute(
            "INSERT INTO runs (token, boot, durability, host, pid, began) VALUES (?, ?, ?, ?, ?, ?)",
            (*now, host, pid, at),
        )
        self.run = int(told.lastrowid or 0)

    def end_run(self, how: str, at: float) -> None:
        """Note that the run has ended."""
        self._db.execute("UPDATE runs SET ended = ?, how = ? WHERE run = ?", (at, how, self.run))

    def left(self) -> list[int]:
        """Return the rows that are claimed."""
        return [row for (row,) in self._db.execute("SELECT id FROM rows WHERE state = 'claimed'")]

    def judge_left(self, sending: frozenset[int] | None, at: float) -> tuple[int, int]:
        """Judge what a killed run has left claimed.

        Args:
            sending: the rows of which a byte may have left; None where that is not known: then it may have of all.
            at: when, seconds since the epoch.

        Returns:
            How many rows are pending again, and how many are in doubt.
        """
        left = self.left()
        doubtful = left if sending is None else [row for row in left if row in sending]
        text = "The run that was sending it was killed before it knew the answer."
        if sending is None:
            text = "The run that had taken it ended with its machine, so nobody knows whether it was sent."
        outcome = msgspec.json.encode({"outcome": "in_doubt", "cause": {"kind": "killed", "text": text}}).decode()
        self._db.executemany(
            "UPDATE rows SET state = 'in_doubt', at = ?, outcome = ? WHERE id = ?",
            [(at, outcome, row) for row in doubtful],
        )
        given_back = self._db.execute("UPDATE rows SET state = 'pending' WHERE state = 'claimed'").rowcount
        return given_back, len(doubtful)

    def reopen_unfinished(self) -> None:
        """Let what was not sent, or was invalid, be judged and sent again."""
        self._db.execute("UPDATE rows SET state = 'pending' WHERE state IN ('not_sent', 'invalid') AND key IS NOT NULL")

    # Rows of the contacts.

    def begin_adding(self) -> None:
        """Prepare for all rows of the contacts."""
        self._db.execute("DELETE FROM rows WHERE key IS NULL")  # what could not be used is judged again
        (known,) = self._db.execute("SELECT EXISTS (SELECT 1 FROM rows)").fetchone()
        self._target = "incoming" if known else "rows"
        if known:
            self._db.execute("DROP TABLE IF EXISTS incoming")
            self._db.execute(
                "CREATE TABLE incoming (key TEXT UNIQUE, row INTEGER, sheet_row INTEGER, line INTEGER, number TEXT, "
                'reference TEXT, "values" TEXT, digest BLOB, state TEXT, outcome TEXT)'
            )

    def add(self, rows: Iterable[NewRow]) -> None:
        """Add rows of the contacts."""
        self._db.executemany(
            f"INSERT OR IGNORE INTO {self._target} ({_COLUMNS}, state, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
            (
                (
                    row.key,
                    row.row,
                    row.sheet_row,
                    row.line,
                    row.number,
                    row.reference,
                    row.values.decode(),
                    row.digest,
                    "pending" if row.unusable is None else "invalid",
                    None if row.unusable is None else row.unusable.decode(),
                )
                for row in rows
            ),
        )

    def merge(self, choices: Choices, at: float, *, keeps_content: bool) -> Merged:
        """End the adding.

        Args:
            choices: what a person has decided.
            at: when, seconds since the epoch.
            keeps_content: the settings are those of before, so that another content is the row's own change.

        Raises:
            JournalChangedError: known rows have changed, and nobody has said what to do.
        """
        if self._target == "rows":
            (added,) = self._db.execute("SELECT count(*) FROM rows WHERE key IS NOT NULL").fetchone()
            return Merged(added=added)
        merged = self._merge_known(choices, at, keeps_content=keeps_content)
        self._db.execute("DROP TABLE incoming")
        return merged

    def _merge_known(self, choices: Choices, at: float, *, keeps_content: bool) -> Merged:
        db = self._db
        changed, told = self._changed(choices, at, _IS_CHANGED if keeps_content else _HAS_OTHER_NUMBER)
        # What is invalid or gone may be mended freely; and with other settings was accepted what they make of the rows
        # that are still to be sent.
        free = "'invalid', 'gone'" if keeps_content else "'invalid', 'gone', 'pending', 'not_sent'"
        db.execute(f"UPDATE rows SET {_TAKE_OVER} FROM incoming WHERE {_IS_CHANGED} AND rows.state IN ({free})")  # noqa: S608 - ours
        if not keeps_content:
            db.execute(f"UPDATE rows SET digest = incoming.digest FROM incoming WHERE {_IS_CHANGED}")  # noqa: S608 - ours
        gone = db.execute(
            "UPDATE rows SET state = 'gone', at = ? WHERE state IN ('pending', 'not_sent', 'invalid') "
            "AND key IS NOT NULL AND key NOT IN (SELECT key FROM incoming WHERE key IS NOT NULL)",
            (at,),
        ).rowcount
        db.execute("UPDATE rows SET state = 'pending' WHERE state = 'gone' AND key IN (SELECT key FROM incoming)")
        db.execute(
            f"UPDATE rows SET {_PLACE} FROM incoming "  # noqa: S608 - ours
            "WHERE rows.key = incoming.key AND rows.row <> incoming.row"
        )
        (before,) = db.execute("SELECT count(*) FROM rows").fetchone()
        db.execute(
            f"INSERT OR IGNORE INTO rows ({_COLUMNS}, state, outcome) SELECT {_COLUMNS}, state, outcome FROM incoming "  # noqa: S608 - ours
            "ORDER BY row"
        )
        (after,) = db.execute("SELECT count(*) FROM rows").fetchone()
        (unusable,) = db.execute("SELECT count(*) FROM incoming WHERE key IS NULL").fetchone()
        return Merged(added=after - before - unusable, changed=changed, changed_rows=told, gone=gone)

    def _changed(self, choices: Choices, at: float, condition: str) -> tuple[int, tuple[int, ...]]:
        db = self._db
        (changed,) = db.execute(f"SELECT count(*) FROM rows JOIN incoming ON {condition} WHERE {_IS_KNOWN}").fetchone()  # noqa: S608 - ours
        if not changed:
            return 0, ()
        found = db.execute(
            f"SELECT incoming.sheet_row FROM rows JOIN incoming ON {condition} WHERE {_IS_KNOWN} "  # noqa: S608 - ours
            f"ORDER BY incoming.row LIMIT {_TOLD}"
        )
        told = tuple(row for (row,) in found)
        if choices.changed is None:
            named = ", ".join(f"row {row}" for row in told) + (" …" if changed > len(told) else "")
            raise JournalChangedError(
                f"The number or the text of {changed:,} rows that this journal knows has changed ({named}). Say "
                'whether they are sent as they are now, to those who have got one before too (Resume(changed="send")), '
                'or are not sent (Resume(changed="skip")).'
            )
        if choices.changed == "send":
            db.execute(
                f"UPDATE rows SET {_TAKE_OVER}, state = 'pending' FROM incoming WHERE {condition} AND {_IS_KNOWN}"  # noqa: S608 - ours
            )
        else:
            db.execute(
                f"UPDATE rows SET state = 'given_up', at = ? FROM incoming WHERE {condition} "  # noqa: S608 - ours
                "AND rows.state IN ('pending', 'not_sent')",
                (at,),
            )
        self.note(f"{choices.changed}_changed", at=at, who=choices.who, why="", rows=changed)
        return changed, told

    def reopen(self, choices: Choices, at: float) -> int:
        """Let rows that were refused be sent again; return how many."""
        reopened = 0
        for code in choices.reopen:
            told = self._db.execute("UPDATE rows SET state = 'pending' WHERE state = 'rejected' AND code = ?", (code,))
            reopened += told.rowcount
        if choices.reopen:
            self.note("reopen", at=at, who=choices.who, why=", ".join(choices.reopen), rows=reopened)
        return reopened

    # What a person says of doubts.

    def doubts(self) -> list[Doubt]:
        """Return the rows in doubt, in the order of the contacts."""
        found = self._db.execute(
            "SELECT id, row, sheet_row, number, reference, at, outcome FROM rows WHERE state = 'in_doubt' ORDER BY row"
        )
        return [
            Doubt(row_id, row, sheet_row, number, reference, at, json.loads(outcome)["cause"]["text"])
            for row_id, row, sheet_row, number, reference, at, outcome in found
        ]

    def resolve(self, rows: Sequence[int], decision: Decision, *, at: float, who: str) -> None:
        """Record what a person says of rows in doubt.

        Raises:
            JournalError: one of them is not in doubt.
        """
        told = self._db.executemany(
            "UPDATE rows SET state = ?, at = ? WHERE id = ? AND state = 'in_doubt'",
            [(_DECIDED[decision].value, at, row) for row in rows],
        )
        if told.rowcount != len(rows):
            raise JournalError("Not all of these rows are in doubt; nothing was changed.")
        self.note(f"resolve: {decision}", at=at, who=who, why="", rows=len(rows))

    # A run.

    def claim(self, most: int) -> list[ClaimedRow]:
        """Take the next pending rows."""
        found = self._db.execute(
            'SELECT id, row, sheet_row, number, reference, "values" FROM rows '
            "WHERE state = 'pending' AND id > ? ORDER BY id LIMIT ?",
            (self._last, most),
        ).fetchall()
        rows = [
            ClaimedRow(at, row, sheet_row, number, reference, text.encode())
            for at, row, sheet_row, number, reference, text in found
        ]
        if rows:
            self._last = rows[-1].id
            self._db.executemany(
                "UPDATE rows SET state = 'claimed', run = ? WHERE id = ?", [(self.run, row.id) for row in rows]
            )
        return rows

    def release(self, rows: Sequence[int]) -> None:
        """Give claimed rows back, so that they may be claimed again."""
        self._last = min((self._last, *(row - 1 for row in rows)))
        self._db.executemany(
            "UPDATE rows SET state = 'pending' WHERE id = ? AND state = 'claimed'", [(row,) for row in rows]
        )

    def settle(self, row: int, settlement: Settlement) -> None:
        """Record an outcome.

        Raises:
            JournalError: the row is none that may become so.
        """
        told = self._db.execute(
            f"{_SETTLE}({', '.join(map(repr, _BEFORE[settlement.state]))})",
            (settlement.state.value, settlement.at, settlement.code, settlement.outcome.decode(), row),
        )
        if told.rowcount != 1:
            raise JournalError(f"Row {row} of the journal cannot become {settlement.state.value} now.")

    def counts(self) -> dict[RowState, int]:
        """Return how many rows are what."""
        return {
            RowState(state): count
            for state, count in self._db.execute("SELECT state, count(*) FROM rows GROUP BY state")
        }


def differences(before: dict[str, str], now: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return the settings that are others now, each with what it was and is."""
    names = dict.fromkeys((*before, *now))
    return {name: pair for name in names if (pair := (before.get(name, ""), now.get(name, "")))[0] != pair[1]}
