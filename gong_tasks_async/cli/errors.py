"""Errors as the command prints them: one line and an exit code; a traceback only for a fault of ours."""

from __future__ import annotations

import errno
import os
import sys

from gong_tasks_async.cli.advice import cli_message, line_for_people
from gong_tasks_async.cli.config.sign_in import NoCredentialsError
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.errors import GongError


def exit_for(error: Exception) -> tuple[ExitCode, str] | None:
    """How a command ends that this error ended; None for an unexpected one: a fault of ours."""
    match error:
        case GongError():
            return exit_code_of(error), line_for_people(error)
        case NoCredentialsError():
            return ExitCode.CREDENTIALS, str(error)
        case BrokenPipeError():  # the reader has read enough
            return ExitCode.DONE, ""
        case OSError():
            return ExitCode.ROWS_FAILED, _trouble_with_a_file(error)
        case ValueError():  # settings, configuration, contradicting rows: all are refused before anything is sent
            return ExitCode.USAGE, cli_message(error)
    return None


def _trouble_with_a_file(error: OSError) -> str:
    reason = error.strerror or str(error)
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{where}{reason}{_WHAT_TO_DO.get(error.errno or 0, '')}"


_WHAT_TO_DO = {
    errno.ENOSPC: "; free some space, and run it again",
    errno.EACCES: "; check its permissions",
}


def print_error(error: Exception) -> ExitCode | None:
    """Print the error on standard error and return the exit code; None for an unexpected one."""
    foreseen = exit_for(error)
    if foreseen is None:
        return None
    code, message = foreseen
    if message:
        note(f"Error: {message}")
    else:
        forget_output()
    return code


def forget_output() -> None:
    """Redirect unread output to nowhere, so that Python's last flush does not fail."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except OSError:  # not a real file: nothing to flush
        return
