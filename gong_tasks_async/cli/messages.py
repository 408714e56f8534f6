"""Errors as operators read them, made of the same facts as the library's own text for developers.

No class, no method, no URL of a call, no keyword of the library: what happened, and what to do at a command line. One
entry for each class of error, by its name, since those of jobs on workers need an extra that few commands need.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from gong_tasks_async.cli.error_texts import MESSAGES, references
from gong_tasks_async.errors import GongError, InvalidValueError


@frozen
class Message:
    """One error for an operator."""

    what: str
    """What happened: a clause without a full stop."""
    advice: str = ""
    """What to do now: sentences, with their full stops."""
    code: str = ""
    """A stable name for programs, such as ``task_not_found``."""
    command: str = ""
    """What to type next, complete."""
    label: str = "Try"
    """What the command is for."""

    def __str__(self) -> str:
        """Everything: the command, if any, alone on the last line."""
        stop = "" if self.what.endswith((".", "!", "?")) else "."
        text = f"{self.what}{stop} {self.advice}" if self.advice else self.what
        return f"{text}\n{self.label}:\n  {self.command}" if self.command else text


def message_of(error: Exception) -> Message:
    """The message for an operator; of an error that is not the library's, its own text."""
    name = error_code(type(error))
    if isinstance(error, InvalidValueError):
        return Message("; ".join(map(_without_keyword, error.problems)), code=name)
    if not isinstance(error, GongError):
        return Message(str(error).rstrip("."), code=name)
    what, advice = next(MESSAGES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in MESSAGES)(
        error
    )
    return Message(f"{what}{references(error)}", advice, name)


FIELDS: Final = {
    "task_id": "the task's id",
    "user_id": "the user's id",
    "workspace_id": "the workspace's id",
    "due_date": "the due date",
    "base_url": "the company's address",
}
"""Keywords of the library with which a problem of a value begins, as operators know them."""


def _without_keyword(problem: str) -> str:
    name, blank, rest = problem.partition(" ")
    return f"{FIELDS.get(name, name)}{blank}{rest}"


def error_code(kind: type[BaseException]) -> str:
    """The name of a class of error for programs: ``TaskNotFoundError`` is ``task_not_found``."""
    name = kind.__name__.removesuffix("Error").removesuffix("Exception")
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def line_for_operator(error: Exception) -> str:
    """The whole message in one line."""
    return " ".join(str(message_of(error)).split())


def in_full(error: Exception) -> str:
    """The library's text for developers, with the class: what ``--verbose`` adds."""
    return f"{type(error).__name__}: {error}"
