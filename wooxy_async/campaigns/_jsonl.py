"""JSON lines: one object a line, read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from wooxy_async.campaigns._lines import Lines

_DECODER: Final = msgspec.json.Decoder(dict[str, Any])
_NOT_AN_OBJECT: Final = 'must be one JSON object on one line, as in {"phone": "+14155550123"}'


def read_jsonl(lines: Lines) -> Iterator[dict[str, str] | str]:
    """Yield each line's object with its values as text.

    Args:
        lines: the file.

    Yields:
        The values without blanks around them (numbers as they print in JSON, null as an empty text, arrays and
        objects as JSON), or what is wrong with the row. Empty lines are no rows.
    """
    for line in lines:
        if not line.isspace():
            yield _read(line)


def _read(line: str) -> dict[str, str] | str:
    try:
        return {name: _as_text(value) for name, value in _DECODER.decode(line).items()}
    except (msgspec.DecodeError, RecursionError) as error:
        return f"{_NOT_AN_OBJECT} ({error})"


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else msgspec.json.encode(value).decode()
