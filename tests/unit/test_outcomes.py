"""The five outcomes: as JSON, as pickle, as text, and what they raise."""

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import msgspec
import pytest
from people import COMMON

from wooxy_async import (
    Accepted,
    ApiError,
    Button,
    Cause,
    ErrorCode,
    InDoubt,
    Invalid,
    NotSent,
    Outcome,
    Problem,
    Rejected,
    ViberMessage,
    WooxyError,
)
from wooxy_async._rules.redaction import mask_reference

MESSAGE = ViberMessage(
    domain="shop.example",
    phone_number="+14155550123",
    text="Your code is 98765\nGrüße 👋",
    button=Button(text="Open", url="https://shop.example/code/98765"),
    tags=("spring",),
    reference="order-17",
    not_after=datetime(2030, 1, 1, tzinfo=UTC),
)
ENDED = {**COMMON, "index": 7, "message": MESSAGE, "elapsed": 0.25}
ECHO = ApiError(
    code=ErrorCode.PHONE_NUMBER_INVALID,
    text="+14155550123 is not a valid E.164 phone number",
    values={"phoneNumber": "+14155550123"},
)
OUTCOMES: dict[str, Outcome] = {
    "accepted": Accepted(message_ids=("5d914c3dd132d5f45a4e3670",), **ENDED),
    "rejected": Rejected(errors=(ECHO,), status=200, **ENDED),
    "invalid": Invalid(problems=(Problem(field="text", value="98765", rule="r", remedy="must be so"),), **ENDED),
    "not_sent": NotSent(cause=Cause(kind="throttled", text="Too many."), retry_after=3.0, **ENDED),
    "in_doubt": InDoubt(cause=Cause(kind="server_error", text="Failed."), status=500, errors=(ECHO,), **ENDED),
}
each_outcome = pytest.mark.parametrize(("word", "outcome"), OUTCOMES.items(), ids=OUTCOMES)


class Word(str):
    """A subclass of str, as numpy and pandas hand out."""

    __slots__ = ()


class Unspeakable:
    """A value whose own repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Broken(tzinfo):
    """A time zone that fails."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """Fail."""
        raise RuntimeError(moment)

    def __repr__(self) -> str:
        return "Broken()"


def endless() -> list[Any]:
    """Return a list that holds itself."""
    within: list[Any] = []
    within.append(within)
    return within


@each_outcome
def test_each_outcome_is_one_line_that_reads_back(word: str, outcome: Outcome) -> None:
    """An outcome encodes to one line of JSON with Python names, from which it is read back whole."""
    line = outcome.to_json()
    assert b"\n" not in line
    read = json.loads(line)
    assert read["outcome"] == word
    assert read["message"]["phone_number"] == "+14155550123"
    assert msgspec.json.decode(line, type=Outcome) == outcome


@each_outcome
def test_each_outcome_survives_pickle_and_copy(word: str, outcome: Outcome) -> None:
    """A pickled and a copied outcome are equal to the first."""
    del word
    assert pickle.loads(pickle.dumps(outcome)) == outcome  # noqa: S301 - our own pickle
    assert copy.copy(outcome) == outcome
    assert copy.deepcopy(outcome) == outcome


@each_outcome
def test_each_outcome_masks_what_is_personal(word: str, outcome: Outcome) -> None:
    """Neither repr, str nor rich shows the number, the text, the button or the reference, nor does a problem's."""
    del word
    shown = f"{outcome!r} {outcome} {list(outcome.__rich_repr__())!r}"
    assert mask_reference("order-17") in shown
    assert not any(private in shown for private in ("4155550123", "98765", "Grüße", "order-17", "Open"))


SAID = "no +14155550123, no 'Your code is 98765\nGrüße 👋'"
ECHOING: list[Outcome] = [
    Rejected(errors=(ApiError(code=ErrorCode.UNKNOWN, text=SAID),), status=400, **ENDED),
    NotSent(cause=Cause(kind="throttled", text=SAID), **ENDED),
    InDoubt(cause=Cause(kind="server_error", text=SAID), status=500, **ENDED),
    InDoubt(
        cause=Cause(kind="server_error", text="Failed."),
        errors=(ApiError(code=ErrorCode.UNKNOWN, text=SAID), ECHO),
        status=500,
        **ENDED,
    ),
]


