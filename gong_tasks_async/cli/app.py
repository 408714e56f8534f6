"""The group of all commands; each is imported when it is invoked, so that `--help` is quick.

To add a command, write a module of its name here, with a click command called `command` in it, and give it a
line in `COMMANDS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn, cast

import click

from gong_tasks_async import __version__
from gong_tasks_async.cli.lazy_group import LazyGroup

COMMANDS = {
    "login": "Store a company's credentials as a profile, and check them.",
    "check": "Check credentials, URL, scopes, Engage.",
    "list": "List the tasks of some users, or of all.",
    "show": "Show one task.",
    "update": "Change tasks: status, due date, priority.",
    "bulk": "Update many tasks: plan, run, resume, status, report.",
    "users": "List users and their ids, or show some.",
    "workspaces": "List workspaces and their ids.",
    "quota": "Show today's remaining calls; simulate a company's.",
    "jobs": "Distributed jobs: submit, status, list, cancel, resume, retry, undo, report.",
    "worker": "Run a worker that processes rows of a company's jobs.",
    "mcp": "Serve the Model Context Protocol, for assistants.",
    "profiles": "List the profiles of the configuration file.",
    "config": "Show or change the configuration: path, show, set.",
    "simulator": "Run a simulated Gong on this machine.",
    "demo": "See the library at work on a simulated Gong; needs no account.",
    "completion": "Print the shell completion script.",
}
INTERRUPTED = 130
"""What shells report of a program that Ctrl-C has ended; as in `exit_codes`, which brings attrs with it."""


class GongTasks(LazyGroup):
    """The group of all commands; prints errors as one line."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line, and end the process with its exit code.

        click would print its own errors as they are; ours pass through the one function that draws text.
        """
        run = cast("Callable[..., object]", partial(super().main, args, prog_name, complete_var, **extra))
        if not standalone_mode:
            return run(standalone_mode=False)
        try:
            code: object = run(standalone_mode=False)
        except click.ClickException as error:
            code = _print_usage_error(error)
        except click.Abort:
            code = _print_interrupted()
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an expected error is printed as one line, without a traceback."""
        try:
            return _flushed(ctx, super().invoke)
        except click.ClickException as error:  # here, where the options of the command line are known
            ctx.exit(_print_usage_error(error))
        except (KeyboardInterrupt, click.Abort):  # click makes an Abort of a Ctrl-C at a question
            ctx.exit(_print_interrupted())
        except click.exceptions.Exit:
            raise
        except Exception as error:  # noqa: BLE001 - an unexpected one is raised again
            _end(ctx, error)


def _flushed(ctx: click.Context, invoke: Any) -> Any:
    """A full disk or a closed pipe shows itself at the flush, which must not be left to Python's end."""
    try:
        return invoke(ctx)
    finally:
        sys.stdout.flush()


def _print_usage_error(error: click.ClickException) -> int:
    from gong_tasks_async.cli.errors import print_usage_error  # noqa: PLC0415 - brings attrs with it

    print_usage_error(error)
    return error.exit_code


def _print_interrupted() -> int:
    from gong_tasks_async.cli.output.console import note  # noqa: PLC0415 - as above

    note("Interrupted.")
    return INTERRUPTED


def _end(ctx: click.Context, error: Exception) -> NoReturn:
    from gong_tasks_async.cli.errors import print_error  # noqa: PLC0415 - brings attrs with it

    code = print_error(error)
    if code is None:
        raise error
    ctx.exit(code)


@click.group(
    cls=GongTasks,
    package=__package__,
    lines=COMMANDS,
    modules={"config": "configure"},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="%(prog)s, version %(version)s")
def gong_tasks() -> None:
    """Gong Engage tasks on the command line.

    To begin, run `gong-tasks login`; or set GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET in the environment.
    To try the commands without an account, run `gong-tasks simulator`.
    """
