"""Runs every Python block of the README against a sandbox, and checks what the README copies from the code."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from wooxy_async._rules.judgement import TABLE
from wooxy_async.sandbox import Sandbox

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def outcome_table() -> str:
    """Return the outcome table as the README prints it."""
    rows = [f"| {row.seen} | {row.verdict.value} | {row.again.value} |" for row in TABLE]
    return "\n".join(["| seen | outcome | sent again by itself |", "| --- | --- | --- |", *rows])


async def run(blocks: list[str]) -> None:
    """Run each block as a program of its own, with the sandbox in its environment."""
    async with Sandbox() as sandbox:
        environment = {**os.environ, "WOOXY_ACCESS_TOKEN": "readme-token-0123456789", "WOOXY_BASE_URL": sandbox.url}
        for number, block in enumerate(blocks, start=1):
            with tempfile.TemporaryDirectory() as folder:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-W", "error", "-c", block, cwd=folder, env=environment, stdout=subprocess.DEVNULL
                )
                if await process.wait() != 0:
                    raise SystemExit(f"README block {number} failed:\n{block}")
        print(f"{len(blocks)} README blocks ran; the sandbox took {sandbox.taken} messages")  # noqa: T201


def main() -> None:
    """Check the copied table, then run the blocks."""
    text = README.read_text(encoding="utf-8")
    if outcome_table() not in text:
        raise SystemExit(f"The README's outcome table is not the code's:\n{outcome_table()}")
    asyncio.run(run(BLOCK.findall(text)))


if __name__ == "__main__":
    main()
