"""Ten workers over one iterator, for the peers that await."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from benchmarks.interface import SLOTS, Answered, AsyncSend


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
