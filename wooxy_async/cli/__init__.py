"""The command line `wooxy`; needs the extra `cli`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run `wooxy` with the arguments of this process."""
    try:
        from wooxy_async.cli._app import app  # noqa: PLC0415  # needs the extra, whose absence is told in a sentence
    except ModuleNotFoundError as missing:
        if missing.name not in {"rich", "typer"}:
            raise
        sys.exit(f'Error: the command line needs {missing.name}. Install it with: pip install "wooxy-async[cli]"')
    app()
