"""The library's one logger: silent unless the program, or `WOOXY_LOG`, says otherwise."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

from wooxy_async._rules.arguments import one_of
from wooxy_async._runtime import foreign

logger: Final = logging.getLogger("wooxy_async")
logger.addHandler(logging.NullHandler())
_LEVELS: Final = ("debug", "info", "warning", "error")


def say(level: int, text: str, *parts: object, extra: Mapping[str, Any] | None = None) -> None:
    """Write a log record; what handlers and filters raise changes nothing (only those of the standard library do not).

    Args:
        level: as in `logging`.
        text: the message, with a `%s` for each part.
        parts: what stands in it.
        extra: attributes of the record.
    """
    foreign.call(lambda: logger.log(level, text, *parts, extra=extra, stacklevel=4), lambda: None)


def log_exception(text: str, redact: Callable[[str], str]) -> None:
    """Log the exception that is being handled.

    Args:
        text: what it means.
        redact: removes secrets.
    """
    say(logging.ERROR, "%s\n%s", text, redact(traceback.format_exc()))


class _People(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes for people, to standard error."""


def listen() -> None:
    """Show the library's log on standard error if `WOOXY_LOG` names a level.

    Raises:
        ValueError: it names none.
    """
    level = os.environ.get("WOOXY_LOG")
    if not level:
        return
    logger.setLevel(one_of("WOOXY_LOG", level.lower(), _LEVELS).upper())
    if not any(isinstance(handler, _People) for handler in logger.handlers):
        people = _People()
        people.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(people)
