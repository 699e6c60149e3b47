"""Where the messages of `send_many` come from: whatever can be iterated, in line or asynchronously."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Any

from wooxy_async._rules.messages import ViberMessage

Messages = Iterable[ViberMessage] | AsyncIterable[ViberMessage]


def check_source(messages: Any) -> None:
    """Refuse what is no iterable of messages."""
    if isinstance(messages, str | bytes | ViberMessage) or not (
        hasattr(messages, "__iter__") or hasattr(messages, "__aiter__")
    ):
        raise TypeError(f"send_many takes an iterable of ViberMessages, not {type(messages).__name__}.")


def opened(source: Messages, end: object) -> tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[None]]]:
    """Return how a source is pulled and closed; a plain iterator is left as it is, for its owner to go on with.

    Args:
        source: the source.
        end: what pulling it gives when it has ended.
    """
    if isinstance(source, AsyncIterable):
        iterator = aiter(source)
        return lambda: anext(iterator, end), getattr(iterator, "aclose", _nothing)
    plain = iter(source)

    async def pull() -> Any:
        return next(plain, end)

    return pull, _nothing


async def _nothing() -> None:
    return None
