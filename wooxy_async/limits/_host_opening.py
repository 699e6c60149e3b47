"""Finds the file of an account, also where it was deleted, or the account has become known by another name."""

from __future__ import annotations

import logging
from pathlib import Path

from wooxy_async._runtime.log import say
from wooxy_async.limits._host_file import SETTLING, HostFile
from wooxy_async.limits._host_register import Register

_joined: set[str] = set()  # accounts of which the log has told


def say_joined(name: str) -> None:
    """Log once that a client shares the slots of an account that it has not named."""
    if name not in _joined:
        _joined.add(name)
        say(logging.INFO, "the access token is known with account=…: who does not say so shares its ten slots, too")


class Opening:
    """Opens one account's file, and opens it again.

    Args:
        path: the account's file.
        is_shared: several users of the directory's group use it.
        register: knows whether it is the account's first; None for a file that waits whenever it is made.
    """

    def __init__(self, path: Path, *, is_shared: bool, register: Register | None) -> None:
        self.path = path
        self.tokens: set[str] = set()  # names of those that were said to be this account's
        self._is_shared = is_shared
        self._register = register
        self._is_in_order = True

    def open(self, now: float, before: HostFile | None) -> HostFile:
        """Open the file, made if it is missing.

        Args:
            now: what the clock says.
            before: the file that was open until now, if any.

        Raises:
            OSError, ValueError: it is not fit; the text says why.
        """
        is_first = self._enter(now, before)
        file = HostFile(self.path, is_shared=self._is_shared, now=now - SETTLING if is_first else now)
        self._is_in_order = True
        return file

    def open_of(self, token: str, now: float) -> HostFile | None:
        """Open the file that a token has had of its own, and delete it; None if it has none."""
        path = self.path.with_stem(token)
        try:
            file = HostFile(path, is_shared=self._is_shared, now=now) if path.exists() else None
            path.unlink(missing_ok=True)
        except (OSError, ValueError) as error:
            self.complain(error)
            return None
        return file

    def note_again(self, now: float, file: HostFile) -> None:
        """Note in a register that was deleted what stood in it of this account."""
        if self._register is None or self._register.is_in_place():
            return
        try:
            self._enter(now, file)
        except (OSError, ValueError) as error:
            self.complain(error)

    def complain(self, error: Exception) -> None:
        """Log what is wrong, once until it is right again."""
        if self._is_in_order:
            self._is_in_order = False
            say(logging.WARNING, "the file by which processes share slots cannot be used: %s: %s", self.path, error)

    def close(self) -> None:
        """Let go of the register."""
        if self._register is not None:
            self._register.close()

    def _enter(self, now: float, before: HostFile | None) -> bool:
        """Find the account's file, and note that it is used; return whether it is the account's first."""
        if self._register is None:
            return False
        if before is None or before.has_own_locks:
            found = self._register.account_of(self.path.stem, now)
            if found != self.path.stem:
                self.path = self.path.with_stem(found)
                say_joined(found)
        is_first = self._register.enter(self.path.stem, now)
        for token in self.tokens:
            self._register.link(token, self.path.stem, now)
        return is_first
