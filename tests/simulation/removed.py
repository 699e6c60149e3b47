"""Fixes that are taken out, one by one: each is found again by the simulation, and how many schedules that takes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import wooxy_async

PACKAGE = Path(wooxy_async.__file__).parent
SEEDS = 2000  # schedules that a fix may take to be missed


class Edit(NamedTuple):
    """One text of a file, and what stood there before the fix."""

    file: str
    fixed: str
    before: str


_SUBMISSION = "_client/submission.py"
_STREAM = "_client/stream.py"
_SESSION = "_client/session.py"
_ACCOUNT = "limits/_account.py"
_TABLE_429 = (
    '    Row("429 (refused for load)", Verdict.NOT_SENT, Again.AFTER_PAUSE, lambda seen: seen.status == 429),'
    "  # noqa: PLR2004 - the row says what it is\n"
)
_TABLE_TAKEN = '    Row(\n        "a well-formed body, whatever the status: `result: true`",\n'

FIXES: dict[str, tuple[Edit, ...]] = {
    "what was judged stands, whatever the limiter does when a slot is given back": (
        Edit(
            _SUBMISSION,
            "        await slots.release(self._session, slot)\n        if attempted is not None:",
            "        await slot.__aexit__(None, None, None)\n        if attempted is not None:",
        ),
    ),
    "a hook or a limiter may raise anything": (
        Edit(
            "_runtime/foreign.py",
            "    except BaseException:  # noqa: BLE001 - whatever it is, it is not this library's\n",
            "    except Exception:\n",
        ),
    ),
    "connections of a dead loop are cut before its slots open": (
        Edit(_ACCOUNT, "                lease.share.abort_dead_loops()\n", ""),
    ),
    "a CancelledError of a source's own is no end of the stream": (
        Edit(
            _STREAM,
            "            if not foreign.ends_this_task(error):\n                self._blame(error)\n",
            "            if isinstance(error, Exception):\n                self._blame(error)\n"
            "            elif isinstance(error, asyncio.CancelledError):\n                pass\n",
        ),
    ),
    "a client can be closed from within its own source": (
        Edit(
            _SESSION,
            "        if tasks := (submissions | {feeder.task for feeder in self.feeders}) - {caller}:\n",
            "        if tasks := submissions | {feeder.task for feeder in self.feeders}:\n",
        ),
        Edit(
            _SESSION,
            "            async with asyncio.timeout(seconds) as self._draining:\n"
            "                await self._until_ended(caller)\n",
            "            async with asyncio.timeout(None) as self._draining:\n"
            "                await self._until_ended(caller)\n",
        ),
    ),
    "an attempt that ends without a reply is withdrawn from the breaker": (
        Edit(
            _SUBMISSION,
            '            self._is_counted = False\n            cast("CircuitBreaker", self._breaker).withdraw()\n',
            "            self._is_counted = False\n",
        ),
    ),
    "`result: true` under 429 is Accepted": (
        Edit("_rules/judgement.py", _TABLE_429, ""),
        Edit("_rules/judgement.py", _TABLE_TAKEN, _TABLE_429 + _TABLE_TAKEN),
    ),
    "bulk keeps a fifth of the turns beside urgent": (
        Edit(
            _ACCOUNT,
            '        urgent, bulk = self._heads("urgent")[:1], self._heads("bulk")\n',
            '        urgent, bulk = self._heads("urgent")[:1], self._heads("bulk")\n'
            "        if not urgent and not bulk:\n"
            "            self.slots.urgent_in_a_row = 0\n",
        ),
    ),
    "a pause that begins while a message waits for its slot holds it back": (
        Edit(
            _SUBMISSION,
            "holds_back = not (is_even or self._is_trial) and self._session.pace.holds_back(self.priority)",
            "holds_back = False",
        ),
    ),
    "nothing is sent again in a stream that was left": (
        Edit(_STREAM, "        for submission in live:\n            submission.is_last = True\n", ""),
    ),
    "nothing is sent again for a caller of send who has left": (
        Edit(
            "_client/conclusion.py",
            "        self.is_last = True\n        if self.outcome is None:",
            "        if self.outcome is None:",
        ),
    ),
    "nothing is sent again while the client closes": (
        Edit(
            _SESSION,
            "            submission.is_last = True  # what is out and refused meanwhile is not sent again\n",
            "",
        ),
    ),
}


def take_out(fix: str, folder: Path) -> None:
    """Copy the package into a folder, without a fix; refuse where the code has moved on."""
    to = folder / PACKAGE.name
    shutil.copytree(PACKAGE, to, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in FIXES[fix]:
        path = to / edit.file
        text = path.read_text(encoding="utf-8")
        if text.count(edit.fixed) != 1:
            raise ValueError(f"{edit.file} does not hold this once: {edit.fixed!r}")
        path.write_text(text.replace(edit.fixed, edit.before), encoding="utf-8")


def schedules_until_found(fix: str, seeds: int) -> int | None:
    """Return how many schedules it takes to find that a fix is gone, or None where so many do not find it."""
    with tempfile.TemporaryDirectory() as folder:
        take_out(fix, Path(folder))
        program = [sys.executable, str(Path(__file__).parent), "--seeds", str(seeds), "--no-shrink"]
        environment = {**os.environ, "PYTHONPATH": folder}
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    found = re.search(r"^after (\d+) schedules", done.stdout, re.MULTILINE)
    if found is None and "nothing was wrong" not in done.stdout:
        raise RuntimeError(f"without '{fix}' the simulation itself failed: {done.stderr[-400:]}")
    return int(found[1]) if found else None
