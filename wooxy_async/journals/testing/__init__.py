"""Checks for a journal of your own: each is an async function of what makes journals, and needs no test framework.

A check raises an AssertionError whose sentence names what is wrong. All of them hold for `SQLiteJournal`.
"""

from wooxy_async._public import show_public_paths
from wooxy_async.journals.testing._checks import (
    CHECKS,
    Check,
    MakeJournal,
    check_changed_rows,
    check_changed_settings,
    check_claims,
    check_end,
    check_known_rows,
    check_one_run,
    check_reopening,
    check_resume,
    check_states,
    row,
)

__all__ = [
    "CHECKS",
    "Check",
    "MakeJournal",
    "check_changed_rows",
    "check_changed_settings",
    "check_claims",
    "check_end",
    "check_known_rows",
    "check_one_run",
    "check_reopening",
    "check_resume",
    "check_states",
    "row",
]

show_public_paths(__name__)
