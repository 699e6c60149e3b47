"""A client's view of its account's slots: the limiter that holds on one machine."""

from __future__ import annotations

import asyncio
import hmac
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from wooxy_async._ports import Clock
from wooxy_async.limits._account import ProcessLease, Share, Waiter
from wooxy_async.limits._host_file import boot_id
from wooxy_async.limits._host_opening import say_joined
from wooxy_async.limits._host_place import REMEDY, find
from wooxy_async.limits._host_register import NAME as REGISTER, Register
from wooxy_async.limits._host_slots import HostSlots
from wooxy_async.limits._host_unused import SUFFIX, remove_unused
from wooxy_async.limits._process import ProcessLimiter
from wooxy_async.limits._slots import SLOTS

_PORTS: Final = {"http": 80, "https": 443}


class HostLimiter(ProcessLimiter):
    """Keeps one cap per token and server for all processes of this machine that meet in one directory.

    First come, first served; "urgent" goes before "bulk", but after four urgent ones in a row one bulk message gets
    its turn, over all processes. A slot whose process died stays closed for `loss_hold` seconds after that is noticed;
    one whose process is stopped may be used by others `answer_limit + loss_hold` seconds after its request began.

    Args:
        token: the account's access token; only a keyed hash of it is kept.
        url: the server's address; only host and port count.
        directory: where the processes meet; see `limits.host`.
        share: slots that this client may use at once, 1 to 10.
        max_bulk: slots that bulk may use at once, that of other clients and processes included, 1 to 10; urgent may
            use all. Whoever says nothing of it may use all for bulk.
        loss_hold: seconds that a slot stays closed after the process or event loop of its request was lost.
        answer_limit: seconds after which a request has ended, one way or another.
        clock: where deadlines come from; slots go by the machine's own.
        account: names the account that several tokens share; None for the one that the token was last seen with.

    Raises:
        ValueError: the processes of this machine cannot meet; the text says why and what to do.
    """

    def __init__(
        self,
        token: str,
        *,
        url: str,
        directory: str | None = None,
        share: int = SLOTS,
        max_bulk: int = SLOTS,
        loss_hold: float = 5.0,
        answer_limit: float = 60.0,
        clock: Clock = time,
        account: str | None = None,
    ) -> None:
        place = find(directory)
        own = name = account_name(token, url)
        with _remedy(place.path / REGISTER), closing(Register(place.path, is_shared=place.is_shared)) as register:
            if account is not None:
                name = named_account(account, url)
                register.link(own, name, time.monotonic())
            elif (name := register.account_of(own, time.monotonic())) != own:
                say_joined(name)
        path = place.path / f"{name}{SUFFIX}"

        def make() -> HostSlots:
            with _remedy(path):
                slots = HostSlots(
                    path, is_shared=place.is_shared, register=Register(place.path, is_shared=place.is_shared)
                )
            if slots.has_own_locks:
                remove_unused(place.path, time.time())
            return slots

        self._join(str(path).encode(), Share(share, loss_hold, answer_limit, max_bulk), time, make)
        self._slots = slots = cast("HostSlots", self.account.slots)
        if account is not None:
            self.account.change_slots(lambda: slots.absorb(own))
        self._clock = clock
        self._soon: weakref.ref[asyncio.AbstractEventLoop] | None = None
        self._listening: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()

    def pause(self, seconds: float) -> None:
        """Tell all processes that the account pauses; see `Limiter.pause`."""
        self._slots.pause(seconds)

    def paused_for(self) -> float:
        """Return the seconds for which it pauses; see `Limiter.paused_for`."""
        return self._slots.paused_for()

    async def wait(self, waiter: Waiter, loop: asyncio.AbstractEventLoop) -> ProcessLease:
        """Wait in the queue until a grant was claimed."""
        lease = await super().wait(waiter, loop)
        self.entered(loop)
        return lease

    def entered(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look as long as a slot is in use: its file may be deleted meanwhile."""
        if self._looking is None or self._looking() is not loop:
            self._poll(loop)

    def left(self, keep: float, loop: asyncio.AbstractEventLoop) -> None:
        """Look again when the slot opens, here or elsewhere, or when another has not taken its turn."""
        if keep:
            loop.call_later(keep, self.account.reap)
        if self._slots.retry_in:
            self._poll_soon(loop)

    @property
    def _must_poll(self) -> bool:
        return bool(self.share.waiting) or self.account.is_in_use or self._slots.keeps

    def _poll(self, loop: asyncio.AbstractEventLoop) -> None:
        super()._poll(loop)
        self._poll_soon(loop)

    def _poll_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look once more if a slot is free that was left to another process."""
        if self._slots.retry_in and (self._soon is None or self._soon() is not loop):
            self._soon = weakref.ref(loop)
            loop.call_later(self._slots.retry_in, self._poll_now, loop)

    def _poll_now(self, loop: asyncio.AbstractEventLoop) -> None:
        self._soon = None
        self.account.reap()
        self._poll_soon(loop)

    def _poll_again(self, loop: asyncio.AbstractEventLoop) -> None:
        super()._poll_again(loop)
        self._listen(loop, wanted=self._looking is not None)

    def _listen(self, loop: asyncio.AbstractEventLoop, *, wanted: bool) -> None:
        """Be woken in this loop, or no more; the limiters of one account that listen in one loop share its reader."""
        if wanted is (loop in self._listening):
            return
        listeners, fd = self._slots.listeners, self._slots.fileno()
        others = listeners.get(loop, 0)
        if wanted:
            self._listening.add(loop)
            listeners[loop] = others + 1
            if fd is not None and not others:
                loop.add_reader(fd, self._heard, loop)
        else:
            self._listening.discard(loop)
            listeners[loop] = others - 1
            if fd is not None and others == 1:
                loop.remove_reader(fd)

    def _heard(self, loop: asyncio.AbstractEventLoop) -> None:
        self._slots.drain()
        self._poll_now(loop)


@contextmanager
def _remedy(path: Path) -> Iterator[None]:
    """Say what to do where a file cannot be used."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"{path} cannot be used: {why}: remove it, or {REMEDY}.") from None


def account_name(token: str, url: str) -> str:
    """Return what names a token's account and its server on this machine until it is booted anew; hides the token."""
    return _name(token, b"wooxy_async/2", url)


def named_account(account: str, url: str) -> str:
    """Return the same for an account that has a name."""
    return _name(account, b"wooxy_async/2 account", url)


def _name(secret: str, what: bytes, url: str) -> str:
    parts = urlsplit(url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
    return hmac.digest(secret.encode(), b"%s %s %s:%d" % (what, boot_id(), host.encode(), port), "sha256").hex()[:32]
