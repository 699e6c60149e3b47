"""Tries a wheel that was installed alone, without any extra: run by an interpreter that has nothing else."""

import asyncio
import contextlib
import importlib
import importlib.util
import io
import sys
from importlib.metadata import distribution
from pathlib import Path

import wooxy_async
from wooxy_async import Accepted, Button, ViberMessage, WooxyClient
from wooxy_async.cli import main as command_line
from wooxy_async.sandbox import Sandbox

NOT_REQUIRED = ("pytest", "rich", "typer", "uvloop")
PUBLIC = (
    "wooxy_async",
    "wooxy_async.campaigns",
    "wooxy_async.journals",
    "wooxy_async.journals.testing",
    "wooxy_async.limits",
    "wooxy_async.limits.testing",
    "wooxy_async.sandbox",
)
MESSAGE = ViberMessage(
    domain="shop.example",
    phone_number="+1 415 555 0123",
    text="Hello",
    button=Button(text="Open", url="https://shop.example"),
)


def expect(truth: object, what: str) -> None:
    """End with a sentence where something is not as it must be."""
    if not truth:
        raise SystemExit(f"The wheel alone: {what}")


async def send() -> None:
    """Send one message and fifty."""
    async with Sandbox() as sandbox, WooxyClient(sandbox.token, base_url=sandbox.url) as client:
        receipt = await client.send(MESSAGE)
        outcomes = [outcome async for outcome in client.send_many([MESSAGE] * 50)]
        expect(receipt.message_ids == (sandbox.messages[0].id,), "the receipt is not that of the server")
        expect(all(isinstance(outcome, Accepted) for outcome in outcomes), "not all was accepted")
        expect(sandbox.taken == 51, f"the server took {sandbox.taken} of 51 messages")


def main() -> None:
    """Look at what is installed, then use it."""
    folder = Path(wooxy_async.__file__).parent
    expect("site-packages" in folder.parts, f"imported from {folder}")
    expect(distribution("wooxy-async").version == wooxy_async.__version__, "two versions are told")
    expect(not [name for name in NOT_REQUIRED if importlib.util.find_spec(name)], "more than the core is installed")
    for module in map(importlib.import_module, PUBLIC):
        expect([getattr(module, name) for name in module.__all__], f"{module} exports nothing")
    for file in ("py.typed", "guide/outcomes-and-faults.md", "../pytest_wooxy.py"):
        expect((folder / file).is_file(), f"{file} is missing")
    expect(not (folder / "_beside").exists(), "what belongs beside the package is in it")
    asyncio.run(send())
    with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.suppress(SystemExit):
        command_line()
    expect('pip install "wooxy-async[cli]"' in told.getvalue(), "the command line does not name its extra")
    print(f"wooxy_async {wooxy_async.__version__} works alone under Python {sys.version.split()[0]}")  # noqa: T201


if __name__ == "__main__":
    main()
