"""A peer that is hostile on purpose: raw sockets, one thread per connection, and books of its own.

It shares no code with the client or the sandbox. A message's name is the first word of its text; everything that the
server knows of it stands in its books under that name. A request is *in progress* from the moment at which it was read
whole until its answer goes out or its connection is lost; after a loss the server works on for `grace` seconds.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar

from waiting import PATIENCE
from waits import READABLE, WRITABLE, Waits

LINGER_RESET = struct.pack("ii", 1, 0)
ACCOUNT = "account-info"  # the name of requests without a text: this server does not know their method
CAP = 10
LISTENING: Final[dict[int, HostileServer]] = {}  # by port, for loops that dial without a network
Result = TypeVar("Result")


class LostError(Exception):
    """The client went away."""


@dataclass(frozen=True, eq=False)
class Request:
    """A request that was read whole; the same message read twice is two requests."""

    name: str
    plan: tuple[str, ...]  # the further words of the text: what a planned server does with it, one word per reading
    token: str
    head: bytes


class Act(NamedTuple):
    """What the server does with a request that it has read; `takes` says whether the message counts as taken."""

    do: Callable[[Peer, Request], None]
    takes: bool = True


class Books:
    """What the server knows: how often it read and took each message, and the most requests in progress per token."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self.crowds: list[str] = []  # what was in progress when there was more than the cap
        self._now: dict[str, dict[Request, float]] = {}
        self._lock = threading.Lock()

    def begin(self, request: Request) -> int:
        """Note a request; return how often its message was read before."""
        with self._lock:
            self.read[request.name] += 1
            now = self._now.setdefault(request.token, {})
            now[request] = monotonic()
            self.peak[request.token] = max(self.peak[request.token], len(now))
            if len(now) > CAP:
                ages = (f"{other.name} {' '.join(other.plan)} {monotonic() - at:.3f}" for other, at in now.items())
                self.crowds.append(", ".join(ages))
            return self.read[request.name] - 1

    def end(self, request: Request) -> None:
        """Note that a request is no longer in progress."""
        with self._lock:
            self._now[request.token].pop(request, None)

    def take(self, request: Request) -> None:
        """Note that a message was taken."""
        with self._lock:
            self.taken[request.name] += 1

    def figures(self) -> dict[str, Any]:
        """Return everything, for a server in a process of its own."""
        with self._lock:
            peak = max(self.peak.values(), default=0)
            return {"read": self.read, "taken": self.taken, "peak": peak, "crowds": self.crowds}


class Peer:
    """One connection, in the thread that serves it."""

    def __init__(self, server: HostileServer, sock: socket.socket) -> None:
        sock.settimeout(0)
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server = server
        self.sock = sock
        self._heard = b""
        self._in_progress: Request | None = None

    def secure(self, context: ssl.SSLContext | None = None) -> None:
        """Shake hands, where the server speaks TLS; with its own context unless another is given."""
        context = context or self.server.tls
        if context is None:
            return
        try:
            self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
            self.server.replace(self)
            self._finish(self.sock.do_handshake, READABLE)
        except OSError as error:
            raise LostError from error

    def _finish(self, step: Callable[[], Result], mask: int) -> Result:
        """Do something with the socket, and wait for it where that takes longer."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.server.waits.wait(self.sock.fileno(), READABLE)
            except ssl.SSLWantWriteError:
                self.server.waits.wait(self.sock.fileno(), WRITABLE)
            except BlockingIOError:
                self.server.waits.wait(self.sock.fileno(), mask)

    def serve(self) -> None:
        """Answer requests until the client goes."""
        while (request := self.request()) is not None:
            before = self.server.books.begin(request)
            self._in_progress = request
            if request.name == ACCOUNT:
                self.answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                continue
            act = self.server.act(request, before)
            if act.takes:
                self.server.books.take(request)
            act.do(self, request)
            self.ended()

    def request(self) -> Request | None:
        """Read one request whole; None at the end of the connection."""
        head = self.head()
        if head is None:
            return None
        fields = dict(_fields(head))
        size = int(fields.get("content-length", "0"))
        while len(self._heard) < size:
            if not self._receive():
                return None
        body, self._heard = self._heard[:size], self._heard[size:]
        name, *plan = json.loads(body).get("text", ACCOUNT).split()[:9]
        return Request(name, tuple(plan), fields.get("access-token", ""), head)

    def head(self) -> bytes | None:
        """Read the head of a request; None at the end of the connection."""
        while b"\r\n\r\n" not in self._heard:
            if not self._receive():
                return None
        head, _, self._heard = self._heard.partition(b"\r\n\r\n")
        return head

    def _receive(self) -> bool:
        try:
            data = self._finish(lambda: self.sock.recv(65536), READABLE)
        except (OSError, ValueError):
            return False
        self._heard += data
        return bool(data)

    def skip(self, size: int) -> None:
        """Read up to so many bytes, whatever they are."""
        try:
            self._finish(lambda: self.sock.recv(size), READABLE)
        except OSError as error:
            raise LostError from error

    def ended(self) -> None:
        """Note that the request is no longer in progress."""
        if self._in_progress is not None:
            self.server.books.end(self._in_progress)
            self._in_progress = None

    def send(self, data: bytes) -> None:
        """Send a part of an answer, after which the request is still in progress."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._finish(lambda: self.sock.send(left), WRITABLE) :]  # noqa: B023 - sent at once
        except OSError as error:
            raise LostError from error

    def answer(self, data: bytes) -> None:
        """Send the last part of an answer: the request is no longer in progress."""
        self.ended()
        self.send(data)

    def pause(self, seconds: float | None) -> None:
        """Let time pass; LostError as soon as the client goes."""
        if self.server.waits.wait(self.sock.fileno(), READABLE, seconds=seconds) and not self._receive():
            raise LostError

    def wait_for_more(self) -> None:
        """Wait until there is something to be read, and leave it unread."""
        self.server.waits.wait(self.sock.fileno(), READABLE)

    def wait_for_go(self) -> None:
        """Wait until the test lets the server go on, or the server is being stopped."""
        self.server.waits.wait(event=self.server.go)

    def work(self, seconds: float) -> None:
        """Let time pass, whatever the client does, or until the server is being stopped."""
        self.server.waits.wait(event=self.server.stopping, seconds=seconds)

    def hold(self) -> None:
        """Do nothing until the client goes."""
        while True:
            self.pause(None)

    def fin(self) -> None:
        """End our side of the connection without a word of TLS, and go on reading."""
        self.ended()
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def hang_up(self) -> None:
        """End our side of the connection, and work on as if nothing had happened."""
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def close_notify(self) -> None:
        """Say goodbye as TLS does, and leave the connection open."""
        with suppress(OSError, AttributeError, ValueError):
            self.sock.unwrap()

    def close(self) -> None:
        """Close the connection; the kernel resets it where something was left unread."""
        self.ended()
        with suppress(OSError):
            self.sock.close()

    def reset(self) -> None:
        """Reset the connection."""
        with suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        self.close()

    def wake(self) -> None:
        """End a blocking call of the serving thread, from another thread."""
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def run(self) -> None:
        """Serve the connection from its first byte to its end."""
        try:
            self.server.opening()(self)
        except LostError:
            if self._in_progress is not None and self.server.grace:
                self.work(self.server.grace)
        finally:
            self.close()
            self.server.forget(self)
            self.server.waits.end()


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()


