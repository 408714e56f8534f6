"""Field names in Gong's JSON."""

from __future__ import annotations

from functools import cache


@cache
def gong_name(name: str) -> str:
    """Convert ``due_date`` to ``dueDate``, Gong's spelling."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
