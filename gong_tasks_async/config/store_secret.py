"""Where `login` puts a secret: the system's keyring where there is one, else a file that only its owner reads."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from gong_tasks_async.config.folders import PROGRAM
from gong_tasks_async.config.private_files import make_private_folder, write_private

FOLDER: Final = "secrets"


def store_secret(profile: str, secret: str, config_file: Path, *, use_keyring: bool | None = None) -> str:
    """Store a profile's secret, and return its place as the configuration file spells it.

    Args:
        profile: whose it is.
        secret: kept as it is.
        config_file: beside which a file would stand.
        use_keyring: None to take the keyring where it works.

    Raises:
        OSError: the file cannot be written.
        ValueError: the keyring was asked for, and does not work.
    """
    if use_keyring is not False and _in_keyring(profile, secret):
        return "keyring"
    if use_keyring:
        raise ValueError(
            "the keyring cannot be used here: install gong_tasks_async[keyring], or take --store file"
        )
    folder = config_file.parent / FOLDER
    make_private_folder(folder)
    path = folder / profile
    write_private(path, f"{secret}\n")
    return f"file:{path}"


def _in_keyring(profile: str, secret: str) -> bool:
    """Whether the keyring has it now; on servers there is none, or none that answers."""
    if not find_spec("keyring"):
        return False
    import keyring  # noqa: PLC0415 - an extra

    try:
        keyring.set_password(PROGRAM, profile, secret)
        return bool(keyring.get_password(PROGRAM, profile) == secret)
    except Exception:  # noqa: BLE001 - backends raise what they like; a file serves as well
        return False