@pytest.mark.parametrize("outcome", ECHOING)
def test_a_server_that_repeats_the_message_makes_nothing_show(outcome: Any) -> None:
    """Reprs and exceptions leave out what undocumented words repeat of the message; the fields hold them whole."""
    with pytest.raises(WooxyError) as caught:
        outcome.unwrap()
    rich_pairs = list(outcome.__rich_repr__())
    shown = f"{outcome!r} {rich_pairs!r} {caught.value} {caught.value!r}"
    assert not any(private in shown for private in ("4155550123", "98765", "Grüße"))
    assert SAID in [*(error.text for error in getattr(outcome, "errors", ())), getattr(outcome, "cause", ECHO).text]


def test_a_cause_shows_its_detail() -> None:
    """By its name."""
    assert repr(Cause(kind="not_connected", text="No.", detail="dns")).endswith(", detail='dns')")


def test_a_documented_text_is_shown_as_the_server_wrote_it() -> None:
    """Its words are the page's, even where the message's text is one of them; another's may be an echo."""
    message = ViberMessage(domain="shop.example", phone_number="+14155550123", text="allowed")
    shown = {
        code: repr(
            Rejected(errors=(ApiError(code=code, text="Not allowed"),), status=200, **{**ENDED, "message": message})
        )
        for code in (ErrorCode.COUNTRY_NOT_ALLOWED, ErrorCode.UNKNOWN)
    }
    assert [("Not allowed" in each) for each in shown.values()] == [True, False]


def test_a_cause_shows_no_number() -> None:
    """A cause may hold the server's words, and shows the last digits of a number in them."""
    assert repr(Cause(kind="proxy", text="no way to +14155550123")) == "Cause(kind='proxy', text='no way to …123')"


@each_outcome
def test_each_outcome_is_frozen(word: str, outcome: Outcome) -> None:
    """An outcome cannot be changed."""
    del word
    with pytest.raises(AttributeError):
        outcome.index = 8  # type: ignore[misc]


def test_match_tells_outcomes_apart() -> None:
    """A match statement takes an outcome apart by its class and fields."""
    match OUTCOMES["accepted"]:
        case Accepted(message_ids=(first,)):
            assert first == "5d914c3dd132d5f45a4e3670"
        case other:
            pytest.fail(f"not matched: {other!r}")


def test_unwrapping_an_accepted_message_gives_it() -> None:
    """`unwrap` of what was accepted returns it: there is nothing to raise."""
    accepted = OUTCOMES["accepted"]
    assert accepted.unwrap() is accepted


HOSTILE = [
    ({"text": "half \ud83d smile"}, "text", "half \\ud83d smile"),
    ({"text": b"\xff"}, "text", "/w=="),
    ({"text": Word("Hello")}, "text", "Hello"),
    ({"text": Word("\ud83d")}, "text", "\\ud83d"),
    ({"text": 10**30}, "text", 10**30),
    ({"text": 10**5000}, "text", "<int>"),
    ({"text": float("nan")}, "text", None),
    ({"text": 1j}, "text", "1j"),
    ({"text": Unspeakable()}, "text", "<Unspeakable>"),
    ({"text": endless()}, "text", "[[...]]"),
    ({"tags": ("a", "\ud83d", endless())}, "tags", ["a", "\\ud83d", "[[...]]"]),
    ({"button": Button(text="\ud83d", url="https://x")}, "button", {"text": "\\ud83d", "url": "https://x"}),
    ({"button": {1j: 2}}, "button", {"1j": 2}),
    ({"reference": "a\udc80"}, "reference", "a\\udc80"),
    ({"not_after": datetime(2030, 1, 1, 12, tzinfo=UTC)}, "not_after", "2030-01-01T12:00:00Z"),
    ({"not_after": Unspeakable()}, "not_after", "<Unspeakable>"),
    (
        {"not_after": datetime(2030, 1, 1, tzinfo=Broken())},
        "not_after",
        "datetime.datetime(2030, 1, 1, 0, 0, tzinfo=Broken())",
    ),
]


@pytest.mark.parametrize(("fields", "name", "written"), HOSTILE)
def test_whatever_a_message_holds_its_outcome_is_written(fields: dict[str, Any], name: str, written: object) -> None:
    """The outcome of a message that JSON cannot hold is one line of JSON all the same, its other fields whole."""
    message = msgspec.structs.replace(MESSAGE, **fields)
    problem = Problem(field=name, value="v", rule="r", remedy="m")
    outcome = Invalid(index=7, message=message, attempts=0, elapsed=0.5, problems=(problem,))
    line = outcome.to_json()
    assert b"\n" not in line
    read = json.loads(line)
    assert read["outcome"] == "invalid"
    assert read["message"].pop(name) == written
    expected = json.loads(msgspec.json.encode(MESSAGE))
    assert read["message"] == {key: expected[key] for key in read["message"]}
    assert read["problems"] == [{"field": name, "value": "v", "rule": "r", "remedy": "m"}]
