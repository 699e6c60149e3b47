"""How a run is asked to stop: by a file beside its journal, which another container can make too."""

from __future__ import annotations

import os
from pathlib import Path

from wooxy_async.journals._errors import JournalError
from wooxy_async.journals._place import stop_path


def ask_to_stop(path: str | os.PathLike[str]) -> None:
    """Ask the run that holds a journal to stop; `wooxy run` looks twice a second.

    Args:
        path: of the journal.

    Raises:
        JournalError: it cannot be asked, as where nothing may be written beside the journal.
    """
    asking = stop_path(Path(path))
    try:
        os.close(os.open(asking, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise JournalError(f"{asking} cannot be made: {error.strerror}.") from None


def stop_was_asked(path: str | os.PathLike[str]) -> bool:
    """Return whether the run of a journal was asked to stop.

    Args:
        path: of the journal.
    """
    return stop_path(Path(path)).exists()
