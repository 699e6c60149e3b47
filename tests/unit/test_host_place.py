"""Where the processes of one machine meet: a place on which all agree, and nothing in it that another has planted."""

import errno
import fcntl
import os
import pwd
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wooxy_async.limits import _host_file as file_module, _host_locks as locks, _host_place as place_module
from wooxy_async.limits._host_file import SIZE, HostFile
from wooxy_async.limits._host_place import Place, find
from wooxy_async.limits._host_slots import HostSlots


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home directory of the password database, and another place for where it is not fit."""
    made = tmp_path / "home"
    made.mkdir(0o700)
    entry = pwd.struct_passwd(("user", "x", os.geteuid(), os.getegid(), "", str(made), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: entry)
    monkeypatch.setattr(place_module, "FALLBACKS", tmp_path / "var")
    monkeypatch.delenv("WOOXY_RUNTIME_DIR", raising=False)
    return made


def mode(path: Path) -> int:
    """Return who may do what."""
    return path.stat().st_mode & 0o7777


def test_the_home_directory_is_that_of_the_password_database(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a session sets leads nobody elsewhere, and the directory is the user's own."""
    for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"):
        monkeypatch.setenv(name, "/nowhere")
    expected = home / ".local/state/wooxy_async"
    assert find(None) == find(None) == Place(expected, is_shared=False)
    assert mode(expected) == 0o700


def test_without_a_home_there_is_another_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose home is missing, or who has no entry, meets in a directory of his own beside the temporary ones."""
    other = Place(place_module.FALLBACKS / f"wooxy_async-{os.geteuid()}", is_shared=False)
    home.rmdir()
    assert find(None) == other

    def nobody(_uid: int) -> object:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert find(None) == other
    assert mode(other.path) == 0o700


def test_a_variable_names_the_place_and_an_argument_comes_first(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WOOXY_RUNTIME_DIR stands for the argument that is not given."""
    assert home.is_dir()
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "a"))
    assert find(None).path == tmp_path / "a"
    assert find(str(tmp_path / "b")).path == tmp_path / "b"


