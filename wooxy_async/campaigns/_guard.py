"""Cells that no spreadsheet takes for a formula, and back: our own tables are guarded, and read as they were."""

from __future__ import annotations

from typing import Final

FIRST_COLUMN: Final = "wooxy_row"  # by it a table is known as ours
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_GUARD: Final = "'"


def guarded(cell: str) -> str:
    """Return a cell that a spreadsheet would not run."""
    return f"{_GUARD}{cell}" if cell.lstrip(_GUARD).startswith(_FORMULA) else cell


def unguarded(cell: str) -> str:
    """Return what `guarded` was given."""
    return cell[1:] if cell.startswith(_GUARD) and cell.lstrip(_GUARD).startswith(_FORMULA) else cell
