"""The pages of errors: one for each public class, with a message of it, its causes and its facts."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from answers import MEANINGS, RETRIES
from error_examples import EXAMPLES, REMEDIES
from settings_page import described

from gong_tasks_async import errors
from gong_tasks_async.cli.errors import exit_for
from gong_tasks_async.errors.base import page_of

MEANT = {
    0: "done",
    1: "some of the work failed",
    2: "usage",
    3: "credentials",
    4: "no calls for now",
    5: "no connection",
}


def error_pages() -> dict[str, str]:
    """The pages by their paths below the folder of the documentation."""
    pages = {f"{page_of(type(error).__name__)}.md": _page(error) for error in EXAMPLES}
    return {"errors/index.md": _index(), **pages}


def _index() -> str:
    tree = (errors.__doc__ or "").partition("::")[2].partition("\n\nEach class")[0]
    names = "\n".join(page_of(type(error).__name__).removeprefix("errors/") for error in EXAMPLES)
    rows = "\n".join(
        f"| [{type(error).__name__}]({page_of(type(error).__name__).removeprefix('errors/')}.md) | {_first_line(error)} |"
        for error in EXAMPLES
    )
    return (
        "# Errors\n\nThe text of an error ends with the name of its page, such as `errors/rate-limit`; so does what the command\n"
        "prints with `--verbose`.\n\n"
        f"| class | what happened |\n|---|---|\n{rows}\n\n## The tree\n\n```text\n{inspect.cleandoc(tree).strip()}\n```\n\n"
        f"```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    )


def _first_line(error: Exception) -> str:
    return inspect.cleandoc(type(error).__doc__ or "").partition("\n")[0].replace("``", "`")


def _page(error: Exception) -> str:
    name = type(error).__name__
    remedies = "\n".join(f"- {remedy}" for remedy in REMEDIES[name])
    return (
        "\n\n".join(
            (
                f"# {name}",
                f"```{{eval-rst}}\n{_directive(error)}\n```",
                f"```text\n{error}\n```",
                *_command(error),
                _table(error),
                f"## Causes and remedies\n\n{remedies}",
                *_facts(type(error)),
            )
        )
        + "\n"
    )


def _directive(error: Exception) -> str:
    """The class as a name that other pages link to, with its text; its attributes stand in a table of their own."""
    text = inspect.cleandoc(type(error).__doc__ or "").partition("Attributes:\n")[0].strip()
    kind = type(error)
    head = f".. py:exception:: {_home(error)}\n   :canonical: {kind.__module__}.{kind.__name__}\n\n"
    return head + "".join(f"   {line}\n" if line else "\n" for line in text.splitlines())


def _home(error: Exception) -> str:
    public = (
        "gong_tasks_async.distributed" if ".distributed." in type(error).__module__ else "gong_tasks_async"
    )
    return f"{public}.{type(error).__name__}"


def _command(error: Exception) -> Iterator[str]:
    """What the command prints of it."""
    code_and_message = exit_for(error)
    if code_and_message is not None and code_and_message[1] is not None:
        yield f"The command prints:\n\n```text\nError: {code_and_message[1]}\n```"


def _table(error: Exception) -> str:
    rows = []
    if isinstance(error, errors.GongError):
        again = "after the pause" if isinstance(error, errors.RateLimitError) else RETRIES[error.retries]
        rows += [("concerns", MEANINGS[error.meaning]), ("sent again", again)]
    code = exit_for(error)
    if code is not None:
        rows += [("exit code of the command", f"{code[0].value}: {MEANT[code[0]]}")]
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)


def _facts(kind: type[Exception]) -> Iterator[str]:
    """The attributes, those of the parents included, as the docstrings explain them."""
    found = dict(_attributes(kind))
    if found:
        rows = "\n".join(f"| `{name}` | {text} |" for name, text in found.items())
        yield f"## Facts\n\n| attribute | is |\n|---|---|\n{rows}"


def _attributes(kind: type[Exception]) -> Iterator[tuple[str, str]]:
    for base in reversed(kind.__mro__):
        yield from described(base, "Attributes")