def ordinary(peer: Peer) -> None:
    """Open a connection as any server does."""
    peer.secure()
    peer.serve()


def accepting(peer: Peer, request: Request) -> None:
    """Take the message."""
    peer.answer(accepted(request.name))


def accepted(name: str) -> bytes:
    """Return the documented answer to a message that was taken."""
    body = b'{"result": true, "viber_message_ids": ["id-%b"]}' % name.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


ACCEPT = Act(accepting)


class HostileServer:
    """Listens on loopback in threads of its own, so that it counts whatever event loop the client runs on.

    Args:
        tls: a server-side context, or None for plain TCP.
        grace: seconds that it works on after a connection was lost.
        usual: how a connection is opened for which `openings` holds nothing.
        plans: acts by name, for messages that carry their plan in their text.
        otherwise: what is done with a message for which nothing was planned.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        grace: float = 0.0,
        usual: Callable[[Peer], None] = ordinary,
        plans: dict[str, Act] | None = None,
        otherwise: Act = ACCEPT,
    ) -> None:
        self.tls = tls
        self.grace = grace
        self.books = Books()
        self.acts: dict[str, tuple[Act, ...]] = {}  # by message: the n-th act for its n-th reading, then ACCEPT
        self.openings: deque[Callable[[Peer], None]] = deque()  # one for each connection to come
        self.connections = 0
        self.stopping = threading.Event()
        self.go = threading.Event()  # set by the test, and at the end: the server may go on
        self.trap: HostileServer | None = None  # where a redirect leads
        self.done = threading.Event()  # set by an act: what the test waits for was done
        self._usual = usual
        self._plans = plans or {}
        self._otherwise = otherwise
        self.waits = Waits()
        self._peers: dict[Peer, threading.Thread] = {}
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    def url(self, host: str = "127.0.0.1") -> str:
        """Return its address."""
        return f"http{'s' * (self.tls is not None)}://{host}:{self.port}"

    def opening(self) -> Callable[[Peer], None]:
        """Return how the next connection is opened."""
        with suppress(IndexError):
            return self.openings.popleft()
        return self._usual

    def act(self, request: Request, before: int) -> Act:
        """Return what is done with a request whose message was read so often before."""
        acts = self.acts.get(request.name) or tuple(self._plans.get(word, ACCEPT) for word in request.plan)
        return acts[before] if before < len(acts) else self._otherwise

    def is_quiet(self) -> bool:
        """Return whether it does nothing more unless the client or the test does something."""
        return self.waits.are_all_for_others()

    def has_read(self, *names: str) -> bool:
        """Return whether these messages were read."""
        return all(self.books.read[name] for name in names)

    def forget(self, peer: Peer) -> None:
        """Drop a connection that has ended."""
        with self._lock:
            self._peers.pop(peer, None)

    def replace(self, peer: Peer) -> None:
        """Note that a connection has a new socket; end it where the server is being stopped."""
        if self.stopping.is_set():
            peer.wake()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        LISTENING[self.port] = self
        self._accepting = threading.Thread(target=self._accept, name="hostile-accept")
        self._accepting.start()
        return self

    def _accept(self) -> None:
        while True:
            sock, _address = self._listener.accept()
            if self.stopping.is_set():
                sock.close()
                return
            self.serve(sock)

    def serve(self, sock: socket.socket) -> None:
        """Serve a new connection in a thread of its own."""
        peer = Peer(self, sock)
        thread = threading.Thread(target=peer.run, name="hostile-peer")
        with self._lock:
            self.connections += 1
            self._peers[peer] = thread
        self.waits.begin()
        thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        del LISTENING[self.port]
        self.stopping.set()
        self.go.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._accepting.join()
        self._listener.close()
        with self._lock:
            peers = dict(self._peers)
        for peer in peers:
            peer.wake()
        for thread in peers.values():
            thread.join(PATIENCE)
