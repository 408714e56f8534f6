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
    "update": "Change tasks: status, due date, priority.",
    "bulk": "Update many tasks: plan, run, resume, status, report.",
    "users": "List users and their ids.",
    "quota": "Show today's remaining calls.",
    "check": "Check credentials, URL, scopes, Engage.",
    "worker": "Run a worker.",
    "jobs": "Jobs on many workers: submit, status, list, cancel, resume, report.",
    "simulator": "Run a simulated Gong on this machine.",
    "demo": "See the library at work on a simulated Gong; needs no account.",
    "completion": "Print the shell completion script.",
}
INTERRUPTED = 130
"""What shells report of a program that Ctrl-C has ended; as in `exit_codes`, which brings attrs with it."""


class GongTasks(LazyGroup):
    """The group of all commands; prints errors as one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an expected error is printed as one line, without a traceback."""
        try:
            return _flushed(ctx, super().invoke)
        except (KeyboardInterrupt, click.Abort):  # click makes an Abort of a Ctrl-C at a question
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:  # noqa: BLE001 - an unexpected one is raised again
            _end(ctx, error)


def _flushed(ctx: click.Context, invoke: Any) -> Any:
    """A full disk or a closed pipe shows itself at the flush, which must not be left to Python's end."""
    try:
        return invoke(ctx)
    finally:
        sys.stdout.flush()


def _end(ctx: click.Context, error: Exception) -> NoReturn:
    from gong_tasks_async.cli.errors import print_error  # noqa: PLC0415 - brings attrs with it

    code = print_error(error)
    if code is None:
        raise error
    ctx.exit(code)


@click.group(cls=GongTasks, package=__package__, lines=COMMANDS)
@click.version_option(__version__)
@click.option("--no-color", is_flag=True, help="No colours, whatever the terminal can; also NO_COLOR=1.")
def gong_tasks(no_color: bool) -> None:
    """Gong Engage tasks on the command line.

    Credentials come from the environment (GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET) or from profiles in
    a configuration file; `gong-tasks check` tests them. To try the commands without an account, run
    `gong-tasks simulator`.
    """
