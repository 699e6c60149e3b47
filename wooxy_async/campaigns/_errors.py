"""What keeps a whole campaign from starting; what is wrong with one row is never an exception."""

from __future__ import annotations

from collections.abc import Sequence

from wooxy_async._rules.outcomes import Problem


class CampaignError(ValueError):
    """The campaign cannot start as it is written; nothing was sent."""


class ContactsError(CampaignError):
    """The file of contacts cannot be read as a whole; the text names the place and the remedy."""


class TemplateError(CampaignError):
    """A template names what is no column, or is not well formed.

    Args:
        field: which template: "text", "button.text" or "button.url".
        text: what is wrong with it, and what is right.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(field, text)
        self.field = field
        self.text = text

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"


class UnsendableError(CampaignError):
    """Every message of the campaign would break a rule, whoever it goes to.

    Args:
        problems: all that is wrong with what the messages have in common.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(f"{problem.field}: {problem.remedy}" for problem in self.problems)


def listed(columns: Sequence[str]) -> str:
    """Return columns' names for a sentence."""
    return ", ".join(column for column in columns if column) or "(none)"
