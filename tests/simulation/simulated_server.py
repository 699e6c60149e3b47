"""The hostile server: part of the same loop, and alive when that loop is not.

It shares no code with the client. A message's name is the first word of its text, under which its books hold all that
it knows. A request is *in progress* from the moment at which it was read whole until its answer goes out, or, where its
connection is lost, `GRACE` seconds longer.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from simulated_acts import ACTS, INFOS, OPENINGS
from simulated_loop import SimulatedLoop, Trace

CAP = 10
GRACE = 0.02
PIECE = 65_536
ACCOUNT = "account-info"  # the name of requests without a text


@dataclass(frozen=True, eq=False)
class Request:
    """A request that was read whole."""

    name: str
    path: str


@dataclass
class Books:
    """What the server knows."""

    read: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    taken: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    asked_to_wait: list[tuple[float, float]] = field(default_factory=list)  # when, and for how long
    crowds: list[str] = field(default_factory=list)
    peak: int = 0
    now: dict[Request, float] = field(default_factory=dict)

    def begin(self, request: Request, at: float) -> int:
        """Note a request; return how often its message was read before."""
        self.read[request.name].append(at)
        self.now[request] = at
        self.peak = max(self.peak, len(self.now))
        if len(self.now) > CAP:
            self.crowds.append(
                f"{at:.3f}: " + ", ".join(f"{other.name} since {t:.3f}" for other, t in self.now.items())
            )
        return len(self.read[request.name]) - 1


class Server:
    """All connections of one schedule.

    Args:
        plans: acts by message; the n-th for its n-th reading, then "accept".
        openings: how the n-th connection is opened, by n.
        infos: what requests for the account's info are answered, one after another and again.
        tls: a server-side context, or None.
        trace: what happened.
    """

    def __init__(
        self,
        plans: dict[str, tuple[tuple[str, float], ...]],
        openings: dict[int, str],
        infos: tuple[str, ...],
        tls: ssl.SSLContext | None,
        trace: Trace,
    ) -> None:
        self.books = Books()
        self.tls = tls
        self.loop: SimulatedLoop
        self.peers: list[Peer] = []
        self._plans = plans
        self._openings = openings
        self._infos = infos
        self._trace = trace
        self.connections = 0
        self.up_at = 0.0  # until then, each message is answered 503
        self._timers: dict[int, tuple[float, Callable[[], None]]] = {}
        self._timers_made = 0

    def note(self, text: str) -> None:
        """Note that something happened."""
        self._trace(self.loop.time(), text)

    def join(self, loop: SimulatedLoop) -> None:
        """Go on in another loop."""
        self.loop = loop
        for peer in self.peers:
            peer.listen()
        for number, (at, _do) in self._timers.items():
            loop.call_at(at, self._due, number)

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something later."""
        self._timers_made += 1
        at = self.loop.time() + seconds
        self._timers[self._timers_made] = at, do
        self.loop.call_at(at, self._due, self._timers_made)

    def tell_account(self, peer: Peer) -> None:
        """Answer a request for the account's info as is planned."""
        assert peer.request is not None
        before = self.books.begin(peer.request, self.loop.time())
        kind = self._infos[before % len(self._infos)]
        self.note(f"account info read by {peer.number}: {kind}")
        INFOS[kind](peer, peer.request, 0.01)

    def _due(self, number: int) -> None:
        if number in self._timers:
            self._timers.pop(number)[1]()

    def pass_time(self, seconds: float) -> None:
        """Let time pass for the server alone, as if the loop had stood still."""
        end = self.loop.time() + seconds
        while True:
            for peer in list(self.peers):
                peer.look()
            number = min(self._timers, key=lambda each: self._timers[each][0], default=None)
            if number is None or self._timers[number][0] > end:
                break
            self.loop.set_time(self._timers[number][0])
            self._due(number)
        self.loop.set_time(end)

    async def dial(self) -> Callable[[], socket.socket]:
        """Accept a connection, or do to it what is planned; return what makes it."""
        number = self.connections
        self.connections += 1
        opening = self._openings.get(number, "open")
        self.note(f"connection {number}: {opening}")
        await OPENINGS[opening]()

        def make() -> socket.socket:
            client, server = socket.socketpair()
            server.settimeout(0)
            peer = Peer(self, server, number, opening)
            self.peers.append(peer)
            peer.open()
            return client

        return make

    def act(self, peer: Peer, request: Request) -> None:
        """Do with a request what is planned."""
        before = self.books.begin(request, self.loop.time())
        plan = self._plans.get(request.name, ())
        kind, delay = plan[before] if before < len(plan) else ("accept", 0.005)
        if self.loop.time() < self.up_at:
            kind = "503"
        self.note(f"{request.name} read by {peer.number}: {kind} {delay}")
        ACTS[kind](peer, request, delay)

    def close(self) -> list[str]:
        """Close what is left; return which connections their client has not closed."""
        left = [str(peer) for peer in self.peers if peer.is_open_at_client()]
        for peer in list(self.peers):
            peer.close()
        return left


