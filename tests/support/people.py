"""Messages to people who do not exist."""

from collections.abc import Iterator
from typing import Any

from wooxy_async import ViberMessage

# What every outcome has; `message` is told apart by its text.
COMMON: dict[str, Any] = {
    "index": 3,
    "message": ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello"),
    "attempts": 2,
    "elapsed": 0.5,
}


def message(at: int = 0, **fields: Any) -> ViberMessage:
    """Return the message with a number: each `at` below 10,000 is another person."""
    given = {"domain": "shop.example", "phone_number": f"+1415555{at:04d}", "text": f"Hello {at}", **fields}
    return ViberMessage(**given)


def messages(count: int, **fields: Any) -> Iterator[ViberMessage]:
    """Yield messages to as many people, modulo 10,000; the reference is the place."""
    return (message(at % 10_000, **{"reference": str(at), **fields}) for at in range(count))
