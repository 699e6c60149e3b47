"""What a row of contacts becomes: a message, or the reason why it does not."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Problem

Unique: TypeAlias = Literal["number", "none"]
UnusableKind: TypeAlias = Literal["invalid", "restricted", "duplicate"]


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
