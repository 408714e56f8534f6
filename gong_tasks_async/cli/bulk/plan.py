"""`gong-tasks bulk plan`: preview a run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.options import skip_unchanged_option, source_options
from gong_tasks_async.cli.input.source import Source, read_source
from gong_tasks_async.cli.output.formats import Output, report_output_option
from gong_tasks_async.cli.output.plan import print_plan
from gong_tasks_async.cli.session import client_options, open_client, run

if TYPE_CHECKING:
    from gong_tasks_async.bulk.plan import Plan
    from gong_tasks_async.config.configuration import Configuration
    from gong_tasks_async.quota import QuotaSnapshot

EXAMPLES = """
gong-tasks bulk plan dismiss.csv
gong-tasks bulk plan ids.csv --set-status DONE
gong-tasks bulk plan --all-users --due-before -30d --set-status DISMISSED
"""


@click.command("plan", cls=Command, examples=EXAMPLES)
@source_options
@skip_unchanged_option
@partial(report_output_option, of="the updates, which `bulk run` takes")
@client_options
def command(source: Source, skip_unchanged: bool, output: Output, configuration: Configuration) -> None:
    """Preview a run; change nothing.

    A FILE costs no call, unless it names owners by e-mail address. A selection costs a call for each user.
    """
    plan, quota = run(_plan(source, configuration, look=skip_unchanged, names=output.is_table))
    print_plan(plan, quota, output)


async def _plan(
    source: Source, configuration: Configuration, *, look: bool, names: bool
) -> tuple[Plan, QuotaSnapshot]:
    from gong_tasks_async.cli.input.planning import plan_source  # noqa: PLC0415 - aiohttp, when it is needed

    parsed_input = None if source.selects else read_source(source)
    async with open_client(configuration) as client:
        planned = await plan_source(client, source, parsed_input, look=look, names=names)
        return planned.plan, await client.quota.snapshot()
