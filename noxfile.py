"""Sessions: `nox` runs what CI runs; `nox -l` lists them all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"  # from there on each session says how long it took
nox.options.default_venv_backend = "venv"
nox.options.sessions = [
    "lint",
    "types",
    f"tests-{sys.executable}",
    "newer",
    "lowest",
    "pages",
    "recipes",
    "reference",
    "package",
    "memory",
    "simulation",
    "bench_runs",
]


PROJECT = nox.project.load_toml("pyproject.toml")
CURRENT = sys.version_info[:2]
SUPPORTED = [(3, 11), (3, 12), (3, 13)]
WORKERS = ("--numprocesses=4", "--dist=worksteal")  # more than cores: tests mostly wait
CORE = [f"tests/contract/test_{name}.py" for name in ("send", "send_many", "cap", "leaving", "lifecycle", "sources")]
# What takes long and is no matter of the interpreter's or a dependency's version; `cap` and `journals` run it alone.
CAP = [f"tests/contract/test_{name}.py" for name in ("chaos", "chaos_redis", "host_processes", "redis_processes")]
JOURNALS = ["tests/crash"]
REST = [f"--ignore={path}" for path in (*CAP, *JOURNALS)]


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


def _install(session: nox.Session, group: str, *packages: str) -> None:
    """Install packages with a dependency group, which nox reads itself: older pips have no `--group`."""
    session.install(*packages, *nox.project.dependency_groups(PROJECT, group))


def _fresh(session: nox.Session, name: str) -> Path:
    """Return a folder for a session's files that holds nothing yet."""
    folder = Path(session.create_tmp()).resolve() / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.14")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types: ours, that users see all of them, and a user's strict project, against the installed wheel."""
    _install(session, "types", ".[cli,redis,uvloop]")
    session.run("mypy")
    session.run("pyright", "--pythonpath", f"{session.bin}/python")
    project = shutil.copytree("tests/typing/project", _fresh(session, "project"))
    with session.chdir(project):  # where no source of ours is in the way
        session.run("pyright", "--verifytypes", "wooxy_async", "--ignoreexternal")
        session.run("mypy", ".")
        session.run("pyright")
        session.run("pytest")


