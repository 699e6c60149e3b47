"""Refused arguments: the whole sentence, which names the argument, what is right, and what was given."""

from collections.abc import Callable
from typing import Any

import pytest

from wooxy_async._rules import arguments


class Revealing:
    """Something like pydantic's SecretStr."""

    def get_secret_value(self) -> str:
        """Return nothing worth keeping."""
        return ""


@pytest.mark.parametrize(
    ("check", "value", "sentence"),
    [
        (lambda value: arguments.whole("n", value, 1, 10), 1.5, "n must be a whole number from 1 to 10, not 1.5."),
        (lambda value: arguments.whole("n", value, 1, 10), 11, "n must be from 1 to 10, not 11."),
        (lambda value: arguments.number("n", value, 0, 3), "2", "n must be a number from 0 to 3, not '2'."),
        (lambda value: arguments.number("n", value, 0, 3), 4, "n must be from 0 to 3, not 4."),
        (lambda value: arguments.number("n", value, 1), 0.5, "n must be a finite number, 1 or more, not 0.5."),
        (lambda value: arguments.number("n", value), "x", "n must be a finite number, not 'x'."),
        (lambda value: arguments.flag("n", value), 1, "n must be True or False, not 1."),
        (lambda value: arguments.filled("n", value), 7, "n must be a text, not 7."),
        (lambda value: arguments.filled("n", value), "", "n must not be empty."),
        (lambda value: arguments.token("n", value), 7, "n must be a text, not int."),
        (
            lambda value: arguments.token("n", value),
            Revealing(),
            "n must be a text, not Revealing: pass what its get_secret_value() returns.",
        ),
        (lambda value: arguments.one_of("n", value, ("a", "b")), "c", "n must be one of 'a', 'b', not 'c'."),
    ],
)
def test_a_refusal_says_all(check: Callable[[Any], object], value: object, sentence: str) -> None:
    """Type errors and value errors alike."""
    with pytest.raises((TypeError, ValueError)) as refused:
        check(value)
    assert str(refused.value) == sentence
