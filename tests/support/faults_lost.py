"""Connections that are lost, stall or crawl while a request is on its way, and callers who do not wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fault import (
    ACCEPT,
    ACCEPTED,
    IN_DOUBT,
    NOT_SENT,
    REJECTED,
    SHORT,
    TAKEN_BODY,
    Act,
    Fault,
    Peer,
    Request,
    filled,
    http,
    replying,
)

CUT: Final = "The request was handed over and the connection was lost before the answer was whole (last row)."
LATE: Final = "The request was handed over and no whole answer came within `answer_limit` (last row)."
WHOLE: Final = "A whole answer came that says yes (row `result: true`)."
RACE: Final = (
    "The loss is seen before the first byte goes (row no byte handed over) or after it (last row); "
    "the server has not taken the message, so both are true."
)
OUT: Final = "The caller stops waiting while the request is out (last row: deadline, cancellation)."

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: $size\r\n\r\n$body"
_HEAD: Final = _ANSWER.index(b"$body")
_LONG_TEXT: Final = "x" * 900_000
_TICK: Final = 0.002  # seconds between two pieces of a slow answer

Ending = Callable[[Peer], None]
_ENDINGS: Final[tuple[tuple[str, Ending], ...]] = (("FIN", Peer.fin), ("RST", Peer.reset))


def losing(part: bytes, end: Ending) -> Act:
    """Send a part of the answer and end the connection."""

    def do(peer: Peer, request: Request) -> None:
        if part:
            peer.send(filled(part, request))
        end(peer)

    return Act(do)


def crawling(delay: float, tail: float = 0.0) -> Act:
    """Send the answer byte by byte; hold its last byte back for `tail` seconds."""

    def do(peer: Peer, request: Request) -> None:
        answer = filled(_ANSWER, request)
        for at in range(len(answer) - 1):
            peer.send(answer[at : at + 1])
            peer.pause(delay)
        peer.pause(tail)
        peer.answer(answer[-1:])

    return Act(do)


_TEMPLATES: Final = {
    "sized": _ANSWER,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n$hex\r\n$body\r\n0\r\n\r\n",
    "continued": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: $size\r\n\r\n$body",
}


def everywhere(make: Callable[[bytes, int], Act]) -> dict[str, tuple[Act]]:
    """Make an act for each place inside whole answers that are framed in three ways; by the message's name."""
    acts = {}
    for kind, template in _TEMPLATES.items():
        whole = filled(template, Request(f"{kind}-000", (), "", b""))
        acts.update({f"{kind}-{at:03}": (make(template, at),) for at in range(1, len(whole) - 1)})
    return acts


def splitting(template: bytes, at: int) -> Act:
    """Send an answer in two pieces that the client reads one after the other."""

    def do(peer: Peer, request: Request) -> None:
        answer = filled(template, request)
        peer.send(answer[:at])
        peer.pause(_TICK)
        peer.answer(answer[at:])

    return Act(do)


def cutting(template: bytes, at: int) -> Act:
    """Send the beginning of an answer, and end the connection, with FIN and RST by turns."""

    def do(peer: Peer, request: Request) -> None:
        peer.send(filled(template, request)[:at])
        (Peer.reset if at % 2 else Peer.fin)(peer)

    return Act(do)


def working_on(last_words: bytes, seconds: float) -> Act:
    """Say something or hang up, and work on for so many seconds."""

    def do(peer: Peer, _request: Request) -> None:
        if last_words:
            peer.send(last_words)
        else:
            peer.hang_up()
        peer.work(seconds)

    return Act(do)


def late(seconds: float, answer: bytes = _ANSWER, *, takes: bool = True) -> Act:
    """Answer after so many seconds."""

    def do(peer: Peer, request: Request) -> None:
        peer.pause(seconds)
        peer.answer(filled(answer, request))

    return Act(do, takes=takes)


