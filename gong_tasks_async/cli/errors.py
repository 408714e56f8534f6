"""What a person is told of a failure: a line, and a code. Never a traceback, where it could be foreseen."""

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
    """How a command ends that this error ended; None for one that nobody foresaw: a fault of ours."""
    match error:
        case GongError():
            return exit_code_of(error), line_for_people(error)
        case NoCredentialsError():
            return ExitCode.CREDENTIALS, str(error)
        case BrokenPipeError():  # whoever reads has read enough
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


def tell(error: Exception) -> ExitCode | None:
    """Say what happened on standard error, and return the exit code; None for what nobody foresaw."""
    told = exit_for(error)
    if told is None:
        return None
    code, words = told
    if words:
        note(f"Error: {words}")
    else:
        forget_output()
    return code


def forget_output() -> None:
    """Let Python flush what nobody reads into nothing, where it would complain at its end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except OSError:  # not a real file: nothing to flush
        return
