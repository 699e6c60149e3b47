"""Ten threads over one iterator, for the peers that block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from benchmarks.interface import SLOTS, Answered


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
