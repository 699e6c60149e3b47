"""A bare aiohttp client on the simulated loop: what breaks here, the shuffling has broken, for there is no other code.

The server does nothing wrong: it answers soon or late, in one piece or in chunks, and closes where it has said so.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Final

import aiohttp
import certificates
from schedule import DELAYS
from simulated_loop import LivelockError, SimulatedLoop, Trace
from simulated_server import Server

_SOUND: Final = ("accept", "accept", "accept, chunked", "accept, old", "accept, close")
_OPENINGS: Final = ("open", "open", "slow", "read late")
_START: Final = 1000.0
_LATEST: Final = 600.0  # seconds


class Bare:
    """Requests of one seed.

    Args:
        seed: draws all.
    """

    def __init__(self, seed: int) -> None:
        self._random = draws = random.Random(f"{seed}/bare")
        names = [f"m{number}" for number in range(draws.randint(20, 60))]
        plans = {name: ((draws.choice(_SOUND), draws.choice(DELAYS)),) for name in names}
        openings = {number: draws.choice(_OPENINGS) for number in range(60)}
        self._is_secure = draws.random() < 0.5
        tls = certificates.server_context() if self._is_secure else None
        self._server = Server(plans, openings, ("sound",), tls, Trace())
        self._names = names
        self.loop = SimulatedLoop(random.Random(f"{seed}/order"), self._server.dial, _START)
        self.wrong: list[str] = []
        self.answered = 0

    def monotonic(self) -> float:
        """Return the time of the loop."""
        return self.loop.time()

    def run(self) -> None:
        """Send the requests, some of which are cancelled on their way, and note what was not as it should be."""
        self.loop.set_exception_handler(lambda _loop, context: self.wrong.append(f"the loop complains: {context}"))
        self._server.join(self.loop)
        self.loop.call_later(_LATEST, self.loop.stop)
        try:
            self.loop.run_until_complete(self._all())
        except (RuntimeError, LivelockError) as error:
            self.wrong.append(f"it hangs: {error!r}")
        self.loop.close()

    async def _all(self) -> None:
        tls: Any = certificates.client_context() if self._is_secure else True
        connector = aiohttp.TCPConnector(limit=10, ssl=tls)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(self._one(session, name) for name in self._names))
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=1)
        if left := [task for task in tasks if not task.done()]:
            self.wrong.append(f"tasks left: {left}")
        await asyncio.sleep(1)
        self.wrong.extend(f"open at the client: {peer}" for peer in self._server.close())

    async def _one(self, session: aiohttp.ClientSession, name: str) -> None:
        leaves_after = self._random.choice((None, None, None, 0.002, 0.02))
        await asyncio.sleep(self._random.choice((0.0, 0.0, 0.01, 0.3)))
        try:
            async with asyncio.timeout(leaves_after) as limit:
                answered = await self._answer(session, name)
        except TimeoutError:
            if not limit.expired():
                raise
        except aiohttp.ClientError as error:
            self.wrong.append(f"{name} failed: {error!r}")
        else:
            self.answered += 1
            if answered != {"result": True, "viber_message_ids": [f"id-{name}"]}:
                self.wrong.append(f"{name} was answered {answered}")

    async def _answer(self, session: aiohttp.ClientSession, name: str) -> Any:
        url = f"http{'s' * self._is_secure}://127.0.0.1:1/"
        async with session.post(url, json={"text": name}) as response:
            return await response.json(content_type=None)


def bare(seed: int) -> Bare:
    """Run the requests of a seed."""
    requests = Bare(seed)
    time.monotonic.play = requests  # type: ignore[attr-defined] - the simulated one
    requests.run()
    return requests
