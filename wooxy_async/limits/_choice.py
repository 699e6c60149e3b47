"""Which limiter a client uses: what its user may say, and the limiter that it means."""

from __future__ import annotations

import logging
import os
import time
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from wooxy_async._ports import Limiter
from wooxy_async._rules.arguments import shown
from wooxy_async._runtime.log import say
from wooxy_async.limits._process import ProcessLimiter
from wooxy_async.limits._redis_choice import RedisLimits, is_address

VARIABLE: Final = "WOOXY_LIMITER"
_WORDS: Final = ("process", "host")
_RIGHT: Final = '"process", "host", "host:/dir", "redis://…" or a Limiter'
_warned: set[str] = set()  # reasons that were logged in this process


class ProcessLimits(msgspec.Struct, frozen=True):
    """The choice of one cap for all clients of this process; see `process`."""


class HostLimits(msgspec.Struct, frozen=True):
    """The choice of one cap for all processes of this machine; see `host`."""

    directory: str | None = None


def process() -> ProcessLimits:
    """Choose one cap per token for all clients of this process, as `limiter="process"` does."""
    return ProcessLimits()


def host(*, directory: str | None = None) -> HostLimits:
    """Choose one cap per token and server for all processes of this machine, as `limiter="host"` does.

    Args:
        directory: where they meet, as in `limiter="host:/dir"`; it must be local. None for WOOXY_RUNTIME_DIR, else
            `~/.local/state/wooxy_async` of the user's entry in the password database, else
            `/var/tmp/wooxy_async-UID`. Several users of one group meet in a directory of mode 2770.
    """
    return HostLimits(directory)


def make_limiter(given: Any, **terms: Any) -> Limiter:
    """Return the limiter that was chosen.

    Args:
        given: a word, a choice, or a limiter; None for that of WOOXY_LIMITER, else "host", and "process" where the
            processes of this machine cannot meet, which is logged once, or where time is the caller's own.
        terms: `token`, `url` (the server's address), `share` (slots that the client may use at once), `max_bulk`,
            `loss_hold`, `answer_limit`, `clock` and `account`, as the limiters have them.

    Raises:
        ValueError: it is none of them, or the processes of this machine cannot meet, and "host" was said.
    """
    name, said = ("limiter", given) if given is not None else (VARIABLE, os.environ.get(VARIABLE) or None)
    if said is None:
        return _default(**terms)
    choice = _read(name, said)
    if isinstance(choice, ProcessLimits):
        return _process(**terms)
    if isinstance(choice, HostLimits):
        return _host(choice, **terms)
    if isinstance(choice, RedisLimits):
        return _redis(choice, **terms)
    return choice


def _default(**terms: Any) -> Limiter:
    if terms["clock"] is not time:  # of a simulation: no other process lives in it
        return _process(**terms)
    try:
        return _host(HostLimits(), **terms)
    except ValueError as error:
        _warn(str(error))
        return _process(**terms)


def _process(*, url: str, answer_limit: float, **terms: Any) -> ProcessLimiter:  # noqa: ARG001 - of other processes
    return ProcessLimiter(**terms)


def _host(choice: HostLimits, **terms: Any) -> Limiter:
    try:
        from wooxy_async.limits._host import HostLimiter  # noqa: PLC0415 - not on every platform
    except ImportError:
        raise ValueError('limiter="host" needs the file locks of POSIX: say limiter="process" here.') from None
    return HostLimiter(directory=choice.directory, **terms)


def _redis(choice: RedisLimits, **terms: Any) -> Limiter:
    try:
        from wooxy_async.limits._redis import RedisLimiter  # noqa: PLC0415 - an extra
    except ImportError:
        raise ValueError(needed_extra(choice)) from None
    return RedisLimiter(choice=choice, **terms)


def needed_extra(choice: RedisLimits) -> str:
    """Say what has to be installed for a choice."""
    return f'{choice!r} needs the extra: pip install "wooxy-async[redis]".'


def _warn(why: str) -> None:
    """Say once what the default came to."""
    if why not in _warned:
        _warned.add(why)
        text = 'the ten slots of an account are shared within this process only, as with limiter="process": %s'
        say(logging.WARNING, text, why)


def _read(name: str, given: Any) -> ProcessLimits | HostLimits | RedisLimits | Limiter:
    if isinstance(given, str):
        if is_address(given):
            return RedisLimits(given)
        word, colon, directory = given.partition(":")
        if word == "process" and not colon:
            return ProcessLimits()
        if word == "host" and (directory or not colon):
            return HostLimits(directory or None)
        near = get_close_matches(word.lower(), _WORDS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        said = "another address" if "//" in given else shown(given)  # a password may stand in it
        raise ValueError(f"{name} must be {_RIGHT}, not {said}{hint}.")
    if isinstance(given, ProcessLimits | HostLimits | RedisLimits):
        return given
    if not hasattr(given, "slot"):
        raise ValueError(f"{name} must be {_RIGHT}, not {shown(given)}.")
    checked: Limiter = given
    return checked
