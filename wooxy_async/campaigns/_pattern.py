"""The message of a campaign with its places for the contact's values."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from wooxy_async._rules.checks import problems
from wooxy_async._rules.messages import Button, ViberMessage
from wooxy_async.campaigns._errors import UnsendableError
from wooxy_async.campaigns._template import Template, UrlTemplate


class Pattern:
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
        self._button = None if message.button is None else _ButtonPattern(message.button, columns)
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


class _ButtonPattern:
    def __init__(self, button: Button, columns: Collection[str]) -> None:
        self._text = Template(button.text, columns, field="button.text")
        self._url = UrlTemplate(button.url, columns, field="button.url")
        self.names = self._text.names + self._url.names

    def render(self, values: Mapping[str, str]) -> Button:
        return Button(text=self._text.render(values), url=self._url.render(values))
