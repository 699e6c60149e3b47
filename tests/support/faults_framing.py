"""Answers that bend or break HTTP: connections, interim answers, framing, extra bytes."""

from __future__ import annotations

from typing import Any, Final

from fault import (
    ACCEPTED,
    IN_DOUBT,
    SHORT,
    Act,
    Fault,
    Peer,
    Request,
    filled,
    http,
    raw,
)

WHOLE: Final = "A whole answer came that says yes (row `result: true`)."
BROKEN: Final = "The request was handed over and the answer is no valid HTTP (last row)."
CUT: Final = "The request was handed over and the connection was lost before the answer was whole (last row)."
LATE: Final = "The request was handed over and no whole answer came within `answer_limit` (last row)."
LENIENT: Final = "The answer can be read as yes (row `result: true`), or be found invalid (last row); both are true."

_OK: Final = b"HTTP/1.1 200 OK\r\n"
_SIZE: Final = b"Content-Length: $size\r\n"
_CHUNKED: Final = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_PLAIN: Final = _OK + _SIZE + b"\r\n$body"
_OTHER: Final = http(200, b'{"result": true, "viber_message_ids": ["id-of-somebody"]}')


# Whole answers, as servers frame them: name, bytes, whether the server then closes.
_READABLE: Final[tuple[tuple[str, bytes, bool], ...]] = (
    ("Connection: close and closed", _OK + _SIZE + b"Connection: close\r\n\r\n$body", True),
    ("Connection: close and not closed", _OK + _SIZE + b"Connection: close\r\n\r\n$body", False),
    ("Connection: close without a length", _OK + b"Connection: close\r\n\r\n$body", True),
    ("no length, closed", _OK + b"\r\n$body", True),
    ("Connection: keep-alive and closed", _OK + _SIZE + b"Connection: keep-alive\r\n\r\n$body", True),
    ("Connection: close, keep-alive", _OK + _SIZE + b"Connection: close, keep-alive\r\n\r\n$body", False),
    ("Connection twice", _OK + _SIZE + b"Connection: keep-alive\r\nConnection: close\r\n\r\n$body", False),
    ("Keep-Alive: timeout=0", _OK + _SIZE + b"Keep-Alive: timeout=0, max=0\r\n\r\n$body", True),
    ("closed unannounced", _PLAIN, True),
    ("HTTP/1.0 without a length", b"HTTP/1.0 200 OK\r\n\r\n$body", True),
    ("HTTP/1.0 with a length", b"HTTP/1.0 200 OK\r\n" + _SIZE + b"\r\n$body", True),
    ("HTTP/1.0 with a length, not closed", b"HTTP/1.0 200 OK\r\n" + _SIZE + b"\r\n$body", False),
    ("HTTP/1.0 keep-alive", b"HTTP/1.0 200 OK\r\n" + _SIZE + b"Connection: keep-alive\r\n\r\n$body", False),
    ("HTTP/1.0 keep-alive, closed", b"HTTP/1.0 200 OK\r\n" + _SIZE + b"Connection: keep-alive\r\n\r\n$body", True),
    ("HTTP/1.0 keep-alive without a length", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n$body", True),
    ("100 before", b"HTTP/1.1 100 Continue\r\n\r\n" + _PLAIN, False),
    ("102 and 103 before", b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\n" + _PLAIN, False),
    ("50 interim answers", b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + _PLAIN, False),
    ("no reason", b"HTTP/1.1 200\r\n" + _SIZE + b"\r\n$body", False),
    ("header without a value", _OK + _SIZE + b"X-Empty:\r\n\r\n$body", False),
    ("latin-1 in a header", _OK + _SIZE + b"X-Name: caf\xe9\r\n\r\n$body", False),
    ("chunked", _CHUNKED + b"$hex\r\n$body\r\n0\r\n\r\n", False),
    ("chunked, closed", _CHUNKED + b"$hex\r\n$body\r\n0\r\n\r\n", True),
    ("chunked with an extension", _CHUNKED + b"$hex;a=b\r\n$body\r\n0\r\n\r\n", False),
    ("chunked with a trailer", _CHUNKED + b"$hex\r\n$body\r\n0\r\nX-Sum: 5\r\n\r\n", False),
    ("Chunked in capitals", _OK + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n$hex\r\n$body\r\n0\r\n\r\n", False),
    ("answer and line break", _PLAIN + b"\r\n", False),
    ("two answers", _PLAIN + _OTHER, False),
    ("twenty answers", _PLAIN + _OTHER * 20, False),
    ("answer and half an answer", _PLAIN + _OTHER[:40], False),
    ("answer and a 408", _PLAIN + b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n", False),
)

# What parsers disagree about: read as yes or found invalid, both are true.
_LENIENT: Final[tuple[tuple[str, bytes, bool], ...]] = (
    ("two lengths alike", _OK + _SIZE + _SIZE + b"\r\n$body", False),
    ("length twice in one line", _OK + b"Content-Length: $size, $size\r\n\r\n$body", False),
    ("length and chunked", _OK + _SIZE + b"Transfer-Encoding: chunked\r\n\r\n$hex\r\n$body\r\n0\r\n\r\n", True),
    ("Transfer-Encoding: identity", _OK + _SIZE + b"Transfer-Encoding: identity\r\n\r\n$body", True),
    ("length with a plus", _OK + b"Content-Length: +$size\r\n\r\n$body", True),
    ("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: $size\n\n$body", True),
    ("folded header", _OK + _SIZE + b"X-Long: a\r\n b\r\n\r\n$body", False),
    ("blank before the colon", _OK + _SIZE + b"X-Odd : a\r\n\r\n$body", False),
    ("header without a colon", _OK + _SIZE + b"nonsense\r\n\r\n$body", False),
    ("empty header name", _OK + _SIZE + b": a\r\n\r\n$body", False),
    ("NUL in a header", _OK + _SIZE + b"X-Nul: a\x00b\r\n\r\n$body", False),
    ("blank lines before", b"\r\n\r\n" + _PLAIN, False),
    ("http in lower case", b"http/1.1 200 ok\r\n" + _SIZE + b"\r\n$body", False),
    ("HTTP/1.9", b"HTTP/1.9 200 OK\r\n" + _SIZE + b"\r\n$body", True),
    ("HTTP/2.0", b"HTTP/2.0 200 OK\r\n" + _SIZE + b"\r\n$body", True),
    ("1,000 headers", _OK + _SIZE + b"X-Many: 1\r\n" * 1000 + b"\r\n$body", False),
    ("header of 100 kB", _OK + _SIZE + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n$body", False),
    ("reason of 100 kB", b"HTTP/1.1 200 " + b"a" * 100_000 + b"\r\n" + _SIZE + b"\r\n$body", False),
    ("length in a trailer", _CHUNKED + b"$hex\r\n$body\r\n0\r\nContent-Length: 3\r\n\r\n", False),
    ("answer and garbage", _PLAIN + b"<!-- served in 12 ms -->", False),
    ("chunk without its line break", _CHUNKED + b"$hex\r\n$body0\r\n\r\n", True),
)

# What no reading makes whole.
_INVALID: Final[tuple[tuple[str, bytes, bool], ...]] = (
    ("two lengths that differ", _OK + b"Content-Length: 5\r\nContent-Length: 3000\r\n\r\n$body", True),
    ("length too long", _OK + b"Content-Length: 3000\r\n\r\n$body", True),
    ("length too short", _OK + b"Content-Length: 20\r\n\r\n$body", False),
    ("length 0", _OK + b"Content-Length: 0\r\n\r\n$body", False),
    ("length negative", _OK + b"Content-Length: -5\r\n\r\n$body", True),
    ("length a word", _OK + b"Content-Length: many\r\n\r\n$body", True),
    ("length of 400 digits", _OK + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n$body", True),
    ("1 GiB announced", _OK + b"Content-Length: 1073741824\r\n\r\n$body", True),
    ("chunk size garbage", _CHUNKED + b"zz\r\n$body\r\n0\r\n\r\n", True),
    ("chunk size negative", _CHUNKED + b"-5\r\n$body\r\n0\r\n\r\n", True),
    ("chunk size of 400 digits", _CHUNKED + b"f" * 400 + b"\r\n$body\r\n0\r\n\r\n", True),
    ("chunk too short", _CHUNKED + b"5\r\n$body\r\n0\r\n\r\n", True),
    ("last chunk missing", _CHUNKED + b"$hex\r\n$body\r\n", True),
    ("end of the last chunk missing", _CHUNKED + b"$hex\r\n$body\r\n0\r\n", True),
    ("garbage", b"\x00\x01\x02 what?\r\n\r\n", True),
    ("an SSH banner", b"SSH-2.0-OpenSSH_9.6\r\n", True),
    ("an SMTP banner", b"220 mail.example ESMTP\r\n", True),
    ("ICY", b"ICY 200 OK\r\n" + _SIZE + b"\r\n$body", True),
    ("status of two digits", b"HTTP/1.1 20 OK\r\n" + _SIZE + b"\r\n$body", True),
    ("status of four digits", b"HTTP/1.1 2000 OK\r\n" + _SIZE + b"\r\n$body", True),
    ("status a word", b"HTTP/1.1 fine\r\n" + _SIZE + b"\r\n$body", True),
    ("the body alone", b"$body", True),
    ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28", True),
    ("100 and no more", b"HTTP/1.1 100 Continue\r\n\r\n", True),
    ("101", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", True),
    ("101 with an answer behind it", b"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + _PLAIN, True),
)

# Answers that never end, held open until the client has had enough.
_IN_REAL_TIME: Final = "half the head"  # of the endless ones, on uvloop
_ENDLESS: Final[tuple[tuple[str, bytes], ...]] = (
    ("Connection: close without a length, not closed", _OK + b"Connection: close\r\n\r\n$body"),
    ("HTTP/1.0 without a length, not closed", b"HTTP/1.0 200 OK\r\n\r\n$body"),
    ("1 GiB announced, not closed", _OK + b"Content-Length: 1073741824\r\n\r\n$body"),
    ("100 and silence", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ("half the status line", b"HTTP/1.1 20"),
    ("half the head", _OK + b"Content-Le"),
    ("half the body", _OK + _SIZE + b'\r\n{"result": tr'),
    ("last chunk does not come", _CHUNKED + b"$hex\r\n$body\r\n"),
    ("no answer", b""),
)


def _rows(
    table: tuple[tuple[str, bytes, bool], ...], right: str | tuple[str, ...], why: str, kind: str
) -> tuple[Fault, ...]:
    return tuple(
        Fault(
            name=f"{kind}: {name}",
            right=right,
            taken=True,
            why=why,
            acts=raw(answer, then=Peer.fin if closes else None),
        )
        for name, answer, closes in table
    )


def _fresh() -> tuple[Fault, ...]:
    """Return the answers to a request that asks for `Connection: close`."""
    return tuple(
        Fault(
            name=f"asked to close: {name}",
            right=ACCEPTED,
            taken=True,
            why=WHOLE,
            acts=raw(answer, then=Peer.fin if closes else None),
            options={"fresh_connections": True},
        )
        for name, answer, closes in (_READABLE[:15])
    )


def _held(name: str, answer: bytes) -> Fault:
    def do(peer: Peer, request: Request) -> None:
        peer.send(filled(answer, request))
        peer.hold()

    return Fault(
        name=f"endless: {name}",
        right=IN_DOUBT,
        taken=True,
        why=LATE,
        acts=(Act(do),),
        limit=SHORT,
        timing="both" if name == _IN_REAL_TIME else "jumps",
    )


def flooding(head: bytes, piece: bytes) -> Act:
    """Send a head, and then pieces without end."""

    def do(peer: Peer, _request: Request) -> None:
        peer.send(head)
        while True:
            peer.send(piece)

    return Act(do)


def _flood(name: str, head: bytes, piece: bytes, **more: Any) -> Fault:
    why = "The answer is longer than 64 KiB, or its head does not end (last row)."
    return Fault(name=f"flood: {name}", right=IN_DOUBT, taken=True, why=why, acts=(flooding(head, piece),), **more)


FRAMING: Final = (
    *_rows(_READABLE, ACCEPTED, WHOLE, "whole"),
    *_fresh(),
    *_rows(_LENIENT, (ACCEPTED, IN_DOUBT), LENIENT, "lenient"),
    *_rows(_INVALID, IN_DOUBT, BROKEN, "invalid"),
    *(_held(name, answer) for name, answer in _ENDLESS),
    _flood("endless chunks", _CHUNKED, b"400\r\n" + b" " * 1024 + b"\r\n"),
    _flood("1 GiB", _OK + b"Content-Length: 1073741824\r\n\r\n", b" " * 65536),
    _flood("body until the end that never comes", _OK + b"\r\n", b" " * 65536),
    # aiohttp 3.13 has no bound for these: they end when their time is up, which must pass.
    _flood("headers", _OK, b"X-More: yes\r\n" * 100, limit=SHORT, timing="real"),
    _flood("one header", _OK + b"X-Long: ", b"a" * 4096),
    _flood("interim answers", b"", b"HTTP/1.1 100 Continue\r\n\r\n", limit=SHORT, timing="real"),
    _flood("garbage", b"", b"\xff" * 4096),
)
