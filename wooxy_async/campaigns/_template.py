"""`{{name}}` is replaced by the contact's value: plain substitution, no expressions.

A template is taken apart once per campaign; a row costs one list and one join. Values are never read as templates.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final
from urllib.parse import quote

import msgspec

from wooxy_async._rules.checks import problems
from wooxy_async._rules.messages import Button, ViberMessage
from wooxy_async.campaigns._errors import TemplateError, UnsendableError, listed

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_STRAY: Final = re.compile(r"\{\{|\}\}")


class Template:
    """A text with `{{name}}` where a column's value goes; blanks inside the braces are allowed.

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
        self.names: tuple[str, ...] = tuple(self._pieces[1::2])
        for literal in self._pieces[::2]:
            self._check_literal(literal)
        for name in self.names:
            self._check_name(name, columns)

    def __repr__(self) -> str:
        if not hasattr(self, "names"):  # refused; a traceback shows it all the same
            return f"<{type(self).__name__}: not made>"
        return f"{type(self).__name__}({self.field}: {', '.join(self.names) or 'no names'})"

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text for one contact.

        Args:
            values: the contact's values by column, put in as they stand.

        Raises:
            KeyError: the contact has no such column, as can be in JSON lines.
        """
        if not self.names:
            return self.source
        pieces = self._pieces.copy()
        pieces[1::2] = self._written([values[name] for name in self.names])
        return "".join(pieces)

    def _written(self, values: list[str]) -> list[str]:
        return values

    def _check_literal(self, literal: str) -> None:
        if stray := _STRAY.search(literal):
            near = literal[max(0, stray.start() - 10) : stray.end() + 10]
            raise TemplateError(self.field, f"the braces in {near!r} are no {{{{name}}}}; write {{{{firstName}}}}.")

    def _check_name(self, name: str, columns: Collection[str]) -> None:
        if name and name in columns:
            return
        meant = get_close_matches(name.casefold(), [column for column in columns if column], n=1, cutoff=0.7)
        guess = f" Did you mean {{{{{meant[0]}}}}}?" if meant else ""
        raise TemplateError(
            self.field,
            f"{{{{{name}}}}} is no column of the contacts.{guess} The columns are: {listed(tuple(columns))}.",
        )


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
        if found := problems(message):
            raise UnsendableError(found)
        self._message = message
        self._text = Template(message.text, columns)
        self._button = None if message.button is None else _ButtonTemplate(message.button, columns)
        names = self._text.names + (self._button.names if self._button else ())
        self.names: tuple[str, ...] = tuple(dict.fromkeys(names))

    def render(self, number: str, reference: str, values: Mapping[str, str]) -> ViberMessage:
        """Return the message to one contact.

        Raises:
            KeyError: the contact lacks a column that a template names.
        """
        return msgspec.structs.replace(
            self._message,
            phone_number=number,
            reference=reference,
            text=self._text.render(values),
            button=self._button and self._button.render(values),
        )


class _ButtonTemplate:
    def __init__(self, button: Button, columns: Collection[str]) -> None:
        self._text = Template(button.text, columns, field="button.text")
        self._url = UrlTemplate(button.url, columns, field="button.url")
        self.names = self._text.names + self._url.names

    def render(self, values: Mapping[str, str]) -> Button:
        return Button(text=self._text.render(values), url=self._url.render(values))
