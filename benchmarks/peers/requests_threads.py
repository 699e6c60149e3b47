"""requests: ten threads, a session each, the body encoded by msgspec."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Final

from benchmarks.interface import Answered
from benchmarks.work import HEADERS, PATH, check, encode, fields, ten_threads

TITLE: Final = "requests, ten threads"
REQUIRES: Final = ("requests",)


def client(url: str) -> AbstractContextManager[Callable[[Iterable[int], Answered], None]]:
    """Open ten threads; each has a session that looks for no proxies."""
    import requests  # noqa: PLC0415 - counted to the peer alone

    def open_one() -> Callable[[int], object]:
        session = requests.Session()
        session.trust_env = False
        session.headers.update(HEADERS)

        def send_one(number: int) -> object:
            return check(session.post(url + PATH, data=encode(fields(number)), timeout=60).content)

        return send_one

    return ten_threads(open_one)
