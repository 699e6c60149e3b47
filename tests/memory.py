"""Shows that memory does not grow with the number of messages: `python tests/memory.py 1000000`.

The server is a process of its own that answers at once; the client's resident memory is read between message 10,000
and the last, and the source's lead over the results is counted.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from wooxy_async import Accepted, ViberMessage, WooxyClient

FIRST = 10_000
MOST_MEGABYTES = 16
MOST_AHEAD = 20
ANSWER = b'{"result": true, "viber_message_ids": ["5d914c3dd132d5f45a4e3670"]}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)


class Server(asyncio.Protocol):
    """Answers each request with the same words, as soon as it is whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        """Answer a request that is whole."""
        self.received += data
        head, _, body = self.received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or -1)
        if len(body) == length:
            self.received = b""
            self.transport.write(REPLY)  # type: ignore[attr-defined]


async def serve(port: Connection) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def run_server(port: Connection) -> None:
    """Serve, in a process of its own."""
    asyncio.run(serve(port))


def resident() -> float:
    """Return this process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


async def measure(base_url: str, count: int) -> tuple[float, int]:
    """Return the growth in MB between message 10,000 and the last, and how far the source was ahead at the most."""
    pulled = taken = ahead = 0
    before = resident()

    def source() -> Iterator[ViberMessage]:
        nonlocal pulled, ahead
        for at in range(count):
            pulled += 1
            ahead = max(ahead, pulled - taken)
            number = f"+1415{2000000 + at % 8_000_000:07d}"
            yield ViberMessage(domain="shop.example", phone_number=number, text=f"Hello {at}", reference=str(at))

    async with WooxyClient("memory-token-0123456789", base_url=base_url) as client:
        async for outcome in client.send_many(source()):
            taken += 1
            if not isinstance(outcome, Accepted):
                raise SystemExit(f"message {outcome.index} was not accepted: {outcome}")
            if taken == FIRST:
                before = resident()
    if taken != count:
        raise SystemExit(f"{taken} outcomes of {count} messages")
    return resident() - before, ahead


def main() -> None:
    """Measure, print and judge."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=run_server, args=(theirs,), daemon=True)
    server.start()
    with TemporaryDirectory(prefix="wooxy-") as place:  # no cap is shared with other processes of this machine
        os.environ["WOOXY_RUNTIME_DIR"] = place
        growth, ahead = asyncio.run(measure(f"http://127.0.0.1:{ours.recv()}", count))
    server.terminate()
    print(f"{count:,} messages: memory grew by {growth:.1f} MB after message {FIRST:,}; source ahead by {ahead}")  # noqa: T201
    if growth >= MOST_MEGABYTES or ahead > MOST_AHEAD:
        raise SystemExit(f"more than {MOST_MEGABYTES} MB, or more than {MOST_AHEAD} messages ahead")


if __name__ == "__main__":
    main()
