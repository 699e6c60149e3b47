"""Reads what the pages say: sections, tables and sentences of README and guide, and the arguments of docstrings."""

import inspect
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "wooxy_async" / "guide").glob("*.md")}
_NUMBER = r"[\d.,]*\d(?:\^\d+)?"
_RANGE = re.compile(rf"({_NUMBER})(?: \([^)]*\))? to ({_NUMBER})")


def flat(text: str) -> str:
    """Return a text with single blanks in place of its line breaks and indents."""
    return " ".join(text.split())


def section(title: str, page: str = README) -> str:
    """Return a section of a page, without its title."""
    return page.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def table(text: str, first: str) -> list[list[str]]:
    """Return the cells of the rows of a Markdown table.

    Args:
        text: holds it.
        first: the first cell of its header.
    """
    lines = text[text.index(f"| {first} |") :].split("\n\n", maxsplit=1)[0].splitlines()
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines[2:]]


def arguments(documented: Any) -> dict[str, str]:
    """Return what a docstring says of each argument, in one line; a line for several names stands for each."""
    body = inspect.getdoc(documented).split("Args:\n")[1].split("\n\n")[0]  # type: ignore[union-attr]
    entries = re.findall(r"^ {4}(\w[\w, ]*): (.*(?:\n {8}.*)*)", body, re.MULTILINE)
    return {name: flat(text) for names, text in entries for name in names.split(", ")}


def stated_range(text: str) -> tuple[float, float]:
    """Return the first range that a text states, as in "0.001 to 86,400" or "0 to 2^64"."""
    found = _RANGE.search(text)
    assert found, f"no range in {text!r}"
    low, high = (_value(part) for part in found.groups())
    return low, high


def _value(text: str) -> float:
    plain = text.replace(",", "")
    if "^" in plain:
        base, power = plain.split("^")
        return int(int(base) ** int(power))
    return float(plain) if "." in plain else int(plain)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, in one line each."""
    return re.split(r"(?<=[.;:]) ", flat(text))
