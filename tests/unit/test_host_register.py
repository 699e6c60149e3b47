"""Which files of a directory are the first of their accounts, and need not wait for holders of another."""

import logging
import os
from contextlib import closing
from pathlib import Path

import pytest
from clocks import ManualClock

from wooxy_async.limits import _host_locks as locks
from wooxy_async.limits._host import HostLimiter
from wooxy_async.limits._host_file import SETTLING
from wooxy_async.limits._host_register import MAX_BYTES, NAME, Register
from wooxy_async.limits._host_slots import POLL_EVERY, HostSlots

FIRST, SECOND = "a" * 32, "b" * 32


class Terms:
    """A client's."""

    answer_limit = 60.0
    max_bulk = 10
    loss_hold = 1.0


@pytest.fixture
def clock() -> ManualClock:
    """A clock of one's own."""
    return ManualClock()


def opened(directory: Path, clock: ManualClock, name: str = FIRST) -> HostSlots:
    """Open an account's slots as a process does."""
    return HostSlots(directory / f"{name}.slots", clock=clock, register=Register(directory, is_shared=False))


def may_start(slots: HostSlots) -> bool:
    """Return whether a slot is granted now."""
    return slots.take(Terms(), "bulk", None) is not None


def test_the_first_file_of_an_account_waits_for_nobody(tmp_path: Path, clock: ManualClock) -> None:
    """Once the directory's register is older than a move takes; one that is made anew waits, for its holders move."""
    early = opened(tmp_path, clock)
    assert not may_start(early)
    clock.now += SETTLING
    assert may_start(early)
    late = opened(tmp_path, clock, SECOND)
    assert may_start(late)
    (tmp_path / f"{SECOND}.slots").unlink()
    again = opened(tmp_path, clock, SECOND)
    assert not may_start(again)
    for slots in (early, late, again):
        slots.close()


def test_a_deleted_register_is_written_again_by_who_uses_a_file(tmp_path: Path, clock: ManualClock) -> None:
    """So that a file which is deleted long afterwards is not taken for one that never was."""
    opened(tmp_path, clock, SECOND).close()
    clock.now += SETTLING
    user = opened(tmp_path, clock)
    assert may_start(user)
    (tmp_path / NAME).unlink()
    clock.now += POLL_EVERY
    user.poll()
    clock.now += SETTLING
    (tmp_path / f"{FIRST}.slots").unlink()
    other = opened(tmp_path, clock)
    assert not may_start(other)
    user.close()
    other.close()


