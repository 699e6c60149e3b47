"""The token and the address: what a command needs to reach an account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from wooxy_async import WooxyClient
from wooxy_async._rules.loopback import is_loopback
from wooxy_async._rules.redaction import Secret
from wooxy_async.cli._exits import Refusal
from wooxy_async.cli._wording import in_options

TOKEN_VARIABLE: Final = "WOOXY_ACCESS_TOKEN"  # noqa: S105  # the variable's name
ADDRESS_VARIABLE: Final = "WOOXY_BASE_URL"
_TOKEN_MOST: Final = 4096


def make_client(base_url: str, token_file: Path | None, **options: Any) -> WooxyClient:
    """Return a client for the account of the environment's token, or of a file's.

    Raises:
        Refusal: there is no token, or the client refuses what it was given.
    """
    token = _read_token(token_file) if token_file else None
    if token is None and not os.environ.get(TOKEN_VARIABLE):
        raise Refusal(
            f"there is no access token. Set {TOKEN_VARIABLE}, or give --token-file with a file that holds it "
            "(for `wooxy sandbox` any word will do)."
        )
    try:
        return WooxyClient(None if token is None else token.reveal(), base_url=base_url, **options)
    except (ValueError, TypeError) as error:
        raise Refusal(in_options(str(error))) from None


def leaves_this_machine(base_url: str) -> bool:
    """Return whether requests to an address go to another machine."""
    return not is_loopback(urlsplit(base_url).hostname or "")


def _read_token(path: Path) -> Secret:
    token, why = _token_in(path)
    if why:
        raise Refusal(f"--token-file: {path} cannot be read ({why}).")
    if token is None:
        raise Refusal(f"--token-file: {path} is empty. It must hold the access token and nothing else.")
    return token


def _token_in(path: Path) -> tuple[Secret | None, str | None]:
    """Return a file's token, or why it cannot be read: an exception of the decoder would hold the file."""
    try:
        with path.open("rb") as file:
            token = file.read(_TOKEN_MOST).decode().strip()
    except OSError as error:
        return None, str(error.strerror)
    except UnicodeDecodeError:
        return None, "it is not text"
    return (Secret(token) if token else None), None
