"""The states of a submission: a table of which no change is missing and none is too many."""

import pytest

from wooxy_async._client.states import AT_DEADLINE, CHANGES, State, changed

LEGAL = {
    (State.NEW, "HELD_BACK PAUSED QUEUED ENDED"),
    (State.HELD_BACK, "PAUSED QUEUED ENDED"),
    (State.PAUSED, "QUEUED ENDED"),
    (State.QUEUED, "HELD_BACK PAUSED REQUESTING RESTING ENDED"),
    (State.REQUESTING, "RESTING ENDED"),
    (State.RESTING, "HELD_BACK PAUSED QUEUED ENDED"),
    (State.ENDED, ""),
}


@pytest.mark.parametrize(("state", "names"), sorted(LEGAL, key=lambda row: row[0].name), ids=str)
def test_the_changes(state: State, names: str) -> None:
    """A submission enters what the table names, and nothing else."""
    legal = {state, *(State[name] for name in names.split())}
    for to in State:
        if to in legal:
            assert changed(state, to) is to
        else:
            with pytest.raises(AssertionError, match=f"no submission goes from {state.name} to {to.name}"):
                changed(state, to)


def test_every_state_has_its_row() -> None:
    """Every state may end, but the end; and waits alone have a word of their own at a deadline."""
    assert set(CHANGES) == set(State)
    assert [state for state in State if State.ENDED not in CHANGES[state]] == [State.ENDED]
    assert set(AT_DEADLINE) == {State.QUEUED, State.PAUSED}
