"""What each row becomes, and the whole file counted before anything leaves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Problem
from wooxy_async.campaigns._countries import country_of
from wooxy_async.campaigns._numbers import RESCUED_RULES
from wooxy_async.campaigns._offers import TRIED, Offer, find_offers

Unique: TypeAlias = Literal["number", "reference", "none"]
UnusableKind: TypeAlias = Literal["invalid", "restricted", "duplicate", "suppressed"]
TEXT_USUAL: Final = 1_000
CAPTION_USUAL: Final = 30
# Wooxy's page sets no limit, so these are warnings.
# Source: API page, "What sibling pages of the same documentation add".
_TEXTS: Final = {
    "text": f"has over {TEXT_USUAL:,} characters, more than comparable providers take",
    "button.text": f"has over {CAPTION_USUAL} characters, more than comparable providers show",
}
_BLANK: Final = "is empty and leaves a gap in the text"
MAX_TAGS_UNASKED: Final = 20  # distinct ones: an account keeps the first 100 it sees for ever
_TAGS_COUNTED: Final = 1_000
_FIRST_ROWS: Final = 5
_SAMPLES: Final = 3
_OTHER_SCRIPT: Final = re.compile(r"[^\W\d_\x00-\u024f\u1e00-\u1eff]")  # a letter that is not Latin
_REPEATS: Final = "repeats the {0} of an earlier row; each {0} is sent to once"


class ReadyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that can be sent.

    Args:
        row: its 1-based number, the header and empty lines not counted.
        message: its message, the number as E.164.
        blank: columns that the templates name without a fallback and that are empty in this row.
        fallbacks: columns that are empty and whose fallback stands in the text.
        notes: what may not be meant, each with the field or column.
        sheet_row: the row as a spreadsheet numbers it: the header and empty rows count.
        line: the file's line that it begins in; None in Excel.
    """

    row: int
    message: ViberMessage
    blank: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    sheet_row: int = 0
    line: int | None = None


