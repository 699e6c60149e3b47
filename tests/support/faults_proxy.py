"""Proxies that refuse, fail or lie; the hostile server plays the proxy and what lies behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from fault import (
    ACCEPTED,
    IN_DOUBT,
    NOT_SENT,
    REJECTED,
    SHORT,
    TAKEN_BODY,
    TCP,
    TLS,
    Fault,
    HostileServer,
    Peer,
    http,
    replying,
)

UNMADE: Final = "The proxy made no connection, so no byte of the request was handed over (row connection not made)."
LOGIN: Final = "The proxy asks for a login and has not passed the request on (row 407)."
_HTML: Final = b"<html><body>The proxy has bad news</body></html>"
_BEYOND: Final = "127.0.0.1:9"  # never connected to
PASSWORD: Final = "pass-word-of-the-proxy"


def tunnelling(reply: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Callable[[Peer], None]:
    """Open a connection as a proxy does: forward plain requests, answer CONNECT and go on inside it."""

    def opening(peer: Peer) -> None:
        if peer.server.tls is not None and peer.head() is None:
            return
        if peer.server.tls is not None:
            peer.send(reply)
            peer.secure()
        peer.serve()

    return opening


def answering_connect(reply: bytes, then: Callable[[Peer], None]) -> Callable[[Peer], None]:
    """Answer CONNECT with something, and do something to the connection."""

    def opening(peer: Peer) -> None:
        if peer.head() is not None:
            peer.send(reply)
            then(peer)

    return opening


@contextmanager
def _through(server: HostileServer) -> Iterator[Mapping[str, Any]]:
    """Point the client to the server as its proxy."""
    scheme = "http" if server.tls is None else "https"
    proxy = f"http://someone:{PASSWORD}@127.0.0.1:{server.port}"
    yield {"base_url": f"{scheme}://{_BEYOND}", "proxy": proxy}


@contextmanager
def _no_proxy_there(server: HostileServer) -> Iterator[Mapping[str, Any]]:
    """Point the client to a proxy that does not exist."""
    with HostileServer() as gone:
        port = gone.port
    scheme = "http" if server.tls is None else "https"
    yield {"base_url": f"{scheme}://{_BEYOND}", "proxy": f"http://127.0.0.1:{port}"}


_CONNECT: Final[tuple[tuple[str, bytes, Callable[[Peer], None], float], ...]] = (
    ("502 with HTML", http(502, _HTML), Peer.fin, 5.0),
    ("503, closed", http(503, _HTML, "Connection: close"), Peer.close, 5.0),
    ("504", http(504, _HTML), Peer.hold, 5.0),
    ("403", http(403, _HTML), Peer.hold, 5.0),
    ("429", http(429, _HTML, "Retry-After: 60"), Peer.hold, 5.0),
    ("302", http(302, _HTML, "Location: https://login.example/"), Peer.hold, 5.0),
    ("400 with a documented refusal", http(400, b'{"result": false, "errors": ["Bad Request"]}'), Peer.hold, 5.0),
    ("500 with a documented yes", http(500, TAKEN_BODY), Peer.hold, 5.0),
    ("garbage", b"\x00\x01 what?\r\n\r\n", Peer.fin, 5.0),
    ("nothing, closed", b"", Peer.fin, 5.0),
    ("nothing, reset", b"", Peer.reset, 5.0),
    ("nothing at all", b"", Peer.hold, SHORT),
    ("half a head", b"HTTP/1.1 200 Conn", Peer.hold, SHORT),
    ("200 and close", b"HTTP/1.1 200 OK\r\n\r\n", Peer.fin, 5.0),
    ("200 and garbage", b"HTTP/1.1 200 OK\r\n\r\nnonsense", Peer.hold, SHORT),
    ("200 and silence", b"HTTP/1.1 200 OK\r\n\r\n", Peer.hold, SHORT),
)


def _tunnels() -> tuple[Fault, ...]:
    common: dict[str, Any] = {"right": NOT_SENT, "taken": False, "setting": _through, "usual": tunnelling(), "on": TLS}
    logins = tuple(
        Fault(name=f"CONNECT: 407{more}", why=LOGIN, opening=answering_connect(http(407, _HTML, *lines), end), **common)
        for more, lines, end in (
            (" with HTML", (), Peer.hold),
            (" with a challenge", ('Proxy-Authenticate: Basic realm="x"',), Peer.hold),
            (", closed", ("Connection: close",), Peer.close),
        )
    )
    failures = tuple(
        Fault(name=f"CONNECT: {name}", why=UNMADE, opening=answering_connect(reply, then), limit=limit, **common)
        for name, reply, then, limit in _CONNECT
    )
    return logins + failures


def _forwarding() -> tuple[Fault, ...]:
    common: dict[str, Any] = {"setting": _through, "usual": tunnelling()}
    plain: dict[str, Any] = {**common, "on": TCP}
    return (
        Fault(
            name="through a proxy",
            right=ACCEPTED,
            taken=True,
            why="A whole answer came that says yes (row `result: true`).",
            acts=replying(200, TAKEN_BODY),
            **common,
        ),
        Fault(
            name="proxy: 407 with HTML",
            right=NOT_SENT,
            taken=False,
            why=LOGIN,
            acts=replying(407, _HTML, takes=False),
            **plain,
        ),
        Fault(
            name="proxy: 502 with HTML",
            right=IN_DOUBT,
            taken=True,
            why="A proxy that fails may have passed the request on before (last row).",
            acts=replying(502, _HTML),
            **plain,
        ),
        Fault(
            name="proxy: 403 with HTML",
            right=REJECTED,
            taken=False,
            why="Any 4xx but 407, 408 and 429 refuses the message (row 4xx).",
            acts=replying(403, _HTML, takes=False),
            **plain,
        ),
        Fault(
            name="proxy is not there",
            right=NOT_SENT,
            taken=False,
            why=UNMADE,
            setting=_no_proxy_there,
            recovers=False,
        ),
    )


PROXY: Final = (*_tunnels(), *_forwarding())
