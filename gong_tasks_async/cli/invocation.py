"""The options that hold for a whole invocation, whether they stood before the command or after it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

T = TypeVar("T")

_OPTIONS: Final = "gong_tasks_async.options"
_GIVEN: Final = (ParameterSource.COMMANDLINE, ParameterSource.PROMPT)


def remember(context: click.Context, parameter: click.Parameter, value: T) -> T:
    """Keep what was given nearest to the command; a default hides nothing that was given before. A click callback."""
    options = context.meta.setdefault(_OPTIONS, {})
    name = parameter.name or ""
    if name not in options or context.get_parameter_source(name) in _GIVEN:
        options[name] = value
    return value


def remember_typed(context: click.Context, words: Sequence[str]) -> None:
    """Keep ``--errors json`` of a command line that cannot be parsed, so that its error is one for programs too."""
    pairs = [*pairwise(words), *(tuple(word.split("=", 1)) for word in words if word.startswith("--errors="))]
    if ("--errors", "json") in pairs:
        context.meta.setdefault(_OPTIONS, {})["errors"] = "json"


def global_option(name: str) -> Any:
    """The value of an option of every command; None outside of one."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(_OPTIONS, {}).get(name)


def to_type(*words: str) -> str:
    """A command to be typed next, complete: at the company of this command line, each word quoted for the shell."""
    line = shlex.join(("gong-tasks", *words))
    return "".join((line, *(f" {flag} {shlex.quote(value)}" for flag, value in _same_company().items())))


def _same_company() -> dict[str, str]:
    context = click.get_current_context(silent=True)
    given = context.params if context else {}
    options = {
        "--profile": global_option("profile"),
        "--base-url": given.get("base_url"),
    }
    return {flag: value for flag, value in options.items() if isinstance(value, str) and value}
