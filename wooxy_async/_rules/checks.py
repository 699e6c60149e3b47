"""The local rules: everything that is wrong with a message is found before anything is sent.

Source: API page, "Parameters" and "Method Errors"; the restrictions stand in its first paragraph.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from wooxy_async._rules import wire
from wooxy_async._rules.arguments import shown, truncate
from wooxy_async._rules.messages import Button, ViberMessage
from wooxy_async._rules.outcomes import Problem
from wooxy_async._rules.phones import PhoneCheck, normalize

MIN_TTL: Final = 30 * 60
MAX_TTL: Final = 72 * 60 * 60
MAX_TAG: Final = 50
MAX_BODY_BYTES: Final = 2**20  # 1 MiB, of the whole request; documented and public as `wooxy_async.MAX_BODY_BYTES`
_Found = list[Problem]
_PLACEHOLDER: Final = re.compile(r"\{\{[^{}]*\}\}")
# Two labels or more of letters, digits and hyphens; NUL and lone surrogates are told of by themselves.
_DOMAIN: Final = re.compile(r"(?:[^\W_]|[-\0\ud800-\udfff])+(?:\.(?:[^\W_]|[-\0\ud800-\udfff])+)+")
_DOMAIN_MOST: Final = 253
_ADDRESS: Final = re.compile(r"[hH][tT][tT][pP][sS]?://[^\s/?#\\]+(?:[/?#]\S*)?").fullmatch


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
    if type(message.domain) is not str or not _is_domain(message.domain):
        _domain(message.domain, found)
    _text("text", message.text, found)
    if message.sender_id is not None:
        _text("sender_id", message.sender_id, found)
    if message.button is not None:
        _button(message.button, found)
    _device(message.device, found)
    if type(message.ttl) is not int or not MIN_TTL <= message.ttl <= MAX_TTL:
        _report(found, "ttl", message.ttl, "ttl", f"must be a whole number of seconds from {MIN_TTL} to {MAX_TTL}")
    if type(message.tags) is not tuple or message.tags:
        _tags(message.tags, found)
    if message.reference is not None and not isinstance(message.reference, str):
        _report(found, "reference", message.reference, "not_text", "must be a text or None")
    if message.not_after is not None:
        _time("not_after", message.not_after, found)
    body = wire.encode(_sendable(message) if found else message, number, button_field)
    if len(body) > MAX_BODY_BYTES:
        _too_large(_sendable(message), len(body), found)
    return tuple(found) or body


def problems(message: ViberMessage, phone_check: PhoneCheck = "possible") -> tuple[Problem, ...]:
    """Return every local rule that a message breaks; empty if it may be sent."""
    prepared = prepare(message, phone_check)
    return () if isinstance(prepared, bytes) else prepared


def _sendable(message: ViberMessage) -> ViberMessage:
    """Return what of a message can be encoded, to measure it; the rest has problems of its own."""
    button: Any = message.button
    tags: Any = message.tags
    return ViberMessage(
        domain=_unicode(message.domain),
        phone_number="",
        text=_unicode(message.text),
        sender_id=_unicode(message.sender_id),
        button=Button(text=_unicode(button.text), url=_unicode(button.url)) if isinstance(button, Button) else None,
        tags=tuple(map(_unicode, tags)) if isinstance(tags, tuple) else (),
    )


def _unicode(value: Any) -> str:
    return str.__str__(value).encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _too_large(message: ViberMessage, size: int, found: _Found) -> None:
    """Report a request that is too large by the largest of its fields."""
    button = message.button or Button(text="", url="")
    texts = {
        "text": message.text,
        "domain": message.domain,
        "sender_id": message.sender_id or "",
        "button.text": button.text,
        "button.url": button.url,
        "tags": ", ".join(message.tags),
    }
    field, value = max(texts.items(), key=lambda entry: len(entry[1]))
    remedy = f"the request would have {size:,} bytes; {MAX_BODY_BYTES:,} is the most that is sent"
    _report(found, field, value, "too_large", remedy)


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
    else:
        _characters(field, value, found)
        if "{{" in value and _PLACEHOLDER.search(value):
            remedy = "holds a placeholder in double braces, which would go out as it stands; put the value in its place"
            _report(found, field, value, "placeholder", remedy)


def _domain(value: Any, found: _Found) -> None:
    """Refuse what cannot be a domain; what is no text or empty has been told."""
    if isinstance(value, str) and value and not value.isspace() and not _is_domain(str(value)):
        remedy = "must be a domain such as shop.example: no https:// before it, no path behind it, no blanks"
        _report(found, "domain", value, "not_domain", remedy)


@functools.lru_cache(256)
def _is_domain(value: str) -> bool:
    return len(value) <= _DOMAIN_MOST and _DOMAIN.fullmatch(value) is not None


def _address(field: str, value: Any, found: _Found) -> None:
    """Refuse what opens no page; what is no text or empty has been told."""
    if isinstance(value, str) and value and not value.isspace() and not _ADDRESS(value):
        remedy = "must be an address that begins with https:// or http:// and a host, without blanks"
        _report(found, field, value, "not_address", remedy)


def _characters(field: str, value: str, found: _Found) -> None:
    if "\0" in value:
        _report(found, field, value, "nul", "must not contain the NUL character")
    if not value.isascii() and not _is_unicode(value):
        _report(found, field, value, "surrogate", "contains half of a character (a lone surrogate): decode it as UTF-8")


def _time(field: str, value: Any, found: _Found) -> None:
    """Refuse what does not say for every place on earth when it is."""
    right = "must be a datetime with its time zone, as in datetime.now(UTC) + timedelta(minutes=5), or None"
    if not isinstance(value, datetime):
        _report(found, field, value, "not_datetime", right)
    elif not _is_aware(value):
        _report(found, field, value, "naive", right)


def _is_aware(moment: datetime) -> bool:
    try:
        return moment.utcoffset() is not None
    except Exception:  # noqa: BLE001 - a caller's time zone may raise anything
        return False


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
        _address("button.url", button.url, found)
    else:
        _report(found, "button", button, "not_button", "must be a Button(text=…, url=…) or None")


def _tags(tags: Any, found: _Found) -> None:
    if not isinstance(tags, tuple):
        _report(found, "tags", tags, "not_list", 'must be a sequence of texts, as in ("spring",)')
        return
    for at, tag in enumerate(tags):
        if type(tag) is str and _PLAIN_TAG(tag):  # nearly all
            continue
        _text(f"tags[{at}]", tag, found)
        if isinstance(tag, str):
            _tag(f"tags[{at}]", tag, found)


_TAG_RULES: Final[tuple[tuple[Callable[[str], bool], str, str], ...]] = (
    (lambda tag: len(tag) > MAX_TAG, "too_long", f"must have {MAX_TAG} characters or less"),
    (lambda tag: tag.startswith("_"), "reserved", "must not start with an underscore, which is reserved"),
)


# ASCII without {; neither blank nor _ first
_PLAIN_TAG: Final = re.compile(rf"[!-^`-z|}}~][ -z|}}~]{{0,{MAX_TAG - 1}}}").fullmatch


def _tag(field: str, tag: str, found: _Found) -> None:
    for broken, rule, remedy in _TAG_RULES:
        if broken(tag):
            _report(found, field, tag, rule, remedy)


def _report(found: _Found, field: str, value: Any, rule: str, remedy: str) -> None:
    found.append(Problem(field=field, value=_shown(value), rule=rule, remedy=remedy))


def _shown(value: Any) -> str:
    """Return a value as text of at most 80 characters."""
    return truncate(value) if isinstance(value, str) else shown(value)
