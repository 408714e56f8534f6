"""Errors as plain JSON values, for journals and Redis; reading them runs no code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from gong_tasks_async.errors import GongError
from gong_tasks_async.errors.kinds import is_tuple

LEFT_OUT = frozenset({"headers"})
"""Facts that are of no use later, and long."""


def facts_of(error: GongError) -> dict[str, Any]:
    """The name of an error's class, and its facts."""
    facts = {
        each.name: getattr(error, each.name)
        for each in attrs.fields(type(error))
        if each.name not in LEFT_OUT
    }
    return {"class": type(error).__name__} | {name: _plain(value) for name, value in facts.items()}


def error_of(facts: Mapping[str, Any]) -> GongError:
    """The error of such facts; of a class that this version does not know, what all errors have in common.

    Raises:
        KeyError, TypeError, ValueError: these are not the facts of an error.
    """
    kind = _kind(
        facts["class"] if "class" in facts else facts["kind"]
    )  # as earlier versions wrote it in Redis
    known = {each.name: facts[each.name] for each in attrs.fields(kind) if each.name in facts}
    if "errors" in known:
        known["errors"] = tuple(known["errors"])
    if known.get("resets_at"):
        known["resets_at"] = datetime.fromisoformat(known["resets_at"])
    return shown(kind(**known))


def shown(error: GongError) -> GongError:
    """The error, if it has a text: facts of another type fail here, and not where it is shown.

    Raises:
        KeyError, TypeError, ValueError: they are of another type.
    """
    str(error)
    return error


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, GongError):
        return facts_of(value)
    return [*value] if is_tuple(value) else value


def _kind(name: str) -> type[GongError]:
    # Looked for each time, since a package imported later brings classes of its own, such as those of jobs.
    return next((kind for kind in _subclasses(GongError) if kind.__name__ == name), GongError)


def _subclasses(kind: type[GongError]) -> Iterator[type[GongError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)