@nox.session(python=[sys.executable, *FOUND.values()])
def tests(session: nox.Session) -> None:
    """Run all tests from an installed package, on asyncio (debug) and uvloop; every branch is covered."""
    _install(session, "test", "--editable", ".[cli,redis,uvloop]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *WORKERS, *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(python=FOUND.get(NEWEST, sys.executable))
def newer(session: nox.Session) -> None:
    """Run the tests on the newest other Python that is found, and the core's on eager tasks (3.12 and later)."""
    if NEWEST is None:
        session.log("no Python newer than this one was found")
        return
    _install(session, "test", ".[cli,redis,uvloop]")
    session.run("pytest", *WORKERS, *REST, *session.posargs)
    session.run("pytest", *WORKERS, *CORE, env={"WOOXY_TEST_EAGER": "1"})


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest supported dependencies, and the tests for users of aioresponses."""
    pinned = (
        "aiohttp==3.13.0",
        "anyio==4.6.0",
        "msgspec==0.21.0",
        "phonenumbers==8.13.50",
        "aioresponses==0.7.9",
        "redis==5.0.1",
    )
    _install(session, "test", ".[cli,redis,uvloop]", *pinned)
    session.run("pytest", "-o", "asyncio_debug=false", *WORKERS, *REST, *session.posargs)


@nox.session
def cap(session: nox.Session) -> None:
    """Hold the cap over processes and hosts: killed, stopped, forked, with and without the engine, at random."""
    _install(session, "test", ".[cli,redis,uvloop]")
    session.run("pytest", *WORKERS, *(session.posargs or CAP))


@nox.session
def journals(session: nox.Session) -> None:
    """Kill campaigns and go on with them; cut a journal's file where a power loss would."""
    _install(session, "test", ".[cli,redis,uvloop]")
    session.run("pytest", *WORKERS, *(session.posargs or JOURNALS))


@nox.session
def pages(session: nox.Session) -> None:
    """Run the Python blocks of README and guide against a sandbox."""
    _install(session, "pages", ".[cli,redis]")
    session.run("python", "tests/readme.py")


@nox.session
def recipes(session: nox.Session) -> None:
    """Run the guide's services under the servers that people start them with: uvicorn, gunicorn, Celery."""
    _install(session, "recipes", ".[cli]")
    session.run("pytest", *(session.posargs or ["tests/recipes"]))


@nox.session
def reference(session: nox.Session) -> None:
    """Render docstrings and guide to HTML: `nox -s reference -- FOLDER`."""
    _install(session, "pages", ".")
    session.run("python", "tests/reference.py", *(session.posargs or [f"{session.create_tmp()}/reference"]))


@nox.session
def package(session: nox.Session) -> None:
    """Build what is published; try the wheel alone, then tests of the source distribution: `-- tests` runs them all."""
    dist, source = _fresh(session, "dist"), _fresh(session, "source")
    session.install("build>=1.3")
    session.run("python", "-m", "build", "--outdir", str(dist))  # the wheel is built from the source distribution
    (wheel,), (archive,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    alone = f"{dist}/alone/bin/python"
    session.run("python", "-m", "venv", f"{dist}/alone")
    session.run(alone, "-m", "pip", "install", "--quiet", str(wheel), external=True)
    session.run(alone, "-W", "error", str(Path("tests/wheel.py").resolve()), external=True)
    _install(session, "package", f"{wheel}[cli,redis,uvloop]")
    session.run("twine", "check", "--strict", str(wheel), str(archive))
    shutil.unpack_archive(archive, source, filter="data")
    with session.chdir(next(source.iterdir())):
        session.run("pytest", *WORKERS, *(session.posargs or ["tests/unit", *CORE]))


@nox.session
def audit(session: nox.Session) -> None:
    """Write what the core and each extra bring (CycloneDX), compare the guide's licences, ask for known holes."""
    folder = Path(session.posargs[0]).resolve() if session.posargs else _fresh(session, "sbom")
    folder.mkdir(parents=True, exist_ok=True)
    session.install("cyclonedx-bom>=7", "pip-audit>=2.9")
    for extra in ("", *PROJECT["project"]["optional-dependencies"]):
        name = extra or "core"
        alone = _fresh(session, name)
        session.run("python", "-m", "venv", str(alone))
        pip = (f"{alone}/bin/python", "-m", "pip", "--quiet")
        session.run(*pip, "install", f".[{extra}]" if extra else ".", external=True)
        session.run(*pip, "uninstall", "--yes", "pip", "setuptools", external=True)
        bom = folder / f"{name}.cdx.json"
        session.run("cyclonedx-py", "environment", f"{alone}/bin/python", "--output-file", str(bom))
        session.run("python", "tests/licences.py", name, str(bom))
        (packages,) = alone.glob("lib/python*/site-packages")
        session.run("pip-audit", "--skip-editable", "--path", str(packages))


@nox.session
def memory(session: nox.Session) -> None:
    """Show that memory does not grow with the number of messages: `nox -s memory -- 1000000`."""
    session.install(".[uvloop]")
    session.run("python", "tests/memory.py", *(session.posargs or ["50000"]))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Draw faults at random for long: `nox -s fuzz -- --messages 200000`."""
    _install(session, "test", ".[cli,redis,uvloop]")
    session.run("python", "tests/support/fuzz.py", *session.posargs)


@nox.session
def simulation(session: nox.Session) -> None:
    """Play as many simulated schedules as fit a minute, or for long: `nox -s simulation -- --messages 1000000`."""
    _install(session, "test", ".[cli,redis,uvloop]")
    session.run("python", "tests/simulation", *session.posargs)
    if not session.posargs:
        session.run("python", "tests/simulation", "--bare")  # the shuffling itself breaks nothing


@nox.session
def chaos(session: nox.Session) -> None:
    """Kill, stop and more at random beside the host limiter and over an engine: ten seeds of 30 s, one of 5 minutes."""
    _install(session, "test", ".[cli,redis,uvloop]")
    sizes = (("--seeds", "10", "--seconds", "30"), ("--seeds", "1", "--first", "11", "--seconds", "300"))
    for program in ("chaos", "chaos_redis"):
        for size in (session.posargs,) if session.posargs else sizes:
            session.run("python", f"tests/support/{program}.py", *size)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill campaigns of 3,000 rows 200 times, and go on with them: `nox -s kills -- --campaigns 100` for more."""
    _install(session, "test", ".[cli]")
    session.run("python", "tests/support/killing.py", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Break rules, queue, window and breaker in every small way; `tests/mutants.toml` has what no test may notice."""
    _install(session, "test", ".[cli,redis,uvloop]", "mutmut>=3.8")
    session.run("python", "tests/mutants.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure beside the peers, interleaved: `nox -s bench -- --rounds 5`; results go to benchmarks/results."""
    _install(session, "bench", "--editable", ".[redis,uvloop]")
    session.run("python", "-m", "benchmarks", "run", *session.posargs)


@nox.session
def bench_runs(session: nox.Session) -> None:
    """Prove that the benchmarks run; their figures mean nothing."""
    _install(session, "bench", ".[redis,uvloop]")
    results = f"{session.create_tmp()}/quick.json"
    session.run("python", "-m", "benchmarks", "run", "--quick", "--output", results)
    session.run("python", "-m", "benchmarks", "compare", results, results)
