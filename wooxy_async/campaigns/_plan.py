"""What each row becomes, and the whole file counted before anything leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Problem

Unique: TypeAlias = Literal["number", "none"]
UnusableKind: TypeAlias = Literal["invalid", "restricted", "duplicate"]
TEXT_USUAL: Final = 1_000
CAPTION_USUAL: Final = 30
# Wooxy's page sets no limit, so these are warnings.
# Source: API page, "What sibling pages of the same documentation add".
_TEXTS: Final = {
    "text": f"has over {TEXT_USUAL:,} characters, more than comparable providers take",
    "button.text": f"has over {CAPTION_USUAL} characters, more than comparable providers show",
}
_BLANK: Final = "is empty and leaves a gap in the text"


class ReadyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that can be sent.

    Args:
        row: its 1-based number.
        message: its message, the number as E.164.
        blank: columns that the templates name and that are empty in this row.
    """

    row: int
    message: ViberMessage
    blank: tuple[str, ...] = ()


class UnusableRow(msgspec.Struct, frozen=True, kw_only=True, tag_field="outcome", tag="unusable"):
    """A row that is not sent.

    Args:
        row: its 1-based number.
        kind: "invalid", "restricted" (a country that is never sent to) or "duplicate".
        problems: what is wrong, each with the remedy.
        country: the restricted country's code; None where that is not the reason.
        repeats: the row whose number it repeats; None where that is not the reason.
    """

    row: int
    kind: UnusableKind
    problems: tuple[Problem, ...]
    country: str | None = None
    repeats: int | None = None

    def to_json(self) -> bytes:
        """Encode to one line of JSON."""
        return msgspec.json.encode(self)


class PlanWarning(msgspec.Struct, frozen=True, kw_only=True):
    """Something that will be sent and may not be what was meant.

    Args:
        field: the message's field, or the column's name.
        rows: how many rows it concerns.
        first_row: the first of them.
        text: what it is, to be read after the field.
    """

    field: str
    rows: int
    first_row: int
    text: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file, judged: `sendable` + `invalid` + `restricted` + `duplicates` = `rows`.

    Args:
        rows: data rows in the file.
        sendable: messages that will go.
        invalid: rows that break a rule or hold no contact.
        restricted: rows whose country is never sent to.
        duplicates: rows that repeat another row's number.
        restricted_by_country: the restricted rows by country code.
        examples: the first unusable rows; `Campaign.rows()` yields all.
        warnings: what will be sent and may not be what was meant.
        sample: the first row that will go; None if none will.
    """

    rows: int
    sendable: int
    invalid: int
    restricted: int
    duplicates: int
    restricted_by_country: dict[str, int]
    examples: tuple[UnusableRow, ...]
    warnings: tuple[PlanWarning, ...]
    sample: ReadyRow | None


class _Notes:
    """Counts what is to be warned of, and remembers where it stood first."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], int] = {}

    def add(self, row: ReadyRow) -> None:
        for note in _notes(row):
            self._counts[note] += 1
            self._first.setdefault(note, row.row)

    def warnings(self) -> Iterator[PlanWarning]:
        for (field, text), rows in self._counts.items():
            yield PlanWarning(field=field, rows=rows, first_row=self._first[field, text], text=text)


def make_plan(rows: Iterable[ReadyRow | UnusableRow], *, examples: int) -> Plan:
    """Count judged rows.

    Args:
        rows: the rows, each taken once.
        examples: how many unusable rows are kept.
    """
    kinds: Counter[str] = Counter()
    countries: Counter[str] = Counter()
    kept: list[UnusableRow] = []
    notes, sample = _Notes(), None
    for row in rows:
        if isinstance(row, ReadyRow):
            kinds["ready"] += 1
            sample = sample or row
            notes.add(row)
        else:
            kinds[row.kind] += 1
            countries.update(filter(None, (row.country,)))
            kept += [row] if len(kept) < examples else []
    return Plan(
        rows=kinds.total(),
        sendable=kinds["ready"],
        invalid=kinds["invalid"],
        restricted=kinds["restricted"],
        duplicates=kinds["duplicate"],
        restricted_by_country=dict(sorted(countries.items())),
        examples=tuple(kept),
        warnings=tuple(notes.warnings()),
        sample=sample,
    )


def _notes(row: ReadyRow) -> Iterator[tuple[str, str]]:
    message = row.message
    if len(message.text) > TEXT_USUAL:
        yield "text", _TEXTS["text"]
    if message.button is not None and len(message.button.text) > CAPTION_USUAL:
        yield "button.text", _TEXTS["button.text"]
    for column in row.blank:
        yield column, _BLANK
