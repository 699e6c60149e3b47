"""The server: a raw protocol on uvloop, in a process of its own; told what to do over its standard input.

It reads whole requests, answers each after its latency, and counts what is in progress. It prints its address, and
one line of JSON for each line that it is sent: a latency sets the counts back, an empty line asks for them.
"""

from __future__ import annotations

import asyncio
import ctypes
import heapq
import itertools
import math
import os
import random
import sys
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

import msgspec
import uvloop

from benchmarks.interface import SLOTS, Counts, Latency
from benchmarks.work import HANG

_MONOTONIC: Final = 1
_ABSOLUTE: Final = 1
_NANO: Final = 1_000_000_000
_HANG: Final = HANG.encode()
_FOREVER: Final = 24 * 3600.0
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_REFUSAL: Final = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_DRAWS: Final = 10_007  # then the drawn latencies repeat
_FORMS: Final = (  # path, status, body: what each peer's service answers
    (b"/api/chat.postMessage", b"200 OK", b'{"ok":true,"ts":"%024x"}'),
    (b"/2010-04-01/", b"201 Created", b'{"sid":"SM%024x","status":"queued"}'),
    (b"/", b"200 OK", b'{"result":true,"viber_message_ids":["%024x"]}'),
)


class _Times(ctypes.Structure):
    """`struct itimerspec`: interval and first ring, in seconds and nanoseconds."""

    _fields_ = [(name, ctypes.c_long) for name in ("every", "every_nano", "first", "first_nano")]


class Alarm:
    """Calls back at a time of `time.monotonic()`; a later `at` replaces an earlier one.

    Uses the kernel's timer on Linux, the loop's own elsewhere.

    Args:
        ring: what is called.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        if self._libc is not None:
            self._descriptor = self._libc.timerfd_create(_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
            self._loop.add_reader(self._descriptor, self._rang)

    def at(self, when: float) -> None:
        """Ring then."""
        if self._libc is not None:
            times = _Times(0, 0, int(when), int(when % 1 * _NANO))
            self._libc.timerfd_settime(self._descriptor, _ABSOLUTE, ctypes.byref(times), None)
            return
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_later(when - self._loop.time(), self._ring)

    def _rang(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:  # set anew since
            return
        self._ring()


def _answer(request: bytes, number: int) -> bytes:
    path = request[request.index(b" ") + 1 :]
    _path, status, form = next(row for row in _FORMS if path.startswith(row[0]))
    body = form % number
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


class Desk:
    """What all connections share: latency, answers that are due, counts."""

    def __init__(self) -> None:
        self._alarm = Alarm(self._ring)
        self._due: list[tuple[float, int, asyncio.Transport, bytes]] = []
        self.set(Latency())

    def set(self, latency: Latency) -> None:
        """Answer with this latency from now on, and count from zero; its draws are the same ones each time."""
        chance = random.Random(7)
        draws = (latency.median * math.exp(chance.gauss(0, 1) * latency.sigma) for _ in range(_DRAWS))
        self._latencies = itertools.cycle([min(latency.most, draw) for draw in draws])
        self._linger = latency.linger
        self._total = self._now = self._peak = self._refused = 0
        self._due.clear()
        self._lingering: deque[float] = deque()  # when each one that was answered ceases to count

    def counts(self) -> Counts:
        """Return what was counted."""
        return Counts(total=self._total, peak=self._peak, refused=self._refused)

    def take(self, transport: asyncio.Transport, request: bytes) -> None:
        """Take a whole request."""
        if self._linger and self._is_full():
            self._refused += 1
            transport.write(_REFUSAL)
            return
        self._total += 1
        self._now += 1
        self._peak = max(self._peak, self._now)
        delay = _FOREVER if _HANG in request else next(self._latencies)
        answer = _answer(request, self._total)
        if delay <= 0:
            self._give(transport, answer)
            return
        due = (monotonic() + delay, self._total, transport, answer)
        heapq.heappush(self._due, due)
        if self._due[0] is due:
            self._alarm.at(due[0])

    def _is_full(self) -> bool:
        while self._lingering and self._lingering[0] <= monotonic():
            self._lingering.popleft()
        return self._now + len(self._lingering) >= SLOTS

    def _ring(self) -> None:
        while self._due and self._due[0][0] <= monotonic():
            _when, _number, transport, answer = heapq.heappop(self._due)
            self._give(transport, answer)
        if self._due:
            self._alarm.at(self._due[0][0])

    def _give(self, transport: asyncio.Transport, answer: bytes) -> None:
        self._now -= 1
        if self._linger:
            self._lingering.append(monotonic() + self._linger)
        if not transport.is_closing():  # a measurement that has seen enough leaves without its last answers
            transport.write(answer)


class Exchange(asyncio.Protocol):
    """One connection: finds the requests in its bytes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Take every request that is whole."""
        self._rest += data
        while (head := self._rest.find(_HEAD_END)) >= 0:
            lower = self._rest[:head].lower()
            start = lower.index(_LENGTH) + len(_LENGTH)
            end = head + len(_HEAD_END) + int(lower[start:].partition(b"\r")[0])
            if len(self._rest) < end:
                return
            request, self._rest = self._rest[:end], self._rest[end:]
            self._desk.take(self._transport, request)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    desk = Desk()
    server = await loop.create_server(lambda: Exchange(desk), "127.0.0.1", 0)
    _say(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := await orders.readline():
        if order.strip():
            desk.set(msgspec.json.decode(order, type=Latency))
        _say(desk.counts())


def _say(what: object) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_serve())
