"""Where a journal may lie, what its files are called, and whose it is."""

from __future__ import annotations

import getpass
import os
import pwd
from contextlib import suppress
from pathlib import Path
from typing import Final

from wooxy_async._runtime.file_systems import MOUNTS, remote_kind
from wooxy_async.journals._errors import JournalPlaceError

SUFFIX: Final = ".wooxy"
_REMEDY: Final = "Name a place on a local disk for the journal (journal=PATH)."
# A folder of one of these names, or one that holds one of these marks, is copied to other machines behind our back:
# an older copy may come back at any moment, and a file is copied while it is written.
_SYNCED: Final = (
    "dropbox",
    "onedrive",
    "google drive",
    "googledrive",
    "my drive",
    "icloud drive",
    "iclouddrive",
    "mobile documents",
    "cloudstorage",
    "nextcloud",
    "owncloud",
    "pcloud drive",
    "pclouddrive",
    "megasync",
    "box sync",
    "seafile",
    "yandex.disk",
)
_MARKS: Final = (".dropbox", ".dropbox.cache", ".stfolder", ".sync_folder", ".owncloudsync.log")


def default_path(contacts: str | os.PathLike[str]) -> Path:
    """Return where the journal of a file of contacts lies unless another place is named: beside it.

    Args:
        contacts: the file of contacts.
    """
    path = Path(contacts)
    return path.with_name(path.name + SUFFIX)


def lock_path(path: Path) -> Path:
    """Return the file whose lock is that of a run."""
    return path.with_name(f"{path.name}-lock")


def marks_path(path: Path) -> Path:
    """Return the file of the rows that are being sent."""
    return path.with_name(f"{path.name}-sending")


def stop_path(path: Path) -> Path:
    """Return the file by which a run is asked to stop."""
    return path.with_name(f"{path.name}-stop")


def check_place(path: Path, mounts: Path = MOUNTS) -> None:
    """Refuse a place where locks do not hold, or files change behind our back.

    Args:
        path: the journal's.
        mounts: the kernel's table of mounts.

    Raises:
        JournalPlaceError: the text names what the place is.
    """
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise JournalPlaceError(f"{folder} is no directory. {_REMEDY}")
    if kind := remote_kind(folder, mounts):
        raise JournalPlaceError(
            f"{path} would lie on a network file system ({kind}), where locks may not hold. {_REMEDY}"
        )
    for each in (folder, *folder.parents):
        if each.name.casefold().startswith(_SYNCED) or any((each / mark).exists() for mark in _MARKS):
            raise JournalPlaceError(
                f"{path} would lie in a folder that is synchronised with other machines ({each}), which copies it "
                f"while it is written and may bring back an older one. {_REMEDY}"
            )


def state_directory() -> Path | None:
    """Return where the generations of this user's journals are kept; None where there is no such place."""
    named = os.environ.get("WOOXY_RUNTIME_DIR")
    with suppress(KeyError, OSError):  # a user without an entry, as in many containers; a home that cannot be written
        path = Path(named) if named else Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".local/state/wooxy_async"
        path = path / "journals"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(path, os.W_OK | os.X_OK):
            return path
    return None


def user_name() -> str:
    """Return who runs this process, for the audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry, as in many containers
        return f"user {os.getuid()}"
