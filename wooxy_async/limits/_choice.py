"""Which limiter a client uses: what its user may say, and the limiter that it means."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final

import msgspec

from wooxy_async._ports import Clock, Limiter
from wooxy_async._rules.arguments import shown
from wooxy_async.limits._process import ProcessLimiter

_WORDS: Final = ("process", "host")


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


def make_limiter(
    given: Any, *, token: str, url: str, share: int, loss_hold: float, answer_limit: float, clock: Clock
) -> Limiter:
    """Return the limiter that was chosen.

    Args:
        given: a word, a choice, or a limiter.
        token: the account's access token.
        url: the server's address.
        share: slots that the client may use at once.
        loss_hold: seconds that a slot stays closed after a loss.
        answer_limit: seconds after which a request is cut.
        clock: where time comes from.

    Raises:
        ValueError: it is none of them, or the processes of this machine cannot meet.
    """
    choice = _read(given)
    if isinstance(choice, ProcessLimits):
        return ProcessLimiter(token, share=share, loss_hold=loss_hold, clock=clock)
    if isinstance(choice, HostLimits):
        try:
            from wooxy_async.limits._host import HostLimiter  # noqa: PLC0415 - not on every platform
        except ImportError:
            raise ValueError('limiter="host" needs the file locks of POSIX: use "process" here.') from None
        return HostLimiter(
            token,
            url=url,
            directory=choice.directory,
            share=share,
            loss_hold=loss_hold,
            answer_limit=answer_limit,
            clock=clock,
        )
    return choice


def _read(given: Any) -> ProcessLimits | HostLimits | Limiter:
    if isinstance(given, str):
        word, colon, directory = given.partition(":")
        if word == "process" and not colon:
            return ProcessLimits()
        if word == "host" and (directory or not colon):
            return HostLimits(directory or None)
        near = get_close_matches(word.lower(), _WORDS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f'limiter must be "process", "host", "host:/dir" or a Limiter, not {shown(given)}{hint}.')
    if isinstance(given, ProcessLimits | HostLimits):
        return given
    if not hasattr(given, "slot"):
        raise ValueError(f'limiter must be "process", "host", "host:/dir" or a Limiter, not {shown(given)}.')
    checked: Limiter = given
    return checked
