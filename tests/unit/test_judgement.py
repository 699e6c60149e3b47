"""Failure → outcome: the table of the design, row by row, and a sight that reaches each row."""

from typing import Any

import pytest
from people import COMMON

from wooxy_async import Accepted, ApiError, Cause, ErrorCode, InDoubt, Invalid, NotSent, Problem, Rejected
from wooxy_async._rules.judgement import TABLE, Again, Seen, Verdict, conclude, judge
from wooxy_async._rules.wire import Refused, Taken

PROBLEM = Problem(field="text", value="", rule="empty", remedy="must not be empty")
TAKEN = Taken(("5d914c3dd132d5f45a4e3670",))
BAD = ApiError(code=ErrorCode.BAD_REQUEST, text="Bad Request")
BROKEN = ApiError(code=ErrorCode.INTERNAL_SERVER_ERROR, text="Internal server error")
LOST = Cause(kind="connection_lost", text="lost")
REFUSED = Cause(kind="not_connected", text="refused")

# The design's table: what a row is about, its outcome, and whether the message is sent again by itself.
DESIGN = [
    ("rule", "Invalid", Again.NEVER),
    ("no slot", "NotSent", Again.WITHIN_POLICY),
    ("result: true", "Accepted", Again.NEVER),
    ("error 21", "InDoubt", Again.IF_ASKED),
    ("another documented error", "Rejected", Again.NO),
    ("429", "NotSent", Again.AFTER_PAUSE),
    ("407", "NotSent", Again.NO),
    ("nothing documented under 5xx or 408", "InDoubt", Again.IF_ASKED),
    ("4xx but 408", "Rejected", Again.NO),
    ("handed over", "InDoubt", Again.IF_ASKED),
]
OTHER = ApiError(code=ErrorCode.UNKNOWN, text="upstream unavailable")

# (what was seen, the row of DESIGN that decides)
SIGHTS = [
    ({"problems": (PROBLEM,)}, 0),
    ({"problems": (PROBLEM,), "handed_over": True, "status": 200, "answer": TAKEN}, 0),
    ({"failure": REFUSED}, 1),
    ({"failure": Cause(kind="no_slot", text="none")}, 1),
    ({"handed_over": True, "status": 200, "answer": TAKEN}, 2),
    ({"handed_over": True, "status": 500, "answer": TAKEN}, 2),
    ({"handed_over": True, "status": 302, "answer": Taken(())}, 2),
    ({"handed_over": True, "status": 429, "answer": TAKEN}, 2),
    ({"handed_over": True, "status": 407, "answer": TAKEN, "has_proxy": True}, 2),
    ({"handed_over": True, "status": 200, "answer": Refused((BROKEN,))}, 3),
    ({"handed_over": True, "status": 400, "answer": Refused((BAD, BROKEN))}, 3),
    ({"handed_over": True, "status": 429, "answer": Refused((OTHER, BROKEN))}, 3),
    ({"handed_over": True, "status": 200, "answer": Refused((BAD,))}, 4),
    ({"handed_over": True, "status": 503, "answer": Refused((BAD,))}, 4),
    ({"handed_over": True, "status": 408, "answer": Refused((BAD, OTHER))}, 4),
    ({"handed_over": True, "status": 429, "answer": Refused((BAD,))}, 4),
    ({"handed_over": True, "status": 407, "answer": Refused((BAD,)), "has_proxy": True}, 4),
    ({"handed_over": True, "status": 429}, 5),
    ({"handed_over": True, "status": 429, "answer": Refused((OTHER,))}, 5),
    ({"handed_over": True, "status": 407, "has_proxy": True}, 6),
    ({"handed_over": True, "status": 407, "answer": Refused((OTHER,)), "has_proxy": True}, 6),
    ({"handed_over": True, "status": 503, "answer": Refused((OTHER,))}, 7),
    ({"handed_over": True, "status": 500, "answer": Refused((OTHER,))}, 7),
    ({"handed_over": True, "status": 408, "answer": Refused((OTHER,))}, 7),
    ({"handed_over": True, "status": 499, "answer": Refused((OTHER,))}, 8),
    ({"handed_over": True, "status": 200, "answer": Refused((OTHER,))}, 8),
    ({"handed_over": True, "status": 407}, 8),
    ({"handed_over": True, "status": 400}, 8),
    ({"handed_over": True, "status": 403}, 8),
    ({"handed_over": True, "status": 499}, 8),
    ({"handed_over": True, "failure": LOST}, 9),
    ({"handed_over": True, "status": 200}, 9),
    ({"handed_over": True, "status": 204}, 9),
    ({"handed_over": True, "status": 301}, 9),
    ({"handed_over": True, "status": 399}, 9),
    ({"handed_over": True, "status": 408}, 9),
    ({"handed_over": True, "status": 500}, 9),
    ({"handed_over": True, "status": 101}, 9),
]


def concluded(**sight: Any) -> Any:
    """Return the outcome of what was seen."""
    seen = Seen(**sight)
    return conclude(judge(seen), seen, **COMMON)


def test_the_table_is_the_design_s() -> None:
    """The code's rows are those of the design, in its order."""
    assert len(TABLE) == len(DESIGN)
    for row, (about, outcome, again) in zip(TABLE, DESIGN, strict=True):
        assert about in row.seen
        assert (row.verdict, row.again) == (Verdict(outcome), again)


