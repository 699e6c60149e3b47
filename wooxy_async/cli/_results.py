"""The results file: one line per row, whole numbers and texts, for its owner only."""

from __future__ import annotations

import errno
import os
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import Self

from wooxy_async.cli._exits import Refusal


class ResultsFile:
    """A new file of JSON lines; each line is handed to the system when it is written.

    Args:
        path: where; nothing may stand there.

    Raises:
        Refusal: it exists, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except FileExistsError:
            raise Refusal(f"--results: {path} exists, and is never overwritten. Give another name.") from None
        except OSError as error:
            raise Refusal(f"--results: {path} cannot be made ({error.strerror}).") from None
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, line: bytes) -> None:
        """Write one line.

        Raises:
            OSError: the disk is full, or the like.
        """
        whole = line + b"\n"
        if self._file.write(whole) < len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.lines += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def default_path(contacts: Path) -> Path:
    """Return a name in the current directory that is free, as contacts.results.jsonl or contacts.results-2.jsonl."""
    names = chain(("",), (f"-{number}" for number in count(2)))
    return next(path for name in names if not (path := Path(f"{contacts.stem}.results{name}.jsonl")).exists())
