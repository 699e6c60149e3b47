"""The work that every peer does: the same messages, the same bodies, the same look at the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

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
