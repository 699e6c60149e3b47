"""Run mutmut, and compare the mutants that no test has noticed with `mutants.toml`, which gives the reason of each.

`nox -s mutants` runs all (about an hour on two cores); `nox -s mutants -- 'wooxy_async._rules.retry*'` some.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

KNOWN: Final = Path(__file__).with_suffix(".toml")
_RESULT: Final = re.compile(r"^\s+(\S+__mutmut_\d+): (.+)$", re.MULTILINE)
_CHANGED: Final = re.compile(r"^([-+])(?![-+]{2} )\s*(.*)$", re.MULTILINE)


def mutmut(*arguments: str) -> str:
    """Return what mutmut prints."""
    return subprocess.run(["mutmut", *arguments], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607


def change(mutant: str) -> tuple[str, str, str]:
    """Return where a mutant is, its line as it was, and as it is."""
    changed = _CHANGED.findall(mutmut("show", mutant))
    was, became = (" ".join(line for sign, line in changed if sign == wanted) for wanted in "-+")
    return mutant.rpartition("__mutmut_")[0], was, became


def main() -> None:
    """Exit with 1 if a mutant survived that is not listed."""
    subprocess.run(["mutmut", "run", *sys.argv[1:]], check=True)  # noqa: S603, S607
    listed = {(each["in"], each["was"], each["became"]) for each in tomllib.loads(KNOWN.read_text())["survivor"]}
    survived = {change(name): status for name, status in _RESULT.findall(mutmut("results")) if status != "not checked"}
    for (place, was, became), status in survived.items():
        if (place, was, became) not in listed:
            sys.stdout.write(f"{place}: {status}\n  - {was}\n  + {became}\n")
    new, gone = survived.keys() - listed, set() if sys.argv[1:] else listed - survived.keys()
    for place, was, became in sorted(gone):
        sys.stdout.write(f"{place}: listed, and noticed now\n  - {was}\n  + {became}\n")
    sys.stdout.write(f"{len(survived)} survived, {len(new)} of them not listed\n")
    sys.exit(bool(new or gone))


if __name__ == "__main__":
    main()
