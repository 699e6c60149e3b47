"""How options stand in the help: a flag takes no value, so none is named beside it."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

_NO_VALUE: Final = ""  # a text of its own, because None lets typer write "<bool>"


class Command(TyperCommand):
    """A command whose flags, `--help` among them, show no `<bool>`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, each flag without a value."""
        return _plain(super().get_params(ctx))


class Group(TyperGroup):
    """The commands together; as `Command`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, each flag without a value."""
        return _plain(super().get_params(ctx))


def _plain(params: list[Any]) -> list[Any]:
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = _NO_VALUE
    return params
