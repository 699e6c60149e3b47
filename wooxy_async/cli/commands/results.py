"""`wooxy results`: who got it, when, and what became of every other row."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TextIO

import msgspec
import typer

from wooxy_async.campaigns._guard import FIRST_COLUMN, guarded
from wooxy_async.cli._ending import CommandError, refusing
from wooxy_async.cli._options import OUTPUT, journal_at, new_file
from wooxy_async.journals import JournalRow, RowState, read_rows, read_status

EXAMPLES: Final = r"""
  wooxy results contacts.csv.wooxy > results.jsonl
  wooxy results contacts.csv.wooxy --format csv --output results.csv
  wooxy results contacts.csv.wooxy --only in-doubt,not-sent
"""
_NOTHING: Final = "Nothing was written."
_STATES: Final = {state.value.replace("_", "-"): state for state in RowState}
_COLUMNS: Final = (FIRST_COLUMN, "wooxy_line", "wooxy_reference", "wooxy_state", "wooxy_at", "wooxy_message_ids")
_REASON: Final = "wooxy_reason"
_KNOWN: Final = frozenset({"outcome", "row", "sheet_row", "line", "values"})  # said already, or by the row itself


def results(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="That of the campaign.")],
    *,
    form: Annotated[
        Literal["jsonl", "csv"],
        typer.Option("--format", metavar="FORMAT", help="jsonl or csv.", rich_help_panel=OUTPUT),
    ] = "jsonl",
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="STATES", help="As in in-doubt,not-sent.", rich_help_panel=OUTPUT),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="NAMES", help="Of the contacts; else all.", rich_help_panel=OUTPUT),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A new file; else the screen.", rich_help_panel=OUTPUT),
    ] = None,
) -> None:
    """Write who got it and when, and what became of every other row.

    Each row has its place in the file, its state, the time in UTC, the ids of
    its message or why there is none, and its own columns. The CSV begins with
    wooxy_row; cells that a spreadsheet would run have an apostrophe before
    them, which wooxy leaves off when it reads the file again.
    """
    with refusing(_NOTHING):
        path = journal_at(journal)
        states = _named_states(only)
        wanted = _named_columns(columns, path)
        with _opened(output) as file:
            rows = read_rows(path, *states)
            if form == "csv":
                _write_csv(file, rows, wanted)
            else:
                for row in rows:
                    file.write(msgspec.json.encode(_line(row, wanted)).decode() + "\n")


def _named_states(only: str | None) -> list[RowState]:
    words = [] if only is None else [word for part in only.split(",") if (word := part.strip())]
    if unknown := [word for word in words if word not in _STATES]:
        raise CommandError(f"--only: {unknown[0]!r} is none of {', '.join(_STATES)}.")
    return [_STATES[word] for word in words]


def _named_columns(columns: str | None, path: Path) -> list[str]:
    """Return the columns of the contacts that are written."""
    known = list(read_status(path).columns)
    if not known:
        known = next((list(row.values) for row in read_rows(path) if row.values), [])
    known = [name for name in known if name not in (*_COLUMNS, _REASON)]  # of a file that we have written
    wanted = known if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in known]:
        raise CommandError(f"--columns: {unknown[0]!r} is none of {', '.join(known)}.")
    return wanted


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with os.fdopen(new_file("--output", output), "w", encoding="utf-8", newline="") as file:
        yield file


def _line(row: JournalRow, wanted: Sequence[str]) -> dict[str, Any]:
    told = {name: value for name, value in (row.outcome or {}).items() if name not in _KNOWN}
    return {
        "row": row.sheet_row,
        "line": row.line,
        "number": row.number,
        "reference": row.reference,
        "state": row.state.value,
        "at": _time(row.at),
        **told,
        "values": {name: row.values.get(name, "") for name in wanted},
    }


def _write_csv(file: TextIO, rows: Iterable[JournalRow], wanted: Sequence[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*_COLUMNS, _REASON, *map(guarded, wanted)))
    for row in rows:
        told = row.outcome or {}
        cells = (row.reference, row.state.value, _time(row.at), " ".join(told.get("message_ids", ())), _reason(told))
        values = (row.values.get(name, "") for name in wanted)
        writer.writerow((row.sheet_row, row.line or "", *map(guarded, cells), *map(guarded, values)))


def _reason(told: dict[str, Any]) -> str:
    """Return why a row was not accepted, in one cell."""
    if errors := told.get("errors"):
        return "; ".join(f"{error['code']}: {error['text']}" for error in errors)
    if problems := told.get("problems"):
        return "; ".join(f"{problem['field']}: {problem['remedy']}" for problem in problems)
    return str(told.get("cause", {}).get("text", ""))


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