def test_a_group_shares_a_directory_that_hands_its_group_on(tmp_path: Path) -> None:
    """In a directory of mode 2770 the files are the group's; what all may write is refused."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2770)
    assert find(str(shared)) == Place(shared, is_shared=True)
    file = HostFile(shared / "x.slots", is_shared=True, now=0.0)
    assert mode(shared / "x.slots") == 0o660
    file.close()
    shared.chmod(0o2777)
    with pytest.raises(ValueError, match="others may write"):
        find(str(shared))


def test_what_is_not_fit_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal says where, why, and what to do."""
    plain, linked, open_to_all = tmp_path / "file", tmp_path / "link", tmp_path / "open"
    plain.touch()
    linked.symlink_to(tmp_path)
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    for named, why in [
        ("relative", "absolute"),
        (str(plain), "no directory"),
        (str(linked), "no directory"),
        (str(open_to_all), "others may write"),
        (str(plain / "in"), "Not a directory"),
    ]:
        with pytest.raises(ValueError, match=rf"{why}.*WOOXY_RUNTIME_DIR"):
            find(named)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ValueError, match="others may write"):
        find(str(tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(os, "access", lambda *_args, **_options: False)
    with pytest.raises(ValueError, match="not writable"):
        find(str(tmp_path))


@pytest.mark.parametrize("kind", ["nfs4", "fuse.sshfs"])
def test_a_network_file_system_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Its locks do not hold, or hold for other machines: a home on one is passed over, a directory refused."""
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 8:1 / / rw - ext4 /dev/sda rw\n"
        f"36 22 0:30 / {str(home).replace(' ', chr(92) + '040')} rw shared:1 - {kind} server:/home rw\n"
        f"37 22 0:31 / {home}work rw - ext4 /dev/sdb rw\n"
    )
    monkeypatch.setattr(place_module, "MOUNTS", table)
    assert find(None).path.parent == place_module.FALLBACKS
    with pytest.raises(ValueError, match=f"network file system .{kind}"):
        find(str(home / "x"))
    monkeypatch.setattr(place_module, "MOUNTS", tmp_path / "missing")  # where it cannot be known
    assert find(str(home / "x")).path == home / "x"


def opened(path: Path) -> HostFile:
    """Open a file of one's own."""
    return HostFile(path, is_shared=False, now=1.0)


def test_a_file_is_the_users_own_and_lies_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made with mode 0600 whatever the umask, and all of it is allocated."""
    before = os.umask(0)
    try:
        opened(tmp_path / "a").close()
    finally:
        os.umask(before)
    found = (tmp_path / "a").stat()
    assert (mode(tmp_path / "a"), found.st_size, found.st_blocks * 512 >= SIZE) == (0o600, SIZE, True)
    os.utime(tmp_path / "a", (0, 0))
    opened(tmp_path / "a").close()
    assert (tmp_path / "a").stat().st_mtime > 0  # it was used
    monkeypatch.delattr(os, "posix_fallocate")  # as on macOS
    opened(tmp_path / "b").close()
    assert (tmp_path / "b").stat().st_size == SIZE


def plant_link(path: Path) -> None:
    """Plant a link to a file of the user's."""
    path.with_suffix(".target").touch(0o600)
    path.symlink_to(path.with_suffix(".target"))


def plant_hard_link(path: Path) -> None:
    """Plant a second name of a file of the user's."""
    path.with_suffix(".target").touch(0o600)
    path.hardlink_to(path.with_suffix(".target"))


def plant_pipe(path: Path) -> None:
    """Plant a pipe."""
    os.mkfifo(path, 0o600)


def plant_open(path: Path) -> None:
    """Plant a file that others may read."""
    path.touch()
    path.chmod(0o644)


def plant_text(path: Path) -> None:
    """Plant a file of the user's with something else in it."""
    path.touch(0o600)
    path.write_text("my notes of last week, and more than a header's length of it")


def plant_other_boot(path: Path) -> None:
    """Plant a file that another boot has left."""
    opened(path).close()
    with path.open("r+b") as file:
        file.seek(8)
        file.write(b"another boot's")


def plant_torn(path: Path) -> None:
    """Plant a file that was cut."""
    opened(path).close()
    os.truncate(path, SIZE // 2)


PLANTS = [plant_link, plant_hard_link, plant_pipe, plant_open, plant_text, plant_other_boot, plant_torn]


@pytest.mark.parametrize("plant", PLANTS)
def test_what_was_planted_is_refused(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    """Nothing is written to it, and no descriptor is left open."""
    path = tmp_path / "x.slots"
    plant(path)
    before, descriptors = path.read_bytes() if path.is_file() else b"", set(Path("/proc/self/fd").iterdir())
    with pytest.raises((ValueError, OSError)):
        opened(path)
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert set(Path("/proc/self/fd").iterdir()) == descriptors


def test_another_users_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be a trap, and is refused although it could be opened."""
    opened(tmp_path / "x").close()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ValueError, match="another user"):
        opened(tmp_path / "x")


def test_a_file_replaced_while_it_is_opened_is_refused(tmp_path: Path) -> None:
    """The two openings that are needed must be of one file."""
    path = tmp_path / "x"

    class Slow(HostFile):
        def _begin(self, now: float) -> None:
            super()._begin(now)
            path.unlink()
            opened(path).close()

    with pytest.raises(ValueError, match="replaced"):
        Slow(path, is_shared=False, now=1.0)


def test_without_a_boot_id_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on Linux nobody names the boot."""
    assert file_module.boot_id() != bytes(16)
    monkeypatch.setattr(file_module, "_BOOT_ID", tmp_path / "missing")
    assert file_module.boot_id() == bytes(16)


def test_more_processes_than_lines_go_without(tmp_path: Path) -> None:
    """Each line is one process's; who gets none looks for himself."""
    first, second = opened(tmp_path / "x"), opened(tmp_path / "x")
    taken = [first.lock_line() for _ in range(3)]
    assert taken == [0, 0, 0]  # the lock is its own already
    assert second.lock_line() == 1
    others = [opened(tmp_path / "x") for _ in range(file_module.LINES - 2)]
    assert [other.lock_line() for other in others][-1] == file_module.LINES - 1
    last = opened(tmp_path / "x")
    assert last.lock_line() is None
    assert last.lines == file_module.LINES
    for each in (first, second, last, *others):
        each.close()


def _unknown(_fd: int, _kind: int, _at: int) -> bool:
    raise OSError(errno.EINVAL, "no such lock")


def _blind(_fd: int, _kind: int, _at: int) -> bool:
    return True


@pytest.mark.parametrize("best", [_unknown, _blind])
def test_locks_are_chosen_by_trying(tmp_path: Path, best: locks.Lock) -> None:
    """Open-file locks are taken where they work; what fails, or keeps nobody out, gives way to classic ones."""
    path = tmp_path / "x"
    path.touch()
    with path.open("r+b") as one, path.open("r+b") as two:
        ofd = locks.choose(one.fileno(), two.fileno())
        assert ofd is not locks.classic
        assert ofd(one.fileno(), fcntl.F_WRLCK, 7)
        assert not ofd(two.fileno(), fcntl.F_WRLCK, 7)
        assert ofd(two.fileno(), fcntl.F_WRLCK, 8)
        assert locks.choose(one.fileno(), two.fileno(), best) is locks.classic
        with pytest.raises(OSError, match="Bad file"):
            ofd(9999, fcntl.F_WRLCK, 7)


def test_classic_locks_keep_other_processes_out(tmp_path: Path) -> None:
    """They hold against another process, until they are dropped."""
    path = tmp_path / "x"
    path.touch()
    code = (
        "import fcntl, sys\nfrom wooxy_async.limits._host_locks import classic\n"
        "with open(sys.argv[1], 'r+b') as file:\n    print(classic(file.fileno(), fcntl.F_WRLCK, 1 << 33))\n"
    )

    def elsewhere() -> str:
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)  # noqa: S603
        return done.stdout.strip()

    with path.open("r+b") as file:
        assert locks.classic(file.fileno(), fcntl.F_WRLCK, 1 << 33)
        assert elsewhere() == "False"
        assert locks.classic(file.fileno(), fcntl.F_UNLCK, 1 << 33)
        assert elsewhere() == "True"
    with pytest.raises(OSError, match="Bad file"):
        locks.classic(9999, fcntl.F_WRLCK, 7)


def test_a_line_that_was_noted_too_low_is_noted_again(tmp_path: Path) -> None:
    """Of two processes that begin at once one may undo what the other has noted: it would be unseen, and starve."""
    first, second = (HostSlots(tmp_path / "account.slots") for _ in range(2))
    assert first._file is not None
    struct.pack_into("q", first._file.map, 48, 1)  # as the first does that has read 0 before
    assert first.is_alone
    second.announce(None, 1.0)
    assert not first.is_alone
    first.close()
    second.close()
