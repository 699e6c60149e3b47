"""One run of a campaign in a process of its own, which may kill itself at a named point.

The points are calls of the journal and its commits, so the journal is a subclass; nothing of it is replaced.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wooxy_async import WooxyClient
from wooxy_async.campaigns import Campaign, Contacts
from wooxy_async.journals import ClaimedRow, Settlement, SQLiteJournal

POINTS = (
    "before begin",
    "after begin",
    "before merge",
    "after merge",
    "before claim",
    "after claim",
    "before commit",
    "after commit",
    "before first byte",
    "after mark",
    "after first byte",
    "before settle",
    "after settle",
    "before end",
    "after end",
)


class FatalJournal(SQLiteJournal):
    """A journal that kills its process when it comes to a point for the nth time.

    Args:
        path: of the journal.
        point: one of `POINTS`; "" for none.
        nth: which time.
        options: of the journal.
    """

    def __init__(self, path: Path, point: str, nth: int, **options: Any) -> None:
        super().__init__(path, **options)
        self._point = point
        self._left = Counter({point: nth})

    def at(self, point: str) -> None:
        """Die here if it is time."""
        if point == self._point:
            self._left[point] -= 1
            if not self._left[point]:
                os.kill(os.getpid(), signal.SIGKILL)

    async def begin(self, *given: Any, **options: Any) -> Any:
        """As the journal's."""
        self.at("before begin")
        found = await super().begin(*given, **options)
        if "commit" in self._point:
            await self._alone(lambda: self._db.set_trace_callback(self._trace))
        self.at("after begin")
        return found

    def _trace(self, statement: str) -> None:
        if statement == "COMMIT":
            self.at("before commit")
        elif statement.startswith(
            "BEGIN"
        ):  # of the next: the one before stands, and the loop was told or is being told
            self.at("after commit")

    async def merge(self, *given: Any) -> Any:
        """As the journal's."""
        self.at("before merge")
        merged = await super().merge(*given)
        self.at("after merge")
        return merged

    async def claim(self, most: int) -> Sequence[ClaimedRow]:
        """As the journal's."""
        self.at("before claim")
        rows = await super().claim(most)
        self.at("after claim")
        return rows

    def mark_sending(self, row: int) -> None:
        """As the journal's; the first byte follows in the same turn of the loop."""
        self.at("before first byte")
        super().mark_sending(row)
        self.at("after mark")
        asyncio.get_running_loop().call_soon(self.at, "after first byte")

    async def settle(self, row: int, settlement: Settlement) -> None:
        """As the journal's."""
        self.at("before settle")
        await super().settle(row, settlement)
        self.at("after settle")

    async def end(self, how: str = "finished") -> None:
        """As the journal's."""
        self.at("before end")
        await super().end(how)
        self.at("after end")


def say(**what: int) -> None:
    """Print a line for the parent."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def main(path: Path, url: str, token: str, point: str, nth: int, **options: Any) -> None:
    """Run the campaign; say on standard output what was found, and at last that it has ended."""
    journal = FatalJournal(path.with_name("journal.wooxy"), point, nth, **options)
    client = WooxyClient(token, base_url=url, limiter=f"host:{path.parent}", loss_hold=0.5)
    contacts = Contacts(path)
    async with Campaign(contacts, domain="shop.example", text="Hi {{name}}", journal=journal) as campaign, client:
        found = campaign.resumed
        say(given_back=found.given_back, in_doubt=found.in_doubt)
        count = 0
        async for _outcome in campaign.run(client):
            count += 1
    say(outcomes=count)


if __name__ == "__main__":
    _, where, address, secret, name, number, more = sys.argv
    asyncio.run(main(Path(where), address, secret, name, int(number), **json.loads(more)))
