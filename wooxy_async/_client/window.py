"""How far a stream may be ahead of who takes its outcomes: what it holds, and when it may pull and start.

A stream holds up to twice as many messages as the client has slots, beyond what was taken: one half of them may be
under way, the other half is ready to move up in the very turn in which an answer comes. An outcome that nobody has
taken yet keeps the place of its message, so that a consumer who rests holds back the source and the API alike.

No task, no loop and no clock: tests/properties/test_window.py walks through it at random.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Window(Generic[Item, Result]):
    """The messages of one stream, each in one of three places: ready, live, or known as a result.

    Args:
        slots: requests that the client may have in progress.
    """

    __slots__ = ("handed_over", "live", "ready", "results", "slots")

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.ready: deque[Item] = deque()  # pulled, and not started
        self.live: dict[Item, None] = {}  # started, and without a result
        self.results: deque[Result] = deque()  # which nobody has taken
        self.handed_over = 0  # results on their way to the taker, who counts as ahead until it has them

    @property
    def is_empty(self) -> bool:
        """Whether no message is without a result."""
        return not (self.live or self.ready)

    def may_pull(self, *, is_down: bool) -> bool:
        """Return whether another message may be pulled.

        Args:
            is_down: the API does not answer: one message at a time probes it.
        """
        room = 2 * self.slots - len(self.results) - self.handed_over
        return len(self.live) + len(self.ready) < (min(room, 1) if is_down else room)

    @property
    def wants_more(self) -> bool:
        """Whether it is time to pull on: not after each message, which would cost a turn of the loop for each."""
        return len(self.ready) <= (self.slots + 1) // 2

    def start_next(self, caution: int) -> Item | None:
        """Make the message live that was pulled first, and return it; None where none may start.

        Args:
            caution: places that stay empty, because of what was heard from the API of late.
        """
        if not self.ready or len(self.live) + len(self.results) >= max(self.slots - caution, 1):
            return None
        item = self.ready.popleft()
        self.live[item] = None
        return item

    def give_up(self, live: list[Item]) -> list[Item]:
        """Hold these messages no longer, and none that is ready; return all that are let go, in their order."""
        dropped = [*live, *self.ready]
        self.ready.clear()
        for item in live:
            del self.live[item]
        return dropped
