"""Terminals: one for a command in a process of its own, and one on which a command in this process asks."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from waiting import until

COMMAND: Final = (sys.executable, "-m", "wooxy_async.cli")
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# A session whose terminal this is, so that what is typed as Ctrl-C arrives as a signal.
_BEGIN: Final = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A command on a terminal of 80 columns, of which everything that it writes is read.

    Args:
        command: the command.
        folder: its current directory; None for this one.
        token: its access token; None for none.
    """

    def __init__(self, command: Sequence[str], folder: Path | None = None, token: str | None = None) -> None:
        self.said = ""
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
        if token is not None:
            env["WOOXY_ACCESS_TOKEN"] = token
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", _BEGIN, *command], cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)

    @property
    def plain(self) -> str:
        """What it has said, without colours and moves."""
        return _CONTROL.sub("", self.said)

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._master, text.encode())

    def read(self) -> bool:
        """Read what is there; return whether anything can still come."""
        try:
            while True:
                self.said += os.read(self._master, 65_536).decode(errors="replace")
        except BlockingIOError:
            return True
        except OSError:  # the other side has closed it
            return False

    async def read_until(self, pattern: str) -> None:
        """Read until it has said a text."""
        await until(lambda: self.read() and re.search(pattern, self.said) is not None)

    async def end(self) -> int:
        """Read to the end, and return the exit code."""
        await until(lambda: not self.read() and self.process.poll() is not None)
        os.close(self._master)
        return self.process.wait()


@contextmanager
def typed(monkeypatch: pytest.MonkeyPatch, answers: str) -> Iterator[None]:
    """Have a command in this process find a terminal on which somebody has typed.

    Args:
        monkeypatch: of the test.
        answers: what was typed.
    """
    monkeypatch.setenv("FORCE_COLOR", "1")
    master, slave = os.openpty()
    with os.fdopen(slave) as stdin, os.fdopen(master, "w") as keyboard:
        keyboard.write(answers)
        keyboard.flush()
        monkeypatch.setattr(sys, "stdin", stdin)
        yield
