"""`wooxy slots`: what it shows of real processes, that it disturbs none of them, and that it shows no token."""

import asyncio
import fcntl
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from host_machine import machine
from terminal import COMMAND, Terminal
from typer.testing import CliRunner
from valkey_server import valkey
from waiting import block_until, until

from wooxy_async.cli._app import app
from wooxy_async.cli._processes import Process, look_up
from wooxy_async.limits._host_file import CLOSED, FREE, SETTLING, USED, HostFile, Record
from wooxy_async.limits._host_slots import HostSlots

HERE = os.getpid()


def once(test: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """Run a test on one loop only: the processes are others."""

    @wraps(test)
    def run(tmp_path: Path) -> None:
        asyncio.run(asyncio.wait_for(test(tmp_path), 120))

    return run


def wooxy(*arguments: str, env: dict[str, str | None] | None = None) -> Any:
    """Run `wooxy slots` in this process."""
    result = CliRunner().invoke(app, ["slots", *arguments], env={"COLUMNS": "80", "FORCE_COLOR": None, **(env or {})})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def account_in(directory: Path) -> Any:
    """Return what it tells a machine of the only account."""
    told = json.loads(wooxy("--limiter", f"host:{directory}", "--json").stdout)
    assert told["directory"] == str(directory)
    (account,) = told["accounts"]
    return account


def states(directory: Path) -> list[str]:
    """Return the states of all slots that are not free."""
    return [slot["state"] for slot in account_in(directory)["slots"]]


@once
async def test_who_holds_and_who_waits_is_shown_and_not_disturbed(tmp_path: Path) -> None:
    """A stopped holder of ten, one who waits for it, and what becomes of its slots when it dies."""
    async with machine(tmp_path) as (_sandbox, shared):
        holder, other = await shared.start("hold"), await shared.start("hold", count=1)
        holder.go()
        assert await holder.reads() == "held"
        holder.signal(signal.SIGSTOP)
        other.go()
        await until(lambda: account_in(tmp_path)["waiting"])
        told = account_in(tmp_path)
        assert [slot["slot"] for slot in told["slots"]] == list(range(10))
        is_known = {"state": "in use", "pid": holder.process.pid, "command": f"{python()} host_worker.py"}
        for slot in told["slots"]:
            assert slot.items() >= {**is_known, "stopped": True, "directory": str(Path.cwd())}.items()
            assert slot["age"] > 0
        (waiter,) = told["waiting"]
        assert (waiter["state"], waiter["pid"], waiter["stopped"]) == ("urgent waits", other.process.pid, False)
        said = wooxy("--limiter", f"host:{tmp_path}", "--once").stdout
        assert "10 of 10 slots in use" in said
        assert "stopped" in said
        assert shared.token not in said + json.dumps(told)
        holder.signal(signal.SIGCONT)
        holder.go()
        assert await holder.reads() == [True] * 10  # none of its locks was taken or dropped
        await holder.end()
        await until(lambda: "closed" in states(tmp_path))
        assert "opens in" in wooxy("--limiter", f"host:{tmp_path}").stdout


@once
async def test_the_dead_and_the_late_are_shown(tmp_path: Path) -> None:
    """Slots of a holder that died and that nobody has noticed yet, and of one that has not ended in time."""
    async with machine(tmp_path) as (_sandbox, shared):
        dying, late = await shared.start("hold", count=2), await shared.start("hold", count=3, answer_limit=0.5)
        for worker in (dying, late):
            worker.go()
            assert await worker.reads() == "held"
            worker.signal(signal.SIGSTOP)
        await dying.end()
        await until(lambda: sorted(states(tmp_path)) == ["dead"] * 2 + ["overdue"] * 3)
        assert "3 of 10 slots in use, 2 closed" in wooxy("--limiter", f"host:{tmp_path}").stdout


def python() -> str:
    """Return what this interpreter is called."""
    return Path(sys.executable).name


class Terms:
    """A client's."""

    answer_limit, loss_hold, max_bulk = 10.0, 2.0, 10


def slots_in(path: Path) -> HostSlots:
    """Return the slots of this process, whose file has settled."""
    slots = HostSlots(path)
    block_until(lambda: slots.opens_in(SETTLING) >= SETTLING)
    return slots


def test_kept_slots_free_slots_and_pauses(tmp_path: Path) -> None:
    """What a process keeps is free for others, and one that waits for nothing is not shown."""
    directory = tmp_path / "place"
    directory.mkdir(0o700)
    path = directory / "account.slots"
    slots = slots_in(path)
    assert "Nobody holds a slot, and nobody waits for one." in wooxy("--limiter", f"host:{directory}").stdout
    first, second = slots.take(Terms(), "bulk", None), slots.take(Terms(), "bulk", None)
    assert first is not None
    assert second is not None
    slots.give(first, 0)
    assert sorted(states(directory)) == ["in use", "kept"]
    slots.give(second, 1e-9)  # it has opened already
    block_until(lambda: (slots.poll(), states(directory)) == (None, []))  # what is idle is given up
    slots.announce(time.monotonic(), time.monotonic())
    assert [waiter["state"] for waiter in account_in(directory)["waiting"]] == ["urgent waits", "bulk waits"]
    slots.announce(None, time.monotonic())
    assert [waiter["state"] for waiter in account_in(directory)["waiting"]] == ["bulk waits"]
    slots.announce(None, None)
    assert account_in(directory)["waiting"] == []
    file = HostFile(path, is_shared=False, now=time.monotonic())
    file.pause(50, time.monotonic())
    assert re.search(r"pauses \d+ s more after a 429", wooxy("--limiter", f"host:{directory}").stdout)
    file.write(3, 0, Record(time.monotonic() - 1, 0.0, USED, 0.0, 1))
    file.write(4, 0, Record(time.monotonic() - 1, 0.0, CLOSED, 0.0, 0))
    file.write(5, 0, Record(0.0, 0.0, FREE, 0.0, 0))
    assert states(directory) == []  # its holder died, but is past its end
    file.close()
    slots.close()


def test_where_locks_cannot_be_seen_marks_are_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on Linux nobody tells whether a lock is held."""
    tmp_path.chmod(0o700)
    slots = slots_in(tmp_path / "account.slots")
    assert slots.take(Terms(), "bulk", None) is not None
    slots.close()
    assert states(tmp_path) == ["dead"]
    monkeypatch.delattr(fcntl, "F_OFD_GETLK")
    assert states(tmp_path) == ["in use"]


def test_what_is_no_file_of_this_boot_is_passed_over(tmp_path: Path) -> None:
    """Links, directories, short files and those of another boot: none is followed, and none is an error."""
    tmp_path.chmod(0o700)
    slots_in(tmp_path / "real.slots").close()
    (tmp_path / "link.slots").symlink_to(tmp_path / "real.slots")
    (tmp_path / "folder.slots").mkdir()
    (tmp_path / "short.slots").write_bytes(b"wooxy/1\n")
    old = bytearray((tmp_path / "real.slots").read_bytes())
    old[8] ^= 1
    (tmp_path / "old.slots").write_bytes(old)
    told = json.loads(wooxy("--limiter", f"host:{tmp_path}", "--json").stdout)
    assert [account["account"] for account in told["accounts"]] == ["real"]


def test_the_place_is_that_of_the_limiter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an option it looks where a client of these surroundings goes."""
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    assert json.loads(wooxy("--json").stdout)["directory"] == str(tmp_path)
    other = tmp_path / "other"
    other.mkdir(0o700)
    told = wooxy("--json", env={"WOOXY_LIMITER": f"host:{other}"})
    assert json.loads(told.stdout)["directory"] == str(other)


@pytest.mark.parametrize(
    ("limiter", "told"),
    [
        ("hst", "did you mean 'host'?"),
        ("process", '--limiter: only the slots of "host" and of a server can be seen from outside.'),
        ("host:/no/such/place", "--limiter: /no/such/place is no directory."),
        ("host:place", "it must be an absolute path"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    limiter: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence, exit code 2, and no directory is made."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "place").mkdir()
    result = wooxy("--limiter", limiter)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert result.stderr.endswith("Nothing was shown.\n")


def test_a_platform_without_shared_slots_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows, where there is no module for them."""
    monkeypatch.setitem(sys.modules, "wooxy_async.limits._host_place", None)
    result = wooxy("--limiter", "host")
    assert result.exit_code == 2
    assert "processes do not share slots on this platform" in result.stderr


@once
async def test_on_a_terminal_it_goes_on_until_ctrl_c(tmp_path: Path) -> None:
    """It shows what changes, no line is longer than the terminal, and Ctrl-C ends it quietly with 130."""
    async with machine(tmp_path) as (_sandbox, shared):
        slots = Terminal([*COMMAND, "slots", "--limiter", f"host:{shared.directory}"])
        await slots.read_until("Nobody holds a slot")
        holder = await shared.start("hold", count=3)
        holder.go()
        await slots.read_until("3 of 10 slots in use")
        slots.type("\x03")
        assert await slots.end() == 130
    assert "Traceback" not in slots.said
    assert "\x1b[?25h" in slots.said  # the cursor is back


def process_in(root: Path, command: bytes, state: str = "S", opened: Path | None = None) -> Path:
    """Make what the system tells of process 7, and return the file that it has open."""
    uses = root / "account.slots"
    uses.touch()
    descriptors = root / "7" / "fd"
    descriptors.mkdir(parents=True)
    (descriptors / "0").symlink_to(root / "gone")
    (descriptors / "1").symlink_to(root)
    (descriptors / "2").symlink_to(opened or uses)
    (root / "7" / "cmdline").write_bytes(command)
    (root / "7" / "stat").write_text(f"7 (a) b) {state} 1 7")
    (root / "7" / "cwd").symlink_to("/srv/app")
    return uses


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (b"/usr/bin/python3.11\0-X\0dev\0/srv/send.py\0--token=secret\0", "python3.11 send.py"),
        (b"python\0-Wignore\0-X\0", "python"),
        (b"python\0-Im\0shop.send\0secret\0", "python -m shop.send"),
        (b"python\0-Ic\0token = 'secret'\0", "python -c"),
        (b"/usr/bin/python3\0-u\0/srv/send.py\0secret\0", "python3 send.py"),
        (b"python\0-m\0uvicorn\0app:app\0", "python -m uvicorn"),
        (b"python\0-m", "python -m"),
        (b"python\0-c\0token = 'secret'\0", "python -c"),
        (b"python\0", "python"),
        (b"gunicorn: master [shop]\0", "gunicorn:"),
        (b"/opt/shop/send\0--token\0secret\0", "send"),
        (b"", ""),
    ],
)
def test_a_command_is_shown_without_its_arguments(command: bytes, shown: str, tmp_path: Path) -> None:
    """Arguments may hold a token: of Python the script or module is shown, else the program alone."""
    uses = process_in(tmp_path, command)
    assert look_up(7, uses, tmp_path) == Process(command=shown, directory="/srv/app", stopped=False)


@pytest.mark.parametrize(("state", "stopped"), [("R", False), ("T", True), ("t", True)])
def test_a_stopped_process_is_told(state: str, stopped: bool, tmp_path: Path) -> None:
    """Also where its name has parentheses."""
    uses = process_in(tmp_path, b"send\0", state)
    assert look_up(7, uses, tmp_path).stopped is stopped


def test_another_process_of_that_number_is_not_told(tmp_path: Path) -> None:
    """As one of this container, where the number is of another; nor one that is gone."""
    uses = process_in(tmp_path, b"send\0", opened=tmp_path)
    assert look_up(7, uses, tmp_path) == Process()
    assert look_up(8, uses, tmp_path) == Process()


def test_what_the_system_does_not_tell_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's process has a command and a state; what it has open and where it works is its own."""

    def refuse(_path: Path) -> None:
        raise PermissionError

    uses = process_in(tmp_path, b"send\0", "T", opened=tmp_path)
    (tmp_path / "7" / "cwd").unlink()
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert look_up(7, uses, tmp_path) == Process(command="send", directory="", stopped=True)


@once
async def test_who_holds_over_hosts_is_shown_and_not_disturbed(tmp_path: Path) -> None:
    """Ten slots of a stopped process, one who waits for them, and what is closed when they have been lost."""
    async with valkey() as engine, machine(tmp_path) as (_sandbox, shared):
        shared.options = {"limiter": engine.url, "lease": 3.0, "loss_hold": 8.0}
        holder, other = await shared.start("hold"), await shared.start("hold", count=1)
        holder.go()
        assert await holder.reads() == "held"

        async def seen() -> Any:
            told = await asyncio.to_thread(wooxy, "--limiter", engine.url, "--json")
            assert json.loads(told.stdout)["directory"] == f"{engine.url}?db=0"
            (account,) = json.loads(told.stdout)["accounts"]
            return account

        account = await seen()
        assert [slot["slot"] for slot in account["slots"]] == list(range(10))
        who = {"pid": holder.process.pid, "command": "host_worker.py", "host": socket.gethostname()}
        for slot in account["slots"]:
            assert slot.items() >= {**who, "state": "in use", "stopped": False}.items()
            assert slot["age"] >= 0
        holder.signal(signal.SIGSTOP)
        other.go()
        while not (account := await seen())["slots"][0]["stopped"] or not account["waiting"]:
            await asyncio.sleep(0.05)
        (waiter,) = account["waiting"]
        assert (waiter["state"], waiter["pid"], waiter["slot"]) == ("urgent waits", other.process.pid, None)
        said = (await asyncio.to_thread(wooxy, "--limiter", engine.url, "--once")).stdout
        assert "10 of 10 slots in use" in said
        assert re.search(rf"in use .* {holder.process.pid} +host_worker\.py +stopped +{socket.gethostname()[:8]}", said)
        states: list[str] = []
        while states != ["closed"] * 10:
            account = await seen()
            states = [slot["state"] for slot in account["slots"]]
        assert 0 < account["slots"][9]["opens_in"] <= 8


def test_a_server_that_cannot_be_asked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not answer, or nothing is installed that could ask it."""
    told = wooxy("--limiter", f"unix://{tmp_path}/nowhere", "--once")
    assert told.exit_code == 2
    assert "nowhere?db=0 does not answer." in "".join(told.output.split("\n"))
    monkeypatch.setitem(sys.modules, "wooxy_async.limits._redis_view", None)
    told = wooxy("--limiter", f"unix://{tmp_path}/nowhere", "--once")
    assert 'pip install "wooxy-async[redis]"' in told.output
    assert "of a server can be seen" in " ".join(wooxy("--limiter", "process").output.split())


def test_a_password_in_an_argument_is_refused() -> None:
    """Everybody can read arguments; the environment is another matter."""
    address = "rediss://:secret-word@engine.example"
    told = wooxy("--limiter", address, "--once")
    assert told.exit_code == 2
    assert "can read a password in an argument" in " ".join(told.output.split())
    assert "secret-word" not in told.output
    assert "can read" not in wooxy("--once", env={"WOOXY_LIMITER": address}).output
