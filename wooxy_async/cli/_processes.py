"""What the system says of a process, as far as it may be told: never its arguments, which may hold a token."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final

import msgspec

PROCESSES: Final = Path("/proc")
_STOPPED: Final = ("T", "t")
_TAKE_A_WORD: Final = ("-X", "-W", "--check-hash-based-pycs")  # options of Python


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process; texts are empty where the system does not tell.

    Args:
        command: its program, and the script or module if that is Python.
        directory: where it works.
        stopped: whether it is (Ctrl-Z, SIGSTOP, a debugger).
    """

    command: str = ""
    directory: str = ""
    stopped: bool = False


def look_up(pid: int, uses: Path, root: Path = PROCESSES) -> Process:
    """Return what is known of a process.

    Args:
        pid: its number.
        uses: a file that it has open; another process of this number, as in another container, has not.
        root: where the system tells of processes.
    """
    folder, process = root / str(pid), Process()
    with suppress(OSError):
        if _has_open(folder, uses):
            return Process(
                command=_command((folder / "cmdline").read_bytes()),
                directory=_directory(folder),
                stopped=_state((folder / "stat").read_text("ascii", "replace")) in _STOPPED,
            )
    return process


def _has_open(folder: Path, uses: Path) -> bool:
    """Return whether a process has a file open; True where nobody may know, as of another user's."""
    wanted = uses.stat()
    try:
        descriptors = list((folder / "fd").iterdir())
    except PermissionError:
        return True
    for each in descriptors:
        with suppress(OSError):  # it was closed at this moment
            if os.path.samestat(each.stat(), wanted):
                return True
    return False


def _directory(folder: Path) -> str:
    with suppress(OSError):  # another user's
        return str((folder / "cwd").readlink())
    return ""


def _state(line: str) -> str:
    return line.rpartition(")")[2].strip()[:1]


def _command(line: bytes) -> str:
    """Return a command without its arguments."""
    program, *words = line.decode("utf-8", "replace").split("\0")
    name = PurePath(program.split(" ")[0]).name
    return " ".join(filter(None, (name, _script(words)))) if name.startswith("python") else name


def _script(words: list[str]) -> str:
    """Return the script or module that Python runs; its own options are passed over."""
    left = iter(words)
    for word in left:
        if not word.startswith("-"):
            return PurePath(word).name
        if word.startswith(_TAKE_A_WORD):
            if word in _TAKE_A_WORD:
                next(left, None)
        elif "c" in word and not word.startswith("--"):  # also several in one, as in -Ic
            return "-c"
        elif word.endswith("m"):
            return f"-m {next(left, '')}".rstrip()
    return ""
