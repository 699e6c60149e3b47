"""The local rules: everything that is wrong with a message is found before anything is sent.

Source: API page, "Parameters" and "Method Errors"; the restrictions stand in its first paragraph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from wooxy_async._rules import wire
from wooxy_async._rules.arguments import cut, shown
from wooxy_async._rules.messages import Button, ViberMessage
from wooxy_async._rules.outcomes import Problem
from wooxy_async._rules.phones import PhoneCheck, normalize

TTL_LEAST: Final = 30 * 60
TTL_MOST: Final = 72 * 60 * 60
TAG_MOST: Final = 50
BODY_MOST: Final = 2**20
_Found = list[Problem]


def prepare(
    message: ViberMessage, phone_check: PhoneCheck = "possible", button_field: wire.ButtonField = "buttons"
) -> bytes | tuple[Problem, ...]:
    """Check a message against every local rule and encode it.

    Args:
        message: the message.
        phone_check: how strictly the number is checked.
        button_field: the key of the button in the body.

    Returns:
        The body of its request, or all its problems.
    """
    found: _Found = []
    number = _number(message.phone_number, phone_check, found)
    _text("domain", message.domain, found)
    _text("text", message.text, found)
    if message.sender_id is not None:
        _text("sender_id", message.sender_id, found)
    if message.button is not None:
        _button(message.button, found)
    _device(message.device, found)
    if type(message.ttl) is not int or not TTL_LEAST <= message.ttl <= TTL_MOST:
        _report(found, "ttl", message.ttl, "ttl", f"must be a whole number of seconds from {TTL_LEAST} to {TTL_MOST}")
    if type(message.tags) is not tuple or message.tags:
        _tags(message.tags, found)
    if message.reference is not None and not isinstance(message.reference, str):
        _report(found, "reference", message.reference, "not_text", "must be a text or None")
    return tuple(found) or _encoded(message, number, button_field)


def problems(message: ViberMessage, phone_check: PhoneCheck = "possible") -> tuple[Problem, ...]:
    """Return every local rule that a message breaks; empty if it may be sent."""
    prepared = prepare(message, phone_check)
    return () if isinstance(prepared, bytes) else prepared


def _encoded(message: ViberMessage, number: str, button_field: wire.ButtonField) -> bytes | tuple[Problem, ...]:
    body = wire.encode(message, number, button_field)
    if len(body) <= BODY_MOST:
        return body
    size = f"the request would have {len(body):,} bytes; {BODY_MOST:,} is the most that is sent"
    return (Problem(field="text", value=_shown(message.text), rule="too_large", remedy=size),)


def _number(value: Any, check: PhoneCheck, found: _Found) -> str:
    number = normalize(value, check)
    if isinstance(number, str):
        return number
    _report(found, "phone_number", value, number.rule, number.remedy)
    return ""


def _text(field: str, value: Any, found: _Found) -> None:
    """Refuse what is no text, has nothing to read, or cannot stand in JSON."""
    if not isinstance(value, str):
        _report(found, field, value, "not_text", f"must be a text, not {type(value).__name__}")
    elif not value or value.isspace():
        _report(found, field, value, "empty", "must not be empty")
    elif "\0" in value:
        _report(found, field, value, "nul", "must not contain the NUL character")
    elif not value.isascii() and not _is_unicode(value):
        _report(found, field, value, "surrogate", "contains half of a character (a lone surrogate): decode it as UTF-8")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _device(device: Any, found: _Found) -> None:
    if not isinstance(device, str) or device not in ("all", "phone"):
        _report(found, "device", device, "device", 'must be "all" or "phone"')


def _button(button: Any, found: _Found) -> None:
    if isinstance(button, Button):
        _text("button.text", button.text, found)
        _text("button.url", button.url, found)
    else:
        _report(found, "button", button, "not_button", "must be a Button(text=…, url=…) or None")


def _tags(tags: Any, found: _Found) -> None:
    if not isinstance(tags, tuple):
        _report(found, "tags", tags, "not_list", 'must be a tuple or list of texts, as in ("spring",)')
        return
    for at, tag in enumerate(tags):
        before = len(found)
        _text(f"tags[{at}]", tag, found)
        if len(found) == before:
            _tag(f"tags[{at}]", tag, found)


_TAG_RULES: Final[tuple[tuple[Callable[[str], bool], str, str], ...]] = (
    (lambda tag: len(tag) > TAG_MOST, "too_long", f"must have {TAG_MOST} characters or less"),
    (lambda tag: tag.startswith("_"), "reserved", "must not start with an underscore, which is reserved"),
)


def _tag(field: str, tag: str, found: _Found) -> None:
    for broken, rule, remedy in _TAG_RULES:
        if broken(tag):
            _report(found, field, tag, rule, remedy)


def _report(found: _Found, field: str, value: Any, rule: str, remedy: str) -> None:
    found.append(Problem(field=field, value=_shown(value), rule=rule, remedy=remedy))


def _shown(value: Any) -> str:
    """Return a value as text of at most 80 characters."""
    return cut(value) if isinstance(value, str) else shown(value)
