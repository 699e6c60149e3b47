"""The register of a directory: which accounts have had a file in it during this boot, and whose tokens are whose.

A file that comes in the place of one that was deleted grants nothing at first, because holders of the old one move to
it. The first file of an account need not wait for anybody, and the register knows whether it is the first.

A client that says `account=` notes that its token belongs to it, so that one of the same token that does not finds
the same file.

The register may be deleted as well: a new one knows nothing, so every file that is made in its first moments waits,
and whoever uses a file notes it again when he finds the register gone. A record is appended in one piece, so nobody
waits for anybody here.
"""

from __future__ import annotations

import os
import secrets
import struct
from pathlib import Path
from typing import Final

from wooxy_async.limits._host_file import SETTLING, boot_id, check_own, open_own

NAME: Final = "register"
MAX_BYTES: Final = 256 * 1024  # 4,095 accounts in one boot; then it begins anew
RECORD: Final = 64  # a name and the name of its account, twice the same for a file that was used
_NAME_SIZE: Final = RECORD // 2
_MAGIC: Final = b"wooxy/r1"
_HEADER: Final = struct.Struct("8s16sd32x")
_TRIES: Final = 100  # to open what others may be replacing


class Register:
    """What is known of a directory's files.

    Args:
        directory: where they are.
        is_shared: several users of its group use them.
    """

    def __init__(self, directory: Path, *, is_shared: bool) -> None:
        self._path = directory / NAME
        self._is_shared = is_shared
        self._fd: int | None = None  # kept open, so that no other file is given its number

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def is_in_place(self) -> bool:
        """Return whether what was noted last is still what others find."""
        try:
            return self._fd is not None and os.path.samestat(self._path.lstat(), os.fstat(self._fd))
        except OSError:
            return False

    def enter(self, name: str, now: float) -> bool:
        """Note that an account's file is used from now on, and return whether nobody can have used one before.

        Args:
            name: of the account.
            now: what the clock says.

        Raises:
            OSError, ValueError: the register cannot be used.
        """
        fd = self._open(now)
        if f"{name}{name}".encode() in self._records(fd):
            return False
        os.write(fd, f"{name}{name}".encode())
        made_at: float = _HEADER.unpack(os.pread(fd, _HEADER.size, 0))[2]
        return made_at + SETTLING <= now

    def link(self, token: str, account: str, now: float) -> None:
        """Note whose a token is; takes what `enter` takes, and raises that."""
        if self.account_of(token, now) != account:
            os.write(self._open(now), f"{token}{account}".encode())

    def account_of(self, token: str, now: float) -> str:
        """Return the name of the account that a token was last seen with, or else its own."""
        word, records = token.encode(), self._records(self._open(now))
        for at in range(len(records) - RECORD, -1, -RECORD):
            if records.startswith(word, at) and not records.startswith(word, at + _NAME_SIZE):
                return records[at + _NAME_SIZE : at + RECORD].decode("ascii", "replace")
        return token

    @staticmethod
    def _records(fd: int) -> bytes:
        return os.pread(fd, MAX_BYTES, RECORD)

    def _open(self, now: float) -> int:
        """Open the register, if it is not open."""
        if self._fd is not None and self.is_in_place() and self._means_something(self._fd):
            return self._fd
        self.close()
        self._fd = self._open_anew(now)
        return self._fd

    def _open_anew(self, now: float) -> int:
        for _try in range(_TRIES):
            try:
                fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                self._make(now)
                continue
            try:
                check_own(fd, is_shared=self._is_shared)
            except BaseException:
                os.close(fd)
                raise
            if self._means_something(fd):
                return fd
            os.close(fd)
            self._make(now)
        raise ValueError("others replace it all the time")

    def _means_something(self, fd: int) -> bool:
        """Return whether it is of this boot, and has room."""
        header = os.pread(fd, _HEADER.size, 0)
        is_whole = len(header) == _HEADER.size and os.fstat(fd).st_size < MAX_BYTES
        return is_whole and _HEADER.unpack(header)[:2] == (_MAGIC, boot_id())

    def _make(self, now: float) -> None:
        """Begin anew, whole from the first moment; what another has noted in the old one he notes again."""
        new = self._path.with_name(f".{NAME}-{secrets.token_hex(8)}")
        fd = open_own(new, is_shared=self._is_shared)
        try:
            os.write(fd, _HEADER.pack(_MAGIC, boot_id(), now))
        finally:
            os.close(fd)
        new.replace(self._path)
