"""The options that hold for a whole invocation, whether they stood before the command or after it."""

from __future__ import annotations

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


def global_option(name: str) -> Any:
    """The value of an option of every command; None outside of one."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(_OPTIONS, {}).get(name)
