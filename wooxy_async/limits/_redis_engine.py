"""How a Redis or Valkey server is reached, which ones are refused, and what is said of those that fail."""

from __future__ import annotations

import ssl as tls
from collections.abc import Iterator
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, ResponseError

from wooxy_async._rules.redaction import Secret
from wooxy_async.limits._redis_choice import PasswordError, RedisLimits
from wooxy_async.limits._redis_script import MismatchError
from wooxy_async.limits._redis_slots import Trouble
from wooxy_async.limits._slots import SLOTS

CONNECT_LIMIT: Final = 4.0  # seconds for a connection, and the first answer
_OLDEST: Final = (6, 2)
_MAX_WORDS: Final = 200  # characters of the server's own words


class RefusedError(Exception):
    """The server is there, and cannot be used; its text says why and what to do."""


class _Login(CredentialProvider):
    """Keeps the password out of what a client shows of itself."""

    def __init__(self, username: str | None, password: Secret) -> None:
        self._username = username
        self._password = password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        password = self._password.reveal()
        return (password,) if self._username is None else (self._username, password)


def connect(choice: RedisLimits, patience: float | None) -> Redis:
    """Return a client of a server.

    Args:
        choice: which, and how.
        patience: seconds after which an answer is missing; None where it may take for ever.

    Raises:
        PasswordError: the password cannot be read.
    """
    password = choice.password()
    place: dict[str, Any] = {"host": choice.host, "port": choice.port}
    if choice.scheme == "unix":
        place = {"unix_socket_path": choice.path}
    elif choice.scheme == "rediss":
        place |= {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
        place |= {} if choice.ca_file is None else {"ssl_ca_certs": str(choice.ca_file)}
    if password is not None:
        place["credential_provider"] = _Login(choice.username, password)
    return Redis(
        **place,
        db=choice.database,
        socket_timeout=patience,
        socket_connect_timeout=CONNECT_LIMIT / 2,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def trouble_of(error: Exception, choice: RedisLimits) -> Trouble:
    """Say what is wrong in our words; the exception's own may hold anything."""
    name = choice.name
    for cause in _chain(error):
        match cause:
            case RefusedError():
                return Trouble(str(cause), is_away=False)
            case PasswordError():
                return Trouble(f"The password of {name} cannot be read from its file.", is_away=False)
            case MismatchError(lease=lease, limit=limit):
                text = (
                    f"{name} has the account under a lease of {lease / 1000:g} s and {limit} slots, here it is "
                    f"{choice.lease:g} s and {SLOTS}: say the same lease in all processes."
                )
                return Trouble(text, is_away=False)
            case AuthenticationError() | ResponseError():
                words = choice.redactor()(str(cause)).rstrip(".")[:_MAX_WORDS]
                return Trouble(f"{name} refuses: {words}.", is_away=False)
            case tls.SSLError():
                return Trouble(f"{name} does not show a certificate that can be verified.", is_away=False)
    return Trouble(f"{name} does not answer: no request starts without it.", is_away=True)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it came of, the deepest first: redis-py wraps what says more."""
    if error is not None:
        yield from _chain(error.__cause__ or error.__context__)
        yield error


def check_server(info: dict[str, Any], name: str) -> None:
    """Refuse a server that cannot keep the cap.

    Raises:
        RefusedError: it is one.
    """
    version, mode = str(info.get("redis_version", "0")), info.get("redis_mode") or info.get("server_mode")
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise RefusedError(f"{name} has version {version}: Redis 6.2 or newer, or Valkey, is needed.")
    if mode != "standalone":
        raise RefusedError(f"{name} runs in {mode} mode: name a single server.")
    if info["role"] != "master":
        raise RefusedError(f"{name} is a replica: name the server that takes writes.")
    if info["maxmemory"] and info["maxmemory_policy"] != "noeviction":
        raise RefusedError(
            f"{name} may evict keys ({info['maxmemory_policy']}), and with them the slots: "
            "set maxmemory-policy to noeviction, or name another server."
        )
