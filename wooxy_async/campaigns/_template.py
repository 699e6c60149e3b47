"""`{{name}}` is replaced by the contact's value, `{{name|there}}` where it is empty by what stands behind the bar.

Plain substitution, no expressions, nothing is executed.

A template is taken apart once per campaign; a row costs one list and one join. Values are never read as templates.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import quote

import msgspec

from wooxy_async._rules.checks import problems
from wooxy_async._rules.messages import Button, ViberMessage
from wooxy_async.campaigns._errors import TemplateError, UnsendableError, listed

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_STRAY: Final = re.compile(r"\{\{|\}\}")
# What other template languages execute behind a bar.
_FILTERS: Final = frozenset(
    {"upper", "lower", "title", "capitalize", "capitalise", "trim", "strip", "escape", "e", "safe", "urlencode"}
    | {"default", "length", "first", "last"}
)
_ANY_VALUE: Final = "x"
_ANY_ADDRESS: Final = "https://shop.example/"


class Template:
    """A text with `{{name}}` or `{{name|fallback}}` where a column's value goes; blanks inside are allowed.

    Args:
        source: the text.
        columns: the names that exist.
        field: what the text is, for errors.

    Raises:
        TemplateError: it names what is no column, or two braces are no `{{name}}`.
    """

    def __init__(self, source: str, columns: Collection[str], *, field: str = "text") -> None:
        self.source = source
        self.field = field
        self._pieces = _PLACEHOLDER.split(source)
        self._slots = [_slot(inside) for inside in self._pieces[1::2]]
        self.names: tuple[str, ...] = tuple(name for name, _ in self._slots)
        self.needed: tuple[str, ...] = tuple(name for name, fallback in self._slots if fallback is None)
        for literal in self._pieces[::2]:
            self._check_literal(literal)
        for name in self.names:
            self._check_name(name, columns)
        for name, fallback in self._slots:
            self._check_fallback(name, fallback)

    def __repr__(self) -> str:
        if not hasattr(self, "names"):  # refused; a traceback shows it all the same
            return f"<{type(self).__name__}: not made>"
        return f"{type(self).__name__}({self.field}: {', '.join(self.names) or 'no names'})"

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text for one contact.

        Args:
            values: the contact's values by column, put in as they stand.

        Raises:
            KeyError: the contact has no such column, as can be in JSON lines, and there is no fallback.
        """
        if not self.names:
            return self.source
        pieces = self._pieces.copy()
        pieces[1::2] = self._written(
            [values[name] if fallback is None else values.get(name) or fallback for name, fallback in self._slots]
        )
        return "".join(pieces)

    def _written(self, values: list[str]) -> list[str]:
        return values

    def _check_literal(self, literal: str) -> None:
        if stray := _STRAY.search(literal):
            near = literal[max(0, stray.start() - 10) : stray.end() + 10]
            raise TemplateError(self.field, f"the braces in {near!r} are no {{{{name}}}}; write {{{{firstName}}}}.")

    def _check_fallback(self, name: str, fallback: str | None) -> None:
        if fallback in _FILTERS:
            raise TemplateError(
                self.field,
                f"{{{{{name}|{fallback}}}}}: nothing is executed. What stands behind the bar is put in where the "
                "column is empty, as in {{firstName|there}}.",
            )

    def _check_name(self, name: str, columns: Collection[str]) -> None:
        if name and name in columns:
            return
        meant = get_close_matches(name.casefold(), [column for column in columns if column], n=1, cutoff=0.7)
        guess = f" Did you mean {{{{{meant[0]}}}}}?" if meant else ""
        raise TemplateError(
            self.field,
            f"{{{{{name}}}}} is no column of the contacts.{guess} The columns are: {listed(tuple(columns))}.",
        )


def _slot(inside: str) -> tuple[str, str | None]:
    name, bar, fallback = inside.partition("|")
    return name.strip(), fallback.strip() if bar else None


class UrlTemplate(Template):
    """A template of an address: values are percent-encoded, so that a name cannot break it.

    A value that begins the address, as in `{{link}}`, is an address itself and stands as it is.
    """

    def _written(self, values: list[str]) -> list[str]:
        begins = 1 if not self._pieces[0] else 0
        return values[:begins] + [quote(value, safe="") for value in values[begins:]]


class MessageTemplate:
    """A message whose text and button are templates; the rest of it is checked once, here.

    Args:
        message: the message; its number stands for any.
        columns: the names that its templates may use.

    Raises:
        UnsendableError: every message of it would break a rule.
        TemplateError: a template is not well formed, or names what is no column.
    """

    def __init__(self, message: ViberMessage, columns: Collection[str]) -> None:
        if found := problems(_filled(message)):
            raise UnsendableError(found)
        self._message = message
        self._text = Template(message.text, columns)
        self._button = None if message.button is None else _ButtonTemplate(message.button, columns)
        names = self._text.names + (self._button.names if self._button else ())
        self.names: tuple[str, ...] = tuple(dict.fromkeys(names))
        needed = self._text.needed + (self._button.needed if self._button else ())
        self.needed: tuple[str, ...] = tuple(dict.fromkeys(needed))  # those without a fallback
        self.has_double_blank = "  " in message.text
        self.single_braces: tuple[str, ...] = tuple(
            name for name in columns if name and f"{{{name}}}" in _bare(message)
        )

    def render(
        self, number: str, reference: str, values: Mapping[str, str], own: Mapping[str, Any] | None = None
    ) -> ViberMessage:
        """Return the message to one contact.

        Args:
            number: who gets it.
            reference: the message's own id.
            values: the contact's values by column.
            own: fields of the message that this contact has of its own.

        Raises:
            KeyError: the contact lacks a column that a template names.
        """
        return msgspec.structs.replace(
            self._message,
            phone_number=number,
            reference=reference,
            text=self._text.render(values),
            button=self._button and self._button.render(values),
            **(own or {}),
        )


class _ButtonTemplate:
    def __init__(self, button: Button, columns: Collection[str]) -> None:
        self._text = Template(button.text, columns, field="button.text")
        self._url = UrlTemplate(button.url, columns, field="button.url")
        self.names = self._text.names + self._url.names
        self.needed = self._text.needed + self._url.needed

    def render(self, values: Mapping[str, str]) -> Button:
        return Button(text=self._text.render(values), url=self._url.render(values))


def _filled(message: ViberMessage) -> ViberMessage:
    """Return a message with anything in the places of its templates, so that the rest of it can be checked."""
    button: Any = message.button
    if isinstance(button, Button):
        url: Any = button.url
        begins = isinstance(url, str) and _PLACEHOLDER.match(url)
        button = Button(text=_fill(button.text), url=_ANY_ADDRESS if begins else _fill(url))
    return msgspec.structs.replace(message, text=_fill(message.text), button=button)


def _fill(text: Any) -> Any:
    return _PLACEHOLDER.sub(_ANY_VALUE, text) if isinstance(text, str) else text


def _bare(message: ViberMessage) -> str:
    """Return what stands in a message beside its placeholders."""
    button = message.button
    texts = (message.text, *((button.text, button.url) if button else ()))
    return "\n".join(_PLACEHOLDER.sub("", text) for text in texts)
