"""The message that a caller writes."""

# Annotations are evaluated here: as strings msgspec would look them up in `wooxy_async`, the public `__module__`.

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from wooxy_async._rules.redaction import mask_number

Device = Literal["all", "phone"]


class Masked(msgspec.Struct, frozen=True, kw_only=True):
    """A record that shows personal data in its fields only, never in its `repr`: what is printed ends up in logs."""

    def _shown(self) -> Iterator[tuple[str, Any]]:
        """Yield each field and what may be shown of it."""
        for name in self.__struct_fields__:
            yield name, getattr(self, name)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._shown())
        return f"{type(self).__name__}({fields})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(self._shown())


class Size:
    """Stands in a `repr` for a text that is not shown."""

    __slots__ = ("_text",)

    def __init__(self, value: object) -> None:
        self._text = f"<{len(value)} characters>" if isinstance(value, str) else f"<{type(value).__name__}>"

    def __repr__(self) -> str:
        return self._text


class Button(Masked, frozen=True, kw_only=True):
    """A button under the text.

    Args:
        text: the caption; not empty. Comparable providers show 30 characters of it.
        url: the address that it opens; not empty.

    Source:
        API page, Parameters, `buttons.text` and `buttons.url`.
    """

    text: str
    url: str

    def _shown(self) -> Iterator[tuple[str, Any]]:
        yield "text", self.text
        yield "url", Size(self.url)


class ViberMessage(Masked, frozen=True, kw_only=True):
    """One Viber message to one person; checked when it is sent, not when it is made.

    Args:
        domain: a domain that is verified in the Wooxy account.
        phone_number: the recipient in any international spelling that starts with `+`.
        text: what the person reads; not empty. Comparable providers allow 1,000 characters.
        sender_id: a Viber sender name registered in the account; None for Wooxy's default sender.
        button: a button under the text, or None.
        device: "all" (desktop and mobile) or "phone" (shown in the mobile app only).
        ttl: seconds that Viber tries to deliver, 1,800 (30 minutes) to 259,200 (72 hours).
        tags: registered tags for statistics, each of 1 to 50 characters without a leading underscore.
        reference: the caller's own id; comes back with the outcome and never leaves the process.

    Source:
        API page, Parameters.
    """

    domain: str
    phone_number: str
    text: str
    sender_id: str | None = None
    button: Button | None = None
    device: Device = "all"
    ttl: int = 3600
    tags: tuple[str, ...] = ()
    reference: str | None = None

    def __post_init__(self) -> None:
        """Keep tags that were given as a list as a tuple, so that the message stays what it was."""
        if isinstance(self.tags, list):
            msgspec.structs.force_setattr(self, "tags", tuple(self.tags))

    def _shown(self) -> Iterator[tuple[str, Any]]:
        for name, value in super()._shown():
            if name == "phone_number":
                yield name, mask_number(value)
            elif name == "text":
                yield name, Size(value)
            elif value is not None and not (type(value) is tuple and not value):
                yield name, value
