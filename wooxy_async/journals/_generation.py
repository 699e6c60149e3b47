"""How far a journal had come, kept outside of it: an older copy that somebody has restored is recognised by it.

A copy of yesterday is a sound SQLite file, and a run with it would send again what was sent since. What a power loss
took from the journal, as it may take what was not synced, makes no older copy of it: so it is kept too how far the
journal had come at its last sync, and on which boot.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from wooxy_async.journals._errors import JournalOldError

_LENGTH: Final = 120


class Generation(NamedTuple):
    """How far a journal has come.

    Args:
        changes: its transactions.
        outcomes: how many outcomes were recorded.
    """

    changes: int
    outcomes: int


class _Kept(NamedTuple):
    """What the file holds.

    Args:
        now: how far the journal had come.
        durable: the same, of what was synced to disk.
        boot: of its machine.
    """

    now: Generation
    durable: Generation
    boot: str


class GenerationFile:
    """The generation of one journal in the user's state directory.

    Args:
        directory: None where there is none, so that nothing is kept.
        journal: the journal's id.
        boot: of this machine.
    """

    def __init__(self, directory: Path | None, journal: str, boot: str) -> None:
        self._path = None if directory is None else directory / journal
        self._boot = boot
        self._durable = Generation(0, 0)
        self._fd = -1

    def check(self, found: Generation) -> None:
        """Refuse a journal that has been further.

        Args:
            found: what the journal says.

        Raises:
            JournalOldError: it is an older copy.
        """
        known = self.known()
        if known.changes <= found.changes:
            self._durable = found  # the next sync takes it along
            return
        missing = known.outcomes - found.outcomes
        what = f"{missing:,} outcomes are" if missing > 0 else "its last changes are"
        raise JournalOldError(
            f"This journal is an older copy: {what} missing from this copy, and those rows would be sent again. "
            "Use the newer one; or accept this one in so many words (SQLiteJournal(…, accept_old=True))."
        )

    def known(self) -> Generation:
        """Return how far the journal must have come, as far as is known."""
        kept = self._read()
        if kept is None:
            return Generation(0, 0)
        return kept.now if self._boot and kept.boot == self._boot else kept.durable

    def write(self, now: Generation, *, is_durable: bool) -> None:
        """Keep how far the journal is.

        Args:
            now: how far.
            is_durable: all of it was synced to disk.
        """
        self._durable = now if is_durable else self._durable
        with suppress(OSError):  # without it an older copy is not recognised, no more
            if self._fd < 0:
                if self._path is None:
                    return
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            line = " ".join(map(str, (*now, *self._durable, self._boot)))
            os.pwrite(self._fd, line.ljust(_LENGTH).encode(), 0)

    def close(self) -> None:
        """Close the file; it stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> _Kept | None:
        if self._path is None:
            return None
        try:
            *numbers, boot = self._path.read_text("ascii").strip("\n").split(" ")[:5]
            changes, outcomes, durable, durable_outcomes = map(int, numbers)
            return _Kept(Generation(changes, outcomes), Generation(durable, durable_outcomes), boot)
        except (OSError, ValueError):
            return None
