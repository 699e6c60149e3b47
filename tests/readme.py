"""Runs every Python block of the README and the guide against a sandbox, and checks what pages copy from the code.

A block is a program of its own, or a file for pytest where it defines tests. What stands in a comment beside it, as
`<!-- first …` or `<!-- then …`, runs before or after it in the same program, and no reader sees it.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import wooxy_async
from wooxy_async._rules.judgement import TABLE
from wooxy_async.sandbox import Sandbox

README = Path(__file__).parents[1] / "README.md"
GUIDE = Path(wooxy_async.__file__).parent / "guide"
BLOCK = re.compile(r"^```python\n(.*?)^```\n((?:<!-- .*?^-->\n)*)", re.DOTALL | re.MULTILINE)
UNSEEN = re.compile(r"^<!-- (first|then)\n(.*?)^-->", re.DOTALL | re.MULTILINE)
SCREEN = re.compile(r"<!-- demo screen -->\n```text\n(.*?)^```", re.DOTALL | re.MULTILINE)
CHANGING = ((r":\d{4,5}\b", ":PORT"), (r"in [\d.]+ s · \d+ a second", "in TIME"), (r" +$", ""))


def outcome_table() -> str:
    """Return the outcome table as the pages print it."""
    rows = [f"| {row.seen} | {row.verdict.value} | {row.again.value} |" for row in TABLE]
    return "\n".join(["| seen | outcome | sent again by itself |", "| --- | --- | --- |", *rows])


def programs(page: str) -> Iterator[str]:
    """Yield each block of a page with what runs before and after it."""
    for block, comments in BLOCK.findall(page):
        unseen = dict(UNSEEN.findall(comments))
        yield unseen.get("first", "") + block + unseen.get("then", "")


def command(program: str) -> list[str]:
    """Return how a program is run that stands in a file."""
    scope = ("-o", "asyncio_default_fixture_loop_scope=function")
    if re.search(r"^(async )?def test_", program, re.MULTILINE):
        return [
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-W",
            "error",
            "-o",
            "asyncio_mode=auto",
            *scope,
            "page_test.py",
        ]
    return ["-W", "error", "page_test.py"]


def play(program: str, environment: dict[str, str]) -> int:
    """Run a program in a folder of its own, and return its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "page_test.py").write_text(program, encoding="utf-8")
        words, quiet = [sys.executable, *command(program)], subprocess.DEVNULL
        return subprocess.run(words, cwd=folder, env=environment, stdout=quiet, check=False).returncode  # noqa: S603


async def run(name: str, page: str, runtime: str) -> None:
    """Run each block of a page, with a sandbox in its environment."""
    count = 0
    async with Sandbox() as sandbox:
        own = {"WOOXY_ACCESS_TOKEN": "any-token", "WOOXY_BASE_URL": sandbox.url, "WOOXY_RUNTIME_DIR": runtime}
        environment = os.environ | own
        for count, program in enumerate(programs(page), start=1):
            if await asyncio.to_thread(play, program, environment) != 0:
                raise SystemExit(f"{name}: block {count} failed:\n{program}")
        print(f"{name}: {count} blocks ran; the sandbox took {sandbox.taken} messages")  # noqa: T201


def unchanging(screen: str) -> str:
    """Return a demo's screen without what differs from run to run."""
    for pattern, word in CHANGING:
        screen = re.sub(pattern, word, screen, flags=re.MULTILINE)
    return screen.strip()


def check_screen(page: str) -> None:
    """Compare the screen of the demo with that of the page, at 80 columns."""
    shown = subprocess.run(
        [sys.executable, "-m", "wooxy_async.cli", "demo"],
        env={**os.environ, "COLUMNS": "80"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    if unchanging(shown) != unchanging(SCREEN.findall(page)[0]):
        raise SystemExit(f"The README's screen is not the demo's:\n{shown}")


def main() -> None:
    """Check what is copied, then run the blocks."""
    pages = {path.name: path.read_text(encoding="utf-8") for path in (README, *sorted(GUIDE.glob("*.md")))}
    for name in ("README.md", "outcomes-and-faults.md"):
        if outcome_table() not in pages[name]:
            raise SystemExit(f"The outcome table of {name} is not the code's:\n{outcome_table()}")
    with tempfile.TemporaryDirectory() as runtime:
        for name, page in {**pages, "help(wooxy_async)": str(wooxy_async.__doc__)}.items():
            asyncio.run(run(name, page, runtime))
    check_screen(pages["README.md"])


if __name__ == "__main__":
    main()
