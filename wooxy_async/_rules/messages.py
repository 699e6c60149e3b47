"""The message that a caller writes."""

# Annotations are evaluated here: as strings msgspec would look them up in `wooxy_async`, the public `__module__`.

import pickle
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from wooxy_async._rules.arguments import safe_repr
from wooxy_async._rules.described import Described
from wooxy_async._rules.redaction import mask_digits, mask_number, mask_reference

Device = Literal["all", "phone"]
_PLAIN_TYPES = frozenset({str, type(None), int, float, bool, bytes})  # can be pickled; subclasses are not meant
_MIN_ECHO = 4  # characters; what is shorter is an ordinary word of the server's


class Masked(Described, frozen=True, kw_only=True):
    """A record that shows personal data in its fields only, never in its `repr`: what is printed ends up in logs."""

    def _shown(self) -> Iterator[tuple[str, Any]]:
        """Yield each field and what may be shown of it."""
        for name in self.__struct_fields__:
            yield name, getattr(self, name)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={safe_repr(value)}" for name, value in self._shown())
        return f"{type(self).__name__}({fields})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(self._shown())


class Plain:
    """Stands in a `repr` for what is not shown whole; no quotation marks around it.

    Args:
        text: what is shown.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class Size(Plain):
    """Stands in a `repr` for a text that is not shown, with its length.

    Args:
        value: the text, or whatever stands in its place.
    """

    __slots__ = ()

    def __init__(self, value: object) -> None:
        super().__init__(f"<{len(value)} characters>" if isinstance(value, str) else f"<{type(value).__name__}>")


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
        for name, value in super()._shown():
            yield name, Size(value)


class ViberMessage(Masked, frozen=True, kw_only=True):
    """One Viber message to one person; checked when it is sent, not when it is made (but for its `reference`).

    The request, the encoded fields together, may have `MAX_BODY_BYTES`.

    Args:
        domain: a domain that is verified in the Wooxy account.
        phone_number: the recipient in any international spelling that starts with `+`.
        text: what the person reads; not empty. Comparable providers allow 1,000 characters.
        sender_id: a Viber sender name registered in the account; None for Wooxy's default sender.
        button: a button under the text, or None.
        device: "all" (desktop and mobile) or "phone" (shown in the mobile app only).
        ttl: seconds that Viber tries to deliver, 1,800 (30 minutes) to 259,200 (72 hours).
        tags: registered tags for statistics, any sequence of texts, each of 1 to 50 characters without a leading
            underscore; kept as a tuple.
        reference: the caller's own id; comes back with the outcome and never leaves the process. Reprs show a short
            digest of it.
        not_after: a time with its zone, past which no request for the message starts, however long it has waited,
            paused or been tried: it is NotSent then, its cause "expired". None for no such time. It is not sent to
            Wooxy, whose own limit is `ttl`.

    Raises:
        TypeError: `reference` cannot be pickled, so that no outcome and no exception of this message could be.

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
    tags: Sequence[str] = ()
    reference: str | None = None
    not_after: datetime | None = None

    def __post_init__(self) -> None:
        """Keep tags that were given as another sequence as a tuple, so that the message stays what it was."""
        tags: object = self.tags
        if isinstance(tags, Sequence) and not isinstance(tags, tuple | str | bytes):
            msgspec.structs.force_setattr(self, "tags", tuple(tags))
        if type(self.reference) not in _PLAIN_TYPES and not _can_be_pickled(self.reference):
            raise TypeError(
                f"reference must be a text or None, not {type(self.reference).__name__}: it cannot be pickled, so that "
                "no outcome with it could reach another process. Pass an id of yours as str."
            )

    def _shown(self) -> Iterator[tuple[str, Any]]:
        for name, value in super()._shown():
            if name == "phone_number":
                yield name, mask_number(value)
            elif name == "text" or (name == "button" and not isinstance(value, Button | None)):
                yield name, Size(value)
            elif name == "reference" and value is not None:
                yield name, Plain(mask_reference(value))
            elif value is not None and not (type(value) is tuple and not value):
                yield name, value


def _can_be_pickled(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - a caller's object may raise anything
        return False
    return True


def without_echo(words: str, message: ViberMessage) -> str:
    """Return a server's words without what they repeat of a message, as far as they repeat it letter by letter."""
    button = message.button
    for value in (message.text, getattr(button, "text", None), getattr(button, "url", None)):
        if isinstance(value, str) and len(value) >= _MIN_ECHO:
            words = words.replace(value, repr(Size(value)))
    return mask_digits(words)
