"""How many messages of a client wait, and how long the next one probably would."""

import pytest

from wooxy_async._client.load import Load


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return what the hands show."""
        return self.now

    def time(self) -> float:
        """Return the same."""
        return self.now


def test_the_wait_is_that_of_the_line_by_what_requests_have_taken_lately() -> None:
    """The estimate goes towards the latest requests; a pause that is longer counts instead."""
    clock = Hands()
    load = Load(6, 2, clock)
    assert load.refuses("urgent", 0.0) is None
    load.waiting["urgent"] = 6
    assert load.refuses("bulk", 0.0) is None
    for _request in range(100):
        began = clock.now
        clock.now += 0.25
        load.ended(began)
    refused = load.refuses("urgent", 0.0)
    assert refused is not None
    assert refused[1] == pytest.approx(3 * 0.25, rel=0.001)
    paused = load.refuses("urgent", 7.0)
    assert paused is not None
    assert (paused[0].kind, paused[1]) == ("overloaded", 7.0)
    assert paused[0].text.endswith("max_waiting allows, 6; it may be better in 7 s.")


def test_without_a_bound_nobody_is_refused() -> None:
    """And nothing is reckoned."""
    load = Load(None, 1, Hands())
    load.waiting["urgent"] = 1_000_000
    load.ended(0.0)
    assert load.refuses("urgent", 5.0) is None
