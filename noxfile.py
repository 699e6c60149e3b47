"""Sessions: `nox` runs what CI runs; `nox -l` lists them all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = [
    "lint",
    "types",
    f"tests-{sys.executable}",
    "newer",
    "lowest",
    "readme",
    "memory",
    "simulation",
    "bench_runs",
]


CURRENT = sys.version_info[:2]
SUPPORTED = [(3, 11), (3, 12), (3, 13)]
WORKERS = ("--numprocesses=2", "--dist=worksteal")
CORE = [f"tests/contract/test_{name}.py" for name in ("send", "send_many", "cap", "leaving", "lifecycle", "sources")]


def _answers(python: str) -> bool:
    """Return whether an interpreter runs: a version manager's stand-in may just fail."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0  # noqa: S603


def _find(version: tuple[int, int]) -> str | None:
    """Return an interpreter of a version: on the path, or where a version manager keeps its own."""
    name = "{}.{}".format(*version)
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions").glob(f"{name}.*/bin/python")
    there = [shutil.which(f"python{name}"), *map(str, sorted(kept))]
    return next((python for python in there if python and _answers(python)), None)


FOUND = {version: python for version in SUPPORTED if version != CURRENT and (python := _find(version))}
NEWEST = max((version for version in FOUND if version > CURRENT), default=None)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.14")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types: mypy strict inside, pyright on what users see."""
    session.install(".[types]")
    session.run("mypy")
    session.run("pyright", "--pythonpath", f"{session.bin}/python")


@nox.session(python=[sys.executable, *FOUND.values()])
def tests(session: nox.Session) -> None:
    """Run all tests from an installed package, on asyncio (debug) and uvloop; every branch is covered."""
    session.install("--editable", ".[test]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *WORKERS, *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(python=FOUND.get(NEWEST, sys.executable))
def newer(session: nox.Session) -> None:
    """Run all tests on the newest other Python that is found, and the core's on eager tasks (3.12 and later)."""
    if NEWEST is None:
        session.log("no Python newer than this one was found")
        return
    session.install(".[test]")
    session.run("pytest", *WORKERS, *session.posargs)
    session.run("pytest", *WORKERS, *CORE, env={"WOOXY_TEST_EAGER": "1"})


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest supported dependencies, and the tests for users of aioresponses."""
    session.install(".[test]", "aiohttp==3.13.0", "anyio==4.6.0", "msgspec==0.21.0", "phonenumbers==8.13.50")
    session.install("aioresponses==0.7.9")
    session.run("pytest", "-o", "asyncio_debug=false", *WORKERS, *session.posargs)


@nox.session
def readme(session: nox.Session) -> None:
    """Run the Python blocks of README and guide against a sandbox."""
    session.install(".[test]", "django>=5.2", "fastapi>=0.115", "httpx>=0.28")
    session.run("python", "tests/readme.py")


@nox.session
def memory(session: nox.Session) -> None:
    """Show that memory does not grow with the number of messages: `nox -s memory -- 1000000`."""
    session.install(".[uvloop]")
    session.run("python", "tests/memory.py", *(session.posargs or ["50000"]))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Draw faults at random for long: `nox -s fuzz -- --messages 200000`."""
    session.install(".[test]")
    session.run("python", "tests/support/fuzz.py", *session.posargs)


@nox.session
def simulation(session: nox.Session) -> None:
    """Play as many simulated schedules as fit a minute, or for long: `nox -s simulation -- --messages 1000000`."""
    session.install(".[test]")
    session.run("python", "tests/simulation", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """Kill, stop, fork and delete at random beside the host limiter: `nox -s chaos -- --seeds 10 --seconds 30`."""
    session.install(".[test]")
    session.run("python", "tests/support/chaos.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure beside the peers, interleaved: `nox -s bench -- --rounds 5`; results go to benchmarks/results."""
    session.install("--editable", ".[bench]")
    session.run("python", "-m", "benchmarks", "run", *session.posargs)


@nox.session
def bench_runs(session: nox.Session) -> None:
    """Prove that the benchmarks run; their figures mean nothing."""
    session.install(".[bench]")
    results = f"{session.create_tmp()}/quick.json"
    session.run("python", "-m", "benchmarks", "run", "--quick", "--output", results)
    session.run("python", "-m", "benchmarks", "compare", results, results)
