"""The simulation itself: one seed is one schedule, and what fails is made smaller."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SIMULATION = Path(__file__).parent


def simulate(*options: str, hash_seed: str = "0") -> str:
    """Run the program; return what it prints."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(SIMULATION), *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def loaded(name: str) -> ModuleType:
    """Return a module of the program, without the simulated time that the program brings."""
    spec = importlib.util.spec_from_file_location(f"simulation_{name}", SIMULATION / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a NamedTuple looks for what its annotations mean
    spec.loader.exec_module(module)
    return module


REMOVED = loaded("removed")


@pytest.fixture(scope="module")
def shrink() -> ModuleType:
    """The module that shrinks."""
    return loaded("shrink")


def test_nothing_is_wrong() -> None:
    """Some schedules end as they should."""
    assert "nothing was wrong" in simulate("--seeds", "20")


def test_a_seed_is_one_schedule() -> None:
    """The same seeds do the same in another process, with other hashes, and after other schedules."""
    first = simulate("--seeds", "40", "--digests", hash_seed="1").splitlines()[:-1]
    again = simulate("--seeds", "40", "--digests", hash_seed="2").splitlines()[:-1]
    assert first == again
    assert len(set(first)) == 40
    assert f"40 {simulate('--seed', '40').strip()}" == first[-1]


def test_the_shuffling_is_sound() -> None:
    """What the seeds shuffle, aiohttp alone bears."""
    printed = re.fullmatch(
        r"40 seeds of a bare client, (\d+) answers, 0 broken", simulate("--bare", "--seeds", "40").strip()
    )
    assert printed is not None
    assert int(printed[1]) > 500


def test_another_order_is_another_trace() -> None:
    """Different seeds differ, and what is left out is left out."""
    with_all = simulate("--seed", "4").strip()
    assert simulate("--seed", "4", "--without", "1-1000").strip() != with_all


def test_shrinking_keeps_what_fails(shrink: ModuleType) -> None:
    """Only the choices that a failure needs are left."""

    def tried(without: frozenset[int]) -> list[int] | None:
        left = [number for number in range(1, 100) if number not in without]
        return left if {3, 50, 77} <= set(left) else None

    without = shrink.smallest(range(1, 100), frozenset({9}), tried)
    assert set(range(1, 100)) - without == {3, 50, 77}
    assert shrink.ranges(without) == "1-2,4-49,51-76,78-99"


def test_a_failure_is_known_by_its_words(shrink: ModuleType) -> None:
    """Numbers and names do not tell failures apart."""
    assert shrink.kinds(["m12 was taken 2 times"]) == shrink.kinds(["m7 was taken 13 times"])
    assert shrink.kinds(["m12 was taken 2 times"]) != shrink.kinds(["m12 was told 0 outcomes"])


@pytest.mark.parametrize("fix", REMOVED.FIXES)
def test_each_fix_can_be_taken_out(fix: str, tmp_path: Path) -> None:
    """The table of taken-out fixes goes with the code; `nox -s simulation -- --removed` says when each is found."""
    REMOVED.take_out(fix, tmp_path)
    for edit in REMOVED.FIXES[fix]:
        ast.parse((tmp_path / "wooxy_async" / edit.file).read_text(encoding="utf-8"))
