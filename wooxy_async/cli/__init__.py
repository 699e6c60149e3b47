"""The command line `wooxy`; needs the extra `cli`."""

from __future__ import annotations

import os
import sys
import traceback

__all__ = ["main"]

# As in `ExitCode`, which needs the extra.
_NOT_BEGUN = 2
_INTERNAL_ERROR = 70
_PIPE_CLOSED = 141


def main() -> None:
    """Run `wooxy` with the arguments of this process."""
    try:
        _start()
    except SystemExit as ended:
        if ended.code == 1:  # of typer, where a reader of its output has gone
            sys.exit(_PIPE_CLOSED)
        raise
    except Exception:  # noqa: BLE001 - whatever it is
        traceback.print_exc()
        sys.exit(_INTERNAL_ERROR)


def _start() -> None:
    _open_closed_streams()
    try:
        from wooxy_async.cli._app import app  # noqa: PLC0415 - needs the extra, whose absence is told in a sentence
    except ModuleNotFoundError as missing:
        if missing.name not in {"rich", "typer"}:
            raise
        sys.stderr.write(
            f'Error: the command line needs {missing.name}. Install it with: pip install "wooxy-async[cli]"\n'
        )
        sys.exit(_NOT_BEGUN)
    app()


def _open_closed_streams() -> None:
    """Let what a shell has closed (`>&-`) lead nowhere: else the next file, as a journal, would be standard output."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - until the process ends
