"""Groups of commands that import only the one that is wanted, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from gong_tasks_async.cli.command import global_options, write_sections


class LazyGroup(click.Group):
    """A group that knows its commands by name, and each one's line of help without importing it.

    Args:
        package: where the modules are, one of each command's name, with a click command called `command` in it.
        lines: each command's line in `--help`.
        modules: for a command whose module has another name, that name.
        settings: click's own.
    """

    def __init__(
        self,
        *,
        package: str,
        lines: Mapping[str, str],
        modules: Mapping[str, str] = MappingProxyType({}),
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.params.extend(global_options())
        self._package = package
        self._lines = lines
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The names of all commands."""
        return list(self._lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import the command of that name."""
        if cmd_name not in self._lines:
            return None
        module = import_module(f"{self._package}.{self._modules.get(cmd_name, cmd_name.replace('-', '_'))}")
        return cast("click.Command", module.command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the one that was probably meant."""
        if args and args[0] not in self._lines and (near := get_close_matches(args[0], self._lines, 1)):
            ctx.fail(f"There is no command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first, then the options by sections."""
        self.format_commands(ctx, formatter)
        write_sections(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the table's lines, where click would import every command for its own."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._lines.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name from the table, for the same reason."""
        names = [
            CompletionItem(name, help=line)
            for name, line in self._lines.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)
