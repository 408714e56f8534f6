"""Files and folders that decide what a command does, or hold what is private: whose they are, and how they are opened.

A user who can write the configuration can send a secret anywhere, and the owner of the state folder can plant a
journal. So both have to be this user's or root's, and not writable by others; a named pipe is never waited for.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gong_tasks_async.config.errors import UnsafeFileError

HAS_OWNERS: Final = os.name == "posix"
"""Windows has neither owners by number nor these permission bits."""

LONGEST: Final = 2**20
"""Bytes; a configuration or a secret is far shorter."""

_OTHERS_CAN_WRITE: Final = 0o022
_OTHERS_CAN_ACCESS: Final = 0o077


def read_regular(path: Path) -> tuple[bytes, os.stat_result]:
    """The bytes of a regular file, and what is known of it; links are followed, as containers make them.

    Raises:
        UnsafeFileError: it is no regular file, or far too long.
        OSError: it cannot be read.
    """
    # A pipe without a writer would be waited for; devices may do anything.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnsafeFileError(f"{path} is no regular file")
        data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise UnsafeFileError(f"{path} is longer than {LONGEST:,} bytes")
    return data, status


def check_owner(path: Path, status: os.stat_result) -> None:
    """Accept what is this user's or root's, and not writable by others.

    Raises:
        UnsafeFileError: it is not.
    """
    if not HAS_OWNERS:
        return
    if status.st_uid not in {os.geteuid(), 0}:
        raise UnsafeFileError(f"{path} belongs to another user: make it yours\n  chown {_me()} {path}")
    if stat.S_IMODE(status.st_mode) & _OTHERS_CAN_WRITE:
        raise UnsafeFileError(f"{path} can be written by others: close it\n  chmod go-w {path}")


def check_secret(path: Path, status: os.stat_result) -> None:
    """Accept a secret's file that only its owner can read, or that root has put there, as containers' secrets are.

    Raises:
        UnsafeFileError: it is another user's, or others can read it.
    """
    mounted = HAS_OWNERS and status.st_uid == 0 and (os.geteuid() != 0 or _is_read_only(path))
    own = HAS_OWNERS and status.st_uid == os.geteuid()
    if own and not mounted and stat.S_IMODE(status.st_mode) & _OTHERS_CAN_ACCESS:
        raise UnsafeFileError(f"others can read {path}: close it\n  chmod 600 {path}")
    check_owner(path, status)


def make_private_folder(folder: Path) -> None:
    """Make a folder for its owner alone, where it is not there; refuse one that is open to others.

    Raises:
        UnsafeFileError: it is another user's, or others can write it.
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_owner(folder, folder.stat())


def write_private(path: Path, text: str) -> None:
    """Put a file in place, whole or not at all, for its owner alone; a link at its place is replaced, not followed.

    Raises:
        OSError: it cannot be written.
    """
    with _replacing(path) as descriptor:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)


@contextmanager
def _replacing(path: Path) -> Generator[int]:
    # Temporary files are their owner's alone: https://docs.python.org/3/library/tempfile.html#tempfile.mkstemp
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _is_read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _me() -> str:
    return str(os.geteuid())
