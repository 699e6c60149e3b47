"""Answers that are packed though nobody asked for it: what they hold decides, within the bound of any answer."""

import gzip
import uuid
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from fault import http
from hostile import Act, HostileServer, LostError, Peer, Request
from people import message

from wooxy_async import Accepted, InDoubt, Outcome, Rejected, RetryPolicy, WooxyClient
from wooxy_async._adapters.transport import MAX_REPLY_BYTES

YES = b'{"result": true, "viber_message_ids": ["5d91"]}'
NO = b'{"result": false, "errors": ["Bad Request"]}'
MOST_IN_KERNELS = 64 * 2**20  # bytes; far more than what lies in the buffers of a connection that is no longer read
Pack = Callable[[bytes], bytes]


def bare(body: bytes) -> bytes:
    """Return deflate without the head and the sum of zlib, as many servers send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def in_parts(body: bytes) -> bytes:
    """Return a gzip of several members, one of which is empty."""
    return gzip.compress(body[:10]) + gzip.compress(b"") + gzip.compress(body[10:])


def chunked(body: bytes) -> bytes:
    """Return a body in chunks of seven bytes."""
    parts = (body[at : at + 7] for at in range(0, len(body), 7))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def answer(packed: bytes, name: str, encoding: str, *, status: int = 200, in_chunks: bool = False) -> bytes:
    """Return a whole answer."""
    if in_chunks:
        return http(status, chunked(packed), f"{name}: {encoding}", "Transfer-Encoding: chunked", length=False)
    return http(status, packed, f"{name}: {encoding}")


async def outcome_of(do: Callable[[Peer, Request], Any]) -> Outcome:
    """Send a message to a server that does this."""
    with HostileServer(otherwise=Act(do)) as server:
        options: dict[str, Any] = {"base_url": server.url(), "retry": RetryPolicy(attempts=1), "loss_hold": 0}
        async with WooxyClient(f"token-{uuid.uuid4()}", **options) as client:
            (outcome,) = [outcome async for outcome in client.send_many([message(text="packed")])]
    return outcome


@pytest.mark.parametrize("in_chunks", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize(
    ("pack", "name", "encoding"),
    [
        (gzip.compress, "Content-Encoding", "gzip"),
        (gzip.compress, "CONTENT-ENCODING", " GZIP "),
        (gzip.compress, "content-encoding", "x-gzip"),
        (in_parts, "Content-Encoding", "gzip"),
        (zlib.compress, "Content-Encoding", "deflate"),
        (bare, "Content-Encoding", "Deflate"),
        (bytes, "Content-Encoding", "gzip"),  # a gateway has unpacked it, and left the header
        (bytes, "Content-Encoding", "deflate"),
        (bytes, "Content-Encoding", "br"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
@pytest.mark.parametrize(("body", "right"), [(YES, Accepted), (NO, Rejected)], ids=["yes", "no"])
async def test_what_is_packed_is_read(
    *, pack: Pack, name: str, encoding: str, in_chunks: bool, body: bytes, right: type
) -> None:
    """A packed yes is accepted and a packed no refused, whatever the status."""
    whole = answer(pack(body), name, encoding, status=200 if right is Accepted else 503, in_chunks=in_chunks)
    outcome = await outcome_of(lambda peer, _request: peer.answer(whole))
    assert type(outcome) is right
    if isinstance(outcome, Accepted):
        assert outcome.message_ids == ("5d91",)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bare], ids=["gzip", "zlib", "bare"])
async def test_what_holds_as_much_as_an_answer_may_is_read(pack: Pack) -> None:
    """A packed answer of 64 KiB counts, and one byte more is too long, however few bytes came."""
    encoding = "gzip" if pack is gzip.compress else "deflate"
    for size, right in ((MAX_REPLY_BYTES, Accepted), (MAX_REPLY_BYTES + 1, InDoubt)):
        whole = answer(pack(YES.ljust(size)), "Content-Encoding", encoding)
        outcome = await outcome_of(lambda peer, _request, whole=whole: peer.answer(whole))  # type: ignore[misc]
        assert type(outcome) is right
    assert isinstance(outcome, InDoubt)
    assert (outcome.cause.kind, "longer than 65,536" in outcome.cause.text) == ("unreadable_answer", True)


async def test_what_comes_is_bounded_as_what_it_holds() -> None:
    """A packed answer of more than 64 KiB is too long, however little is in it."""
    whole = answer(gzip.compress(b"") * 4000 + gzip.compress(YES), "Content-Encoding", "gzip")
    outcome = await outcome_of(lambda peer, _request: peer.answer(whole))
    assert isinstance(outcome, InDoubt)
    assert "longer than 65,536" in outcome.cause.text


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_an_endless_packed_answer_is_cut_at_its_bound(encoding: str) -> None:
    """A server that packs zeros for ever is left once its packed bytes have reached the bound."""
    sent = 0

    def flooding(peer: Peer, _request: Request) -> None:
        nonlocal sent
        peer.send(http(200, b"", f"Content-Encoding: {encoding}", "Transfer-Encoding: chunked", length=False))
        packer = zlib.compressobj(wbits=zlib.MAX_WBITS + (16 if encoding == "gzip" else 0))
        while sent < MOST_IN_KERNELS:
            packed = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_SYNC_FLUSH)
            peer.send(b"%x\r\n%b\r\n" % (len(packed), packed))
            sent += len(packed)

    outcome = await outcome_of(flooding)
    assert isinstance(outcome, InDoubt)
    assert outcome.cause.kind == "unreadable_answer"
    assert sent < MOST_IN_KERNELS


async def test_a_packed_answer_that_breaks_off_is_in_doubt() -> None:
    """A connection that is lost in the middle of a packed answer hides what it said."""
    whole = answer(gzip.compress(YES), "Content-Encoding", "gzip")

    def breaking(peer: Peer, _request: Request) -> None:
        peer.answer(whole[:-9])
        raise LostError

    outcome = await outcome_of(breaking)
    assert isinstance(outcome, InDoubt)
    assert outcome.cause.kind == "connection_lost"
