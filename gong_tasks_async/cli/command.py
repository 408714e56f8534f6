"""Commands whose help has examples and sections, and the options that every command takes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import click

from gong_tasks_async.cli.invocation import remember, remember_typed

EVERYWHERE: Final = "Every command"
"""Section of the options that stand before or after the command's name."""


class SectionOption(click.Option):
    """An option that stands in a section of its own in the help."""

    def __init__(self, *args: Any, section: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class GlobalOption(SectionOption):
    """An option of every command: ``gong-tasks --verbose list`` is ``gong-tasks list --verbose``."""

    def __init__(self, *args: Any, section: str = EVERYWHERE, **kwargs: Any) -> None:
        super().__init__(*args, section=section, expose_value=False, callback=remember, **kwargs)


def profile_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The profiles, for shell completion; a wrong file is reported when it is used."""
    # Imported when a shell asks: they bring aiohttp with them.
    from gong_tasks_async.config.config_file import read_config_file  # noqa: PLC0415
    from gong_tasks_async.config.folders import config_file  # noqa: PLC0415

    with suppress(ValueError, OSError):
        names = read_config_file(config_file(os.environ)).names
        return [name for name in names if name.startswith(incomplete)]
    return []


GLOBAL_OPTIONS: Final[tuple[Callable[[], click.Option], ...]] = (
    lambda: GlobalOption(
        ["--profile"],
        metavar="NAME",
        shell_complete=profile_names,
        envvar="GONG_TASKS_PROFILE",
        help="A company of the configuration file, credentials included.",
    ),
    lambda: GlobalOption(
        ["--timeout"],
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Give up a call after this long, retries and pauses included.",
    ),
    lambda: GlobalOption(["-v", "--verbose"], is_flag=True, help="Log retries and pauses; errors in full."),
    lambda: GlobalOption(
        ["--debug"], is_flag=True, help="Log each call, without secrets; also GONG_TASKS_LOG=debug."
    ),
    lambda: GlobalOption(
        ["--errors"],
        type=click.Choice(["text", "json"]),
        default="text",
        help="json: errors as one JSON object a line.",
    ),
    lambda: GlobalOption(["--no-color"], is_flag=True, help="No colours; also NO_COLOR=1."),
)


def global_options() -> list[click.Parameter]:
    """Options of every command, new ones for each."""
    return [make() for make in GLOBAL_OPTIONS]


class Command(click.Command):
    """A command with examples: ``@click.command("list", cls=Command, examples="gong-tasks list ...")``."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples: list[str] = [line.strip() for line in examples.strip().splitlines()]
        taken = {parameter.name for parameter in self.params}
        self.params.extend(option for option in global_options() if option.name not in taken)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line."""
        typed = tuple(args)  # which click empties
        try:
            return super().parse_args(ctx, args)
        except click.UsageError:
            remember_typed(ctx, typed)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, with the log that was asked for."""
        from gong_tasks_async.cli.logs import start_logging  # noqa: PLC0415 - 20 ms that help and completion need not spend

        start_logging()
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each section under its name, and the examples."""
        write_sections(self, ctx, formatter)
        write_examples(self.examples, formatter)


def write_examples(lines: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Write command lines that are there to be copied, so that none is wrapped."""
    if lines:
        with formatter.section("Examples"):
            for line in lines:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def write_sections(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write a command's options by sections, those of every command last."""
    sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for parameter, record in _records(command, ctx):
        sections[getattr(parameter, "section", "Options")].append(record)
    for name in sorted(sections, key=lambda name: name == EVERYWHERE):
        with formatter.section(name):
            formatter.write_dl(sections[name])


def _records(command: click.Command, ctx: click.Context) -> Iterator[tuple[click.Parameter, tuple[str, str]]]:
    for parameter in command.get_params(ctx):
        if isinstance(parameter, click.Argument):
            continue  # newer releases of click would list them here; the usage line names them
        if record := parameter.get_help_record(ctx):
            yield parameter, record
