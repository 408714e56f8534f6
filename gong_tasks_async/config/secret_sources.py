"""Where a secret is kept: in the environment, in a file that only its owner reads, or in the system's keyring.

The configuration file names the place and never holds the secret: such files end up in backups, in dotfile
repositories, and on screens.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen

from gong_tasks_async.config.errors import NoSecretError, UnsafeFileError
from gong_tasks_async.config.folders import expand_home
from gong_tasks_async.config.private_files import check_secret, read_regular

KINDS = ("env", "file", "keyring")
HOW = 'name its place: "env:NAME", "file:PATH" (a file that only you can read), or "keyring"'


@frozen
class SecretSource:
    """The place of one secret: ``SecretSource.parse("env:ACME_SECRET")``."""

    kind: str
    where: str

    @classmethod
    def parse(cls, text: str) -> SecretSource:
        """Read a place as the configuration file spells it.

        Raises:
            ValueError: it is no place; the text is not repeated, since it may be the secret itself.
        """
        kind, _, where = text.partition(":")
        if kind not in KINDS or bool(where) != (kind != "keyring"):
            raise ValueError(HOW)
        return cls(kind, where)

    def read(self, environment: Mapping[str, str], account: str) -> str:
        """The secret itself.

        Args:
            environment: the variables.
            account: under whose name the keyring has it.

        Raises:
            NoSecretError: it is not there, or its file is open to others.
        """
        if self.kind == "env":
            return _from_environment(environment, self.where)
        return read_private(expand_home(self.where)) if self.kind == "file" else _from_keyring(account)


def _from_environment(environment: Mapping[str, str], name: str) -> str:
    if secret := environment.get(name, "").strip():
        return secret
    raise NoSecretError(f"the environment has no {name}: set it")


def read_private(path: Path) -> str:
    """The text of a file that only its owner can read.

    Raises:
        NoSecretError: it cannot be read, is empty, no regular file, another user's, or others can read it.
    """
    try:
        data, status = read_regular(path)
        check_secret(path, status)
        secret = data.decode("utf-8-sig").strip()  # editors of Windows write a byte order mark
    except OSError as error:
        raise NoSecretError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NoSecretError(f"{path} holds no text") from None
    except UnsafeFileError as error:
        raise NoSecretError(str(error)) from None
    if not secret:
        raise NoSecretError(f"{path} is empty: put the secret into it")
    return secret


def _from_keyring(account: str) -> str:
    if not find_spec("keyring"):
        raise NoSecretError("keyring is not installed: install gong_tasks_async[keyring]")
    import keyring  # noqa: PLC0415 - an extra
    import keyring.errors  # noqa: PLC0415 - an extra

    try:
        secret = keyring.get_password("gong-tasks", account)
    except keyring.errors.KeyringError as error:
        raise NoSecretError(f"the keyring cannot be read: {error}") from None
    if not secret:
        raise NoSecretError(f"the keyring has none: store it\n  gong-tasks login --profile {account}")
    return secret
