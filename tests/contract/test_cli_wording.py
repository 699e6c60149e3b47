"""How durations and reasons are written."""

import pytest

from wooxy_async import Invalid, Problem, ViberMessage
from wooxy_async.cli._screen import counted, lasting, reason


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (10, "10 s"), (59.4, "59 s"), (62, "1 min 02 s"), (7500, "2 h 05 min")],
)
def test_a_duration_is_written_as_people_say_it(seconds: float, words: str) -> None:
    """Short times have a tenth, long ones two units."""
    assert lasting(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 rows"), (1, "1 row"), (1862, "1,862 rows")])
def test_a_count_agrees_with_its_noun(count: int, words: str) -> None:
    """One is one."""
    assert counted(count, "row") == words


def test_the_reason_of_an_invalid_message_lists_its_problems_without_numbers() -> None:
    """A message that the client refuses tells each field and remedy on one line."""
    message = ViberMessage(domain="shop.example", phone_number="+14155550123", text="x")
    problems = (
        Problem(field="ttl", value="5", rule="ttl", remedy="must be more"),
        Problem(field="text", value="", rule="empty", remedy="is not for\n+14155550123"),
    )
    outcome = Invalid(index=0, message=message, attempts=0, elapsed=0.0, problems=problems)
    assert reason(outcome) == "ttl: must be more; text: is not for …123"
