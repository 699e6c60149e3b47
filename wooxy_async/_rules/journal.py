"""A row of a journal: what it can be, the only changes that there are, and what is kept of an outcome.

The table is read by the journals, by their tests and by the guide, which prints it.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec

from wooxy_async._rules.outcomes import Outcome, Rejected


class RowState(Enum):
    """What a row is; each value is the word that a journal keeps."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INVALID = "invalid"
    NOT_SENT = "not_sent"
    IN_DOUBT = "in_doubt"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    GONE = "gone"


MEANINGS: Final[dict[RowState, str]] = {
    RowState.PENDING: "to be sent",
    RowState.CLAIMED: "a run has taken it; no byte of it has left",
    RowState.SENDING: "a byte of its request may have left; there is no outcome yet",
    RowState.ACCEPTED: "the server took it",
    RowState.REJECTED: "the server said no",
    RowState.INVALID: "it breaks a rule; nothing was sent",
    RowState.NOT_SENT: "known not to have been taken",
    RowState.IN_DOUBT: "may have been delivered; a person decides",
    RowState.DELIVERED: "a person says that it has arrived",
    RowState.GIVEN_UP: "a person says that it is not to be sent",
    RowState.GONE: "no longer among the contacts",
}


class Change(NamedTuple):
    """One legal change.

    Args:
        before: what the row was.
        after: what it becomes.
        by: what makes the change.
    """

    before: RowState
    after: RowState
    by: str


_PERSON: Final = "a person (resolve)"
_OUTCOME: Final = "the outcome"
_LATE: Final = "a late answer"
_RESUME: Final = "the next run"
_NEW_CONTENT: Final = "a changed row (send_changed)"
_VANISHED: Final = "the contacts no longer have it"
# Read from the top; what does not stand here is refused by every journal.
CHANGES: Final[tuple[Change, ...]] = (
    Change(RowState.PENDING, RowState.CLAIMED, "a run takes it"),
    Change(RowState.PENDING, RowState.GIVEN_UP, "a changed row (skip_changed)"),
    Change(RowState.PENDING, RowState.GONE, _VANISHED),
    Change(RowState.CLAIMED, RowState.SENDING, "right before the first byte"),
    Change(RowState.CLAIMED, RowState.PENDING, "given back; or its run was killed, on the same boot"),
    Change(RowState.CLAIMED, RowState.NOT_SENT, _OUTCOME),
    Change(RowState.CLAIMED, RowState.INVALID, _OUTCOME),
    Change(RowState.CLAIMED, RowState.IN_DOUBT, "its run was killed, and the machine started anew"),
    Change(RowState.SENDING, RowState.CLAIMED, "no byte left, or it is known not taken; it is tried again"),
    Change(RowState.SENDING, RowState.ACCEPTED, _OUTCOME),
    Change(RowState.SENDING, RowState.REJECTED, _OUTCOME),
    Change(RowState.SENDING, RowState.NOT_SENT, _OUTCOME),
    Change(RowState.SENDING, RowState.IN_DOUBT, "the outcome; or its run was killed"),
    Change(RowState.IN_DOUBT, RowState.ACCEPTED, _LATE),
    Change(RowState.IN_DOUBT, RowState.REJECTED, _LATE),
    Change(RowState.IN_DOUBT, RowState.NOT_SENT, _LATE),
    Change(RowState.IN_DOUBT, RowState.DELIVERED, _PERSON),
    Change(RowState.IN_DOUBT, RowState.PENDING, _PERSON),
    Change(RowState.IN_DOUBT, RowState.GIVEN_UP, _PERSON),
    Change(RowState.NOT_SENT, RowState.PENDING, _RESUME),
    Change(RowState.NOT_SENT, RowState.GIVEN_UP, "a changed row (skip_changed)"),
    Change(RowState.NOT_SENT, RowState.GONE, _VANISHED),
    Change(RowState.INVALID, RowState.PENDING, "the next run, which judges it again"),
    Change(RowState.INVALID, RowState.GONE, _VANISHED),
    Change(RowState.REJECTED, RowState.PENDING, "reopened by its error code; or a changed row (send_changed)"),
    Change(RowState.ACCEPTED, RowState.PENDING, _NEW_CONTENT),
    Change(RowState.DELIVERED, RowState.PENDING, _NEW_CONTENT),
    Change(RowState.GIVEN_UP, RowState.PENDING, _NEW_CONTENT),
    Change(RowState.GONE, RowState.PENDING, "the contacts have it again"),
)


class NewRow(NamedTuple):
    """A row as its contacts have it.

    Args:
        key: what it is known by: one key is sent to at most once; None where it cannot be sent.
        row: its place among the contacts, from 1.
        sheet_row: the same as a spreadsheet numbers it.
        line: the file's line that it begins in; None where there is none.
        number: as E.164.
        reference: the caller's own id of it.
        values: its columns, as a JSON object.
        digest: of all that its message is made of; another one under a known key is a changed row.
        unusable: why it cannot be sent, as JSON; None where it can.
    """

    key: str | None
    row: int
    sheet_row: int
    line: int | None
    number: str
    reference: str
    values: bytes
    digest: bytes
    unusable: bytes | None = None


class ClaimedRow(NamedTuple):
    """A row that a run may send now.

    Args:
        id: by which the journal knows it.
        row: its place among the contacts.
        sheet_row: the same as a spreadsheet numbers it.
        number: as E.164.
        reference: the caller's own id of it.
        values: its columns, as a JSON object.
    """

    id: int
    row: int
    sheet_row: int
    number: str
    reference: str
    values: bytes


class Settlement(NamedTuple):
    """What is kept of an outcome.

    Args:
        state: what the row becomes.
        at: when, seconds since the epoch.
        code: of a refusal, as `ErrorCode`; None for every other outcome.
        outcome: the outcome without its message, as JSON.
    """

    state: RowState
    at: float
    code: str | None
    outcome: bytes


_FAMILIAR: Final = frozenset({"message", "index"})  # the row says it already


def settlement(outcome: Outcome, at: float) -> Settlement:
    """Return what a journal keeps of an outcome.

    Args:
        outcome: the outcome.
        at: seconds since the epoch.
    """
    tag = str(type(outcome).__struct_config__.tag)
    kept = {"outcome": tag} | {
        name: getattr(outcome, name) for name in outcome.__struct_fields__ if name not in _FAMILIAR
    }
    try:
        line = msgspec.json.encode(kept)
    except Exception:  # noqa: BLE001 - a refused message may hold anything, and its problems show it
        whole: dict[str, Any] = msgspec.json.decode(outcome.to_json())
        line = msgspec.json.encode({name: value for name, value in whole.items() if name not in _FAMILIAR})
    code = outcome.errors[0].code.value if isinstance(outcome, Rejected) else None
    return Settlement(RowState(tag), at, code, line)
