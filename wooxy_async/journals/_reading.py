"""The rows of a journal as anybody may read them: also while a run writes it, and after one was killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from wooxy_async._rules.journal import RowState
from wooxy_async._rules.messages import Masked
from wooxy_async.journals._schema import connect_to_read, explained

_SELECT: Final = (
    'SELECT row, sheet_row, line, number, reference, state, at, "values", outcome FROM rows WHERE state IN ({}) '
    "ORDER BY row"
)


class JournalRow(Masked, frozen=True, kw_only=True):
    """One row of a campaign, and what became of it.

    Args:
        row: its 1-based number among the contacts.
        sheet_row: the same as a spreadsheet numbers it.
        line: the file's line that it begins in; None where there is none.
        number: as E.164; where it cannot be sent, as it stands in the contacts.
        reference: the caller's own id of it.
        state: what it is.
        at: when it became so, UTC; None where it never left.
        values: its columns.
        outcome: what is kept of its outcome, as `to_json` names it, or why it cannot be sent; None where there is none.
    """

    row: int
    sheet_row: int
    line: int | None
    number: str
    reference: str
    state: RowState
    at: datetime | None
    values: dict[str, str]
    outcome: dict[str, Any] | None

    def _shown(self) -> Iterator[tuple[str, Any]]:
        yield "row", self.row
        yield "state", self.state


def read_rows(path: str | os.PathLike[str], *states: RowState) -> Iterator[JournalRow]:
    """Yield the rows of a journal in the order of the contacts; memory does not grow with their number.

    Args:
        path: of the journal.
        states: which rows; none means all.

    Raises:
        JournalDamagedError: it is no journal, damaged, or of another version of wooxy_async.
        JournalError: it cannot be read.
    """
    wanted = ", ".join(repr(state.value) for state in states or RowState)
    with closing(connect_to_read(Path(path))) as db, explained(Path(path)):
        for row, sheet_row, line, number, reference, state, at, values, outcome in db.execute(_SELECT.format(wanted)):
            yield JournalRow(
                row=row,
                sheet_row=sheet_row,
                line=line,
                number=number,
                reference=reference,
                state=RowState(state),
                at=None if at is None else datetime.fromtimestamp(at, UTC),
                values=msgspec.json.decode(values, type=dict[str, str]),
                outcome=None if outcome is None else msgspec.json.decode(outcome),
            )
