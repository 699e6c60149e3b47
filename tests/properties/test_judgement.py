"""The outcome table: whatever is seen, one row decides, and "not sent" is never said of what may have been taken."""

from itertools import product

from hypothesis import given, settings, strategies as st
from people import COMMON
from tries import tries

from wooxy_async import ApiError, Cause, ErrorCode, NotSent, Problem
from wooxy_async._rules.judgement import TABLE, Again, Seen, conclude, judge
from wooxy_async._rules.wire import Refused, Taken

ERRORS = st.builds(ApiError, code=st.sampled_from(ErrorCode), text=st.text(max_size=5))
PROBLEM = Problem(field="text", value="", rule="empty", remedy="must not be empty")
NEVER_TAKEN = {407, 429}
SEEN = st.builds(
    Seen,
    problems=st.sampled_from([(), (), (), (PROBLEM,)]),
    handed_over=st.booleans(),
    status=st.none() | st.integers(100, 599) | st.sampled_from([200, 400, 407, 408, 429, 500]),
    answer=st.none()
    | st.builds(Taken, st.lists(st.text(max_size=5)).map(tuple))
    | st.builds(Refused, st.lists(ERRORS, min_size=1, max_size=3).map(tuple)),
    failure=st.none() | st.builds(Cause, kind=st.sampled_from(["not_connected", "connection_lost"]), text=st.just("t")),
    retry_after=st.none() | st.floats(0, 1000),
    words=st.text(max_size=5),
)


@settings(max_examples=tries(200))
@given(seen=SEEN)
def test_one_row_decides(seen: Seen) -> None:
    """The first row that fits decides, and its outcome is the one that the row names."""
    row = judge(seen)
    assert row.fits(seen)
    assert not any(earlier.fits(seen) for earlier in TABLE[: TABLE.index(row)])
    assert type(conclude(row, seen, **COMMON)).__name__ == row.verdict.value


def test_the_usual_answer_takes_no_other_row_than_the_table_s() -> None:
    """The short way of a plain acceptance and the table agree, in each combination that could tell them apart."""
    answers = (None, Taken(("1",)), Refused((ApiError(code=ErrorCode.UNKNOWN, text="no"),)))
    sights = product(((), (PROBLEM,)), (True, False), (None, 200, 201, 407, 429), answers)
    for problems, handed_over, status, answer in sights:
        seen = Seen(problems=problems, handed_over=handed_over, status=status, answer=answer)
        assert judge(seen) is next(row for row in TABLE if row.fits(seen))


@settings(max_examples=tries(200))
@given(seen=SEEN)
def test_not_sent_is_never_said_of_what_may_have_been_taken(seen: Seen) -> None:
    """Once a byte is out, only a 429 or a proxy's 407 says that the message was not taken."""
    outcome = conclude(judge(seen), seen, **COMMON)
    if seen.handed_over and seen.status not in NEVER_TAKEN:
        assert not isinstance(outcome, NotSent)


@settings(max_examples=tries(200))
@given(seen=SEEN)
def test_only_what_is_not_sent_is_sent_again_by_itself(seen: Seen) -> None:
    """A row that sends again unasked is one that says "not sent"."""
    row = judge(seen)
    if row.again in (Again.WITHIN_POLICY, Again.AFTER_PAUSE):
        assert isinstance(conclude(row, seen, **COMMON), NotSent)
