"""CSV as people's exports look, read one row at a time.

Strict quoting is the strategy: a quote that is never closed would swallow rows without a word. A broken row that
ends on its own line is reported and passed over; one that runs on is an error of the file, because nobody can say
which rows it swallowed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from wooxy_async.campaigns._lines import Lines

_DELIMITERS: Final = ",;\t"
_QUOTED: Final = re.compile(r'"[^"]*"?')


def read_csv(lines: Lines) -> Iterator[list[str] | str]:
    """Yield the header's cells, then each row's.

    Args:
        lines: the file.

    Yields:
        The cells without blanks around them, or what is wrong with the row. Empty lines are no rows.

    Raises:
        ContactsError: a broken row swallowed others.
    """
    text = iter(lines)
    first = next(text, "")
    reader = csv.reader(chain((first,), text), delimiter=_delimiter(first), skipinitialspace=True, strict=True)
    while True:
        before = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num > before + 1:
                raise _swallowed(lines, before + 1) from None
            yield f"is not well-formed CSV ({error}): close each quote, and write a quote inside quotes twice"
        else:
            if cells:
                yield [cell.strip() for cell in cells]


def _delimiter(header: str) -> str:
    """Return the delimiter that stands most often in the header, outside quotes."""
    bare = _QUOTED.sub("", header)
    return max(_DELIMITERS, key=bare.count)


def _swallowed(lines: Lines, opened: int) -> Exception:
    return lines.error(
        f"a quote opens in line {opened} and is not closed before text follows it or the file ends, so the rows "
        "in between cannot be told apart. Close it, and write a quote inside quotes twice."
    )
