"""How a field is spelled in Gong's JSON."""

from __future__ import annotations

from functools import cache


@cache
def gong_name(name: str) -> str:
    """``due_date`` -> ``dueDate``: Gong's spelling of one of our field names."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
