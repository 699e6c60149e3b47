"""What a person has decided of rows in doubt, by options or in a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias, cast, get_args

from wooxy_async.campaigns import Contact, Contacts, NumberReader
from wooxy_async.campaigns._contacts import BrokenRow
from wooxy_async.campaigns._guard import FIRST_COLUMN
from wooxy_async.cli._ending import CommandError
from wooxy_async.journals import Decision, Doubt

Decisions: TypeAlias = dict[int, Decision]
"""What was decided of each row, by its id."""
_WORDS: Final = ", ".join(get_args(Decision))


def decided_by_options(
    doubts: Sequence[Doubt], rows: Sequence[int], decision: Decision | None, *, every: bool
) -> Decisions:
    """Return the decision of `--row` or `--all`.

    Args:
        doubts: the rows in doubt.
        rows: as a spreadsheet numbers them.
        decision: of each.
        every: all of them.

    Raises:
        CommandError: there is no decision, a row is not in doubt, or both options are given.
    """
    if decision is None:
        raise CommandError(f"--row and --all need --as, with one of {_WORDS}.")
    if every and rows:
        raise CommandError("--row and --all: give one of them.")
    known = {doubt.sheet_row: doubt.id for doubt in doubts}
    if unknown := [row for row in rows if row not in known]:
        raise CommandError(f"--row {unknown[0]}: this row is not in doubt.")
    return dict.fromkeys(known.values() if every else map(known.__getitem__, rows), decision)


def decided_by_file(doubts: Sequence[Doubt], path: Path, column: str) -> Decisions:
    """Return the decisions of a table.

    Args:
        doubts: the rows in doubt.
        path: the table.
        column: its column of decisions.

    Raises:
        ContactsError: it cannot be read.
        CommandError: a decision is none, or is of a row that is not in doubt, or is another than before for it.
    """
    table = Contacts(path)
    if column not in table.columns:
        raise CommandError(f"--decision-column: {path} has no column {column!r}. Its words are {_WORDS}, or nothing.")
    decisions: Decisions = {}
    by_row = FIRST_COLUMN in table.columns
    known = {str(doubt.sheet_row) if by_row else doubt.number: doubt.id for doubt in doubts}
    if len(known) < len(doubts):
        raise CommandError(f"a number is in doubt in several rows, so that {path} needs a column {FIRST_COLUMN}.")
    for contact in table:
        where = f"{path}, row {contact.sheet_row}"
        if isinstance(contact, BrokenRow):
            raise CommandError(f"{where}: {contact.remedy}")
        if not (word := contact.values[column].strip()):
            continue
        if word not in get_args(Decision):
            raise CommandError(f"{where}: {word!r} is no decision. Write {_WORDS}, or nothing.")
        found = known.get(_name(contact, by_row=by_row))
        if found is None:
            raise CommandError(f"{where}: no row in doubt has this {FIRST_COLUMN if by_row else 'number'}.")
        if decisions.setdefault(found, cast("Decision", word)) != word:
            raise CommandError(f"{where}: another decision stands above for the same row.")
    return decisions


def _name(contact: Contact, *, by_row: bool) -> str:
    return contact.values[FIRST_COLUMN].strip() if by_row else str(NumberReader().read(contact.number, contact.values))
