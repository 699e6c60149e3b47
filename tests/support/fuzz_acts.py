"""What a fuzzed server does with a message, by the words that stand in the message's text, and how it accepts."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Final

from fault import TAKEN_BODY, Act, Peer, Request, filled, http, raw, replying
from faults_framing import flooding
from faults_lost import crawling, late, losing
from hostile import LostError

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: $size\r\n\r\n$body"
_HALF: Final = b'HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"result": tr'
_NO: Final = b'{"result": false, "errors": ["Tag name must be a non-empty string"]}'
_FAILED: Final = b'{"result": false, "errors": ["Internal server error"]}'
_HTML: Final = b"<html>no</html>"
SOON: Final = 0.004  # seconds after which an idle connection is spoilt


def _idling(spoil: Callable[[Peer], None]) -> Act:
    """Answer, and spoil the connection a moment later, whether or not the next request is on its way."""

    def do(peer: Peer, request: Request) -> None:
        peer.answer(filled(_ANSWER, request))
        peer.work(SOON)
        spoil(peer)

    return Act(do)


def _timed_out(peer: Peer) -> None:
    peer.send(http(408, b"", "Connection: close"))
    peer.fin()


def _stalling(part: bytes) -> Act:
    def do(peer: Peer, request: Request) -> None:
        peer.send(filled(part, request))
        peer.hold()

    return Act(do)


def _deaf(peer: Peer, _request: Request) -> None:
    """Lose the connection, and work on for as long as the server does that."""
    peer.hang_up()
    raise LostError


ACTS: Final[dict[str, Act]] = {
    "slow": late(0.02),
    "later": late(0.1),
    "crawl": crawling(0.0002),
    "close": raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: $size\r\n\r\n$body", then=Peer.fin)[0],
    "close-unannounced": raw(_ANSWER, then=Peer.fin)[0],
    "reset-afterwards": raw(_ANSWER, then=Peer.reset)[0],
    "old": raw(b"HTTP/1.0 200 OK\r\n\r\n$body", then=Peer.fin)[0],
    "chunked": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n$hex\r\n$body\r\n0\r\n\r\n")[0],
    "two-answers": raw(_ANSWER + http(200, TAKEN_BODY.replace(b"$id", b"id-of-somebody")))[0],
    "continue": raw(b"HTTP/1.1 100 Continue\r\n\r\n" + _ANSWER)[0],
    "idle-fin": _idling(Peer.fin),
    "idle-reset": _idling(Peer.reset),
    "idle-408": _idling(_timed_out),
    "no": replying(200, _NO, takes=False)[0],
    "forbidden": replying(403, _HTML, takes=False)[0],
    "refused-late": late(0.05, http(400, _NO), takes=False),
    "throttled": replying(429, _HTML, "Retry-After: 0", takes=False)[0],
    "throttled-silently": replying(429, b"", takes=False)[0],
    "login": replying(407, _HTML, takes=False)[0],
    "error-21": replying(500, _FAILED)[0],
    "bad-gateway": replying(502, _HTML)[0],
    "unavailable": replying(503, _HTML, takes=False)[0],
    "html": replying(200, _HTML)[0],
    "elsewhere": replying(302, _HTML, "Location: http://127.0.0.1:9/")[0],
    "garbage": raw(b"\x00\x01 what?\r\n\r\n", then=Peer.fin)[0],
    "flood": flooding(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536),
    "fin": losing(b"", Peer.fin),
    "reset": losing(b"", Peer.reset),
    "fin-half": losing(_HALF, Peer.fin),
    "reset-half": losing(_HALF, Peer.reset),
    "silent": _stalling(b""),
    "stalled": _stalling(_HALF),
    "works-on": Act(_deaf),
}
ORDINARY: Final = late(0.005)


class Openings:
    """Opens most connections as any server does, and spoils some.

    Args:
        seed: of its draws.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, peer: Peer) -> None:
        """Open a connection, or refuse it in one of several ways."""
        with self._lock:
            draw = self._random.random()
        if draw < 0.01:
            peer.reset()
        elif draw < 0.02:
            peer.fin()
        elif draw < 0.03:
            peer.wait_for_more()
            peer.reset()
        else:
            peer.work(0.03 if draw < 0.06 else 0.0)
            peer.secure()
            if draw > 0.98:
                peer.fin()
            peer.serve()
