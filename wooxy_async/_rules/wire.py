"""The bytes on the wire: one private record for the body, one tolerant reading of the answer.

Source: API page, "Body Example", "Parameters" and "Response".
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from wooxy_async._rules.documented import ApiError, ErrorCode, is_internal_error, recognize
from wooxy_async._rules.messages import ViberMessage

ButtonField = Literal["buttons", "button"]
PATH: Final = "/v3/viber/send"


class _Button(msgspec.Struct, frozen=True):
    text: str
    url: str


class _Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Nothing but the documented fields; those with a default here are left off where they hold it."""

    domain: str
    phone_number: str
    sender_id: str | None = None
    text: str
    buttons: _Button | None = None
    button: _Button | None = None
    device: str
    ttl: int
    tags: tuple[str, ...] = ()


_encode: Final = msgspec.json.Encoder(enc_hook=str.__str__).encode  # for subclasses of str, such as numpy.str_


def encode(message: ViberMessage, number: str, button_field: ButtonField = "buttons") -> bytes:
    """Encode the body of one request.

    Args:
        message: a message whose fields have been checked.
        number: its phone number in E.164.
        button_field: the key of the button; the page contradicts itself about it.

    Raises:
        UnicodeEncodeError: a text holds a lone surrogate.
    """
    given = message.button
    button = None if given is None else _Button(given.text, given.url)
    return _encode(
        _Body(
            domain=message.domain,
            phone_number=number,
            sender_id=message.sender_id,
            text=message.text,
            buttons=button if button_field == "buttons" else None,
            button=button if button_field == "button" else None,
            device=message.device,
            ttl=message.ttl,
            tags=tuple(message.tags),
        )
    )


class _Recipient(msgspec.Struct, rename="camel"):
    phone_number: str


_decode_recipient: Final = msgspec.json.Decoder(_Recipient).decode


def recipient(body: bytes) -> str:
    """Return the number that an encoded request goes to."""
    return _decode_recipient(body).phone_number


class Taken(msgspec.Struct, frozen=True):
    """The answer `result: true`."""

    message_ids: tuple[str, ...]


class Refused(msgspec.Struct, frozen=True):
    """The answer `result: false`; at least one error."""

    errors: tuple[ApiError, ...]


class _Plain(msgspec.Struct):
    """The answer as the page shows it, for the fast path."""

    result: bool
    viber_message_ids: tuple[str, ...]


_decode_plain: Final = msgspec.json.Decoder(_Plain).decode
_decode_any: Final = msgspec.json.Decoder().decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
# Where the words of a refusal stand, also in an object in place of a text; the page's key counts first.
_SAYING: Final = ("errors", "error", "message")
_WORDY: Final = (str, list, dict)
_NO_WORDS: Final = ApiError(code=ErrorCode.UNKNOWN, text="(the answer names no error)")


def read_reply(body: bytes, redact: Callable[[str], str]) -> Taken | Refused | None:
    """Read an answer, whatever its status was.

    Args:
        body: the whole answer.
        redact: removes secrets from a text.

    Returns:
        None where the body is not of the documented form.
    """
    try:
        plain = _decode_plain(body)
        if plain.result and all(plain.viber_message_ids):
            return Taken(tuple(map(redact, plain.viber_message_ids)))
    except _UNREADABLE:
        pass
    try:
        return _read_tolerantly(body, redact)
    except _UNREADABLE:
        return None


def _read_tolerantly(body: bytes, redact: Callable[[str], str]) -> Taken | Refused | None:
    """Read keys without regard to case, ids that stand alone instead of in a list, and errors in any shape."""
    decoded = _decode_any(body.removeprefix(codecs.BOM_UTF8))
    if not isinstance(decoded, dict):
        return None
    fields = _by_name(decoded)
    result = fields.get("result")
    if result is True:
        return Taken(tuple(map(redact, _texts(fields.get("viber_message_ids")))))
    if result is False:
        errors = tuple(recognize(text, redact) for text in _said_in(fields))
        return Refused(errors or (_NO_WORDS,))
    return None


def _by_name(fields: dict[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in fields.items()} | fields  # the documented spelling counts first


def _said_in(fields: dict[str, Any]) -> list[str]:
    """Return the texts under the first key that says something, and what says elsewhere that the server failed."""
    # `"error": true` and `"error": 401` are flags beside the words.
    wordy = [value for key in _SAYING if isinstance(value := fields.get(key), _WORDY)]
    first, *others = [texts for value in wordy if (texts := _said(value))] or [_said(fields.get("errors"))]
    return first + [text for texts in others for text in texts if is_internal_error(text)]


def _said(value: Any) -> list[str]:
    """Return what a list, an object in its place, or one value says, however lists are nested."""
    said: list[str] = []
    waiting = [value]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, dict) and not all(map(str.isdecimal, entry)):
            said += _said_in(_by_name(entry)) or [_text(entry)]
        elif isinstance(entry, (list, dict)):
            waiting += reversed(entry if isinstance(entry, list) else entry.values())
        elif entry not in (None, ""):
            said.append(_text(entry))
    return said


def _texts(value: Any) -> list[str]:
    """Return what a list, or one value in its place, says; nulls and empty texts say nothing."""
    entries = value if isinstance(value, list) else [value]
    return [_text(entry) for entry in entries if entry not in (None, "")]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()
