"""The retry policy: what it takes, its pauses, and how `Retry-After` is read."""

import time
from typing import Any

import pytest

from wooxy_async import RetryPolicy
from wooxy_async._rules.judgement import Again
from wooxy_async._rules.retry import may_try_again, retry_after

NEW_YEAR = 1_767_225_600.0  # 2026-01-01 00:00:00 UTC

WRONG = [
    ({"attempts": 0}, ValueError, "attempts=…"),
    ({"attempts": 101}, ValueError, "attempts=…"),
    ({"attempts": 2.0}, TypeError, "attempts=…"),
    ({"attempts": True}, TypeError, "attempts=…"),
    ({"wait_initial": -0.1}, ValueError, "wait_initial=…"),
    ({"wait_initial": 3601}, ValueError, "wait_initial=…"),
    ({"wait_initial": "1"}, TypeError, "wait_initial=…"),
    ({"wait_initial": float("nan")}, ValueError, "wait_initial=…"),
    ({"wait_max": 3601}, ValueError, "wait_max=…"),
    ({"wait_max": float("inf")}, ValueError, "wait_max=…"),
    ({"wait_max": 10**400}, ValueError, "wait_max=…"),
    ({"wait_max": None}, TypeError, "wait_max=…"),
    ({"retry_in_doubt": 1}, TypeError, "retry_in_doubt=…"),
]


@pytest.mark.parametrize(("arguments", "error", "named"), WRONG)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], error: type[Exception], named: str) -> None:
    """Each argument of a wrong type or range is refused at once, by an error that names it."""
    with pytest.raises(error, match=rf"^RetryPolicy\({named}\) must be "):
        RetryPolicy(**arguments)


def test_defaults_never_send_a_doubt_again() -> None:
    """Unless asked for in so many words, what may have been delivered is not sent again; a policy stays as it is."""
    policy = RetryPolicy()
    assert policy == RetryPolicy(attempts=4, wait_initial=0.5, wait_max=30.0, retry_in_doubt=False)
    with pytest.raises(AttributeError):
        policy.attempts = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        RetryPolicy(5)  # type: ignore[misc]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"attempts": 1, "wait_initial": 0, "wait_max": 0, "retry_in_doubt": True},
        {"attempts": 100, "wait_initial": 3600, "wait_max": 3600.0},
    ],
)
def test_the_ends_of_each_range_are_right(arguments: dict[str, Any]) -> None:
    """The smallest and the largest values work."""
    policy = RetryPolicy(**arguments)
    assert 0 <= policy.pause(policy.attempts, 1.0) <= policy.wait_max


@pytest.mark.parametrize(
    ("attempt", "draw", "pause"),
    [(1, 1.0, 0.5), (2, 1.0, 1.0), (3, 1.0, 2.0), (3, 0.25, 0.5), (7, 1.0, 30.0), (10**9, 1.0, 30.0), (5, 0.0, 0.0)],
)
def test_pauses_double_up_to_their_bound(attempt: int, draw: float, pause: float) -> None:
    """The bound of the pause doubles from attempt to attempt, up to `wait_max`; the draw is the jitter."""
    assert RetryPolicy().pause(attempt, draw) == pause


# (again, attempts so far, of how many, in a stream, retry_in_doubt) → whether it is tried again
AGAIN = [
    ((Again.NEVER, 1, 4, True, True), False),
    ((Again.NO, 1, 4, True, True), False),
    ((Again.WITHIN_POLICY, 1, 4, False, False), True),
    ((Again.WITHIN_POLICY, 3, 4, False, False), True),
    ((Again.WITHIN_POLICY, 4, 4, False, False), False),
    ((Again.WITHIN_POLICY, 4, 4, True, False), True),
    ((Again.WITHIN_POLICY, 50, 4, True, False), True),
    ((Again.WITHIN_POLICY, 1, 1, True, False), False),
    ((Again.AFTER_PAUSE, 3, 4, False, False), True),
    ((Again.AFTER_PAUSE, 4, 4, False, False), False),
    ((Again.AFTER_PAUSE, 4, 4, True, False), True),
    ((Again.AFTER_PAUSE, 1, 1, True, False), False),
    ((Again.AFTER_PAUSE, 2, 2, True, False), True),
    ((Again.IF_ASKED, 1, 4, False, False), False),
    ((Again.IF_ASKED, 1, 4, True, False), False),
    ((Again.IF_ASKED, 1, 4, False, True), True),
    ((Again.IF_ASKED, 3, 4, True, True), True),
    ((Again.IF_ASKED, 4, 4, True, True), False),
    ((Again.IF_ASKED, 1, 1, True, True), False),
]


@pytest.mark.parametrize(("case", "expected"), AGAIN)
def test_whether_a_message_is_tried_again(case: tuple[Again, int, int, bool, bool], *, expected: bool) -> None:
    """Only what the table allows is tried again; once means once everywhere; a doubt only if asked for."""
    again, attempts, most, is_endless, in_doubt = case
    policy = RetryPolicy(attempts=most, retry_in_doubt=in_doubt)
    assert may_try_again(policy, again, attempts, is_endless=is_endless) is expected


HEADERS = [
    (None, None),
    ("7", 7.0),
    (" 120 ", 120.0),
    ("0", 0.0),
    ("0000000000000000005", 5.0),
    ("9" * 400, 3_155_760_000.0),
    ("Thu, 01 Jan 2026 00:01:30 GMT", 90.0),
    ("Thu, 01 Jan 2026 00:01:30 -0000", 90.0),
    ("Thu, 01 Jan 2026 01:01:30 +0100", 90.0),
    ("Wed, 31 Dec 2025 23:59:00 GMT", 0.0),
    ("Thu, 01 Jan 2026 00:01:30", 90.0),
    ("", None),
    ("soon", None),
    ("-3", None),
    ("1.5", None),
    ("\u0663", None),
    ("1e3", None),
    ("Thu, 31 Feb 2026 00:00:00 GMT", None),
    ("Thu, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ("Thu, 01 Jan 2026 00:00:00 +999999999999999999999", None),
]


@pytest.mark.parametrize(("header", "seconds"), HEADERS)
def test_retry_after_is_read_or_passed_over(header: str | None, seconds: float | None) -> None:
    """Seconds and dates give seconds from now, never negative and never more than a century; nonsense gives None."""
    assert retry_after(header, NEW_YEAR) == seconds


def test_a_date_without_a_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's own zone is (RFC 9110, section 5.6.7: such dates are in UTC)."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert retry_after("Thu, 01 Jan 2026 00:01:30", NEW_YEAR) == 90.0
    finally:
        monkeypatch.undo()
        time.tzset()
