"""What the hostile server does with a request, and with a connection, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulated_server import Peer, Request

Act = Callable[["Peer", "Request", float], None]
SOON = 0.004  # seconds after which an idle connection is spoilt


def http(status: int, body: bytes, *fields: str, version: str = "1.1") -> bytes:
    """Return an answer."""
    head = "\r\n".join((f"HTTP/{version} {status} X", f"Content-Length: {len(body)}", *fields))
    return head.encode() + b"\r\n\r\n" + body


def _taken_body(name: str) -> bytes:
    return b'{"result": true, "viber_message_ids": ["id-%b"]}' % name.encode()


def _no(text: str) -> bytes:
    return b'{"result": false, "errors": ["%b"]}' % text.encode()


def _then(answer: Callable[[Peer, Request], None], *, takes: bool) -> Act:
    """Take the message or not, and answer after the delay."""

    def act(peer: Peer, request: Request, delay: float) -> None:
        if takes:
            peer.take()
        peer.later(delay, lambda: answer(peer, request))

    return act


def _saying(*parts: Any, takes: bool = False) -> Act:
    data = http(*parts)
    return _then(lambda peer, _request: peer.answer(data), takes=takes)


def _accepting(make: Callable[[bytes], bytes], after: Callable[[Peer], None] = lambda _peer: None) -> Act:
    def answer(peer: Peer, request: Request) -> None:
        peer.answer(make(_taken_body(request.name)))
        after(peer)

    return _then(answer, takes=True)


def _plain(body: bytes) -> bytes:
    return http(200, body)


def _soon(spoil: Callable[[Peer], None]) -> Callable[[Peer], None]:
    return lambda peer: peer.server.after(SOON, lambda: spoil(peer))


def _half(body: bytes) -> bytes:
    return http(200, body)[:-20]


def _throttle(retry_after: float | None, *, takes: bool = False) -> Act:
    def answer(peer: Peer, request: Request) -> None:
        server = peer.server
        if retry_after and not takes:
            server.books.asked_to_wait.append((server.loop.time(), retry_after))
        fields = () if retry_after is None else (f"Retry-After: {retry_after:g}",)
        peer.answer(http(429, _taken_body(request.name) if takes else b"<html>no</html>", *fields))

    return _then(answer, takes=takes)


def _ending(end: str, *, takes: bool, part: Callable[[bytes], bytes] | None = None) -> Act:
    """Close or reset instead of answering, maybe after a part of the answer."""

    def act(peer: Peer, request: Request, delay: float) -> None:
        if takes:
            peer.take()
        if end == "reset":  # what stays unread makes it a reset
            peer.keeps_unread = True
            peer.deafen()

        def do() -> None:
            if part is not None:
                peer.send(part(_taken_body(request.name)))
            (peer.close if end == "reset" else peer.fin)()

        peer.later(min(delay, 0.02), do)

    return act


def _deaf(peer: Peer, _request: Request, _delay: float) -> None:
    peer.take()
    peer.hang_up()


def _stalling(part: Callable[[bytes], bytes] | None) -> Act:
    """Never answer, or never to the end."""

    def act(peer: Peer, request: Request, _delay: float) -> None:
        peer.take()
        if part is not None:
            peer.send(part(_taken_body(request.name)))

    return act


def _stray(seconds: float) -> Act:
    somebody = http(200, _taken_body("somebody"))

    def answer(peer: Peer, request: Request) -> None:
        first = http(200, _taken_body(request.name))
        peer.answer(first if seconds else first + somebody)
        if seconds:
            peer.server.after(seconds, lambda: peer.send(somebody))

    return _then(answer, takes=True)


def _chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


ACTS: dict[str, Act] = {
    "accept": _accepting(_plain),
    "accept, chunked": _accepting(_chunked),
    "accept, old": _accepting(lambda body: b"HTTP/1.0 200 OK\r\n\r\n" + body, lambda peer: peer.fin()),
    "accept, close": _accepting(lambda body: http(200, body, "Connection: close"), lambda peer: peer.fin()),
    "accept, close unannounced": _accepting(_plain, lambda peer: peer.fin()),
    "accept, close soon": _accepting(_plain, _soon(lambda peer: peer.close())),
    "accept, 408 soon": _accepting(_plain, _soon(lambda peer: peer.send(http(408, b"", "Connection: close")))),
    "accept under 429": _throttle(1.0, takes=True),
    "accept twice": _stray(0.0),
    "accept, stray soon": _stray(0.002),
    "no tag": _saying(200, _no("Tag name must be a non-empty string")),
    "no": _saying(400, _no("Something else is wrong")),
    "forbidden": _saying(403, b"<html>no</html>"),
    "login": _saying(407, b"<html>no</html>"),
    "429": _throttle(None),
    "429 for 3 s": _throttle(3.0),
    "429 for 0 s": _throttle(0.0),
    "503": _saying(503, b"<html>no</html>"),
    "503 for 1 s": _saying(503, b"", "Retry-After: 1"),
    "502, taken": _saying(502, b"<html>no</html>", takes=True),
    "error 21, taken": _saying(500, _no("Internal server error"), takes=True),
    "html, taken": _saying(200, b"<html>ok</html>", takes=True),
    "elsewhere, taken": _saying(302, b"", "Location: http://127.0.0.1:9/", takes=True),
    "garbage, taken": _then(lambda peer, _request: (peer.send(b"\0\1 what?\r\n\r\n"), peer.fin())[0], takes=True),
    "flood, taken": _then(lambda peer, _request: peer.answer(http(200, b" " * 80_000)), takes=True),
    "hang, taken": _stalling(None),
    "stall, taken": _stalling(_half),
    "fin": _ending("fin", takes=False),
    "reset": _ending("reset", takes=False),
    "fin, taken": _ending("fin", takes=True),
    "reset, taken": _ending("reset", takes=True),
    "half and fin, taken": _ending("fin", takes=True, part=_half),
    "half and reset, taken": _ending("reset", takes=True, part=_half),
    "work on, taken": _deaf,
}


# What a request for the account's info is answered.
INFOS: dict[str, Act] = {
    "sound": _saying(200, b'{"result":true,"accountName":"Shop","accountBalance":100.00}'),
    "refused": _saying(403, _no("Invalid authorization token!")),
    "failed": _saying(500, _no("Internal server error")),
    "503": _saying(503, b""),
    "404": _saying(404, b"<html>no</html>"),
    "405": _saying(405, b""),
    "another shape": _saying(200, b'{"result":true,"balance":100.00}'),
    "garbage": _then(lambda peer, _request: (peer.send(b"\0\1 what?\r\n\r\n"), peer.fin())[0], takes=False),
    "429": _throttle(None),
    "429 for 3 s": _throttle(3.0),
    "hang": lambda _peer, _request, _delay: None,
    "fin": _ending("fin", takes=False),
    "reset": _ending("reset", takes=False),
}


async def _open() -> None:
    return


async def _slow() -> None:
    await asyncio.sleep(0.03)


async def _refused() -> None:
    raise ConnectionRefusedError(111, "refused")


async def _never() -> None:
    await asyncio.sleep(1e6)


OPENINGS: dict[str, Callable[[], Awaitable[None]]] = {
    "open": _open,
    "slow": _slow,
    "refused": _refused,
    "never": _never,
    "closed at once": _open,
    "read late": _open,
    "reset when asked": _open,
}
