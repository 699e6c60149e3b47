"""What will go and what will not, counted over the whole file before anything leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from wooxy_async.campaigns._rows import ReadyRow, UnusableRow

TEXT_USUAL: Final = 1_000
CAPTION_USUAL: Final = 30
# Wooxy's page sets no limit, so these are warnings.
# Source: API page, "What sibling pages of the same documentation add".
_TEXTS: Final = {
    "text": f"over {TEXT_USUAL:,} characters; comparable providers refuse longer texts",
    "button.text": f"a caption over {CAPTION_USUAL} characters; comparable providers cut or refuse it",
}
_BLANK: Final = "nothing in a column that the template names, so the text has a gap there"


class PlanWarning(msgspec.Struct, frozen=True, kw_only=True):
    """Something that will be sent and may not be what was meant.

    Args:
        field: the message's field, or the column's name.
        rows: how many rows it concerns.
        first_row: the first of them.
        text: what it is, to be read after "17 rows have".
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


def make_plan(rows: Iterable[ReadyRow | UnusableRow], *, examples: int) -> Plan:
    """Count judged rows.

    Args:
        rows: the rows, each taken once.
        examples: how many unusable rows are kept.
    """
    kinds: Counter[str] = Counter()
    countries: Counter[str] = Counter()
    noted: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], int] = {}
    kept: list[UnusableRow] = []
    sample = None
    for row in rows:
        if isinstance(row, UnusableRow):
            kinds[row.kind] += 1
            countries.update(filter(None, (row.country,)))
            kept += [row] if len(kept) < examples else []
            continue
        kinds["sendable"] += 1
        sample = sample or row
        for note in _notes(row):
            noted[note] += 1
            first.setdefault(note, row.row)
    return Plan(
        rows=kinds.total(),
        sendable=kinds["sendable"],
        invalid=kinds["invalid"],
        restricted=kinds["restricted"],
        duplicates=kinds["duplicate"],
        restricted_by_country=dict(sorted(countries.items())),
        examples=tuple(kept),
        warnings=tuple(
            PlanWarning(field=note[0], rows=count, first_row=first[note], text=note[1]) for note, count in noted.items()
        ),
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
