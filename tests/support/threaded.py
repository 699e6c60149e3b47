"""A sandbox in a thread of its own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from wooxy_async.sandbox import Sandbox


class ThreadedSandbox:
    """A sandbox that serves tests which run loops of their own."""

    def __init__(self, token: str, latency: float = 0.0) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = ThreadPoolExecutor(1)
        self._thread.submit(self._loop.run_forever)
        self.sandbox = Sandbox(token=token, latency=latency, loss_grace=0.05)
        self.run(self.sandbox.start())

    def run(self, coroutine: object) -> None:
        """Run something in the server's loop."""
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)  # type: ignore[arg-type]

    def close(self) -> None:
        """End the server and its thread."""
        self.run(self.sandbox.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.shutdown()
        self._loop.close()
