"""What the sandbox remembers: the messages taken, within two bounds, and counts; whoever waits for one is woken."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from random import Random
from sys import getsizeof

from msgspec import Struct

from wooxy_async.sandbox._message import Body

# A message's place in the two queues below, eight bytes in each, and the integer that its size is.
_PLACE_BYTES = 8 + 8 + 32
_PUNCTUATION = re.compile(r"[\s().-]+")
_STORED_TAGS = 100  # "we only store the first 100 we see"


class Watch:
    """Wakes those who wait whenever a count changes; they look for themselves whether it is what they wait for."""

    def __init__(self) -> None:
        self._pulse = asyncio.Event()

    def begin(self) -> None:
        """Belong to the running event loop from now on."""
        self._pulse = asyncio.Event()

    def changed(self) -> None:
        """Wake all who wait."""
        self._pulse.set()
        self._pulse.clear()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds."""
        while not condition():
            await self._pulse.wait()


class TakenButton(Struct, frozen=True, kw_only=True):
    """The button of a taken message."""

    text: str
    url: str


class TakenMessage(Struct, frozen=True, kw_only=True):
    """A message that the sandbox took: a real Wooxy would deliver it.

    Args:
        id: 24 hexadecimal digits.
        number: the recipient, as it came.
        domain: as it came.
        text: as it came.
        sender_id: `None` where the message named none (the default sender).
        button: `None` where there was none.
        device: "all" or "phone".
        ttl: Seconds.
        tags: all that it carried, whether the account stores them or not.
        taken_at: seconds since the sandbox started.
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


class TakenMessages(tuple[TakenMessage, ...]):
    """The messages that a sandbox took, oldest first."""

    __slots__ = ()

    def to(self, number: str) -> "TakenMessages":
        """Return those to one number.

        Args:
            number: E.164, also with blanks, hyphens, dots or brackets in it.
        """
        bare = _PUNCTUATION.sub("", number)
        return TakenMessages(message for message in self if message.number == bare)


class Kept:
    """The last messages taken, oldest first; the oldest go when either bound is passed.

    A message that alone passes `most_bytes` is not kept, and none before it.

    Args:
        most: how many messages, 0 or more.
        most_bytes: how many bytes of memory they may take together, 0 or more.
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


class Records:
    """The messages taken, bounded, and what is counted of them, unbounded.

    Every distinct number is kept as an integer so that duplicates show over the whole run: 60 to 140 bytes
    each, whatever is kept of the messages.
    """

    def __init__(self, *, kept: Kept, ids: Random, watch: Watch) -> None:
        self._kept = kept
        self.requests = 0
        self.account_infos = 0
        self.taken = 0
        self.stored_tags: dict[str, None] = {}
        self.repeats: dict[str, int] = {}
        self._numbers: set[int] = set()
        self._ids = ids
        self._watch = watch

    @property
    def messages(self) -> deque[TakenMessage]:
        """The messages that are listed, oldest first."""
        return self._kept.messages

    def next_id(self) -> str:
        """Return a message id: 24 hexadecimal digits."""
        return f"{self._ids.getrandbits(96):024x}"

    def read(self) -> None:
        """Count a request that was read whole."""
        self.requests += 1
        self._watch.changed()

    def read_account_info(self) -> None:
        """Count a request for the account's info that was read whole."""
        self.account_infos += 1
        self._watch.changed()

    def forget(self) -> None:
        """Forget the messages and the counts; ids go on."""
        self._kept.clear()
        self.requests = self.account_infos = self.taken = 0
        for seen in (self.stored_tags, self.repeats, self._numbers):
            seen.clear()

    def take(self, message_id: str, body: Body, *, taken_at: float, status: str) -> None:
        """Keep a message that broke no rule."""
        taken = TakenMessage(
            id=message_id,
            number=body.phone_number,
            domain=body.domain,
            text=body.text,
            sender_id=body.sender_id or None,
            button=TakenButton(text=body.link["text"], url=body.link["url"]) if body.link else None,
            device=body.device,
            ttl=body.ttl,
            tags=tuple(body.tags or ()),
            taken_at=taken_at,
            status=status,
        )
        self._kept.append(taken)
        self.taken += 1
        self._count(taken)
        self._watch.changed()

    def _count(self, taken: TakenMessage) -> None:
        number = int(taken.number)
        if number in self._numbers:
            self.repeats[taken.number] = self.repeats.get(taken.number, 1) + 1
        self._numbers.add(number)
        for tag in taken.tags:
            if len(self.stored_tags) < _STORED_TAGS:
                self.stored_tags[tag] = None
