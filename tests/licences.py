"""Compare a bill of materials (CycloneDX, JSON) with the guide's table of what the core and each extra bring.

`python tests/licences.py core FILE`; `nox -s audit` makes the file.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "wooxy_async" / "guide" / "security.md"
ROW = re.compile(r"^\| `(?P<extra>[a-z]+)` \| (?P<brought>.*) \|$", re.MULTILINE)
CLASSIFIED = {"License :: OSI Approved :: Apache Software License": "Apache-2.0"}  # what old metadata has instead
PACKAGE = re.compile(r"([A-Za-z0-9_.-]+) \(([^)]+)\)")


def told() -> dict[str, dict[str, str]]:
    """Return the licence of each package by extra, as the guide has it."""
    rows = ROW.finditer(PAGE.read_text())
    return {row["extra"]: {name.lower(): licence for name, licence in PACKAGE.findall(row["brought"])} for row in rows}


def found(bom: dict[str, Any]) -> dict[str, str]:
    """Return the licence of each package, as its own metadata has it."""
    packages = {str(part["name"]).lower().replace("_", "-"): _licence(part) for part in bom["components"]}
    packages.pop("wooxy-async", None)
    return packages


def _licence(part: dict[str, Any]) -> str:
    kept = part.get("licenses", [])
    words = [each.get("expression") or each["license"].get("id") or each["license"]["name"] for each in kept]
    word = min(words, key=len, default="unknown")
    return CLASSIFIED.get(word, word)


def main() -> None:
    """Print what is another; exit with 1 then."""
    extra, path = sys.argv[1:]
    here, guide = found(json.loads(Path(path).read_text())), told()
    known = {**guide["core"], **guide[extra]}
    for name, licence in sorted(here.items()):
        sys.stdout.write(f"{extra}: {name} ({licence})\n")
    if strange := {name: licence for name, licence in here.items() if known.get(name) != licence}:
        sys.exit(f"{PAGE.name} does not say of {extra}: {strange}")
    if gone := set(guide[extra]) - set(here):
        sys.exit(f"{PAGE.name} says of {extra} what it does not bring: {gone}")


if __name__ == "__main__":
    main()
