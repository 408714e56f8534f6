"""`gong-tasks quota`: how things stand with today's calls; its commands look further."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from gong_tasks_async.cli.command import write_examples
from gong_tasks_async.cli.input.shared_options import yes_option
from gong_tasks_async.cli.job_server import company_option, redis_option
from gong_tasks_async.cli.lazy_group import LazyGroup
from gong_tasks_async.cli.output.formats import output_option
from gong_tasks_async.cli.session import client_options

COMMANDS = {
    "simulate": "Simulate a company's calls: duration, waits, 429s.",
}
EXAMPLES = """
gong-tasks quota
gong-tasks quota --profile acme
gong-tasks quota --reopen
gong-tasks quota --shared --company acme
gong-tasks quota --output jsonl | jq .left_for_bulk
gong-tasks quota simulate --rows 5000 --calls 20
"""


class QuotaGroup(LazyGroup):
    """A group that is a command itself where none of its own is named."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, the options and the examples."""
        super().format_options(ctx, formatter)
        write_examples(EXAMPLES.strip().splitlines(), formatter)


def _where_none_is_named(function: Callable[..., None]) -> Callable[..., None]:
    """Run it only where no command of the group follows; then its options would go unused."""

    @functools.wraps(function)
    def run(**options: Any) -> None:
        context = click.get_current_context()
        if context.invoked_subcommand is None:
            function(**options)
            return
        for name in options:
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                raise click.UsageError(
                    f"--{name.replace('_', '-')} is not for {context.invoked_subcommand!r}"
                )

    return run


@click.group(
    "quota",
    cls=QuotaGroup,
    package=__name__,
    lines=COMMANDS,
    invoke_without_command=True,
)
@_where_none_is_named
@click.option("--reopen", is_flag=True, help="End a pause that Gong asked for, where it was a mistake.")
@click.option(
    "--shared", is_flag=True, help="The quota that processes share through Redis, not this machine's."
)
@yes_option
@output_option
@company_option
@redis_option
@client_options
def command(**options: Any) -> None:
    """Show today's remaining calls; simulate a company's.

    Gong is not called. Only the calls of this command on this machine are counted, or those of a shared quota; the
    quota is the whole company's, and what other integrations use is not visible.
    """
    # Not for the group's other commands, whose own class starts the log.
    from gong_tasks_async.cli.logs import start_logging  # noqa: PLC0415
    from gong_tasks_async.cli.quota.show import show  # noqa: PLC0415

    start_logging()
    show(**options)
