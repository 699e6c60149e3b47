"""What a user says of the server at which the processes of several hosts meet."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from wooxy_async._rules.arguments import flag, hiding_arguments, number, shown, whole
from wooxy_async._rules.loopback import is_loopback
from wooxy_async._rules.redaction import Redactor, Secret
from wooxy_async.limits._slots import SLOTS

SCHEMES: Final = ("redis", "rediss", "unix")
PASSWORD: Final = "WOOXY_REDIS_PASSWORD"  # noqa: S105 - a variable's name
PASSWORD_FILE: Final = "WOOXY_REDIS_PASSWORD_FILE"  # noqa: S105 - likewise
_FORM: Final = '"redis://host:6379/0", "rediss://…" for TLS, or "unix:///path/to/socket"'
_PORT: Final = 6379
_NAMES: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:")


class PasswordError(Exception):
    """The file of a password cannot be read."""


class RedisLimits:
    """One cap for all processes, of however many hosts, that meet at one Redis (6.2 or newer) or Valkey server.

    `limits.redis(url, …)` makes one; needs `pip install "wooxy-async[redis]"`. The server counts the slots, by its own
    clock: who dies has its slots opened at the end of its `lease`, and `loss_hold` later. While the server is away
    nothing starts, and a process that cannot reach it ends its requests a second before its lease does (in doubt,
    cause `lease_lost`). All processes of an account must say the same server, database, prefix and lease.

    Args:
        url: "redis://host:6379/0", "rediss://…" for TLS, or "unix:///path/to/socket?db=0". A user and a password may
            stand in it, as in "rediss://user:password@host". The password is as secret as the token.
        username: of the server's access list; None for the address's, else the default user.
        password_file: a file with the password, read again for each connection. Without one, and without one in the
            address: WOOXY_REDIS_PASSWORD, else the file that WOOXY_REDIS_PASSWORD_FILE names.
        prefix: what the names of the server's keys begin with, 1 to 64 of `[A-Za-z0-9._:-]`.
        lease: seconds for which slots are a process's own after it was last heard of, 3 to 60; it is renewed each
            third of that.
        offline_share: requests that this process may have in progress while the server does not answer, from one
            lease after it was last heard of, 0 to 10. The sum over all processes must not exceed 10.
        allow_plain: let "redis://" go to another machine, unencrypted; only for a trusted network.
        ca_file: certificates of a private CA, with "rediss://"; certificates are always verified.

    Raises:
        TypeError, ValueError: names the argument and says what is right; shows no secret.
    """

    @hiding_arguments
    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password_file: str | os.PathLike[str] | None = None,
        prefix: str = "wooxy",
        lease: float = 5.0,
        offline_share: int = 0,
        allow_plain: bool = False,
        ca_file: str | os.PathLike[str] | None = None,
    ) -> None:
        parts = _split(url)
        self.scheme: str = parts.scheme
        self.host: str = parts.hostname or ""
        self.port: int = parts.port or _PORT
        self.path: str = unquote(parts.path) if parts.scheme == "unix" else ""
        self.database: int = _database(parts.scheme, parts.path, parts.query)
        self.username: str | None = username or (unquote(parts.username) if parts.username else None)
        self._password = Secret(unquote(parts.password)) if parts.password else None
        self._password_file = None if password_file is None else Path(password_file)
        self.prefix: str = _prefix(prefix)
        self.lease: float = number("lease", lease, 3, 60)
        self.offline_share: int = whole("offline_share", offline_share, 0, SLOTS)
        self.ca_file: Path | None = None if ca_file is None else Path(ca_file)
        if self.ca_file is not None and self.scheme != "rediss":
            raise ValueError("ca_file goes with rediss:// only.")
        if parts.scheme == "redis" and not (flag("allow_plain", allow_plain) or is_loopback(self.host)):
            raise ValueError(
                "limits.redis must use rediss:// to another machine, because passwords and grants go over the network: "
                "say rediss://, or allow it with allow_plain=True."
            )

    def __repr__(self) -> str:
        return f"limits.redis({self.name!r})"

    @property
    def name(self) -> str:
        """The server and its database, without user and password."""
        place = self.path if self.scheme == "unix" else f"{_bracketed(self.host)}:{self.port}"
        return f"{self.scheme}://{place}" + (f"/{self.database}" if self.scheme != "unix" else f"?db={self.database}")

    @property
    def identity(self) -> str:
        """What clients of this process share that have one link."""
        password = "" if self._password is None else self._password.reveal()
        login = hashlib.sha256(f"{self.username} {password} {self._password_file}".encode()).hexdigest()
        return f"{self.name} {login} {self.ca_file} {self.prefix} {self.lease:g} {self.offline_share}"

    def password(self) -> Secret | None:
        """Return the password as it is now.

        Raises:
            PasswordError: its file cannot be read.
        """
        if self._password is not None:
            return self._password
        if self._password_file is None and (text := os.environ.get(PASSWORD)):
            return Secret(text)
        file = self._password_file or os.environ.get(PASSWORD_FILE)
        if not file:
            return None
        try:
            return Secret(Path(file).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError):
            raise PasswordError from None

    def redactor(self) -> Redactor:
        """Return what removes the password from texts."""
        password = self.password()
        return Redactor(() if password is None else (password.reveal(),))


def redis(
    url: str,
    *,
    username: str | None = None,
    password_file: str | os.PathLike[str] | None = None,
    prefix: str = "wooxy",
    lease: float = 5.0,
    offline_share: int = 0,
    allow_plain: bool = False,
    ca_file: str | os.PathLike[str] | None = None,
) -> RedisLimits:
    """Choose one cap for all processes that meet at one Redis or Valkey server; see `RedisLimits`."""
    try:
        return RedisLimits(
            url,
            username=username,
            password_file=password_file,
            prefix=prefix,
            lease=lease,
            offline_share=offline_share,
            allow_plain=allow_plain,
            ca_file=ca_file,
        )
    finally:
        del url  # a traceback with locals would show it


def is_address(text: str) -> bool:
    """Return whether a text is meant as the address of such a server."""
    scheme, colon, _rest = text.partition(":")
    return bool(colon) and scheme in SCHEMES


def has_password(text: str) -> bool:
    """Return whether a password stands in an address; it may be seen by all where it is an argument of a command."""
    return is_address(text) and urlsplit(text).password is not None


def _split(url: Any) -> Any:
    if not isinstance(url, str):
        raise TypeError(f"limits.redis takes an address as a text, not {type(url).__name__}.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"limits.redis takes {_FORM}; its host or port cannot be read.") from None
    is_complete = parts.path.startswith("/") if parts.scheme == "unix" else bool(parts.hostname)
    if parts.scheme not in SCHEMES or not is_complete or port == 0 or parts.fragment:
        raise ValueError(f"limits.redis takes {_FORM}.")
    return parts


def _database(scheme: str, path: str, query: str) -> int:
    options = dict(parse_qsl(query, keep_blank_values=True))
    text = options.pop("db", "") if scheme == "unix" else path.strip("/")
    if options or not (text.isdecimal() or not text):
        raise ValueError(f"limits.redis takes {_FORM}: after that comes the number of a database, and nothing else.")
    return int(text or 0)


def _prefix(prefix: Any) -> str:
    if not isinstance(prefix, str) or not 0 < len(prefix) <= 64 or not _NAMES.issuperset(prefix):  # noqa: PLR2004
        raise ValueError(
            f"prefix must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore, colon, hyphen, not {shown(prefix)}."
        )
    return prefix


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
