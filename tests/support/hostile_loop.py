"""An event loop on which a hostile server's threads and its client share a clock that jumps.

Connections to a hostile server are pairs of sockets of this machine's kernel, in which nothing is ever under way: what
one end has sent, the other can read at once. So once the loop has nothing to do, and every thread of the servers waits
for something that is not there, nothing but time can go on, and it jumps to whoever waits for it first.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Any, Final

from clocks import Jump, PairedLoop
from hostile import LISTENING
from waiting import PATIENCE
from waits import Waits

_LOOK: Final = 0.0005  # real seconds between two looks at threads that are at work


class _Shared(Jump):
    """Lets no time pass while anybody has something to do."""

    def __init__(self) -> None:
        super().__init__()
        self.servers: set[Waits] = set()

    def select(self, timeout: float | None = None) -> Any:
        """Return what is ready; if nothing is, and nobody has anything to do, jump."""
        end = float("inf") if timeout is None else self.now + timeout
        while not (ready := self._look(0)) and timeout != 0:
            ends = [server.next_end() for server in self.servers]
            if None in ends:
                if ready := self._look(_LOOK):
                    break
                continue
            if ready := self._look(0):  # what was sent before the last thread began to wait
                break
            nearest = min([end, *(each for each in ends if each is not None)])
            if nearest == float("inf"):  # a thread of the loop's own has something to say
                ready = self._look(PATIENCE)
                assert ready, "nothing will ever happen"
                break
            self.now = nearest
            if nearest == end:
                break
        return ready

    def _look(self, seconds: float) -> Any:
        return selectors.DefaultSelector.select(self, seconds)


class HostileLoop(PairedLoop):
    """Dials hostile servers without a network, and shares its time with them."""

    def __init__(self) -> None:
        self._shared = _Shared()
        super().__init__(self._shared)

    async def dial(self, address: Any) -> Callable[[], socket.socket] | None:
        """Return what connects to a hostile server; None where none listens."""
        server = LISTENING.get(address[1])
        if server is None:
            return None
        server.waits.live_by(self.time)
        self._shared.servers.add(server.waits)

        def make() -> socket.socket:
            client, theirs = socket.socketpair()
            server.serve(theirs)
            return client

        return make

    async def shutdown_default_executor(self, *_timeout: float | None) -> None:
        """Wait for threads as long as they take: their time is real."""
        await super().shutdown_default_executor()
