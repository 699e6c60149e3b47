"""Public names look public: no traceback, repr or pickle shows the private module that they are written in."""

from __future__ import annotations

import inspect
import sys


def show_public_paths(package: str) -> None:
    """Let the classes and functions that a public package gives out say that they are the package's.

    What another public package has claimed stays the other's. Annotations are evaluated before, because they are text
    until then, and the private module knows names that the package does not.

    Args:
        package: its name; it has an `__all__`.
    """
    module = sys.modules[package]
    for name in module.__all__:
        value = getattr(module, name)
        if not (inspect.isclass(value) or inspect.isfunction(value)) or "._" not in value.__module__:
            continue
        own = vars(sys.modules[value.__module__])
        value.__annotations__ = inspect.get_annotations(value, globals=vars(module), locals=own, eval_str=True)
        value.__module__ = package
