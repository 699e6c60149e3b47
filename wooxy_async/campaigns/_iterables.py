"""Contacts that are no file: any iterable of them, plain or asynchronous, as a database's cursor is one."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar

import anyio

from wooxy_async.campaigns._columns import find_number_column, find_reference_column
from wooxy_async.campaigns._contacts import BrokenRow, Contact, Contacts
from wooxy_async.campaigns._errors import ContactsError

Row: TypeAlias = Contact | Mapping[str, Any]
AnyContacts: TypeAlias = Contacts | Iterable[Row] | AsyncIterable[Row]
Judged = TypeVar("Judged")
_FROM_FILE: Final = 1_000  # contacts that a thread reads at once
_AT_ONCE: Final = 100  # contacts of a program's own iterable between two turns of the loop


class AnyColumn(Collection[str]):
    """The columns of contacts that show them one by one only: any name may be one."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Reader:
    """Makes contacts of what an iterable yields, and finds the number's column in the first."""

    def __init__(self) -> None:
        self._row = 0
        self._columns: tuple[str, str | None] | None = None

    def read(self, item: Row) -> Contact:
        """Return the next contact.

        Raises:
            ContactsError: it is none, or has no column for the number.
        """
        self._row += 1
        if isinstance(item, Contact):
            return item
        if not isinstance(item, Mapping):
            kind = type(item).__name__
            raise ContactsError(f"contacts must be mappings or Contacts, but that of row {self._row} is {kind}.")
        values = {str(name): "" if value is None else str(value).strip() for name, value in item.items()}
        if self._columns is None:
            names = tuple(values)
            self._columns = find_number_column("the first contact", names, None), find_reference_column(names)
        number, reference = self._columns
        said = values.get(reference, "") if reference else ""
        return Contact(
            row=self._row,
            number=values.get(number, ""),
            reference=said or f"row-{self._row}",
            values=values,
            sheet_row=self._row,
        )


def read_all(source: AnyContacts) -> Iterator[Contact | BrokenRow]:
    """Yield the contacts of a source that is no asynchronous one.

    Raises:
        ContactsError: it is asynchronous, or does not yield contacts.
    """
    if isinstance(source, Contacts):
        yield from source
        return
    if not isinstance(source, Iterable):
        raise ContactsError("contacts that are asynchronous are read by `async with campaign:` alone.")
    reader = Reader()
    for item in source:
        yield reader.read(item)


async def chunks(source: AnyContacts, judge: Callable[[Contact | BrokenRow], Judged]) -> AsyncIterator[list[Judged]]:
    """Yield the contacts of any source, judged, many at once, without holding up the event loop for long.

    Args:
        source: the contacts.
        judge: called for each, in order; for a file in a thread.

    Raises:
        ContactsError: it does not yield contacts.
    """
    if isinstance(source, AsyncIterable):
        reader, found = Reader(), []
        async for item in source:
            found.append(judge(reader.read(item)))
            if len(found) == _AT_ONCE:
                yield found
                found = []
        yield found
        return
    judged = map(judge, read_all(source))
    while True:
        if isinstance(source, Contacts):
            part = await anyio.to_thread.run_sync(_take, judged, _FROM_FILE)
        else:  # a cursor may belong to this thread
            part = _take(judged, _AT_ONCE)
        yield part
        if not part:
            return


def _take(judged: Iterator[Judged], most: int) -> list[Judged]:
    return list(islice(judged, most))
