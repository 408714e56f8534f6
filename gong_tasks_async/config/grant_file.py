"""The file of an OAuth refresh token, which is replaced with each use of it.

It starts as the bare refresh token, and becomes JSON with the access token beside it, so that the commands of one day
need one refresh between them. Commands that run at the same time take turns at a lock, and each reads the file again
before it refreshes: the first one refreshes, the others find its tokens.

A refresh token is single-use, so whether its successor can be saved is tried before it is sent. A file that cannot be
replaced, such as a container's bind mount, is written in place.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from os.path import realpath
from pathlib import Path
from typing import Any

from attrs import field, frozen

from gong_tasks_async.auth.token_endpoint import OAuthGrant
from gong_tasks_async.config.errors import NoSecretError
from gong_tasks_async.config.file_lock import LockTimeoutError, locked
from gong_tasks_async.config.private_files import write_private
from gong_tasks_async.config.secret_sources import read_private
from gong_tasks_async.errors import CredentialsError
from gong_tasks_async.events import logger
from gong_tasks_async.models.date_times import parse_date_time

LOCK_TIMEOUT = 100.0
"""Seconds; longer than a refresh with all its attempts."""

BLOCK = 4096
"""Bytes that a file takes on most disks, however short it is; more than a grant has."""


@frozen
class GrantFile:
    """Where a grant is kept; only its owner may read it."""

    path: Path
    notify: Callable[[str], object] = field(default=logger.warning, eq=False, repr=False)
    """Receives a line where the new tokens could not be saved in the usual way."""

    def read(self) -> OAuthGrant:
        """Return what was saved last; of a bare refresh token, a grant that has expired.

        Raises:
            NoSecretError: it cannot be read, others can read it, or it holds neither of the two.
        """
        text = self._newest()
        if not text.startswith("{"):
            return OAuthGrant(access_token="", refresh_token=text, expires_at=_expired())
        grant = _grant_in(text)
        if grant is None:  # the text is a secret: not in the message
            raise NoSecretError(
                f"{self.path} holds neither a refresh token nor what was saved: authorize the app again"
            )
        return grant

    def save(self, grant: OAuthGrant) -> None:
        """Write a grant: by replacing the file, whole or not at all; else in place; else beside it.

        Raises:
            OSError: it can be written nowhere.
        """
        text, path = _text_of(grant), self.target
        try:
            _replace(path, text, by=self._beside)
        except OSError as problem:
            self._save_otherwise(path, text, problem)

    def check_writable(self) -> None:
        """Write back what was saved last, by the ways that :meth:`save` takes, and no shorter than a grant is.

        Raises:
            OSError: neither way works, so that a new grant could not be saved.
            NoSecretError: there is nothing.
        """
        path = self.target
        text = self._newest().ljust(BLOCK)
        try:
            _replace(path, text, by=self._beside)
        except OSError:
            _write_in_place(path, text)
            self._beside.unlink(missing_ok=True)

    @property
    def target(self) -> Path:
        """The file itself, where a link was named; the link where it leads in a circle, so that reading says so."""
        return Path(realpath(self.path))

    @property
    def _beside(self) -> Path:
        return self.target.with_name(f"{self.target.name}.next")

    def _newest(self) -> str:
        """The text of the file, or of the one beside it where that was written later, and whole."""
        beside = self._beside
        with suppress(OSError, NoSecretError):
            is_newer = beside.lstat().st_mtime_ns >= self.path.stat().st_mtime_ns
            if is_newer and _grant_in(text := read_private(beside)) is not None:
                return text
        return read_private(self.path)

    def _save_otherwise(self, path: Path, text: str, problem: OSError) -> None:
        try:
            _write_in_place(path, text)
            self._beside.unlink(missing_ok=True)
            self.notify(
                f"{self.path} cannot be replaced ({problem.strerror}); the new tokens were written in place."
            )
        except OSError:
            _write_new(self._beside, text)
            self.notify(
                f"{self.path} cannot be written ({problem.strerror}); the new tokens are in {self._beside}, "
                "where they are found as long as it is the newer of the two."
            )


@frozen
class SharedGrantFile:
    """A grant file that commands share; see :class:`~gong_tasks_async.auth.grant_store.GrantStore`."""

    file: GrantFile

    @asynccontextmanager
    async def refreshing(self) -> AsyncGenerator[OAuthGrant | None]:
        """Lock the file, read it again, and make sure that it can be written.

        Raises:
            CredentialsError: another command holds it, or it cannot be read or written.
        """
        try:
            async with locked(self.file.target, LOCK_TIMEOUT):
                saved = await self.load()
                yield saved
        except LockTimeoutError:
            raise CredentialsError(
                reason=f"another command has been refreshing the tokens of {self.file.path} for {LOCK_TIMEOUT:g} s",
                advice="Wait for it to end, or end it.",
            ) from None

    async def prepare(self) -> None:
        """Make sure that a new grant can be saved.

        Raises:
            CredentialsError: it cannot; the old token was not sent.
        """
        try:
            await asyncio.to_thread(self.file.check_writable)
        except NoSecretError as error:
            raise CredentialsError(reason=str(error), advice="Then run it again.") from None
        except OSError as error:
            raise CredentialsError(
                reason=f"{self.file.path} cannot be written ({error.strerror}), so its refresh token was not used",
                advice="Make the file or its folder writable, or free space on the disk.",
            ) from None

    async def load(self) -> OAuthGrant:
        """Read the file again."""
        try:
            return await asyncio.to_thread(self.file.read)
        except NoSecretError as error:
            raise CredentialsError(reason=str(error), advice="Then run it again.") from None

    async def save(self, grant: OAuthGrant) -> None:
        """Write the file."""
        try:
            await asyncio.to_thread(self.file.save, grant)
        except OSError as error:
            raise CredentialsError(
                reason=f"{self.file.path} cannot be written ({error.strerror}), so the new tokens are not used yet",
                advice="Make the file or its folder writable, or free space on the disk, while this runs.",
            ) from None

    async def start(self, grant: OAuthGrant) -> None:
        """Write the first grant of a sign-in, once no command refreshes what it replaces; a link is replaced too.

        Raises:
            OSError: it can be written nowhere.
        """
        try:
            async with locked(self.file.target, LOCK_TIMEOUT):
                self._start(grant)
        except LockTimeoutError:
            self._start(grant)

    def _start(self, grant: OAuthGrant) -> None:
        write_private(self.file.path, f"{grant.refresh_token}\n")
        self.file.save(grant)


def _expired() -> datetime:
    return datetime.fromtimestamp(0, UTC)  # not the earliest of all, from which nothing can be subtracted


def _grant_in(text: str) -> OAuthGrant | None:
    """The grant that a file's text holds, if it holds one."""
    try:
        return _grant_of(json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _grant_of(saved: dict[str, Any]) -> OAuthGrant:
    expires_at = parse_date_time(saved["expires_at"])
    try:
        expires_at = expires_at and expires_at.astimezone(UTC)
    except OverflowError:  # beyond the calendar in UTC, and no reason to lose the tokens
        expires_at = None
    base_url = saved.get("base_url")
    if not isinstance(base_url, str | None) or not saved["refresh_token"]:
        raise TypeError
    return OAuthGrant(
        access_token=str(saved["access_token"]),
        refresh_token=str(saved["refresh_token"]),
        expires_at=max(expires_at or _expired(), _expired()),
        base_url=base_url,
    )


def _text_of(grant: OAuthGrant) -> str:
    saved = {
        "access_token": str(grant.access_token),
        "refresh_token": str(grant.refresh_token),
        "expires_at": grant.expires_at.isoformat(),
        "base_url": grant.base_url,
    }
    return json.dumps(saved)


def _replace(path: Path, text: str, *, by: Path) -> None:
    """Put a new file in the place of another, and both it and the folder on the disk.

    It stands in ``by``, where it is found, before it is on the disk: a process that is killed meanwhile loses nothing.
    """
    _write_new(by, text)
    by.replace(path)
    _sync_folder(path.parent)


def _write_new(path: Path, text: str) -> None:
    """Write a new file, whole or not at all."""
    # Temporary files are their owner's alone: https://docs.python.org/3/library/tempfile.html#tempfile.mkstemp
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            unfinished.replace(path)
            os.fsync(file.fileno())
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _write_in_place(path: Path, text: str) -> None:
    """Overwrite a file, never shorter than a block: so the disk cannot be too full for the next, longer text.

    What is cut off by a crash reads as what was there or what is new, since blanks at the end do not count.
    """
    with path.open("r+b", buffering=0) as file:
        data = text.encode().ljust(BLOCK)
        if file.write(data) < len(
            data
        ):  # a write that finds the disk full may be cut short instead of refused
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        file.truncate()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # there, a folder cannot be opened
    with suppress(OSError):  # some file systems refuse to sync one
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
