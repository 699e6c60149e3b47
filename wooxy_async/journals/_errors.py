"""What keeps a journal from being used: each text says what is wrong and what to do."""

from __future__ import annotations


class JournalError(Exception):
    """A journal cannot keep its promise; nothing is sent without it.

    Args:
        text: what is wrong, and what helps.
    """


class JournalPlaceError(JournalError):
    """A journal cannot lie where it is to lie: on a network file system, or in a folder that is synchronised."""


class JournalBusyError(JournalError):
    """Another run holds the journal; the text says which."""


class JournalDamagedError(JournalError):
    """The file is no journal, is damaged, or is of a newer wooxy_async."""


class JournalOldError(JournalError):
    """The file is an older copy: outcomes that were recorded are missing in it."""


class JournalChangedError(JournalError):
    """The campaign is no longer what its journal knows: settings or rows have changed, and nobody said what to do."""