@pytest.mark.parametrize("what", ["another boot", "cut off", "full"])
def test_a_register_that_means_nothing_is_begun_anew(tmp_path: Path, clock: ManualClock, what: str) -> None:
    """One of another boot, one that was cut off, and one that has grown too long: files wait, as at first."""
    register, path = Register(tmp_path, is_shared=False), tmp_path / NAME
    register.enter(FIRST, clock.now)
    clock.now += SETTLING
    found = path.read_bytes()
    path.write_bytes(
        {"another boot": found[:8] + bytes(16) + found[24:], "cut off": found[:20], "full": found.ljust(MAX_BYTES)}[
            what
        ]
    )
    assert not register.enter(SECOND, clock.now)
    clock.now += SETTLING
    assert register.enter(FIRST, clock.now)
    assert not register.enter(FIRST, clock.now)
    register.close()
    assert not register.is_in_place()
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_a_register_of_others_is_refused(tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    """At first by an error; where it comes later, by one record of the log."""
    slots = opened(tmp_path, clock)
    clock.now += POLL_EVERY
    slots.poll()
    path = tmp_path / NAME
    path.unlink()
    path.symlink_to("elsewhere")
    with caplog.at_level(logging.WARNING, "wooxy_async"):
        for _look in range(2):
            clock.now += POLL_EVERY
            slots.poll()
    assert len(caplog.records) == 1
    slots.close()
    path.unlink()
    path.touch(0o600)
    path.chmod(0o606)
    with pytest.raises(ValueError, match="others may write"):
        opened(tmp_path, clock)


def test_a_register_that_never_stands_still_is_given_up(tmp_path: Path, clock: ManualClock) -> None:
    """Nobody tries for ever."""

    class Restless(Register):
        def _make(self, now: float) -> None:
            self._path.write_bytes(f"{now}".encode())
            os.chmod(self._path, 0o600)  # noqa: PTH101 - as it is

    with pytest.raises(ValueError, match="all the time"):
        Restless(tmp_path, is_shared=False).enter(FIRST, clock.now)


def test_who_does_not_say_the_account_finds_it_by_the_token(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A token that was seen with account= belongs to it from then on, which the log says once; the last word counts."""

    def joined(token: str, account: str | None = None) -> HostLimiter:
        return HostLimiter(token, url="http://localhost:80", directory=str(tmp_path), account=account)

    named = joined("old-token", "acme")
    with caplog.at_level(logging.INFO, "wooxy_async"):
        assert [joined("old-token").account for _client in range(2)] == [named.account] * 2
    assert len(caplog.records) == 1
    assert "account=" in caplog.text
    assert "old-token" not in caplog.text
    assert joined("new-token").account is not named.account
    assert [joined("new-token", "acme").account for _client in range(2)] == [named.account] * 2
    assert joined("new-token").account is named.account
    assert joined("new-token", "other").account is not named.account
    assert joined("new-token").account is not named.account
    (tmp_path / NAME).write_bytes(b"")
    (tmp_path / NAME).chmod(0o606)
    with pytest.raises(ValueError, match=r"register cannot be used: .*remove it, or .*WOOXY_RUNTIME_DIR"):
        joined("new-token")


def test_who_came_before_moves_to_the_account(tmp_path: Path, clock: ManualClock) -> None:
    """What a token has in use goes with it, also of one who is stopped; the account grants nothing meanwhile."""
    opened(tmp_path, clock, SECOND).close()
    clock.now += SETTLING
    early, stopped = opened(tmp_path, clock), opened(tmp_path, clock)
    held = [early.take(Terms(), "bulk", None) for _slot in range(4)]
    assert None not in held
    assert [may_start(stopped) for _slot in range(3)] == [True] * 3
    register, account = Register(tmp_path, is_shared=False), opened(tmp_path, clock, SECOND)
    register.link(FIRST, SECOND, clock.now)
    register.close()
    account.absorb(FIRST)
    assert not may_start(account)
    clock.now += POLL_EVERY
    early.poll()
    clock.now += SETTLING
    account.poll()
    assert all(slot is not None and slot.holds() for slot in held)
    assert [may_start(account) for _slot in range(4)] == [True] * 3 + [False]
    account.absorb(FIRST)  # there is nothing more
    for slots in (early, stopped, account):
        slots.close()
    account.absorb(FIRST)  # nor after its end


def test_a_tokens_file_that_is_not_ones_own_is_left_alone(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The account works on, and the log says what is wrong."""
    account = opened(tmp_path, clock, SECOND)
    planted = tmp_path / f"{FIRST}.slots"
    planted.touch(0o600)
    planted.chmod(0o606)
    with caplog.at_level(logging.WARNING, "wooxy_async"):
        account.absorb(FIRST)
    assert len(caplog.records) == 1
    assert planted.exists()
    account.close()


def test_tokens_are_noted_again_with_the_register(tmp_path: Path, clock: ManualClock) -> None:
    """Who says the account goes on saying it."""
    account = opened(tmp_path, clock, SECOND)
    account.absorb(FIRST)
    (tmp_path / NAME).unlink()
    clock.now += POLL_EVERY
    account.poll()
    with closing(Register(tmp_path, is_shared=False)) as register:
        assert register.account_of(FIRST, clock.now) == SECOND
        assert register.account_of(SECOND, clock.now) == SECOND
    account.close()


def test_classic_locks_stay_where_they_are(tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the second opening of a file costs the locks of the first, nobody moves to another account's."""
    monkeypatch.setattr("wooxy_async.limits._host_locks.choose", lambda *_files: locks.classic)
    early, account = opened(tmp_path, clock), opened(tmp_path, clock, SECOND)
    account.absorb(FIRST)
    assert (tmp_path / f"{FIRST}.slots").exists()
    with closing(Register(tmp_path, is_shared=False)) as register:
        register.link(FIRST, SECOND, clock.now)
    (tmp_path / f"{FIRST}.slots").unlink()
    clock.now += POLL_EVERY
    early.poll()
    assert (tmp_path / f"{FIRST}.slots").exists()
    early.close()
    account.close()