@pytest.mark.parametrize(("sight", "place"), SIGHTS)
def test_the_first_row_that_fits_decides(sight: dict[str, Any], place: int) -> None:
    """Each sight is decided by its row and gives that row's outcome."""
    assert TABLE.index(judge(Seen(**sight))) == place
    outcome = concluded(**sight)
    assert type(outcome).__name__ == DESIGN[place][1]
    assert (outcome.index, outcome.message, outcome.attempts, outcome.elapsed) == tuple(COMMON.values())


def test_each_row_is_reached() -> None:
    """No row of the table is dead."""
    assert {place for _, place in SIGHTS} == set(range(len(DESIGN)))


def test_invalid_lists_its_problems() -> None:
    """A message that was refused here says why."""
    assert concluded(problems=(PROBLEM,)) == Invalid(problems=(PROBLEM,), **COMMON)


def test_accepted_has_the_ids() -> None:
    """A message that was taken has the server's ids of it."""
    assert concluded(handed_over=True, status=200, answer=TAKEN) == Accepted(message_ids=TAKEN.message_ids, **COMMON)


def test_rejected_has_errors_and_status() -> None:
    """A refusal repeats the server's errors."""
    expected = Rejected(errors=(BAD,), status=400, **COMMON)
    assert concluded(handed_over=True, status=400, answer=Refused((BAD,))) == expected


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("<h1>Forbidden</h1>", "HTTP 403 without a documented error: <h1>Forbidden</h1>"),
        ("", "HTTP 403 without a documented error"),
        (" Blocked by MAX:", "HTTP 403 without a documented error:  Blocked by MAX"),
    ],
)
def test_a_refusal_without_a_documented_body_keeps_its_words(words: str, text: str) -> None:
    """A firewall's answer is one error of unknown code, with the beginning of its words."""
    (error,) = concluded(handed_over=True, status=403, words=words).errors
    assert error == ApiError(code=ErrorCode.UNKNOWN, text=text)


CAUSES = [
    ({"failure": REFUSED}, NotSent, "not_connected", "refused"),
    ({"handed_over": True, "failure": LOST}, InDoubt, "connection_lost", "lost"),
    ({"handed_over": True, "status": 429}, NotSent, "throttled", "Wooxy refused the request for load (HTTP 429)."),
    (
        {"handed_over": True, "status": 429, "answer": Refused((OTHER,))},
        NotSent,
        "throttled",
        "Wooxy refused the request for load (HTTP 429): upstream unavailable",
    ),
    (
        {"handed_over": True, "status": 503, "words": "<h1>call +14155550123</h1>"},
        InDoubt,
        "server_error",
        "The server failed (HTTP 503): <h1>call …123</h1>",
    ),
    (
        {"handed_over": True, "status": 407, "has_proxy": True},
        NotSent,
        "proxy",
        "The proxy asks for a login (HTTP 407).",
    ),
    ({"handed_over": True, "status": 408}, InDoubt, "server_error", "The server gave up waiting (HTTP 408)."),
    ({"handed_over": True, "status": 503}, InDoubt, "server_error", "The server failed (HTTP 503)."),
    ({"handed_over": True, "status": 500}, InDoubt, "server_error", "The server failed (HTTP 500)."),
    (
        {"handed_over": True, "status": 300},
        InDoubt,
        "redirected",
        "The server redirected the request, which is never followed (HTTP 300).",
    ),
    (
        {"handed_over": True, "status": 299},
        InDoubt,
        "unreadable_answer",
        "The answer is not of the documented form (HTTP 299).",
    ),
    (
        {"handed_over": True, "status": 307},
        InDoubt,
        "redirected",
        "The server redirected the request, which is never followed (HTTP 307).",
    ),
    (
        {"handed_over": True, "status": 200},
        InDoubt,
        "unreadable_answer",
        "The answer is not of the documented form (HTTP 200).",
    ),
    (
        {"handed_over": True, "status": 200, "answer": Refused((BROKEN,))},
        InDoubt,
        "server_error",
        "Wooxy answered “Internal server error” (HTTP 200).",
    ),
]


@pytest.mark.parametrize(("sight", "outcome", "kind", "text"), CAUSES)
def test_each_cause_says_what_was_seen(sight: dict[str, Any], outcome: type, kind: str, text: str) -> None:
    """NotSent and InDoubt name their cause, for programs and for people."""
    found = concluded(**sight)
    assert type(found) is outcome
    assert (found.cause.kind, found.cause.text) == (kind, text)


def test_a_doubt_with_several_errors_repeats_each() -> None:
    """What a gateway says twice stands there twice."""
    found = concluded(handed_over=True, status=502, answer=Refused((OTHER, OTHER)))
    assert found.cause.text == "The server failed (HTTP 502): upstream unavailable; upstream unavailable"


def test_a_429_gives_its_retry_after() -> None:
    """The time that the server asked for comes back with the outcome."""
    assert concluded(handed_over=True, status=429, retry_after=12.0).retry_after == 12.0


def test_a_doubt_has_status_and_errors() -> None:
    """What there was of an answer comes back with the doubt."""
    found = concluded(handed_over=True, status=500, answer=Refused((BAD, BROKEN)))
    assert (found.status, found.errors) == (500, (BAD, BROKEN))
