"""Journals: what became of each row of a campaign, whatever happens to the process."""

from wooxy_async._ports import Beginning, Choices, Journal, Manifest, Merged
from wooxy_async._public import show_public_paths
from wooxy_async._rules.journal import ClaimedRow, NewRow, RowState, Settlement
from wooxy_async.journals._errors import (
    JournalBusyError,
    JournalChangedError,
    JournalDamagedError,
    JournalError,
    JournalOldError,
    JournalPlaceError,
)
from wooxy_async.journals._lock import Holder
from wooxy_async.journals._place import default_path
from wooxy_async.journals._reading import JournalRow, read_rows
from wooxy_async.journals._rows import Decision, Doubt
from wooxy_async.journals._sqlite import Durability, SQLiteJournal
from wooxy_async.journals._status import Act, JournalRun, JournalStatus, read_status
from wooxy_async.journals._stopping import ask_to_stop, stop_was_asked

__all__ = [
    "Act",
    "Beginning",
    "Choices",
    "ClaimedRow",
    "Decision",
    "Doubt",
    "Durability",
    "Holder",
    "Journal",
    "JournalBusyError",
    "JournalChangedError",
    "JournalDamagedError",
    "JournalError",
    "JournalOldError",
    "JournalPlaceError",
    "JournalRow",
    "JournalRun",
    "JournalStatus",
    "Manifest",
    "Merged",
    "NewRow",
    "RowState",
    "SQLiteJournal",
    "Settlement",
    "ask_to_stop",
    "default_path",
    "read_rows",
    "read_status",
    "stop_was_asked",
]

show_public_paths(__name__)