def _losses() -> tuple[Fault, ...]:
    places = (
        ("after the request", b""),
        ("in the status line", b"HTTP/1.1 2"),
        ("after the status line", b"HTTP/1.1 200 OK\r\n"),
        ("in the head", b"HTTP/1.1 200 OK\r\nContent-Le"),
        ("after the head", _ANSWER[:_HEAD]),
        ("in the body", _ANSWER[:_HEAD] + b'{"result": true, "vib'),
        ("in a refusal", b'HTTP/1.1 403 No\r\nContent-Length: 500\r\n\r\n{"result": false, "err'),
        ("in a chunk", b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"result": true'),
        ("in a body without a length", b'HTTP/1.1 200 OK\r\n\r\n{"result": true, "vib'),
    )
    return tuple(
        Fault(name=f"{word} {place}", right=IN_DOUBT, taken=True, why=CUT, acts=(losing(part, end),))
        for place, part in places
        for word, end in _ENDINGS
    )


def _after_the_answer() -> tuple[Fault, ...]:
    def resetting(peer: Peer, request: Request) -> None:
        peer.answer(filled(_ANSWER, request))
        peer.pause(0.05)
        peer.reset()

    return (
        Fault(name="RST after the answer", right=ACCEPTED, taken=True, why=WHOLE, acts=(Act(resetting),)),
        Fault(
            name="half-closed before the answer",
            right=(ACCEPTED, IN_DOUBT),
            taken=True,
            why="The server ends the connection, which a client may only notice by a lost answer (last row).",
            acts=(losing(b"", lambda peer: (peer.fin(), peer.pause(0.05))[0]),),
        ),
    )


def _unread(end: Callable[[Peer], None], *, secure: bool = True) -> Callable[[Peer], None]:
    """Open a connection, and end it when the head of a request was read, or less."""

    def opening(peer: Peer) -> None:
        if secure:
            peer.secure()
        end(peer)

    return opening


def _reading(size: int, end: Ending) -> Callable[[Peer], None]:
    def part(peer: Peer) -> None:
        if size:
            peer.skip(size)
        end(peer)

    return part


def _early(answer: bytes) -> Callable[[Peer], None]:
    """Answer when the head is there, without reading the body, and close."""

    def part(peer: Peer) -> None:
        if peer.head() is not None:
            peer.send(answer)
            peer.close()

    return part


def _large() -> tuple[Fault, ...]:
    """Return what may happen to a request that is too large to be written at once."""
    endings = tuple(
        Fault(
            name=f"{word} in the middle of a large request",
            right=IN_DOUBT,
            taken=False,
            why="Bytes were handed over; how many the server had read cannot be known (last row).",
            opening=_unread(_reading(4096, end)),
            text=_LONG_TEXT,
        )
        for word, end in _ENDINGS
    )
    stalled = Fault(
        name="a large request is not read",
        right=IN_DOUBT,
        taken=False,
        why=LATE,
        opening=_unread(_never_read),
        text=_LONG_TEXT,
        limit=SHORT,
        timing="jumps",
    )
    afterwards = Fault(
        name="a large request is read when the client has gone",
        right=IN_DOUBT,
        taken=None,
        why="What was handed over may still be read whole later (last row).",
        opening=_unread(_read_late),
        text=_LONG_TEXT,
        limit=SHORT,
        timing="jumps",
    )
    whole = Fault(
        name="a large request is read slowly", right=ACCEPTED, taken=True, why=WHOLE, acts=(ACCEPT,), text=_LONG_TEXT
    )
    return (*endings, stalled, afterwards, whole)


def _never_read(peer: Peer) -> None:
    peer.work(2 * SHORT)
    peer.reset()


def _read_late(peer: Peer) -> None:
    peer.work(2 * SHORT)
    peer.serve()


def _unfinished() -> tuple[Fault, ...]:
    """Return what a server does that answers or leaves before it has read the request."""
    refusal = http(403, b'{"result": false, "errors": ["User 5 not enabled"]}')
    return (
        Fault(
            name="refused before the body was read",
            right=(REJECTED, IN_DOUBT),
            taken=False,
            why="The refusal arrives (row `result: false`), or the reset for unread bytes destroys it (last row).",
            opening=_unread(_early(refusal)),
        ),
        Fault(
            name="413 before a large body was read",
            right=(REJECTED, IN_DOUBT),
            taken=False,
            why="The 413 arrives (row 4xx), or the reset for unread bytes destroys it (last row).",
            opening=_unread(_early(http(413, b"too much"))),
            text=_LONG_TEXT,
        ),
        Fault(
            name="429 before the body was read",
            right=(NOT_SENT, IN_DOUBT),
            taken=False,
            why="The 429 arrives (row 429), or the reset for unread bytes destroys it (last row).",
            opening=_unread(_early(http(429))),
        ),
        Fault(
            name="503 before the body was read",
            right=IN_DOUBT,
            taken=False,
            why="A 5xx says nothing, nor does the reset that may take its place (last row).",
            opening=_unread(_early(http(503))),
        ),
    )


def _slow() -> tuple[Fault, ...]:
    return (
        Fault(name="answer byte by byte", right=ACCEPTED, taken=True, why=WHOLE, acts=(crawling(0.0),)),
        Fault(
            name="answer byte by byte, beyond the limit",
            right=IN_DOUBT,
            taken=True,
            why=LATE,
            acts=(crawling(0.01),),
            limit=SHORT,
            timing="jumps",
        ),
        Fault(
            name="last byte beyond the limit",
            right=IN_DOUBT,
            taken=True,
            why=LATE,
            acts=(crawling(0.0, tail=60.0),),
            limit=2 * SHORT,
            timing="jumps",
        ),
        Fault(name="late answer", right=ACCEPTED, taken=True, why=WHOLE, acts=(late(0.05),)),
    )


def _callers() -> tuple[Fault, ...]:
    """Return rows in which the caller stops waiting, and the request goes on."""
    refusal = http(200, b'{"result": false, "errors": ["Bad Request"]}')
    yes: dict[str, Any] = {"timeout": 0.1, "right": IN_DOUBT, "why": OUT, "timing": "jumps"}
    return (
        Fault(name="yes after the deadline", taken=True, acts=(late(0.2),), settles=ACCEPTED, **yes),
        Fault(
            name="no after the deadline",
            taken=False,
            acts=(late(0.2, refusal, takes=False),),
            settles=REJECTED,
            **yes,
        ),
        Fault(
            name="loss after the deadline",
            taken=True,
            acts=(Act(lambda peer, _request: (peer.pause(0.2), peer.reset())[0]),),
            settles=IN_DOUBT,
            **yes,
        ),
        Fault(
            name="no answer, beyond deadline and limit",
            taken=True,
            acts=(Act(lambda peer, _request: peer.hold()),),
            settles=IN_DOUBT,
            limit=2 * SHORT,
            **yes,
        ),
    )


def _retried() -> tuple[Fault, ...]:
    """Return faults of the first attempt where three are allowed."""
    refused = replying(429, b"", "Retry-After: 0", takes=False)
    return (
        Fault(name="429, then yes", right=ACCEPTED, taken=True, why=WHOLE, acts=refused, attempts=3),
        Fault(
            name="429 for ever",
            right=NOT_SENT,
            taken=False,
            why="Every attempt was refused for load (row 429).",
            acts=refused * 9,
            attempts=3,
            shows={"attempts": 3},
        ),
        Fault(
            name="loss after the request, three attempts allowed",
            right=IN_DOUBT,
            taken=True,
            why="What may have been taken is not sent again by itself (last row).",
            acts=(losing(b"", Peer.fin),) * 3,
            attempts=3,
            shows={"attempts": 1},
        ),
        Fault(
            name="429, then loss",
            right=IN_DOUBT,
            taken=True,
            why="The second attempt was handed over and lost (last row).",
            acts=(*refused, losing(b"", Peer.reset)),
            attempts=3,
            shows={"attempts": 2},
        ),
        Fault(
            name="500, three attempts allowed",
            right=IN_DOUBT,
            taken=True,
            why="A 5xx is not retried by itself (last row).",
            acts=replying(500, TAKEN_BODY[:4]) * 3,
            attempts=3,
            shows={"attempts": 1},
        ),
    )


LOST: Final = (
    *_losses(),
    *_after_the_answer(),
    *_large(),
    *_unfinished(),
    *_slow(),
    *_callers(),
    *_retried(),
)
