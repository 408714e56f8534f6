"""What the command's exit codes mean; docs/operations/files.md has the same table."""

from __future__ import annotations

from enum import IntEnum

from gong_tasks_async.errors import (
    AccessDeniedError,
    AuthenticationError,
    CredentialsError,
    DeadlineExceeded,
    ForeignResponseError,
    GongError,
    QuotaUnavailable,
    RateLimitError,
    TransportError,
)


class ExitCode(IntEnum):
    """How a command ended, for scripts that call it."""

    DONE = 0
    ROWS_FAILED = 1
    """Some of the work failed; what could be done was done. Also every trouble that has no code of its own."""
    USAGE = 2
    """The command line, the configuration or an input file is wrong; nothing was sent."""
    CREDENTIALS = 3
    """They are missing, wrong, or lack a scope, or the company is not active."""
    QUOTA_SPENT = 4
    """Gong takes no more calls for now; resume later."""
    NO_CONNECTION = 5
    """No answer came in time from Gong, or from the Redis of distributed jobs: try again later."""
    INTERRUPTED = 130
    """Ctrl-C or SIGTERM; 128 + 2 is what shells report of a program that Ctrl-C has ended."""


_CODES: tuple[tuple[type[GongError], ExitCode], ...] = (
    (AuthenticationError, ExitCode.CREDENTIALS),
    (CredentialsError, ExitCode.CREDENTIALS),
    (AccessDeniedError, ExitCode.CREDENTIALS),
    (RateLimitError, ExitCode.QUOTA_SPENT),
    (TransportError, ExitCode.NO_CONNECTION),
    (ForeignResponseError, ExitCode.NO_CONNECTION),
    (QuotaUnavailable, ExitCode.NO_CONNECTION),
    (DeadlineExceeded, ExitCode.NO_CONNECTION),
)

# By name: the module of these errors needs an extra, which few commands need.
_CODES_OF_JOBS = {
    "JobNotFoundError": ExitCode.USAGE,
    "JobBusyError": ExitCode.USAGE,
    "JobExistsError": ExitCode.USAGE,
    "JobStoreError": ExitCode.NO_CONNECTION,
    "UnknownCredentialsError": ExitCode.CREDENTIALS,
    "WrongAddressError": ExitCode.USAGE,
}


def exit_code_of(error: GongError) -> ExitCode:
    """The exit code of a command that an error ended; ``ROWS_FAILED`` where none is more specific."""
    usual = _CODES_OF_JOBS.get(type(error).__name__, ExitCode.ROWS_FAILED)
    return next((code for kind, code in _CODES if isinstance(error, kind)), usual)
