"""The token and the address: what a command needs to reach an account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from wooxy_async import WooxyClient
from wooxy_async._settings import is_loopback
from wooxy_async.cli._exits import Refusal

TOKEN_VARIABLE: Final = "WOOXY_ACCESS_TOKEN"  # noqa: S105  # the variable's name
_TOKEN_MOST: Final = 4096


def make_client(base_url: str, token_file: Path | None, **options: Any) -> WooxyClient:
    """Return a client for the account of the environment's token, or of a file's.

    Raises:
        Refusal: there is no token, or the client refuses what it was given.
    """
    token = _read_token(token_file) if token_file else os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise Refusal(
            f"there is no access token. Set {TOKEN_VARIABLE}, or give --token-file with a file that holds it "
            "(for `wooxy sandbox` any word will do)."
        )
    try:
        return WooxyClient(token, base_url=base_url, **options)
    except (ValueError, TypeError) as error:
        raise Refusal(str(error)) from None


def leaves_this_machine(base_url: str) -> bool:
    """Return whether requests to an address go to another machine."""
    return not is_loopback(urlsplit(base_url).hostname or "")


def _read_token(path: Path) -> str:
    try:
        with path.open("rb") as file:
            token = file.read(_TOKEN_MOST).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Refusal(f"--token-file: {path} cannot be read ({why}).") from None
    if not token:
        raise Refusal(f"--token-file: {path} is empty. It must hold the access token and nothing else.")
    return token
