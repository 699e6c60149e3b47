"""The limit: raw sockets, one request rendered beforehand, nothing read of the answer but that it is there."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final
from urllib.parse import urlsplit

from benchmarks.interface import SLOTS, Answered
from benchmarks.work import HEADERS, PATH, encode, fields

TITLE: Final = "limit (raw sockets, requests rendered beforehand)"
REQUIRES: Final = ()
_MOST: Final = 65536


@contextmanager
def client(url: str) -> Iterator[Callable[[Iterable[int], Answered], None]]:
    """Open ten connections."""
    host = urlsplit(url)
    request = _rendered(host.netloc)
    with ExitStack() as stack, select.epoll() as poll:
        sockets = [stack.enter_context(socket.create_connection((host.hostname, host.port))) for _slot in range(SLOTS)]
        for connection in sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(connection, select.EPOLLIN)
        by_number = {connection.fileno(): connection for connection in sockets}

        def send(numbers: Iterable[int], answered: Answered) -> None:
            left = sum(1 for _number in numbers)
            waiting = min(left, SLOTS)
            for connection in sockets[:waiting]:
                connection.send(request)
            left -= waiting
            while waiting:
                for number, _event in poll.poll():
                    connection = by_number[number]
                    if not connection.recv(_MOST).endswith(b"}"):
                        raise RuntimeError("the answer is not whole")
                    if left:
                        connection.send(request)
                        left -= 1
                    else:
                        waiting -= 1
                    answered()

        yield send


def _rendered(host: str) -> bytes:
    body = encode(fields(0))
    lines = [f"POST {PATH} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in HEADERS.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
