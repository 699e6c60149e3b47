"""What the sandbox keeps is bounded by memory as it is measured, not as it is guessed."""

import json
import tracemalloc
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest

from wooxy_async.sandbox._account import Account
from wooxy_async.sandbox._judge import Judge
from wooxy_async.sandbox._records import Kept, Records, TakenMessages, Watch, size_of

SHAPES: dict[str, dict[str, Any]] = {
    "short": {},
    "whole": {
        "senderId": "Shop",
        "buttons": {"text": "Open", "url": "https://shop.example/x"},
        "device": "phone",
        "ttl": 1801,
        "tags": ["sale", "summer"],
    },
    "long": {"text": "x" * 4_000},
    "Georgian": {"text": "გამარჯობა " * 100, "domain": "მაღაზია.example"},
    "one emoji among letters": {"text": "🎉" + "x" * 4_000},
    "many tags": {"tags": [f"tag-{at}" for at in range(500)]},
}


def take(records: Records, fields: dict[str, Any], count: int) -> None:
    """Let a sandbox's memory take messages as they come from the wire."""
    judge = Judge(Account(), spelling="page", status=None, strict=False, button_field="both")
    for at in range(count):
        raw = {"domain": "shop.example", "phoneNumber": "+14155550123", "text": f"Hello {at}"} | fields
        body = judge.read("application/json", json.dumps(raw).encode())
        assert body is not None
        records.take(records.next_id(), body, taken_at=at / 7, status="accepted")


@pytest.fixture
def traced() -> Iterator[None]:
    """Trace the memory that is asked for."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("shape", SHAPES)
def test_the_memory_of_what_is_kept_stays_within_its_bound(shape: str) -> None:
    """After more than fit, listed or not, the memory is under the bound, and not far under it."""
    bound = 2**20
    records = Records(kept=Kept(most=10**9, most_bytes=bound), ids=Random(1), watch=Watch())
    take(records, SHAPES[shape], 1)
    count = 3 * bound // size_of(records.messages[0])
    before = tracemalloc.get_traced_memory()[0]
    take(records, SHAPES[shape], count)
    for message in records.messages:
        msgspec.json.encode(message)
    taken = tracemalloc.get_traced_memory()[0] - before
    assert 0.75 * bound < taken < 1.01 * bound
    assert len(records.messages) < count == records.taken - 1


def test_the_messages_to_one_number_are_found() -> None:
    """In their order, by whatever punctuation the number is spelled with; the same kind of tuple again."""
    records = Records(kept=Kept(most=9, most_bytes=10**9), ids=Random(1), watch=Watch())
    for text, number in (("a", "+14155550123"), ("b", "+14155550199"), ("c", "+14155550123")):
        take(records, {"text": text, "phoneNumber": number}, 1)
    kept = TakenMessages(records.messages)
    assert [taken.text for taken in kept.to("+1 (415) 555-01.23")] == ["a", "c"]
    assert kept.to("+14155550123").to("+14155550199") == ()
