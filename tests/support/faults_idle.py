"""What a server does to a connection that lies idle in the client's pool, before the message comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fault import ACCEPTED, BOTH, IN_DOUBT, TLS, Act, Fault, Peer, Request, filled, http

FRESH: Final = (
    "The idle connection is found spoilt and a new one is taken: a whole answer says yes (row `result: true`)."
)
LEFTOVER: Final = (
    "Half an answer in the pool spoils the connection: a new one is taken (row `result: true`), or what comes back "
    "cannot be read (last row); what it can never be is somebody else's answer."
)

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: $size\r\n\r\n$body"
_OTHER: Final = http(200, b'{"result": true, "viber_message_ids": ["id-of-somebody"]}')
_REFUSAL: Final = http(403, b'{"result": false, "errors": ["Invalid authorization token!"]}')
_THROTTLED: Final = http(429, b"", "Retry-After: 60")

Spoiling = Callable[[Peer], None]


def idling(spoil: Spoiling) -> Act:
    """Answer, wait until the client is idle, do something to the connection, and say that it is done."""

    def do(peer: Peer, request: Request) -> None:
        peer.answer(filled(_ANSWER, request))
        peer.wait_for_go()
        spoil(peer)
        peer.server.done.set()

    return Act(do)


def saying(data: bytes) -> Spoiling:
    """Say something that nobody asked for."""
    return lambda peer: peer.send(data)


def _both(*steps: Spoiling) -> Spoiling:
    def spoil(peer: Peer) -> None:
        for step in steps:
            step(peer)

    return spoil


_SPOILT: Final[tuple[tuple[str, Spoiling, frozenset[str]], ...]] = (
    ("FIN", Peer.fin, BOTH),
    ("close", Peer.close, BOTH),
    ("RST", Peer.reset, BOTH),
    ("TLS close_notify", Peer.close_notify, TLS),
    ("a 200 of nobody", saying(_OTHER), BOTH),
    ("three 200 of nobody", saying(_OTHER * 3), BOTH),
    ("a refusal of nobody", saying(_REFUSAL), BOTH),
    ("a 429 of nobody", saying(_THROTTLED), BOTH),
    ("408 and FIN", _both(saying(http(408, b"", "Connection: close")), Peer.fin), BOTH),
    ("408 and RST", _both(saying(http(408, b"", "Connection: close")), Peer.reset), BOTH),
    ("100 Continue", saying(b"HTTP/1.1 100 Continue\r\n\r\n"), BOTH),
    ("a line break", saying(b"\r\n"), BOTH),
    ("one byte", saying(b"H"), BOTH),
    ("garbage", saying(b"\x00\xff nonsense \r\n\r\n"), BOTH),
)
_HALVES: Final[tuple[tuple[str, bytes], ...]] = (
    ("half the head of a 200", b"HTTP/1.1 200 OK\r\nX-Odd: "),
    ("half the head of a 429", b"HTTP/1.1 429 Too Many\r\nX-Odd: "),
    ("half the head of a refusal", b"HTTP/1.1 403 No\r\nX-Odd: "),
    ("the head of a 200", _OTHER.partition(b"{")[0]),
    ("half a 200 of nobody", _OTHER[:-20]),
)


def _spoilt(*, unseen: bool) -> tuple[Fault, ...]:
    when = "in the kernel" if unseen else "seen"
    spoilt = tuple(
        Fault(
            name=f"idle: {name}, {when}",
            right=ACCEPTED,
            taken=True,
            why=FRESH,
            prime=idling(spoil),
            unseen=unseen,
            on=on,
        )
        for name, spoil, on in _SPOILT
    )
    halves = tuple(
        Fault(
            name=f"idle: {name}, {when}",
            right=(ACCEPTED, IN_DOUBT),
            taken=True,
            why=LEFTOVER,
            prime=idling(saying(half)),
            unseen=unseen,
        )
        for name, half in _HALVES
    )
    return spoilt + halves


def _refusing_reuse(peer: Peer, request: Request) -> None:
    """Answer, and end the connection as soon as the next request begins, without reading it."""
    peer.answer(filled(_ANSWER, request))
    peer.server.done.set()
    peer.wait_for_more()
    peer.reset()


_REUSE: Final = Fault(
    name="idle: RST when the next request comes",
    right=IN_DOUBT,
    taken=False,
    why="The bytes of the request were handed over when the connection was lost (last row).",
    prime=Act(_refusing_reuse),
)

IDLE: Final = (*_spoilt(unseen=False), *_spoilt(unseen=True), _REUSE)
