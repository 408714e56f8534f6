"""`gong-tasks check`: is everything in order, and if not, what is to be done? At most three calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import define, frozen

from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import emit, stdout_console
from gong_tasks_async.cli.session import client_options, open_client, run
from gong_tasks_async.errors import (
    BadRequestError,
    ForeignResponseError,
    GongError,
    MissingScopeError,
    ServerError,
    TaskNotFoundError,
    TransportError,
)
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.models import TaskStatus, TaskUpdate

if TYPE_CHECKING:
    from gong_tasks_async.client import GongTasksClient
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks check
gong-tasks check --profile acme
"""

ONCE: Final = RetryPolicy(attempts=1, max_wait=5.0, max_total_wait=5.0, attempt_timeout=15.0)
"""A check shows what is wrong, within a time that a person waits; it does not work around it. A 429 that is over in
seconds is no finding: another program of the company makes calls, such as a bulk run on another machine."""

INTERNAL_ERROR: Final = 500

ANY_USER: Final = "1"
"""Whose tasks are asked for where no user is known: Gong looks at credentials and scopes first."""

NO_TASK: Final = 2**63 - 1
"""A nonexistent task, so that trying to change it shows the scope and changes nothing."""

ENGAGE_MISSING: Final = (
    "Every call about tasks failed with 500: this company may not have Gong Engage. Ask its Gong administrator; "
    "if it has, try again later."
)


class Verdict(StrEnum):
    """How a step went."""

    OK = "ok"
    FAILED = "failed"


_LOOKS: Final = {Verdict.OK: "green", Verdict.FAILED: "bold red"}


@frozen
class CheckResult:
    """The result of one step."""

    name: str
    text: str
    error: Exception | None = None

    @property
    def verdict(self) -> Verdict:
        """In a word."""
        return Verdict.OK if self.error is None else Verdict.FAILED


@click.command("check", cls=Command, examples=EXAMPLES)
@client_options
def command(*, configuration: Configuration) -> None:
    """Check credentials, URL, scopes, Engage.

    At most three calls, which change nothing: the users, one user's tasks, and an update of a task that does not
    exist. Each step reports what it found and what to do.
    """
    results = run(check_all(configuration))
    errors = [result.error for result in results if result.error]
    if len([error for error in errors if _is_500(error)]) > 1:
        emit(ENGAGE_MISSING)
    click.get_current_context().exit(exit_code_of_results(results))


def exit_code_of_results(results: list[CheckResult]) -> ExitCode:
    """The exit code of the first step that failed."""
    errors = [result.error for result in results if result.error]
    return _exit_code(errors[0]) if errors else ExitCode.DONE


def _exit_code(error: Exception) -> ExitCode:
    return exit_code_of(error) if isinstance(error, GongError) else ExitCode.USAGE


async def check_all(configuration: Configuration) -> list[CheckResult]:
    """Check step by step, showing each result, until one would meet every further step too."""
    results: list[CheckResult] = []
    async with aclosing(_results(configuration)) as found:
        async for result in found:
            results.append(result)
            _show(result)
            if result.error and _meets_all(result.error):
                break
    return results


async def _results(configuration: Configuration) -> AsyncGenerator[CheckResult]:
    yield _address(configuration)
    async with open_client(configuration, retry=ONCE) as client:
        user = _AnyUser()
        yield await _step("api:users:read", user.found_by(client))
        yield await _step("api:tasks:read", _list(client, user.user_id))
        yield await _step("api:tasks:write", _change_nothing(client, user.user_id))


def _address(configuration: Configuration) -> CheckResult:
    try:
        address = checked_base_url(configuration.base_url)
    except ValueError as error:
        return CheckResult("configuration", str(error), error)
    return CheckResult("configuration", f"{address}, credentials from {configuration.source}")


@define
class _AnyUser:
    """A user whom the first step finds, for the others."""

    user_id: str = ANY_USER

    async def found_by(self, client: GongTasksClient) -> str:
        async with aclosing(client.iter_users()) as users:
            async for user in users:
                self.user_id = user.id
                return f"users can be read, such as {user.email_address or user.id}"
        return "users can be read; there are none"


async def _list(client: GongTasksClient, user_id: str) -> str:
    try:
        tasks = await client.list_tasks(user_id)
    except (BadRequestError, TaskNotFoundError) as error:
        if user_id != ANY_USER or not _from_gong(error):
            raise
        return "Gong responds"
    return f"tasks can be read: {user_id} has {counted(len(tasks), 'open task')}"


async def _change_nothing(client: GongTasksClient, user_id: str) -> str:
    try:
        await client.update_task(TaskUpdate(NO_TASK, user_id, status=TaskStatus.OPEN))
    except (BadRequestError, TaskNotFoundError) as error:
        if not _from_gong(error):
            raise
    return "tasks can be changed: tested on a nonexistent task"


def _from_gong(error: BadRequestError | TaskNotFoundError) -> bool:
    """Whether it has Gong's envelope; any web server knows 400 and 404."""
    return error.request_id is not None


async def _step(name: str, looking: Coroutine[Any, Any, str]) -> CheckResult:
    try:
        return CheckResult(name, await looking)
    except GongError as error:
        return CheckResult(name, line_for_operator(error), error)


def _meets_all(error: Exception) -> bool:
    """Whether each further step would meet it too."""
    if isinstance(error, MissingScopeError):  # the other scopes may be there
        return False
    if not isinstance(error, GongError):
        return True
    return error.meaning.concerns_all or isinstance(error, TransportError | ForeignResponseError)


def _is_500(error: Exception) -> bool:
    return isinstance(error, ServerError) and error.status == INTERNAL_ERROR


def _show(result: CheckResult) -> None:
    from rich.text import Text  # noqa: PLC0415 - 65 ms that help and completion need not spend

    line = Text.assemble((f"{result.verdict:7}", _LOOKS[result.verdict]), f"{result.name:16}", result.text)
    stdout_console().print(line, soft_wrap=True)
