"""What the sandbox remembers: the messages taken, and counts."""

from collections import deque
from random import Random

from wooxy_async.sandbox._kept import Kept, TakenButton, TakenMessage
from wooxy_async.sandbox._message import Body
from wooxy_async.sandbox._watch import Watch

_STORED_TAGS = 100  # "we only store the first 100 we see"


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
