"""The local rules: any message either encodes to a documented body, or has problems; nothing raises."""

import json
import pickle
from enum import StrEnum
from typing import Any

from hypothesis import given, settings, strategies as st
from tries import tries

from wooxy_async import MAX_BODY_BYTES, Button, Invalid, ViberMessage
from wooxy_async._rules.checks import prepare

DOCUMENTED = {
    "domain": str,
    "phoneNumber": str,
    "senderId": str,
    "text": str,
    "buttons": dict,
    "device": str,
    "ttl": int,
    "tags": list,
}


class Word(str):
    """A subclass of str, as numpy and pandas hand out."""

    __slots__ = ()


class Choice(StrEnum):
    """A caller's own constants."""

    ALL = "all"


class Unspeakable:
    """A value whose every question is answered by an error."""

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no equality")

    __hash__ = None  # type: ignore[assignment]


HALVES = st.characters(categories=["Cs"])
TEXTS = st.text(st.characters() | HALVES | st.just("\0"), max_size=6) | st.sampled_from(["ok", Word("ok"), Choice.ALL])
ATOMS = st.sampled_from([None, True, False, 0, 10**30, 1j, b"\xff", float("nan"), object, ()])
# Values that cannot even be shown are made late, so that hypothesis can show its strategies.
MONSTERS = st.just(5000).map(lambda digits: 10**digits) | st.builds(Unspeakable)
ANYTHING = st.recursive(
    ATOMS | MONSTERS | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.lists(inner, max_size=2).map(tuple) | st.tuples(inner, inner),
    max_leaves=4,
)


def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a right value more often than any other."""
    return right | right | right | ANYTHING


BUTTONS = st.none() | st.builds(Button, text=mostly(st.just("Open")), url=mostly(st.just("https://shop.example")))
MESSAGES = st.builds(
    ViberMessage,
    domain=mostly(st.just("shop.example")),
    phone_number=mostly(st.sampled_from(["+14155550123", "+1 415 555 01 23"])),
    text=mostly(TEXTS),
    sender_id=mostly(st.sampled_from([None, "Shop"])),
    button=mostly(BUTTONS),
    device=mostly(st.sampled_from(["all", "phone", Word("phone"), Choice.ALL])),
    ttl=mostly(st.integers(1800, 259200)),
    tags=mostly(st.lists(TEXTS, max_size=2)),
    reference=mostly(st.none() | TEXTS),
)


@settings(max_examples=tries(200))
@given(message=MESSAGES)
def test_a_message_is_a_documented_body_or_has_problems(message: ViberMessage) -> None:
    """Whatever its fields hold, a message gives a body of documented fields and types, or its problems."""
    prepared = prepare(message)
    if isinstance(prepared, bytes):
        sent = json.loads(prepared)
        assert len(prepared) <= MAX_BODY_BYTES
        assert {"domain", "phoneNumber", "text", "device", "ttl"} <= sent.keys() <= DOCUMENTED.keys()
        assert all(type(value) is DOCUMENTED[key] for key, value in sent.items())
        assert all(type(tag) is str for tag in sent.get("tags", []))
        assert sent.get("buttons", {"text": "", "url": ""}).keys() == {"text", "url"}
    else:
        assert prepared
        assert len({(problem.field, problem.rule) for problem in prepared}) == len(prepared)


@settings(max_examples=tries(200))
@given(message=MESSAGES)
def test_problems_can_be_written_and_pickled(message: ViberMessage) -> None:
    """The problems of any message are short, and can be encoded as JSON and pickled."""
    prepared = prepare(message)
    if isinstance(prepared, bytes):
        return
    assert all(len(problem.value) <= 80 for problem in prepared)
    assert pickle.loads(pickle.dumps(prepared)) == prepared  # noqa: S301 - our own pickle
    line = Invalid(index=0, message=message, attempts=0, elapsed=0.0, problems=prepared).to_json()
    assert b"\n" not in line
    assert len(json.loads(line)["problems"]) == len(prepared)
