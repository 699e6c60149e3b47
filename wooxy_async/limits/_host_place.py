"""Where the processes of one machine meet: a directory on which login shells, cron, systemd and `env -i` agree.

Places that belong to a session (`/run/user`, `$TMPDIR`, `/dev/shm`) split the cap, and are deleted under a running
program. So the home directory is that of the password database, whatever `HOME` and `XDG_…` say.
"""

from __future__ import annotations

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from wooxy_async._runtime.file_systems import MOUNTS, remote_kind

FALLBACKS: Final = Path("/var/tmp")  # noqa: S108 - kept over reboots; the directory in it is made 0700 and checked
REMEDY: Final = 'name a local directory of your own with limiter="host:/dir" or WOOXY_RUNTIME_DIR'


class Place(NamedTuple):
    """A checked directory.

    Args:
        path: of the directory.
        is_shared: several users of its group meet in it.
    """

    path: Path
    is_shared: bool


def find(named: str | None) -> Place:
    """Return the directory in which limiters meet; made if it is missing.

    Args:
        named: the caller's choice, None for that of WOOXY_RUNTIME_DIR, else the user's own.

    Raises:
        ValueError: no directory is fit; the text says why and what to do.
    """
    named = named or os.environ.get("WOOXY_RUNTIME_DIR")
    reasons = []
    for path in [Path(named)] if named else _own():
        try:
            return _checked(path, may_be_shared=bool(named))
        except (OSError, ValueError) as error:
            reasons.append(f"{path}: {error.strerror if isinstance(error, OSError) else error}")
    raise ValueError(f"the processes of this machine cannot share slots ({'; '.join(reasons)}): {REMEDY}.")


def _own() -> list[Path]:
    user = os.geteuid()
    paths = [FALLBACKS / f"wooxy_async-{user}"]
    with suppress(KeyError):  # a user without an entry, as in many containers
        home = Path(pwd.getpwuid(user).pw_dir)
        if home.is_dir():
            paths.insert(0, home / ".local/state/wooxy_async")
    return paths


def _checked(path: Path, *, may_be_shared: bool) -> Place:
    if not path.is_absolute():
        raise ValueError("it must be an absolute path")
    for parent in reversed(path.parents):
        with suppress(FileExistsError):
            parent.mkdir(0o700)
    with suppress(FileExistsError):
        path.mkdir(0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ValueError("it is no directory")
    is_shared = may_be_shared and bool(found.st_mode & stat.S_ISGID and found.st_mode & stat.S_IWGRP)
    if found.st_mode & (0o002 if is_shared else 0o022) or (not is_shared and found.st_uid != os.geteuid()):
        raise ValueError("others may write in it")
    if not os.access(path, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise ValueError("it is not writable")
    if kind := remote_kind(path, MOUNTS):
        raise ValueError(f"it lies on a network file system ({kind})")
    return Place(path, is_shared)
