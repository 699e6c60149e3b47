"""What keeps a whole campaign from starting; what is wrong with one row is never an exception."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wooxy_async._rules.outcomes import Problem


class CampaignError(ValueError):
    """The campaign cannot start as it is written, and nothing was sent; or, as a `RefusalsError`, go on."""


class RefusalsError(CampaignError):
    """A run has ended because too many of its messages were refused; what was not begun is sent by the next run."""


class ContactsError(CampaignError):
    """The file of contacts cannot be read as a whole; the text names the place and the remedy."""


class EncodingError(ContactsError):
    """The file is neither UTF-8 nor UTF-16, and nobody has said what it is.

    Args:
        text: the place, and what to do.
        samples: for each encoding that may be meant, by its name, words of the file as it reads them; a person who
            knows the names sees which is right. They are personal, so the text does not repeat them.
    """

    def __init__(self, text: str, samples: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(text, samples)
        self.samples = samples

    def __str__(self) -> str:
        return str(self.args[0])


class NumberColumnError(ContactsError):
    """Which column holds the phone number is not certain.

    Args:
        text: which could be it, and what to do.
        samples: for each column that could be it, the first values in it, their digits masked but for the last two.
    """

    def __init__(self, text: str, samples: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(text, samples)
        self.samples = samples

    def __str__(self) -> str:
        return str(self.args[0])


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
