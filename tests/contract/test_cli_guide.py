"""What the guide has people type for a campaign, typed: a run that is killed, the same again, and what became of it."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from waiting import until

import wooxy_async
from wooxy_async.sandbox import Fault, Sandbox

GUIDE = Path(wooxy_async.__file__).parent / "guide" / "campaigns.md"
ROWS = 400


def typed() -> list[list[str]]:
    """Return the commands of the block."""
    block = re.search(r"<!-- from the command line -->\n```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    return [shlex.split(line, comments=True)[1:] for line in block[1].splitlines()]


async def test_send_be_killed_go_on(tmp_path: Path, token: str) -> None:
    """Nobody gets it twice, ten are in doubt, and every row is in the table with what became of it."""
    numbers = [f"+1415555{at:04}" for at in range(ROWS)]
    (tmp_path / "contacts.csv").write_text("phone,firstName\n" + "".join(f"{number},Bo\n" for number in numbers))
    env = {**os.environ, "WOOXY_ACCESS_TOKEN": token, "WOOXY_RUNTIME_DIR": str(tmp_path)}
    first, *others = typed()
    async with Sandbox(latency=0.02) as sandbox:
        env["WOOXY_BASE_URL"] = sandbox.url
        sandbox.script(*[Fault.none()] * 50, *[Fault.no_answer()] * 10)

        def begin(arguments: list[str]) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "wooxy_async.cli", *arguments]
            return subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE)  # noqa: S603 - our own

        killed = begin(first)
        await until(lambda: sandbox.taken == 60 and sandbox.in_progress == 10)
        killed.send_signal(signal.SIGKILL)
        said, codes = [killed.communicate()[0]], []
        for each in others:
            process = begin(each)
            await until(lambda: process.poll() is not None)  # noqa: B023 - used within the round
            said.append(process.communicate()[0])
            codes.append(process.returncode)
        assert sandbox.duplicates == 0
        assert sandbox.peak_in_progress <= 10
        taken = {message.number for message in sandbox.messages}
    doubts = [json.loads(line)["number"] for line in said[3].splitlines()]
    assert codes == [0, 4, 0, 0, 0]
    assert b"killed; began" in said[1]
    assert len(doubts) == 10
    lines = (tmp_path / "results.csv").read_text().splitlines()
    table = {line["phone"].removeprefix("'"): line["wooxy_state"] for line in csv.DictReader(lines)}
    assert table == {number: "given_up" if number in doubts else "accepted" for number in numbers}
    assert set(numbers) - taken <= set(doubts)
