"""Time that tests advance: event loops whose clock jumps to the next timer, and the client's clock on such a loop."""

import asyncio
import selectors
import socket
from collections.abc import Callable
from typing import Any

EPOCH = 1_800_000_000.0  # when the wall clock of a simulated loop begins, in seconds since 1970


class LoopClock:
    """The client's `Clock` on the time of an event loop.

    Args:
        loop: the loop; None for the one that runs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()

    def monotonic(self) -> float:
        """Return the loop's time."""
        return self._loop.time()

    def time(self) -> float:
        """Return the loop's time as seconds since the epoch."""
        return EPOCH + self._loop.time()


class ManualClock:
    """The `Clock` of parts that have no loop: a test sets its `now`.

    Args:
        now: seconds, monotonic and since 1970 alike.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        """Return `now`."""
        return self.now

    def time(self) -> float:
        """Return `now`."""
        return self.now


class Jump(selectors.DefaultSelector):
    """Lets no time pass while it waits, and adds it to its own clock instead."""

    now = 0.0
    grace = 0.0  # seconds in which what the kernel still has under way may arrive before the clock jumps

    def select(self, timeout: float | None = None) -> Any:
        """Return what is ready; if nothing is, jump to the next timer."""
        ready = super().select(0)
        if not ready and self.grace and timeout != 0:
            ready = super().select(self.grace)
        if ready:
            return ready
        if timeout is None:
            assert self.grace, "nothing will ever happen"
            return super().select(None)
        self.now += timeout
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is simulated: nothing but its own timers moves it."""

    def __init__(self, jump: Jump | None = None) -> None:
        self._jump = jump or Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Return the simulated time."""
        return self._jump.now


class PairedLoop(JumpingLoop):
    """The same for programs whose peers are in this process: a connection is a pair of sockets, without a network."""

    async def dial(self, address: Any) -> Callable[[], socket.socket] | None:
        """Wait as long as the peer takes to accept; return what makes the client's end, or None for the network."""
        raise NotImplementedError

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """Connect; the socket is replaced afterwards."""
        make = await self.dial(address)
        if make is None:
            await super().sock_connect(sock, address)
        else:
            self._ends[sock.fileno()] = make

    async def create_connection(self, factory: Callable[[], Any], *place: Any, **options: Any) -> Any:
        """Put the end of a socket pair in the place of the socket, as an object of its class."""
        sock = options.get("sock")
        make = None if sock is None else self._ends.pop(sock.fileno(), None)
        if sock is not None and make is not None:
            end, kind = make(), type(sock)
            sock.close()
            sock = options["sock"] = kind(fileno=end.detach())
            sock.settimeout(0)
        return await super().create_connection(factory, *place, **options)

    @property
    def _ends(self) -> dict[int, Callable[[], socket.socket]]:
        return self.__dict__.setdefault("_ends_by_descriptor", {})


class NetworkedJumpingLoop(JumpingLoop):
    """The same for programs that talk over loopback to themselves."""

    def __init__(self) -> None:
        jump = Jump()
        jump.grace = 0.001
        super().__init__(jump)
