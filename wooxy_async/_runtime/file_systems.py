"""What kind of file system a path lies on: locks, shared memory and syncing to disk hold on local ones alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
_REMOTE: Final = {"9p", "afs", "ceph", "cifs", "glusterfs", "gfs2", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3"}


def remote_kind(path: Path, mounts: Path = MOUNTS) -> str:
    """Return the kind of file system that a path lies on where it is none of this machine alone, else "".

    Args:
        path: the path; symbolic links are followed.
        mounts: the kernel's table of mounts.
    """
    kind = _kind(path, mounts)
    return kind if kind in _REMOTE or kind == "fuse" or kind.startswith("fuse.") else ""


def _kind(path: Path, mounts: Path) -> str:
    where, kind = os.path.realpath(path), ""
    longest = -1
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:  # no Linux
        return ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mounted = before.split(" ")[4].replace("\\040", " ")
        if len(mounted) >= longest and (where + "/").startswith(mounted.rstrip("/") + "/"):
            longest, kind = len(mounted), after.split(" ")[0]
    return kind
