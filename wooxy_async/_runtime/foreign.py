"""What code of others may do: hooks, log handlers, sources and limiters raise what they like, and change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


def ends_this_task(error: BaseException) -> bool:
    """Return whether what foreign code raised is the end of the task that runs it, and not a fault of that code.

    A `CancelledError` is that only if somebody has cancelled the task: code that awaits a cancelled task of its own
    raises one as well.
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)


def call(function: Callable[[], object], failed: Callable[[], object]) -> None:
    """Call foreign code, which changes nothing by what it raises, unless it ends the process.

    Args:
        function: the foreign code.
        failed: called where it raised, while its exception is being handled.

    Raises:
        KeyboardInterrupt, SystemExit: of the function.
    """
    try:
        function()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - whatever it is, it is not this library's
        failed()
