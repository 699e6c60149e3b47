"""Finds the questions and the peers: every file of the two folders."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.util import find_spec
from types import ModuleType
from typing import cast

from benchmarks import peers as peer_files, questions as question_files
from benchmarks.interface import Peer, Question


def questions() -> dict[str, Question]:
    """Return all questions by module name, in their order."""
    found = {name: question(name) for name in _names(question_files)}
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))


def question(name: str) -> Question:
    """Return one question."""
    return cast("Question", importlib.import_module(f"{question_files.__name__}.{name}"))


def peers() -> dict[str, Peer]:
    """Return all peers by module name."""
    return {name: peer(name) for name in _names(peer_files)}


def peer(name: str) -> Peer:
    """Return one peer; its packages are imported when its client is opened."""
    return cast("Peer", importlib.import_module(f"{peer_files.__name__}.{name}"))


def missing(of: Peer) -> list[str]:
    """Return the packages that a peer needs and that are not installed."""
    return [name for name in of.REQUIRES if find_spec(name) is None]


def _names(folder: ModuleType) -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
