"""What a client writes to the log of each request."""

from __future__ import annotations

import logging
from typing import Any

from wooxy_async._rules.attempt import Attempt, logged_reference
from wooxy_async._rules.redaction import mask_reference
from wooxy_async._runtime.log import say


def log_attempt(attempt: Attempt, *, whole: bool) -> None:
    """Write one record; its parts stand in the record's attributes `wooxy_…` too.

    Args:
        attempt: the attempt.
        whole: whether its reference is written as it is.
    """
    extra: dict[str, Any] = {f"wooxy_{name}": getattr(attempt, name) for name in attempt.__struct_fields__}
    if not whole and attempt.reference is not None:
        extra["wooxy_reference"] = mask_reference(attempt.reference)
    say(
        logging.DEBUG,
        "message %s (reference %s, number %s), attempt %s: %s%s, status %s, %.3f s",
        attempt.index,
        logged_reference(attempt.reference, whole=whole),
        attempt.number,
        attempt.attempt,
        attempt.outcome,
        f" ({attempt.cause})" if attempt.cause else "",
        attempt.status,
        attempt.elapsed,
        extra=extra,
    )
