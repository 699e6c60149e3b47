"""Connections that are not made, or not with the right server."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

import certificates
from fault import ACCEPTED, IN_DOUBT, NOT_SENT, SHORT, TCP, TLS, Fault, HostileServer, Peer, http

UNMADE: Final = "No connection was made, so no byte was handed over (row connection not made)."
RACE: Final = (
    "The loss is seen before the first byte goes (row no byte handed over) or after it (last row); "
    "the server has not read the request, so both are true."
)
OUT: Final = "Bytes were handed over and no answer came (last row)."
FIRST: Final = (
    "What is said before the request is heard in time and nothing is sent (row no byte handed over), is not held "
    "against the answer (row `result: true`), or spoils it (last row)."
)
HEARD: Final = (
    "What is heard before the request goes is the answer of nobody: nothing is sent (row no byte handed over)."
)

_OTHER: Final = http(200, b'{"result": true, "viber_message_ids": ["id-of-somebody"]}')
_REFUSAL: Final = http(403, b'{"result": false, "errors": ["Invalid authorization token!"]}')
_THROTTLED: Final = http(429, b"", "Retry-After: 60")
Opening = Callable[[Peer], None]


def _secured(context: Callable[[], ssl.SSLContext]) -> Opening:
    """Shake hands with a context of the fault's own, then serve."""

    def opening(peer: Peer) -> None:
        peer.secure(context())
        peer.serve()

    return opening


def _hello(then: Opening) -> Opening:
    """Read what the client says first, then do something."""

    def opening(peer: Peer) -> None:
        peer.wait_for_more()
        peer.skip(65536)
        then(peer)

    return opening


def _greeting(data: bytes, *, serves: bool) -> Opening:
    """Speak before the client does."""

    def opening(peer: Peer) -> None:
        peer.secure()
        peer.send(data)
        peer.server.done.set()
        if serves:
            peer.serve()
        else:
            peer.wait_for_more()
            peer.skip(16)
            peer.reset()

    return opening


def _after_handshake(then: Opening) -> Opening:
    def opening(peer: Peer) -> None:
        peer.secure()
        then(peer)

    return opening


def _closing(peer: Peer) -> None:
    peer.close()


_SPOILT_HANDSHAKES: Final[tuple[tuple[str, Opening, float], ...]] = (
    ("untrusted certificate", _secured(certificates.stranger_context), 5.0),
    ("certificate of another host", _secured(lambda: certificates.server_context("other.example")), 5.0),
    ("expired certificate", _secured(certificates.expired_context), 5.0),
    ("plain HTTP on a TLS port", _hello(lambda peer: peer.send(http(400, b"TLS? Here?"))), 5.0),
    ("garbage in the handshake", _hello(lambda peer: peer.send(b"\x00\xff" * 50)), 5.0),
    ("TLS alert in the handshake", _hello(lambda peer: peer.send(b"\x15\x03\x03\x00\x02\x02\x28")), 5.0),
    ("FIN before the handshake", Peer.fin, 5.0),
    ("RST before the handshake", Peer.reset, 5.0),
    ("FIN in the handshake", _hello(Peer.fin), 5.0),
    ("RST in the handshake", _hello(Peer.reset), 5.0),
    ("TLS handshake hangs", Peer.hold, SHORT),
)


def _handshakes() -> tuple[Fault, ...]:
    spoilt = tuple(
        Fault(name=name, right=NOT_SENT, taken=False, why=UNMADE, opening=opening, on=TLS, limit=limit)
        for name, opening, limit in _SPOILT_HANDSHAKES
    )
    demanding = tuple(
        Fault(
            name=f"client certificate required, {version.name}",
            right=right,
            taken=False,
            why=why,
            opening=_secured(lambda version=version: certificates.demanding_context(version)),
            on=TLS,
        )
        for version, right, why in (
            (ssl.TLSVersion.TLSv1_2, NOT_SENT, UNMADE),
            (ssl.TLSVersion.TLSv1_3, (NOT_SENT, IN_DOUBT), RACE),
        )
    )
    return spoilt + demanding