class UnusableRow(msgspec.Struct, frozen=True, kw_only=True, tag_field="outcome", tag="unusable"):
    """A row that is not sent.

    Args:
        row: its 1-based number, the header and empty lines not counted.
        kind: "invalid", "restricted" (a country that is never sent to), "duplicate" or "suppressed" (on a list of those
            who must not be sent to).
        problems: what is wrong, each with the remedy.
        country: the restricted country's code; None where that is not the reason.
        repeats: the row whose number it repeats; None where that is not the reason.
        repeats_sheet_row: the same as a spreadsheet numbers it.
        sheet_row: the row as a spreadsheet numbers it: the header and empty rows count.
        line: the file's line that it begins in; None in Excel.
    """

    row: int
    kind: UnusableKind
    problems: tuple[Problem, ...]
    country: str | None = None
    repeats: int | None = None
    repeats_sheet_row: int | None = None
    sheet_row: int = 0
    line: int | None = None

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
        first_sheet_row: the first of them as a spreadsheet numbers it.
    """

    field: str
    rows: int
    first_row: int
    text: str
    first_sheet_row: int = 0


class ProblemGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that have one problem.

    Args:
        kind: as in `UnusableRow`.
        field: the message's field, or "row".
        rule: the rule that they break, a word for programs.
        remedy: what is wrong and what to do, as it was told of the first of them.
        rows: how many there are.
        first_rows: the first five, as a spreadsheet numbers them.
        country: the country that is never sent to; None where that is not the reason.
        offers: options that would read their numbers.
    """

    kind: UnusableKind
    field: str
    rule: str
    remedy: str
    rows: int
    first_rows: tuple[int, ...]
    country: str | None = None
    offers: tuple[Offer, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file, judged: `sendable` + `invalid` + `restricted` + `duplicates` + `suppressed` = `rows`.

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
        by_country: the messages that will go by country code, the most frequent first.
        groups: the unusable rows by their problem, the most frequent first.
        samples: up to three rows that will go, chosen to differ: the longest text, one with a fallback or an empty
            column, one in another script than the most.
        distinct_tags: how many different tags the messages have, counted up to 1,000.
        suppressed: rows whose number is on a suppression list.
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
    by_country: dict[str, int] = {}
    groups: tuple[ProblemGroup, ...] = ()
    samples: tuple[ReadyRow, ...] = ()
    distinct_tags: int = 0
    suppressed: int = 0

    @property
    def needs_consent_to_tags(self) -> bool:
        """Whether a person should agree to so many different tags: an account keeps 100 of them for ever."""
        return self.distinct_tags > MAX_TAGS_UNASKED


class _Notes:
    """Counts what is to be warned of, and remembers where it stood first."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], ReadyRow] = {}

    def add(self, row: ReadyRow) -> None:
        for note in _notes(row):
            self._counts[note] += 1
            self._first.setdefault(note, row)

    def warnings(self) -> Iterator[PlanWarning]:
        for (field, text), rows in self._counts.items():
            first = self._first[field, text]
            yield PlanWarning(field=field, rows=rows, first_row=first.row, text=text, first_sheet_row=first.sheet_row)


class _Group:
    """The rows of one problem, as they are counted."""

    def __init__(self, row: UnusableRow, problem: Problem) -> None:
        self.rows = 0
        self.first_rows: list[int] = []
        self.numbers: list[str] = []
        self._row = row
        self._problem = problem

    def add(self, row: UnusableRow, problem: Problem) -> None:
        self.rows += 1
        if self.rows <= _FIRST_ROWS:
            self.first_rows.append(row.sheet_row or row.row)
        if problem.rule in RESCUED_RULES and self.rows <= TRIED:
            self.numbers.append(problem.value)

    def made(self, likely: list[str]) -> ProblemGroup:
        return ProblemGroup(
            kind=self._row.kind,
            field=self._problem.field,
            rule=self._problem.rule,
            remedy=_general(self._problem),
            rows=self.rows,
            first_rows=tuple(self.first_rows),
            country=self._row.country,
            offers=find_offers(self.numbers, likely) if self.numbers else (),
        )


def _general(problem: Problem) -> str:
    """Return what is said of all rows that have a problem."""
    return _REPEATS.format(problem.field.removeprefix("phone_")) if problem.rule == "duplicate" else problem.remedy


class _Samples:
    """Rows to look at that differ from one another."""

    def __init__(self) -> None:
        self.first: ReadyRow | None = None
        self._longest: ReadyRow | None = None
        self._gap: ReadyRow | None = None
        self._odd: ReadyRow | None = None

    def add(self, row: ReadyRow) -> None:
        self.first = self.first or row
        text = row.message.text
        if self._longest is None or len(text) > len(self._longest.message.text):
            self._longest = row
        if self._gap is None and (row.fallbacks or row.blank):
            self._gap = row
        if self._odd is None and not text.isascii() and _OTHER_SCRIPT.search(text):
            self._odd = row

    def chosen(self) -> tuple[ReadyRow, ...]:
        wanted = (self._longest, self._gap, self._odd, self.first)
        rows = {row.row: row for row in wanted if row is not None}
        return tuple(list(rows.values())[:_SAMPLES])


class _Count:
    """Takes judged rows, and becomes the plan."""

    def __init__(self, examples: int) -> None:
        self._kinds: Counter[str] = Counter()
        self._restricted: Counter[str] = Counter()
        self._countries: Counter[str] = Counter()
        self._groups: dict[tuple[str, str, str | None], _Group] = {}
        self._tags: set[str] = set()
        self._kept: list[UnusableRow] = []
        self._most = examples
        self._notes, self._samples = _Notes(), _Samples()

    def add(self, row: ReadyRow | UnusableRow) -> None:
        if isinstance(row, ReadyRow):
            self._kinds["ready"] += 1
            self._countries[country_of(row.message.phone_number)] += 1
            self._notes.add(row)
            self._samples.add(row)
            if row.message.tags and len(self._tags) < _TAGS_COUNTED:
                self._tags.update(row.message.tags)
            return
        self._kinds[row.kind] += 1
        if row.country is not None:
            self._restricted[row.country] += 1
        if len(self._kept) < self._most:
            self._kept.append(row)
        problem = row.problems[0]
        key = (problem.field, problem.rule, row.country)
        if key not in self._groups:
            self._groups[key] = _Group(row, problem)
        self._groups[key].add(row, problem)

    def plan(self, notes: Callable[[], Iterable[tuple[str, str]]]) -> Plan:
        likely = [country for country, _ in self._countries.most_common()]
        first = self._samples.first
        general = (
            PlanWarning(
                field=field, rows=self._kinds["ready"], first_row=first.row, text=text, first_sheet_row=first.sheet_row
            )
            for field, text in (notes() if first else ())
            if first
        )
        return Plan(
            rows=self._kinds.total(),
            sendable=self._kinds["ready"],
            invalid=self._kinds["invalid"],
            restricted=self._kinds["restricted"],
            duplicates=self._kinds["duplicate"],
            restricted_by_country=dict(sorted(self._restricted.items())),
            examples=tuple(self._kept),
            warnings=(*self._notes.warnings(), *general),
            sample=first,
            by_country=dict(self._countries.most_common()),
            groups=tuple(group.made(likely) for group in sorted(self._groups.values(), key=lambda each: -each.rows)),
            samples=self._samples.chosen(),
            distinct_tags=len(self._tags),
            suppressed=self._kinds["suppressed"],
        )


def make_plan(
    rows: Iterable[ReadyRow | UnusableRow],
    *,
    examples: int,
    notes: Callable[[], Iterable[tuple[str, str]]] = tuple,
) -> Plan:
    """Count judged rows.

    Args:
        rows: the rows, each taken once.
        examples: how many unusable rows are kept.
        notes: what may not be meant in every row, each with the field or column; asked for at the end.
    """
    count = _Count(examples)
    for row in rows:
        count.add(row)
    return count.plan(notes)


def _notes(row: ReadyRow) -> Iterator[tuple[str, str]]:
    message = row.message
    if len(message.text) > TEXT_USUAL:
        yield "text", _TEXTS["text"]
    if message.button is not None and len(message.button.text) > CAPTION_USUAL:
        yield "button.text", _TEXTS["button.text"]
    for column in row.blank:
        yield column, _BLANK
    yield from row.notes
