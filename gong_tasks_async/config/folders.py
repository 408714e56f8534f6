"""Where the command keeps things: its configuration, the day's count, the journals of bulk runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from platformdirs import user_config_path, user_state_path

PROGRAM: Final = "gong-tasks"


def expand_home(text: str) -> Path:
    """A path, in which ``~`` stands for the user's home folder.

    Raises:
        ValueError: there is no such home, as of ``~secrets/key`` where ``~/secrets/key`` is meant.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(
            f"{text}: there is no such home folder; write ~/ for your own, or the whole path"
        ) from None


def config_file(environment: Mapping[str, str]) -> Path:
    """The configuration: what ``GONG_TASKS_CONFIG`` names, or ``config.toml`` in the user's config folder."""
    named = environment.get("GONG_TASKS_CONFIG", "").strip()
    return expand_home(named) if named else _in_home(user_config_path) / "config.toml"


def state_folder(environment: Mapping[str, str]) -> Path:
    """What outlives a run: what ``GONG_TASKS_STATE`` names, or the user's state folder."""
    named = environment.get("GONG_TASKS_STATE", "").strip()
    return expand_home(named) if named else _in_home(user_state_path)


def jobs_folder(environment: Mapping[str, str]) -> Path:
    """The journals of bulk runs, of all companies; no credentials are needed to look into it."""
    return state_folder(environment) / "jobs"


def _in_home(find: Callable[..., Path]) -> Path:
    """A folder of the home; without one, a private folder for temporary files, which may not last.

    In a container there may be neither HOME nor an entry of passwd; platformdirs then gives ``~`` itself, or raises.
    """
    with suppress(RuntimeError, KeyError):
        folder = find(PROGRAM, appauthor=False)
        if folder.is_absolute():
            return folder
    user = os.geteuid() if hasattr(os, "geteuid") else "user"
    return Path(tempfile.gettempdir()) / f"{PROGRAM}-{user}"
