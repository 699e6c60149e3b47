"""Columns that give each row a sender, a ttl, a device or tags of its own, and columns that look as if they should."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, get_args

from wooxy_async._rules.messages import Device
from wooxy_async.campaigns._columns import bare
from wooxy_async.campaigns._errors import CampaignError, listed

# By field of the message: what columns for it are called, as `bare` writes them.
_USUAL: Final = {
    "sender_id": frozenset({"sender", "senderid", "sendername", "from", "fromname", "absender", "отправитель"}),
    "ttl": frozenset({"ttl", "validity", "validityperiod", "timetolive", "expiry"}),
    "device": frozenset({"device", "devices", "gerät"}),
    "tags": frozenset({"tag", "tags", "label", "labels"}),
}
_TAG_SEPARATORS: Final = re.compile(r"[,;|]")


class MessageColumns:
    """The columns that are mapped to fields of the message.

    Args:
        columns: the file's.
        mapped: the column of each field, None where it has none.

    Raises:
        CampaignError: a mapped column is none of the file's.
    """

    def __init__(self, columns: Collection[str], mapped: Mapping[str, str | None]) -> None:
        self._mapped = {field: column for field, column in mapped.items() if column is not None}
        for field, column in self._mapped.items():
            if column not in columns:
                raise CampaignError(
                    f"{field.removesuffix('_id')}_column={column!r} is no column of the contacts. "
                    f"The columns are: {listed(tuple(columns))}."
                )
        self._columns = columns
        self.names: tuple[str, ...] = tuple(self._mapped.values())

    def read(self, values: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the fields that a row has of its own; an empty cell leaves the campaign's."""
        if not self._mapped:
            return None
        return {
            field: _READ.get(field, str)(value)
            for field, column in self._mapped.items()
            if (value := values.get(column, ""))
        }

    def lookalikes(self, used: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield the columns that look like a field of the message and are not used, with that field.

        Args:
            used: the columns that templates name.
        """
        for column in self._columns:
            for field, names in _USUAL.items():
                if bare(column) in names and column not in used and field not in self._mapped:
                    yield column, field


def _as_seconds(value: str) -> int | str:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else value  # noqa: PLR2004


def _as_tags(value: str) -> tuple[str, ...]:
    return tuple(tag for part in _TAG_SEPARATORS.split(value) if (tag := part.strip()))


def _as_device(value: str) -> str:
    return value.lower() if value.lower() in get_args(Device) else value


_READ: Final[dict[str, Any]] = {"ttl": _as_seconds, "tags": _as_tags, "device": _as_device}