def _openings() -> tuple[Fault, ...]:
    lost = tuple(
        Fault(
            name=f"{word} right after accepting",
            right=(NOT_SENT, IN_DOUBT),
            taken=False,
            why=RACE,
            opening=_after_handshake(end),
        )
        for word, end in (("FIN", Peer.fin), ("close", _closing), ("RST", Peer.reset))
    )
    banners = tuple(
        Fault(
            name=f"speaks first: {name}{', then serves' * serves}",
            right=(NOT_SENT, IN_DOUBT, ACCEPTED) if serves else (NOT_SENT, IN_DOUBT),
            taken=None if serves else False,
            why=FIRST,
            opening=_greeting(data, serves=serves),
        )
        for name, data in (("an SMTP banner", b"220 mail.example ESMTP\r\n"), ("a line break", b"\r\n"))
        for serves in (True, False)
    )
    answers = tuple(
        Fault(
            name=f"speaks first and is heard: {name}{', then serves' * serves}",
            right=NOT_SENT,
            taken=False,
            why=HEARD,
            opening=_greeting(data, serves=serves),
            loops=frozenset({"patient"}),
            on=TCP,
        )
        for name, data in (
            ("a 200 of nobody", _OTHER),
            ("a refusal of nobody", _REFUSAL),
            ("a 429 of nobody", _THROTTLED),
            ("half the head of a 429", b"HTTP/1.1 429 Too Many\r\nX-Odd: "),
            ("an SMTP banner", b"220 mail.example ESMTP\r\n"),
            ("one byte", b"H"),
        )
        for serves in (True, False)
    )
    return lost + banners + answers


@contextmanager
def _elsewhere(url: str, **options: Any) -> Iterator[Mapping[str, Any]]:
    """Let the client look for the server at another address."""
    yield {"base_url": url, **options}


def _scheme(server: HostileServer) -> str:
    return "http" if server.tls is None else "https"


def unused_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port: int = closed.getsockname()[1]
    return port


@contextmanager
def _refused(server: HostileServer) -> Iterator[Mapping[str, Any]]:
    """Point the client to a port on which nobody listens."""
    yield {"base_url": f"{_scheme(server)}://127.0.0.1:{unused_port()}"}


@contextmanager
def full(waiting: int = 4) -> Iterator[int]:
    """Give the port of a socket that listens and never accepts, so many connections waiting there already."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(waiting):
            other = stack.enter_context(socket.socket())
            other.settimeout(0)
            with suppress(BlockingIOError):
                other.connect(listener.getsockname())
        yield listener.getsockname()[1]


@contextmanager
def _silent(server: HostileServer, *, waiting: int) -> Iterator[Mapping[str, Any]]:
    """Point the client to a socket that listens and never accepts, so many connections waiting there already."""
    with full(waiting) as port:
        yield {"base_url": f"{_scheme(server)}://127.0.0.1:{port}"}


@contextmanager
def _late_dns(server: HostileServer) -> Iterator[Mapping[str, Any]]:
    """Keep the one thread that resolves names busy until the test is over."""
    over = threading.Event()
    names = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(names)
    names.submit(over.wait)
    yield {"base_url": server.url("localhost")}
    over.set()


def _unreached() -> tuple[Fault, ...]:
    beyond = {"right": NOT_SENT, "taken": False, "why": UNMADE, "recovers": False}
    return (
        Fault(name="connection refused", setting=_refused, **beyond),
        Fault(
            name="name does not exist",
            timing="real",
            setting=lambda server: _elsewhere(f"{_scheme(server)}://nowhere.invalid", allow_http=True),
            **beyond,
        ),
        Fault(
            name="label of 64 characters",
            timing="real",
            setting=lambda server: _elsewhere(f"{_scheme(server)}://{'a' * 64}.example", allow_http=True),
            **beyond,
        ),
        Fault(
            name="name of 300 characters",
            timing="real",
            setting=lambda server: _elsewhere(f"{_scheme(server)}://{'a.' * 150}example", allow_http=True),
            **beyond,
        ),
        Fault(
            name="name resolved late",
            setting=_late_dns,
            limit=SHORT,
            timing="real",
            loops=frozenset({"asyncio"}),
            **beyond,
        ),
        Fault(
            name="never accepts, backlog full",
            setting=lambda server: _silent(server, waiting=4),
            limit=SHORT,
            **beyond,
        ),
        Fault(
            name="never accepts, TLS",
            setting=lambda server: _silent(server, waiting=0),
            limit=SHORT,
            on=TLS,
            **beyond,
        ),
        Fault(
            name="never accepts",
            right=IN_DOUBT,
            taken=False,
            why="The kernel made the connection and took the request; whoever accepts may read it later (last row).",
            setting=lambda server: _silent(server, waiting=0),
            limit=SHORT,
            timing="real",
            on=TCP,
            recovers=False,
        ),
        Fault(
            name="accepts and never reads",
            right=IN_DOUBT,
            taken=False,
            why="What was handed over may still be read whole later (last row).",
            opening=_after_handshake(lambda peer: peer.work(2 * SHORT)),
            limit=SHORT,
            timing="jumps",
        ),
        Fault(
            name="TLS spoken on neither side: http:// to a TLS port",
            right=IN_DOUBT,
            taken=False,
            why=OUT,
            setting=lambda server: _elsewhere(f"http://127.0.0.1:{server.port}", ssl=None),
            on=TLS,
            recovers=False,
        ),
    )


CONNECT: Final = (*_handshakes(), *_openings(), *_unreached())
