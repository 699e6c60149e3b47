"""Small turns of the event loop: time for what has arrived to be read, and tasks that begin in the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

# From the kernel to the caller an answer takes some turns: it is read, its head is parsed, its reader is woken, its
# body is read in pieces, its message is judged, its caller is woken. Twice as many are cheap.
_ENOUGH: Final = 16


def after_what_arrived(loop: asyncio.AbstractEventLoop, then: Callable[[], object], turns: int = _ENOUGH) -> None:
    """Call a function when the loop has read what had arrived by now.

    A loop that stood still finds the answers in the kernel and the time-outs due in the same turn: who judges at once
    calls a request unanswered that was answered long ago.
    """
    if turns:
        loop.call_soon(after_what_arrived, loop, then, turns - 1)
    else:
        then()


async def let_arrive() -> None:
    """Return when the loop has read what had arrived by now."""
    for _ in range(_ENOUGH):
        await asyncio.sleep(0)


def begin(work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop | None = None) -> asyncio.Task[None]:
    """Return a task that begins in the next turn, whatever the loop's task factory does.

    `asyncio.eager_task_factory` runs the first step before the task is known to whoever makes it.

    Args:
        work: what it does.
        loop: where it does it; None for the loop that runs.
    """
    return asyncio.Task(work, loop=loop or asyncio.get_running_loop())
