"""Run mutmut, and compare the mutants that no test has noticed with `mutants.toml`, which gives the reason of each.

`nox -s mutants` runs all; `nox -s mutants -- 'wooxy_async._rules.retry*'` some. A mutant that makes its tests hang is
noticed, too.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

KNOWN: Final = Path(__file__).with_suffix(".toml")
_RESULT: Final = re.compile(r"^\s+(\S+__mutmut_\d+): (survived|no tests)$", re.MULTILINE)
_CHANGED: Final = re.compile(r"^([-+])(?![-+]{2} )\s*(.*)$", re.MULTILINE)


class Mutant(NamedTuple):
    """A mutant, by what does not change with every other change of its file.

    Args:
        place: its function, as mutmut names it.
        was: its line before.
        became: its line after.
    """

    place: str
    was: str
    became: str


def mutmut(*arguments: str) -> str:
    """Return what mutmut prints."""
    return subprocess.run(["mutmut", *arguments], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607


def mutant(name: str) -> Mutant:
    """Return the mutant that mutmut names so."""
    changed = _CHANGED.findall(mutmut("show", name))
    was, became = (" ".join(line for sign, line in changed if sign == wanted) for wanted in "-+")
    return Mutant(name.rpartition("__mutmut_")[0], was, became)


def fits(known: dict[str, Any], seen: Mutant) -> bool:
    """Return whether a listed entry is of this mutant: each of its words is found where it says."""
    return all(re.search(known[word], getattr(seen, word)) for word in Mutant._fields if word in known)


def main() -> None:
    """Exit with 1 if a mutant survived that is not listed, or an entry is of none."""
    subprocess.run(["mutmut", "run", "--max-children", "6", *sys.argv[1:]], check=True)  # noqa: S603, S607
    listed = tomllib.loads(KNOWN.read_text())["survives"]
    survived = [mutant(name) for name, _status in _RESULT.findall(mutmut("results"))]
    new = [each for each in survived if not any(fits(known, each) for known in listed)]
    gone = [known for known in listed if not any(fits(known, each) for each in survived)]
    for each in new:
        sys.stdout.write(f"{each.place}\n  - {each.was}\n  + {each.became}\n")
    for known in gone:
        sys.stdout.write(f"listed, and of no mutant that survived: {known}\n")
    sys.stdout.write(f"{len(survived)} survived, {len(new)} of them not listed; {len(gone)} entries too many\n")
    sys.exit(bool(new or (gone and not sys.argv[1:])))


if __name__ == "__main__":
    main()
