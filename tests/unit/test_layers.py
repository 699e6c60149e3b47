"""The layers: imports go downwards only and in no circle, and `import wooxy_async` stays light."""

import ast
import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import wooxy_async

ROOT = Path(wooxy_async.__file__).parent
# From the lowest to the highest: the folders of the package, and the ports between them.
LAYERS = {
    "wooxy_async._public": 0,
    "wooxy_async._rules": 0,
    "wooxy_async._ports": 1,
    "wooxy_async._runtime": 1,
    "wooxy_async._adapters": 2,
    "wooxy_async.journals": 2,
    "wooxy_async.limits": 2,
    "wooxy_async._client": 3,
    "wooxy_async.campaigns": 4,
    "wooxy_async.blocking": 4,
    "wooxy_async.otel": 4,
    "wooxy_async.testing": 4,
    "wooxy_async._pytest_plugin": 5,
    "wooxy_async.cli": 5,
    "wooxy_async.sandbox": 5,
    "wooxy_async.limits.testing": 5,
}
ADAPTERS = 2
SANDBOX = "wooxy_async.sandbox"
SHARED = {"wooxy_async._public", "wooxy_async._rules.arguments"}  # with the sandbox: nothing of the wire
PAIR = {"wooxy_async._rules.errors", "wooxy_async._rules.outcomes"}
IMPURE = {"aiohttp", "anyio", "asyncio", "os", "random", "socket", "threading", "time"}


def module_name(path: Path) -> str:
    """Return the dotted name of a source file."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# What is installed beside the package is no module of it.
MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py")) if path.parent.name != "_beside"}


@cache
def imported(name: str) -> frozenset[str]:
    """Return every module that a module imports, wherever in it, for type checkers included."""
    return frozenset(_imports(name))


def _imports(name: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports relatively"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (full if full in MODULES else str(node.module) for full in inner)


def layer(name: str) -> int:
    """Return the height of a module's layer; `wooxy_async` itself gives out the client."""
    parts = ("wooxy_async._client" if name == "wooxy_async" else name).split(".")
    return next(LAYERS[top] for at in (3, 2) if (top := ".".join(parts[:at])) in LAYERS)


def is_own(name: str) -> bool:
    """Return whether a module is one of ours."""
    return f"{name}.".startswith("wooxy_async.")


def in_sandbox(name: str) -> bool:
    """Return whether a module is a part of the sandbox."""
    return f"{name}.".startswith(f"{SANDBOX}.")


def exists(module: str, name: str) -> bool:
    """Return whether a module has a name, or a module of that name in it."""
    return hasattr(importlib.import_module(module), name) or f"{module}.{name}" in MODULES


def adapter(name: str) -> str:
    """Return the adapter that a module belongs to: a file of `_adapters`, or the limits."""
    return ".".join(name.split(".")[: 3 if "._adapters" in name else 2])


def test_every_module_has_a_layer() -> None:
    """Each file and folder of the package is a layer of the table above, and no layer is without one."""
    tops = {".".join(name.split(".")[:at]) for name in MODULES for at in (2, 3)}
    assert {top for top in tops if top.count(".") == 1} | (tops & set(LAYERS)) == set(LAYERS)


@pytest.mark.parametrize("name", [name for name in MODULES if not in_sandbox(name)])
def test_imports_go_downwards(name: str) -> None:
    """A module imports its own layer and those below, the command line and the checks for limiters also the sandbox."""
    own = {other for other in imported(name) if is_own(other)}
    assert {other for other in own if layer(other) > layer(name)} == set()


@pytest.mark.parametrize("name", [name for name in MODULES if layer(name) == ADAPTERS])
def test_adapters_do_not_import_one_another(name: str) -> None:
    """What carries requests knows nothing of what keeps the cap, and the other way round."""
    others = {adapter(other) for other in imported(name) if is_own(other) and layer(other) == ADAPTERS}
    parts = {f"wooxy_async._adapters.{part}" for part in ("payload", "reasons", "unpacking")}
    helpers = parts if adapter(name) == "wooxy_async._adapters.transport" else set()
    assert others <= {adapter(name)} | helpers


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("wooxy_async._rules")])
def test_rules_are_pure(name: str) -> None:
    """The rules do no I/O and read no clock."""
    assert {other.split(".")[0] for other in imported(name)} & IMPURE == set()


@pytest.mark.parametrize("name", [name for name in MODULES if in_sandbox(name) or name in SHARED])
def test_the_sandbox_shares_no_codec_with_the_client(name: str) -> None:
    """Two ends that share a codec cancel each other's bugs: the sandbox imports itself, and what is shared."""
    assert {other for other in imported(name) if is_own(other) and not in_sandbox(other)} <= SHARED


def test_no_imports_go_in_a_circle() -> None:
    """Modules import one another in one direction, for type checkers too; an outcome and its error alone are a pair."""
    graph = {name: set(imported(name)) & set(MODULES) - (PAIR if name in PAIR else set()) for name in MODULES}
    TopologicalSorter(graph).prepare()  # a CycleError shows the circle


def test_the_package_is_light() -> None:
    """`import wooxy_async` takes none of what only some of its users need."""
    heavy = (
        "phonenumbers",
        "rich",
        "typer",
        "hypothesis",
        "uvloop",
        "pydantic",
        "redis",
        "sqlite3",
        "aiohttp.web",
        SANDBOX,
    )
    code = f"import sys, wooxy_async; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "[]"


def test_every_module_says_what_it_is() -> None:
    """Each module has a docstring."""
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_a_class_has_its_name_alone() -> None:
    """No two classes of the package share a name: who reads one never thinks of the other."""
    trees = [ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))]
    names = Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    # Both are public: a sender that a sandbox's account has, and what a program asks for that sends.
    assert [name for name, times in names.items() if times > 1] == ["Sender"]


def test_benchmarks_import_what_exists() -> None:
    """A name that moved is missed where it is imported late: each import of the package in `benchmarks` is found."""
    folder = Path(__file__).parents[2] / "benchmarks"
    nodes = [node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    asked = [(node.module, alias.name) for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names]
    ours = [(module, name) for module, name in asked if module is not None and is_own(module)]
    assert len(ours) > 10
    assert [pair for pair in ours if not exists(*pair)] == []
