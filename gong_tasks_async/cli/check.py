"""`gong-tasks check`: is everything in order, and if not, what is to be done? Three calls at the most."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click
from attrs import define, frozen

from gong_tasks_async.cli.advice import line_for_people
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.output.console import stdout_console
from gong_tasks_async.cli.session import client_options, open_client, run
from gong_tasks_async.errors import (
    AuthenticationError,
    BadRequestError,
    ForeignResponseError,
    GongError,
    InactiveCompanyError,
    MissingScopeError,
    ServerError,
    TaskNotFoundError,
    TransportError,
)
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.models import TaskStatus, TaskUpdate

if TYPE_CHECKING:
    from gong_tasks_async.cli.config.configuration import Configuration
    from gong_tasks_async.client import GongTasksClient

EXAMPLES = """
gong-tasks check
gong-tasks check --profile acme
"""

ONCE = RetryPolicy(attempts=1, max_wait=0.0)
"""A check is there to see what is wrong, not to get round it."""

INTERNAL_ERROR = 500

NOBODY = "1"
"""Whose tasks are asked for where no user is known: Gong looks at credentials and scopes first."""

NO_TASK = 2**63 - 1
"""A task that is not there, so that trying to change it shows the scope and changes nothing."""

ENGAGE_MISSING = (
    "Every call about tasks is answered 500: this company may not have Gong Engage. Its Gong administrator knows; "
    "if it has, try again later."
)


class Verdict(StrEnum):
    """How a step went."""

    OK = "ok"
    FAILED = "failed"


_LOOKS = {Verdict.OK: "green", Verdict.FAILED: "bold red"}


@frozen
class CheckResult:
    """The result of one step."""

    name: str
    words: str
    error: GongError | None = None

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
    steps = run(_check(configuration))
    errors = [step.error for step in steps if step.error]
    if len([error for error in errors if _is_500(error)]) > 1:
        click.echo(ENGAGE_MISSING)
    click.get_current_context().exit(exit_code_of(errors[0]) if errors else ExitCode.DONE)


async def _check(configuration: Configuration) -> list[CheckResult]:
    steps = [
        CheckResult("configuration", f"{configuration.base_url}, credentials from {configuration.source}")
    ]
    _show(steps[0])
    async with (
        open_client(configuration) as client,
        aclosing(_steps(client.with_options(retry=ONCE))) as looked,
    ):
        async for step in looked:
            steps.append(step)
            _show(step)
            if step.error and _meets_all(step.error):
                break
    return steps


async def _steps(client: GongTasksClient) -> AsyncGenerator[CheckResult]:
    any_user = _AnyUser()
    yield await _step("api:users:read", any_user.found_by(client))
    yield await _step("api:tasks:read", _list(client, any_user.user_id))
    yield await _step("api:tasks:write", _change_nothing(client, any_user.user_id))


@define
class _AnyUser:
    """A user whom the first step finds, for the others."""

    user_id: str = NOBODY

    async def found_by(self, client: GongTasksClient) -> str:
        async with aclosing(client.iter_users()) as users:
            async for user in users:
                self.user_id = user.id
                return f"users can be read, such as {user.email_address or user.id}"
        return "users can be read, and there are none"


async def _list(client: GongTasksClient, user_id: str) -> str:
    try:
        tasks = await client.list_tasks(user_id)
    except (BadRequestError, TaskNotFoundError):
        if user_id != NOBODY:
            raise
        return "Gong answers"
    return f"tasks can be read: {user_id} has {len(tasks):,} open ones"


async def _change_nothing(client: GongTasksClient, user_id: str) -> str:
    with suppress(BadRequestError, TaskNotFoundError):
        await client.update_task(TaskUpdate(NO_TASK, user_id, status=TaskStatus.OPEN))
    return "tasks can be changed: tested on a nonexistent task"


async def _step(name: str, looking: Coroutine[Any, Any, str]) -> CheckResult:
    try:
        return CheckResult(name, await looking)
    except GongError as error:
        return CheckResult(name, f"{_face(error)}{line_for_people(error)}", error)


def _face(error: GongError) -> str:
    """Which of the three 401s it is."""
    match error:
        case MissingScopeError():
            return "the credentials are right, but lack a scope. "
        case InactiveCompanyError():
            return "the credentials are right, but the company is not active. "
        case AuthenticationError():
            return "the credentials are wrong, or of another company. "
    return ""


def _meets_all(error: GongError) -> bool:
    """Whether each further step would meet it too."""
    if isinstance(error, MissingScopeError):  # the other scopes may be there
        return False
    return error.meaning.concerns_all or isinstance(error, TransportError | ForeignResponseError)


def _is_500(error: GongError) -> bool:
    return isinstance(error, ServerError) and error.status == INTERNAL_ERROR


def _show(step: CheckResult) -> None:
    from rich.text import Text  # noqa: PLC0415 - 65 ms that help and completion need not spend

    line = Text.assemble((f"{step.verdict:7}", _LOOKS[step.verdict]), f"{step.name:16}", step.words)
    stdout_console().print(line, soft_wrap=True)
