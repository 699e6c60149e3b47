"""py-redis-semaphore as a limiter, the best code of its kind that we found; beside ours in the same run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.interface import SLOTS
from benchmarks.lock_files import Believing


class RedisSemaphores(Believing):
    """A semaphore of ten for each message that waits: no priorities, and the dead hold their slots for the lease.

    Args:
        address: of the server's socket.
        lease: seconds that a slot is its holder's after it was last heard of.
    """

    def __init__(self, address: str, lease: float) -> None:
        from redis.asyncio import Redis  # noqa: PLC0415 - the measured process alone
        from redis_semaphore import SemaphoreConfig  # noqa: PLC0415 - likewise

        self._client = Redis.from_url(address)
        self._config = SemaphoreConfig(name="slots", limit=SLOTS, lock_timeout=lease)

    @asynccontextmanager
    async def slot(self, *, priority: str, deadline: float | None = None) -> AsyncIterator[RedisSemaphores]:
        """Wait until the server grants one."""
        from redis_semaphore import Semaphore  # noqa: PLC0415 - the measured process alone

        del priority, deadline
        semaphore = Semaphore(self._client, self._config)
        await semaphore.aacquire()  # it waits without an end
        try:
            yield self
        finally:
            await semaphore.arelease()
