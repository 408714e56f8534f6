"""The group of all commands; each is imported when it is invoked, so that `--help` is quick.

To add a command, write a module of its name here, with a click command called `command` in it, and give it a
line in `COMMANDS`.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from gong_tasks_async import __version__
from gong_tasks_async.cli.lazy_group import LazyGroup

COMMANDS = {
    "list": "List the tasks of some users, or of all.",
    "update": "Change one task: its status, or when it is due.",
    "bulk": "Change many tasks at once: plan, run, resume, status, report.",
    "users": "List the company's users: whose ids the other commands take.",
    "quota": "Tell what is left of today's calls; Gong is not called.",
    "check": "Find out whether credentials, address, scopes and Engage are in order.",
    "worker": "Take rows of a company's jobs, beside any number of other workers.",
    "jobs": "Jobs on many workers: submit, status, list, cancel, resume, report.",
    "simulator": "Run a fake Gong on this machine, to try things against.",
    "demo": "Watch the library at work on a simulated Gong; no account is needed.",
    "completion": "Print the script that lets a shell complete these commands.",
}
INTERRUPTED = 130
"""What shells report of a program that Ctrl-C has ended; as in `exit_codes`, which brings attrs with it."""


class GongTasks(LazyGroup):
    """The group of all commands, which tells in a line what went wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what goes wrong is told in a line, never in a traceback."""
        try:
            return _flushed(ctx, super().invoke)
        except (KeyboardInterrupt, click.Abort):  # click makes an Abort of a Ctrl-C at a question
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            _end(ctx, error)


def _flushed(ctx: click.Context, invoke: Any) -> Any:
    """A full disk or a closed pipe shows itself at the flush, which must not be left to Python's end."""
    try:
        return invoke(ctx)
    finally:
        sys.stdout.flush()


def _end(ctx: click.Context, error: Exception) -> NoReturn:
    from gong_tasks_async.cli.errors import tell  # noqa: PLC0415 - brings attrs with it

    code = tell(error)
    if code is None:
        raise error
    ctx.exit(code)


@click.group(cls=GongTasks, package=__package__, lines=COMMANDS)
@click.version_option(__version__)
@click.option("--no-color", is_flag=True, help="No colours, whatever the terminal can; also NO_COLOR=1.")
def gong_tasks(no_color: bool) -> None:
    """Gong Engage tasks on the command line.

    Credentials come from the environment (GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET) or from profiles in
    a configuration file; `gong-tasks check` says whether they work. To try it all without an account, run
    `gong-tasks simulator`.
    """
