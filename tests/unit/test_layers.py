"""The layers: imports go downwards only, `import wooxy_async` stays light, and public names look public."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wooxy_async

ROOT = Path(wooxy_async.__file__).parent
# From the lowest to the highest: the folders of the package, and the ports between them.
LAYERS = {
    "wooxy_async._rules": 0,
    "wooxy_async._ports": 1,
    "wooxy_async._runtime": 1,
    "wooxy_async._adapters": 2,
    "wooxy_async.limits": 2,
    "wooxy_async._client": 3,
    "wooxy_async.campaigns": 4,
    "wooxy_async.cli": 5,
    "wooxy_async.sandbox": 5,
}
ADAPTERS = 2
SANDBOX = "wooxy_async.sandbox"
SHARED = {"wooxy_async._rules.arguments"}  # with the sandbox: how arguments are checked, and no rule of the wire
IMPURE = {"aiohttp", "anyio", "asyncio", "os", "random", "socket", "threading", "time"}


def module_name(path: Path) -> str:
    """Return the dotted name of a source file."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def imported(name: str) -> Iterator[str]:
    """Yield every module that a module imports, wherever in it, for type checkers included."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports relatively"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (full if full in MODULES else str(node.module) for full in inner)


def layer(name: str) -> int:
    """Return the height of a module's layer; `wooxy_async` itself gives out the client."""
    return LAYERS["wooxy_async._client" if name == "wooxy_async" else ".".join(name.split(".")[:2])]


def is_own(name: str) -> bool:
    """Return whether a module is one of ours."""
    return f"{name}.".startswith("wooxy_async.")


def in_sandbox(name: str) -> bool:
    """Return whether a module is a part of the sandbox."""
    return f"{name}.".startswith(f"{SANDBOX}.")


def adapter(name: str) -> str:
    """Return the adapter that a module belongs to: a file of `_adapters`, or the limits."""
    return ".".join(name.split(".")[: 3 if "._adapters" in name else 2])


def test_every_module_has_a_layer() -> None:
    """Each file and folder of the package is a layer of the table above, and no layer is without one."""
    tops = {".".join(name.split(".")[:2]) for name in MODULES}
    assert tops - {"wooxy_async"} == set(LAYERS)


@pytest.mark.parametrize("name", [name for name in MODULES if not in_sandbox(name)])
def test_imports_go_downwards(name: str) -> None:
    """A module imports its own layer and those below, the command line alone also the sandbox."""
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


def test_the_package_is_light() -> None:
    """`import wooxy_async` takes none of what only some of its users need."""
    heavy = ("phonenumbers", "rich", "typer", "hypothesis", "uvloop", "redis", "sqlite3", "aiohttp.web", SANDBOX)
    code = f"import sys, wooxy_async; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", wooxy_async.__all__)
def test_public_names_look_public(name: str) -> None:
    """Each public class says where it is public, not where it is written, and has a docstring of its own."""
    value = getattr(wooxy_async, name)
    if inspect.isclass(value):
        assert value.__module__ == "wooxy_async"
        assert value.__doc__
        assert value.__doc__ != value.__mro__[1].__doc__


@pytest.mark.parametrize(
    "name", [name for name in wooxy_async.__all__ if hasattr(getattr(wooxy_async, name), "__struct_fields__")]
)
def test_public_records_are_frozen_and_take_keywords_only(name: str) -> None:
    """What users hold cannot change under them, and a new field never shifts another."""
    record = getattr(wooxy_async, name)
    assert record.__struct_config__.frozen
    assert {field.kind for field in inspect.signature(record).parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_every_module_says_what_it_is() -> None:
    """Each module has a docstring."""
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []
