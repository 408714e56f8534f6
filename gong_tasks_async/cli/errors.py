"""Errors as the command prints them: one line and an exit code; a traceback only for a fault of ours."""

from __future__ import annotations

import errno
import json
import os
import sys

import click
from attrs import evolve

from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.invocation import global_option
from gong_tasks_async.cli.messages import Message, in_full, message_of
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.visible import visible_json
from gong_tasks_async.config.errors import NoCredentialsError, NoProfileChosenError
from gong_tasks_async.errors import GongError


def exit_for(error: Exception) -> tuple[ExitCode, Message | None] | None:
    """The exit code and message of a command that this error ended; None for an unexpected one: a fault of ours."""
    match error:
        case GongError():
            return exit_code_of(error), message_of(error)
        case NoCredentialsError():
            return ExitCode.CREDENTIALS, _no_credentials(error)
        case BrokenPipeError():  # the reader has read enough
            return ExitCode.DONE, None
        case OSError():
            return ExitCode.ROWS_FAILED, Message(*_file_trouble(error), "file")
        case ValueError():  # settings, configuration, conflicting rows: all are refused before anything is sent
            return ExitCode.USAGE, message_of(error)
        case _:
            return None


def _no_credentials(error: NoCredentialsError) -> Message:
    if not isinstance(error, NoProfileChosenError):
        return message_of(error)
    first = error.names[0]
    return evolve(
        message_of(error),
        advice="Name one with --profile, or make one the default.",
        command=f"gong-tasks config set default_profile {first}",
        label=f"Make {first} the default",
    )


def _file_trouble(error: OSError) -> tuple[str, str]:
    reason = error.strerror or str(error)
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{where}{reason}", _WHAT_TO_DO.get(error.errno or 0, "")


_WHAT_TO_DO = {
    errno.ENOSPC: "Free some space, and run it again.",
    errno.EACCES: "Check its permissions.",
    errno.EROFS: "The file system is read-only: name a folder that can be written in GONG_TASKS_STATE.",
}


def print_error(error: Exception) -> ExitCode | None:
    """Print the error on standard error and return the exit code; None for an unexpected one."""
    foreseen = exit_for(error)
    if foreseen is None:
        return None
    code, message = foreseen
    if message is None:
        forget_output()
    else:
        print_message(message, in_full(error) if isinstance(error, GongError) else "")
    return code


def print_usage_error(error: click.ClickException) -> None:
    """Print what is wrong with the command line or an input, and where its help is; of a bare group, its help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        note(error.format_message())
        return
    message = Message(
        error.format_message().rstrip("."), code="usage" if error.exit_code == ExitCode.USAGE else "error"
    )
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None and "\n  gong-tasks " not in message.what:  # which names a command of its own
        message = evolve(message, command=f"{context.command_path} --help", label="Help")
    print_message(message)


def print_message(message: Message, full: str = "") -> None:
    """Print an error as text, or as one JSON object where programs read it; in full where that was asked for."""
    verbose = bool(full) and (global_option("verbose") or global_option("debug"))
    if global_option("errors") == "json":
        advice = " ".join(
            filter(None, (message.advice, message.command and f"{message.label}: {message.command}"))
        )
        facts = {
            "error": " ".join(message.what.split()),
            "code": message.code,
            "advice": " ".join(advice.split()),
        }
        note(visible_json(json.dumps(facts | ({"detail": full} if verbose else {}), ensure_ascii=False)))
        return
    note(f"Error: {message}")
    if verbose:
        note(full)


def forget_output() -> None:
    """Redirect unread output to nowhere, so that Python's last flush does not fail."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except OSError:  # not a real file: nothing to flush
        return
