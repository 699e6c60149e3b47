"""The messages that are listed, within two bounds: how many, and how much memory."""

from collections import deque
from sys import getsizeof

from msgspec import Struct

# A message's place in the two queues below, eight bytes in each, and the integer that its size is.
_PLACE_BYTES = 8 + 8 + 32


class TakenButton(Struct, frozen=True, kw_only=True):
    """The button of a taken message."""

    text: str
    url: str


class TakenMessage(Struct, frozen=True, kw_only=True):
    """A message that the sandbox took: a real Wooxy would deliver it.

    Args:
        id: 24 hexadecimal digits.
        number: The recipient, as it came.
        domain: As it came.
        text: As it came.
        sender_id: `None` where the message named none (the default sender).
        button: `None` where there was none.
        device: "all" or "phone".
        ttl: Seconds.
        tags: All that it carried, whether the account stores them or not.
        taken_at: Seconds since the sandbox started.
        status: "accepted", or the name of the scripted fault that kept the acceptance from the client
            ("reset_after_reading"). A connection that the client itself gave up is not told from others.
    """

    id: str
    number: str
    domain: str
    text: str
    sender_id: str | None
    button: TakenButton | None
    device: str
    ttl: int
    tags: tuple[str, ...]
    taken_at: float
    status: str


class Kept:
    """The last messages taken, oldest first; the oldest go when either bound is passed.

    A message that alone passes `most_bytes` is not kept, and none before it.

    Args:
        most: How many messages, 0 or more.
        most_bytes: How many bytes of memory they may take together, 0 or more.
    """

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self.messages: deque[TakenMessage] = deque()
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._most = most
        self._most_bytes = most_bytes

    def append(self, taken: TakenMessage) -> None:
        """Keep a message, and drop the oldest until both bounds hold."""
        size = size_of(taken)
        self.messages.append(taken)
        self._sizes.append(size)
        self._bytes += size
        while len(self.messages) > self._most or self._bytes > self._most_bytes:
            self.messages.popleft()
            self._bytes -= self._sizes.popleft()

    def clear(self) -> None:
        """Drop all."""
        self.messages.clear()
        self._sizes.clear()
        self._bytes = 0


def size_of(taken: TakenMessage) -> int:
    """Return the bytes of memory that keeping a message takes; a short one is said to take a fifth more than it does.

    Source:
        `tests/unit/test_sandbox_kept.py` measures it with `tracemalloc`.
    """
    button = taken.button
    linked = (button, button.text, button.url) if button else ()
    texts = (taken.id, taken.number, taken.domain, taken.text, taken.sender_id, taken.device, *taken.tags)
    parts = (taken, taken.ttl, taken.taken_at, taken.tags, *linked, *texts)
    return _PLACE_BYTES + sum(map(_size_of, filter(None, parts)))


def _size_of(part: object) -> int:
    """Return a part's own size, and of a text that is not ASCII also its UTF-8's, which listing it leaves in it."""
    more = len(part.encode()) + 1 if isinstance(part, str) and not part.isascii() else 0
    return getsizeof(part) + more
