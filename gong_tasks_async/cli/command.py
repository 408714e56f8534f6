"""Commands whose help has examples, and options in sections."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import click


class SectionOption(click.Option):
    """An option that stands in a section of its own in the help."""

    def __init__(self, *args: Any, section: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class Command(click.Command):
    """A command with examples: ``@click.command("list", cls=Command, examples="gong-tasks list ...")``."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = [line.strip() for line in examples.strip().splitlines()]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each section under its name, and the examples."""
        sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Argument):
                continue  # newer releases of click would list them here; the usage line names them
            if record := parameter.get_help_record(ctx):
                sections[getattr(parameter, "section", "Options")].append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)
        self._format_examples(formatter)

    def _format_examples(self, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:  # never wrapped: they are there to be copied
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
