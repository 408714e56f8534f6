"""What is wrong with a setting: the reasons that all classes and functions with settings give alike.

A wrong type is refused as a wrong number is, early and by name: a number from the environment is text, and one compared
with a number is a TypeError that names no setting.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable
from functools import wraps
from numbers import Integral, Real
from typing import ParamSpec, TypeVar

from gong_tasks_async.errors.base import GongError
from gong_tasks_async.errors.invalid import InvalidValueError

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)

SHOWN = 40
"""Characters of a wrong value that a message quotes."""


def refuse(what: str, problems: Iterable[str | None]) -> None:
    """Report all problems at once.

    Raises:
        InvalidValueError: there are any.
    """
    found: list[str] = []
    for problem in problems:  # `filter` costs three times as much where there are a few
        if problem:
            found.append(problem)  # noqa: PERF401 - the same
    if found:
        raise InvalidValueError(what, found)


def conceals_arguments(function: Callable[P, T]) -> Callable[P, T]:
    """Raise what a function refuses without its frames: error trackers show the variables of frames.

    For functions that are given secrets: a refused secret may be the right one, with a line break too many.
    """

    @wraps(function)
    def call(*args: P.args, **keywords: P.kwargs) -> T:
        try:
            return function(*args, **keywords)
        except (GongError, ValueError, OSError) as error:
            refusal = error.with_traceback(None)
        if refusal.__suppress_context__:
            refusal.__context__ = None  # some trackers show it nevertheless
        del args, keywords
        raise refusal

    return call


def conceals_fields(cls: C) -> C:
    """The same for a class whose ``__init__`` attrs writes."""
    cls.__init__ = conceals_arguments(cls.__init__)  # type: ignore[misc]  # of a class, not of an instance
    return cls


def described(value: object) -> str:
    """A value of a wrong type, without itself where it is long: a task is a page of personal data."""
    kind, text = type(value).__name__, reprlib.repr(value)
    return f"{kind} {text}" if len(text) <= SHOWN else kind


def count_problem(name: str, value: object, *, at_least: int = 1) -> str | None:
    """A whole number; True and 3.0 are none."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        return f"{name} must be a whole number, not {described(value)}"
    return None if int(value) >= at_least else f"{name} must be at least {at_least}, not {value}"


def seconds_problem(
    name: str, value: object, *, or_zero: bool = False, or_none: bool = False, finite: bool = False
) -> str | None:
    """Seconds, more than 0; infinite ones are for ever."""
    if value is None and or_none:
        return None
    must = f"{name} must be {'0 seconds or more' if or_zero else 'more than 0 seconds'}"
    must += ", and finite" if finite else ""
    if (number := number_of(value)) is None:
        return f"{must}, not {described(value)}"
    enough = number >= 0 if or_zero else number > 0
    return None if enough and not (finite and math.isinf(number)) else f"{must}, not {value}"


def number_of(value: object) -> float | None:
    """A number as a float; None where it is none. True is none."""
    return None if isinstance(value, bool) or not isinstance(value, Real) else float(value)


def flag_problem(name: str, value: object) -> str | None:
    """True or False: the text "no" would count as true."""
    return None if isinstance(value, bool) else f"{name} must be True or False, not {described(value)}"


def kind_problem(
    name: str, value: object, kind: type | tuple[type, ...], example: str, *, or_none: bool = False
) -> str | None:
    """An object of a class.

    Args:
        name: the setting's.
        value: what was given.
        kind: the class, or several.
        example: what it must be, in words.
        or_none: whether None is good too.
    """
    if isinstance(value, kind) or (or_none and value is None):
        return None
    return f"{name} must be {example}, not {described(value)}"


def function_problem(name: str, value: object, example: str, *, or_none: bool = False) -> str | None:
    """A function, or another thing that can be called; see :func:`kind_problem`."""
    if callable(value) or (or_none and value is None):
        return None
    return f"{name} must be {example}, not {described(value)}"
