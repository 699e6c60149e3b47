"""The work that every peer does: the same messages, bodies and look at the answer, from ten workers or ten threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from benchmarks.interface import SLOTS, Answered, AsyncSend

if TYPE_CHECKING:
    from wooxy_async import ViberMessage

TOKEN: Final = "benchmark-token-0123456789abcdef"  # noqa: S105 - no secret
PATH: Final = "/v3/viber/send"
HEADERS: Final = {"Access-Token": TOKEN, "Content-Type": "application/json", "Accept": "application/json"}
TOO_MANY: Final = 429
encode: Final = msgspec.json.Encoder().encode
HANG: Final = "(hang)"  # in a text: the server takes the message and does not answer


class Answer(msgspec.Struct):
    """The answer `result: true`."""

    result: bool
    viber_message_ids: tuple[str, ...]


decode: Final = msgspec.json.Decoder(Answer).decode


def text(number: int) -> str:
    """Return the text of a message; each one differs."""
    return f"Hello, this is message number {number}."


def phone_number(number: int) -> str:
    """Return a number from the range that is reserved for fiction."""
    return f"+1415555{number % 10000:04d}"


def fields(number: int) -> dict[str, Any]:
    """Return what stands in a body, as the API page names it."""
    return {
        "domain": "shop.example",
        "phoneNumber": phone_number(number),
        "text": text(number),
        "device": "all",
        "ttl": 3600,
    }


def check(body: bytes) -> tuple[str, ...]:
    """Read an answer as an honest client would; returns the message ids."""
    answer = decode(body)
    if not answer.result:
        raise RuntimeError(f"refused: {body!r}")
    return answer.viber_message_ids


def message_maker() -> Callable[[int], ViberMessage]:
    """Return what makes the same message for wooxy_async."""
    from wooxy_async import ViberMessage  # noqa: PLC0415 - peers are measured without it

    def message(number: int) -> ViberMessage:
        return ViberMessage(
            domain="shop.example", phone_number=phone_number(number), text=text(number), reference=str(number)
        )

    return message


def ten_workers(send_one: Callable[[int], Awaitable[object]]) -> AsyncSend:
    """Return a function that sends numbered messages, ten at once.

    Args:
        send_one: sends one message and checks its answer.
    """

    async def work(left: Iterable[int], answered: Answered) -> None:
        for number in left:
            await send_one(number)
            answered()

    async def send(numbers: Iterable[int], answered: Answered) -> None:
        left = iter(numbers)
        await asyncio.gather(*(work(left, answered) for _slot in range(SLOTS)))

    return send


@contextmanager
def ten_threads(open_one: Callable[[], Callable[[int], object]]) -> Iterator[Callable[[Iterable[int], Answered], None]]:
    """Give a function that sends numbered messages from ten threads.

    Args:
        open_one: called in each thread; returns what sends one message over that thread's own connection.
    """
    ready = threading.local()
    lock = threading.Lock()

    def work(left: Iterator[int], answered: Answered) -> None:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            ready.send_one(number)
            with lock:
                answered()

    def begin() -> None:
        ready.send_one = open_one()

    with ThreadPoolExecutor(SLOTS, initializer=begin) as pool:

        def send(numbers: Iterable[int], answered: Answered) -> None:
            left = iter(numbers)
            for done in [pool.submit(work, left, answered) for _slot in range(SLOTS)]:
                done.result()

        yield send