class Peer:
    """One connection."""

    def __init__(self, server: Server, sock: socket.socket, number: int, opening: str) -> None:
        self.server = server
        self.number = number
        self.request: Request | None = None  # the one in progress
        self.keeps_unread = False
        self._opening = opening
        self._sock = sock
        self._heard = b""
        self._listens = False
        self._is_lost = False
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = server.tls and server.tls.wrap_bio(self._in, self._out, server_side=True)
        self._is_secure = self._tls is None

    def __str__(self) -> str:
        return f"connection {self.number} ({self._opening})"

    def open(self) -> None:
        """Begin to read, or to be hostile."""
        if self._opening == "closed at once":
            self.close()
        elif self._opening == "read late":
            self._later(0.03, self._start)
        else:
            self._start()

    def _start(self) -> None:
        self._listens = True
        self.listen()

    def listen(self) -> None:
        """Watch the connection in the loop that runs."""
        if self._listens:
            self.server.loop.add_reader(self._sock.fileno(), self.look)

    def deafen(self) -> None:
        """Read nothing more."""
        if self._listens:
            self._listens = False
            self.server.loop.remove_reader(self._sock.fileno())

    def look(self) -> None:
        """Read what is there; it stays unread in the kernel until it is understood, so that closing resets."""
        if not self._listens:
            return
        try:
            data = self._sock.recv(PIECE, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        if self._opening == "reset when asked":
            self.close()
            return
        self._hear(data)
        if self._sock.fileno() >= 0 and not self.keeps_unread:
            self._sock.recv(len(data))

    def _hear(self, data: bytes) -> None:
        if self._tls is None:
            self._heard += data
        else:
            self._in.write(data)
            try:
                if not self._is_secure:
                    self._tls.do_handshake()
                    self._is_secure = True
                while piece := self._tls.read(PIECE):
                    self._heard += piece
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                self.close()
                return
            self._flush()
        self._understand()

    def _understand(self) -> None:
        head, end, rest = self._heard.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(fields.get("content-length", "0"))
        if len(rest) < size:
            return
        body, self._heard = rest[:size], rest[size:]
        self.request = Request(json.loads(body).get("text", ACCOUNT).split()[0], first)
        if self.request.name == ACCOUNT:
            self.server.tell_account(self)
        else:
            self.server.act(self, self.request)

    def take(self) -> None:
        """Take the message."""
        assert self.request is not None
        self.server.books.taken[self.request.name].append(self.server.loop.time())

    def ended(self) -> None:
        """Note that the request is no longer in progress."""
        if self.request is not None:
            self.server.note(f"{self.request.name} ended")
            self.server.books.now.pop(self.request, None)
            self.request = None

    def send(self, data: bytes) -> None:
        """Send a part of an answer."""
        if self._sock.fileno() < 0:
            return
        if self._tls is not None and self._is_secure:
            self._tls.write(data)
            self._flush()
        else:
            with suppress(OSError):
                self._sock.send(data)

    def _flush(self) -> None:
        with suppress(OSError):
            self._sock.send(self._out.read())

    def answer(self, data: bytes) -> None:
        """Send the last part of an answer."""
        self.ended()
        self.send(data)

    def later(self, seconds: float, do: Callable[[], Any]) -> None:
        """Do something later, unless the connection or the request has ended by then."""
        request = self.request
        self._later(seconds, lambda: None if self._is_lost or self.request is not request else do())

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        if seconds:
            self.server.after(seconds, do)
        else:
            do()

    def hang_up(self) -> None:
        """End our side of the connection, and go on reading and working."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def fin(self) -> None:
        """End our side of the connection."""
        self.ended()
        self.hang_up()

    def _lost(self) -> None:
        """Work on for a moment for a client that has gone."""
        self._is_lost = True
        self.deafen()
        self._later(GRACE if self.request is not None else 0, self.close)

    def close(self) -> None:
        """Close the connection; the client sees a reset where something was left unread."""
        self.ended()
        self.deafen()
        self._is_lost = True
        self._sock.close()
        if self in self.server.peers:
            self.server.peers.remove(self)

    def is_open_at_client(self) -> bool:
        """Return whether the client has not closed its end."""
        try:
            while self._sock.recv(PIECE):
                pass
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False
