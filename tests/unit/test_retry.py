"""The retry policy: what it takes, its pauses, and how `Retry-After` is read."""

from typing import Any

import pytest

from wooxy_async import RetryPolicy
from wooxy_async._rules.judgement import Again
from wooxy_async._rules.retry import next_pause, retry_after

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
    with pytest.raises(error, match=named):
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


# (again, attempts so far, Retry-After, patient, retry_in_doubt) → seconds, or None for "not again"
PAUSES = [
    ((Again.NEVER, 1, None, True, True), None),
    ((Again.NO, 1, None, True, True), None),
    ((Again.WITHIN_POLICY, 1, None, False, False), 0.25),
    ((Again.WITHIN_POLICY, 3, None, False, False), 1.0),
    ((Again.WITHIN_POLICY, 4, None, False, False), None),
    ((Again.WITHIN_POLICY, 4, None, True, False), 2.0),
    ((Again.WITHIN_POLICY, 50, None, True, False), 15.0),
    ((Again.WITHIN_POLICY, 1, 7.0, False, False), 0.25),
    ((Again.AFTER_PAUSE, 1, None, False, False), 0.25),
    ((Again.AFTER_PAUSE, 1, 7.0, False, False), 7.0),
    ((Again.AFTER_PAUSE, 1, 0.0, False, False), 0.0),
    ((Again.AFTER_PAUSE, 1, 30.0, False, False), 30.0),
    ((Again.AFTER_PAUSE, 1, 30.5, False, False), None),
    ((Again.AFTER_PAUSE, 1, 30.5, True, False), 30.5),
    ((Again.AFTER_PAUSE, 1, 86_400.0, True, False), 900.0),
    ((Again.AFTER_PAUSE, 4, 7.0, False, False), None),
    ((Again.AFTER_PAUSE, 4, 7.0, True, False), 7.0),
    ((Again.IF_ASKED, 1, None, False, False), None),
    ((Again.IF_ASKED, 1, None, True, False), None),
    ((Again.IF_ASKED, 1, None, False, True), 0.25),
    ((Again.IF_ASKED, 1, 7.0, False, True), 0.25),
    ((Again.IF_ASKED, 3, None, True, True), 1.0),
    ((Again.IF_ASKED, 4, None, True, True), None),
]


@pytest.mark.parametrize(("case", "pause"), PAUSES)
def test_whether_and_when_a_message_is_tried_again(
    case: tuple[Again, int, float | None, bool, bool], pause: float | None
) -> None:
    """Only what the table allows is tried again; a doubt only if asked for, and never beyond `attempts`."""
    again, attempts, asked, patient, in_doubt = case
    policy = RetryPolicy(retry_in_doubt=in_doubt)
    assert (
        next_pause(policy, again, attempts=attempts, asked=asked, draw=0.5, patience=900.0 if patient else None)
        == pause
    )


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
