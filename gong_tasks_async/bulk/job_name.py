"""The one rule for a job's name, which becomes a file's name or a part of a Redis key."""

from __future__ import annotations

import re
from typing import Final

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def checked_job_name(name: str) -> str:
    """The name, if it is safe for a file and a key.

    Raises:
        ValueError: it is not.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot be a job's name: take letters, digits, '.', '-' and '_', a letter or digit first, "
            "80 at the most"
        )
    return name
