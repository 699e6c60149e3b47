"""Draws faults, delays, cancellations and time-outs at random, and compares what was told with the server's books.

Run as a program it prints its figures: `python tests/support/fuzz.py --messages 200000 --seed 1 --loop uvloop --tls`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import certificates
import uvloop
from fuzz_acts import ACTS

from wooxy_async import Accepted, InDoubt, Outcome, RetryPolicy, ViberMessage, WooxyClient, WooxyError

LOOPS: Final[dict[str, Callable[[], asyncio.AbstractEventLoop]]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
ANSWER_LIMIT: Final = 0.25
LOSS_HOLD: Final = 0.25
GRACE: Final = 0.02  # seconds that the server works on after a lost connection; far below LOSS_HOLD
ACCOUNTS: Final = 4
WORDS: Final = tuple(ACTS)


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What is fuzzed: how many messages, from which seed, on which loop, with or without TLS."""

    messages: int
    seed: int
    loop: str = "asyncio"
    tls: bool = False


@dataclass(kw_only=True)
class Ledger:
    """What callers and hooks were told of each message."""

    told: defaultdict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    settled: defaultdict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    may_repeat: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)

    def on_outcome(self, outcome: Outcome) -> None:
        """Note an outcome."""
        self.told[str(outcome.message.reference)].append(outcome)

    def on_settled(self, outcome: Outcome) -> None:
        """Note a late outcome."""
        self.settled[str(outcome.message.reference)].append(outcome)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What came of it; the lists must be empty."""

    messages: int
    seconds: float
    outcomes: dict[str, int]
    requests_read: int
    settled: int
    misjudged: list[str]
    taken_twice: list[str]
    without_outcome: list[str]
    with_several_outcomes: list[str]
    accepted_wrongly: list[str]
    left_behind: list[str]
    over_the_cap: list[str]
    most_in_progress: int

    @property
    def wrong(self) -> dict[str, Any]:
        """What should be empty and is not."""
        return {name: value[:5] for name, value in vars(self).items() if isinstance(value, list) and value}

    def __str__(self) -> str:
        counted = (f"{name}: {len(value) if isinstance(value, list) else value}" for name, value in vars(self).items())
        return "\n".join(counted).replace("_", " ")


class Account:
    """One token with one to three clients, and the messages that it sends.

    Args:
        number: of the account.
        draw: what is fuzzed.
        url: the server's.
        ledger: what is told.
    """

    def __init__(self, number: int, draw: Draw, url: str, ledger: Ledger) -> None:
        self.random = random.Random(f"{draw.seed}/{number}")
        self._token = f"token-of-account-{draw.seed}-{number}-{time.time_ns()}"
        self._number = number
        self._draw = draw
        self._url = url
        self._ledger = ledger
        self._made = 0
        self._most = draw.messages // ACCOUNTS

    async def run(self) -> None:
        """Send all messages of the account."""
        clients = [self.client() for _ in range(self.random.randint(1, 3))]
        while self._made < self._most:
            if self.random.random() < 0.05:
                await self.close(clients.pop())
                clients.append(self.client())
            works = (self.some_sends, self.some_sends, self.a_stream)
            await asyncio.gather(*(self.random.choice(works)(client) for client in clients))
        for client in clients:
            await self.close(client)

    def client(self) -> WooxyClient:
        """Return a client with settings of its own."""
        return WooxyClient(
            self._token,
            base_url=self._url,
            ssl=certificates.client_context() if self._draw.tls else None,
            max_concurrency=self.random.choice((10, 10, 7, 1)),
            answer_limit=ANSWER_LIMIT,
            loss_hold=LOSS_HOLD,
            retry=RetryPolicy(attempts=self.random.randint(1, 4), wait_initial=0.002, wait_max=0.01),
            fresh_connections=self.random.random() < 0.2,
            patience=20.0,
            on_outcome=self._ledger.on_outcome,
            on_settled=self._ledger.on_settled,
        )

    async def close(self, client: WooxyClient) -> None:
        """Close a client, and note what it left behind."""
        await client.aclose()
        statistics = client.statistics()
        if statistics.borrowed or statistics.waiting or statistics.outlived:
            self._ledger.left.append(repr(statistics))

    def message(self) -> ViberMessage:
        """Make a message whose text says what the server does with its first, second … reading."""
        self._made += 1
        name = f"m{self._number}-{self._made}"
        chosen = self.random.choices(WORDS, k=self.random.randint(1, 3)) if self.random.random() < 0.3 else []
        if self.random.random() < 0.01:
            return ViberMessage(domain="", phone_number="?", text=name, reference=name)
        return ViberMessage(
            domain="shop.example", phone_number="+14155550123", text=" ".join((name, *chosen)), reference=name
        )

    async def some_sends(self, client: WooxyClient) -> None:
        """Send up to 60 messages at once, of which some callers lose patience or are cancelled."""
        await asyncio.gather(*(self.a_send(client) for _ in range(self.random.randint(1, 60))))

    async def a_send(self, client: WooxyClient) -> None:
        """Send one message."""
        message = self.message()
        repeat = self.random.random() < 0.05
        if repeat:
            self._ledger.may_repeat.add(str(message.reference))
        patience = self.random.choice((None, None, None, 0.005, 0.05, 0.3))
        cancelled_after = self.random.choice((None, None, None, None, 0.0005, 0.002, 0.02, 0.1))
        self._ledger.told[str(message.reference)]  # from here on an outcome is missed
        sending = client.send(
            message,
            timeout=patience,
            priority=self.random.choice(("urgent", "bulk")),
            retry_in_doubt=repeat or None,
        )
        with suppress(WooxyError, TimeoutError):
            await asyncio.wait_for(sending, cancelled_after)

    async def a_stream(self, client: WooxyClient) -> None:
        """Stream up to 100 messages, and perhaps leave early in one of several ways."""
        stays, left_after = self.random.random() < 0.6, self.random.randint(0, 60)
        stream = client.send_many(self.source() if self.random.random() < 0.5 else self.slow_source())
        taken = 0
        with suppress(WooxyError):
            async for _outcome in stream:
                taken += 1
                if not stays and taken > left_after:
                    break
        if self.random.random() < 0.5:
            await stream.aclose()

    def source(self) -> Iterator[ViberMessage]:
        """Yield messages as fast as they are pulled."""
        for _ in range(self.random.randint(1, 100)):
            message = self.message()
            self._ledger.told[str(message.reference)]  # likewise
            yield message

    async def slow_source(self) -> AsyncIterator[ViberMessage]:
        """Yield messages after pauses."""
        for message in self.source():
            yield message
            await asyncio.sleep(self.random.choice((0, 0, 0.001)))


@contextmanager
def server_process(draw: Draw) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Run the server in a process of its own; yield its address, and what stops it and returns its books."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder, "server.pem")
        certificates.authority().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        program = [sys.executable, str(Path(__file__).with_name("hostile_process.py"))]
        options = ["--seed", str(draw.seed), "--grace", str(GRACE)]
        if draw.tls:
            options += ["--certificate", str(certificate)]
        with subprocess.Popen(  # noqa: S603 - our own program
            [*program, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            yield f"http{'s' * draw.tls}://127.0.0.1:{port}", lambda: json.loads(process.communicate()[0])


def fuzz(draw: Draw) -> Figures:
    """Send what was drawn, and compare."""
    ledger, began = Ledger(), time.monotonic()

    async def main(url: str) -> None:
        await asyncio.gather(*(Account(number, draw, url, ledger).run() for number in range(ACCOUNTS)))

    with server_process(draw) as (url, books):
        with asyncio.Runner(loop_factory=LOOPS[draw.loop]) as runner:
            runner.run(main(url))
        return compared(ledger, books(), time.monotonic() - began)


def compared(ledger: Ledger, books: dict[str, Any], seconds: float) -> Figures:
    """Compare what was told with what the server knows."""
    taken = Counter(books["taken"])
    final = {name: [*outcomes, *ledger.settled[name]] for name, outcomes in ledger.told.items()}
    return Figures(
        messages=len(ledger.told),
        seconds=round(seconds, 1),
        outcomes=dict(Counter(type(outcomes[0]).__name__ for outcomes in ledger.told.values() if outcomes)),
        requests_read=sum(books["read"].values()),
        settled=sum(not isinstance(outcome, InDoubt) for late in ledger.settled.values() for outcome in late),
        misjudged=[
            f"{name}: {outcome!r}"
            for name, outcomes in final.items()
            for outcome in outcomes
            if taken[name] and not isinstance(outcome, Accepted | InDoubt)
        ],
        taken_twice=[name for name, times in taken.items() if times > 1 and name not in ledger.may_repeat],
        without_outcome=[name for name, outcomes in ledger.told.items() if not outcomes],
        with_several_outcomes=[name for name, outcomes in ledger.told.items() if len(outcomes) > 1],
        accepted_wrongly=[
            f"{name}: {outcome!r}"
            for name, outcomes in final.items()
            for outcome in outcomes
            if isinstance(outcome, Accepted) and not (taken[name] and outcome.message_ids == (f"id-{name}",))
        ],
        left_behind=ledger.left,
        over_the_cap=books["crowds"],
        most_in_progress=books["peak"],
    )


def main() -> int:
    """Fuzz as the arguments say; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--loop", choices=sorted(LOOPS), default="asyncio")
    parser.add_argument("--tls", action="store_true")
    draw = Draw(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="wooxy-") as place:  # no cap is shared with processes beside it
        os.environ["WOOXY_RUNTIME_DIR"] = place
        figures = fuzz(draw)
    print(f"{draw}\n{figures}\n{figures.wrong or 'nothing was wrong'}")  # noqa: T201 - what a program is for
    return bool(figures.wrong)


if __name__ == "__main__":
    sys.exit(main())
