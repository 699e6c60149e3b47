"""Judges the rows of a campaign one after the other: each becomes a message, or a sentence about what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from wooxy_async._rules.checks import problems
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Problem
from wooxy_async._rules.phones import PhoneProblem
from wooxy_async.campaigns._contacts import BrokenRow, Contact
from wooxy_async.campaigns._numbers import APOSTROPHE_NOTE, NumberReader, without_apostrophe
from wooxy_async.campaigns._plan import ReadyRow, Unique, UnusableKind, UnusableRow
from wooxy_async.campaigns._row_fields import MessageColumns
from wooxy_async.campaigns._seen import SeenNumbers
from wooxy_async.campaigns._suppression import SuppressionList
from wooxy_async.campaigns._template import MessageTemplate

ANY_NUMBER: Final = (
    "+14155550123"  # reserved for fiction; stands for the contact where the rest of a message is checked
)
Judgement: TypeAlias = Callable[[Contact | BrokenRow], ReadyRow | UnusableRow]
_ROW_BITS: Final = 32
_SHOWN_MOST: Final = 80
# What programs write where they have nothing to write.
_NOTHINGS: Final = frozenset(
    {"NULL", "null", "Null", "None", "NONE", "none", "nil", "NaN", "nan", "NAN", "undefined", "N/A", "n/a", "\\N"}
    | {"#N/A", "#NV", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!"}
)
_CONTROL: Final = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_TWO_BLANKS: Final = "has two blanks in a row, as an empty column leaves them"
_FORMULA: Final = "is a formula; what goes is the value that it had when the file was saved"


class RowJudge:
    """What makes a row's message, and says what is wrong with it.

    Args:
        template: the message.
        number_column: what the column of numbers is called, for notes.
        unique: what makes two rows one.
        numbers: reads them.
        own: the columns of fields that each row has of its own.
        suppressed: lists of those who must not be sent to.
    """

    def __init__(
        self,
        template: MessageTemplate,
        number_column: str,
        unique: Unique,
        *,
        numbers: NumberReader,
        own: MessageColumns,
        suppressed: Sequence[SuppressionList],
    ) -> None:
        self._template = template
        self._number_column = number_column
        self._unique: Unique = unique
        self._numbers = numbers
        self._own = own
        self._suppressed = tuple(suppressed)

    def judgement(self) -> Judgement:
        """Return what judges the rows of one file in order, and finds those that repeat another of them."""
        seen = SeenNumbers()

        def judged(contact: Contact | BrokenRow) -> ReadyRow | UnusableRow:
            row = _broken(contact) if isinstance(contact, BrokenRow) else self._judge(contact)
            if self._unique == "none" or not isinstance(row, ReadyRow):
                return row
            place = row.sheet_row << _ROW_BITS | row.row
            first = seen.first(_same(row.message, self._unique), place)
            return row if first == place else _repeated(row, first, self._unique)

        return judged

    def render(self, number: str, reference: str, values: Mapping[str, str]) -> ViberMessage:
        """Return the message of one row.

        Args:
            number: as E.164.
            reference: the row's own id.
            values: its columns.

        Raises:
            KeyError: it lacks a column that a template names.
        """
        return self._template.render(number, reference, values, self._own.read(values))

    def _judge(self, contact: Contact) -> ReadyRow | UnusableRow:
        number = self._numbers.read(contact.number, contact.values)
        found: tuple[Problem, ...] = ()
        country: str | None = None
        if isinstance(number, PhoneProblem):
            found, country = (_of_number(contact, number),), number.country
        try:
            message = self.render(number if isinstance(number, str) else ANY_NUMBER, contact.reference, contact.values)
        except KeyError as missing:
            return _unusable(contact, _row_problem(f"has no {missing}, which the template names"))
        found += problems(message, "e164")  # the number has been checked
        if not found and self._suppressed and (name := self._list_of(message.phone_number)):
            return _suppressed(contact, name)
        if found:
            return _unusable(contact, *found, country=country)
        return ReadyRow(
            row=contact.row,
            message=message,
            sheet_row=contact.sheet_row,
            line=contact.line,
            **self._noted(contact, message),
        )

    def _list_of(self, number: str) -> str | None:
        """Return the name of the list that a number is on."""
        for each in self._suppressed:
            each.refresh()  # a file that has to be waited for stops the request, not the reading
            if number in each:
                return each.path.name
        return None

    def _noted(self, contact: Contact, message: ViberMessage) -> dict[str, Any]:
        """Return what a person may want to know of a row that can be sent."""
        template, values = self._template, contact.values
        empty = [name for name in template.names if not values.get(name)]
        notes = [
            (name, f"holds {values[name]}, which goes out as it stands")
            for name in template.names
            if values.get(name) in _NOTHINGS
        ]
        if "  " in message.text and not template.has_double_blank:
            notes.append(("text", _TWO_BLANKS))
        notes += _control_characters(message)
        if contact.number[:1] != "+" and without_apostrophe(contact.number) != contact.number:
            notes.append((self._number_column, APOSTROPHE_NOTE))
        if contact.formulas:
            used = {*template.names, self._number_column}
            notes += [(name, _FORMULA) for name in contact.formulas if name in used]
        if not (empty or notes):
            return {}
        return {
            "blank": tuple(name for name in empty if name in template.needed),
            "fallbacks": tuple(name for name in empty if name not in template.needed),
            "notes": tuple(notes),
        }


def _same(message: ViberMessage, unique: Unique) -> int:
    """Return by what two rows are one: the number itself, or 63 bits of the reference's digest.

    Among a million references two have the same digest with a probability of 1 in 18 million.
    """
    if unique == "number":
        return int(message.phone_number)
    digest = blake2b(str(message.reference).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) | 1


def _of_number(contact: Contact, found: PhoneProblem) -> Problem:
    return Problem(field="phone_number", value=contact.number[:_SHOWN_MOST], rule=found.rule, remedy=found.remedy)


def _control_characters(message: ViberMessage) -> Iterator[tuple[str, str]]:
    texts = {"text": message.text}
    if message.button is not None:
        texts["button.text"] = message.button.text
    for field, text in texts.items():
        if found := _CONTROL.search(text):
            yield field, f"holds U+{ord(found[0]):04X}, a control character, which goes out as it stands"


def _row_problem(remedy: str) -> Problem:
    return Problem(field="row", value="", rule="broken_row", remedy=remedy)


def _unusable(contact: Contact | BrokenRow, *found: Problem, country: str | None = None) -> UnusableRow:
    kind: UnusableKind = "restricted" if country else "invalid"
    return UnusableRow(
        row=contact.row, kind=kind, problems=found, country=country, sheet_row=contact.sheet_row, line=contact.line
    )


def _suppressed(contact: Contact, name: str) -> UnusableRow:
    remedy = f"is on the suppression list {name}, and is not sent to"
    problem = Problem(field="phone_number", value=contact.number[:_SHOWN_MOST], rule="suppressed", remedy=remedy)
    return UnusableRow(
        row=contact.row, kind="suppressed", problems=(problem,), sheet_row=contact.sheet_row, line=contact.line
    )


def _broken(row: BrokenRow) -> UnusableRow:
    return _unusable(row, _row_problem(row.remedy))


def _repeated(row: ReadyRow, first: int, unique: Unique) -> UnusableRow:
    sheet_row, number = first >> _ROW_BITS, first & (1 << _ROW_BITS) - 1
    field = "phone_number" if unique == "number" else "reference"
    remedy = f"repeats the {unique} of row {number}, which is sent; each {unique} is sent to once"
    problem = Problem(field=field, value=str(getattr(row.message, field)), rule="duplicate", remedy=remedy)
    return UnusableRow(
        row=row.row,
        kind="duplicate",
        problems=(problem,),
        repeats=number,
        repeats_sheet_row=sheet_row,
        sheet_row=row.sheet_row,
        line=row.line,
    )
