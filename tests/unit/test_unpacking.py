"""What is packed is unpacked within a bound, in memory and in bytes."""

import gzip
import tracemalloc
import zlib

import pytest

from wooxy_async._adapters.unpacking import unpacked

MOST = 64 * 1024
BOMB = 50_000_000


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(bytes(BOMB))),
        ("gzip", gzip.compress(bytes(MOST)) * 60),
        ("deflate", zlib.compress(bytes(BOMB))),
        ("deflate", zlib.compress(bytes(BOMB))[2:-4]),
    ],
    ids=["gzip", "gzip in parts", "zlib", "bare"],
)
def test_a_bomb_ends_at_the_bound(encoding: str, body: bytes) -> None:
    """However much a body holds, one byte more than the bound comes out, and little memory is taken for it."""
    tracemalloc.start()
    try:
        found = unpacked(body, encoding, MOST)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == bytes(MOST + 1)
    assert peak < 16 * MOST


@pytest.mark.parametrize("encoding", ["", "identity", "br", "zstd", "gzip, gzip", "gzip2"])
def test_what_is_packed_otherwise_stays_as_it_is(encoding: str) -> None:
    """Nothing is guessed about an encoding that is not known."""
    body = gzip.compress(b"yes")
    assert unpacked(body, encoding, MOST) == body


def test_each_cut_and_each_broken_byte_stays_as_it_is_or_is_whole() -> None:
    """Nothing that is cut or broken gives a part of what was packed, nor an error."""
    yes = b'{"result": true, "viber_message_ids": ["5d914c3dd132d5f45a4e3670"]}'
    for encoding, whole in (("gzip", gzip.compress(yes, mtime=0)), ("deflate", zlib.compress(yes))):
        assert unpacked(whole, encoding, MOST) == yes
        for at in range(len(whole)):
            assert unpacked(whole[:at], encoding, MOST) == whole[:at]
            broken = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
            assert unpacked(broken, encoding, MOST) in (broken, yes)
