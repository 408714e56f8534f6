"""The reference pages that are made from the code: names, errors, defaults, commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs
import click
from error_pages import error_pages

import gong_tasks_async
from gong_tasks_async.cli.app import gong_tasks

ROOMS = {
    "client": "The client",
    "models": "Tasks, users, requests",
    "bulk": "Bulk updates",
    "quota": "The quota",
    "quota.redis": "The shared quota",
    "auth.oauth": "OAuth",
    "credentials": "Credentials",
    "events": "Events",
    "http.retry": "Retries",
    "settings": "Keywords of the client and of bulk runs",
    "api.watch": "Watching for new tasks",
    "codec": "Tasks as JSON and rows",
    "auth.token_endpoint": "The token endpoint",
}
"""The order of the reference; the modules that are not named here follow."""


def write_pages(folder: Path) -> None:
    """Write all generated pages below the folder of the documentation."""
    reference = {**_name_pages(), "defaults.md": _defaults_page(), "commands.md": _commands_page()}
    pages = {**{f"reference/{name}": text for name, text in reference.items()}, **error_pages()}
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _name_pages() -> dict[str, str]:
    modules: dict[str, list[str]] = {}
    for name, module in gong_tasks_async._MODULE_OF.items():  # noqa: SLF001 - the one list of public names
        if not name.endswith(("Error", "Exceeded", "Unavailable")):  # which have pages of their own
            modules.setdefault(module, []).append(name)
    order = [*ROOMS, *(module for module in modules if module not in ROOMS)]
    pages = {
        f"{module.replace('.', '-')}.md": _names_page(ROOMS.get(module, f"`{module}`"), modules[module])
        for module in order
        if module in modules
    }
    return {**pages, "index.md": _index_page(pages)}


def _names_page(title: str, names: Iterable[str]) -> str:
    return f"# {title}\n\n" + "\n".join(map(_documented, names))


def _documented(name: str) -> str:
    """The directive for a public name; members of attrs classes are listed with their docstrings."""
    value = getattr(gong_tasks_async, name)
    kind = "class" if inspect.isclass(value) else "function" if callable(value) else "data"
    options = ":members:\n" if kind == "class" else ""
    return f"```{{eval-rst}}\n.. auto{kind}:: gong_tasks_async.{name}\n" + _indented(options) + "```\n"


def _indented(text: str) -> str:
    return "".join(f"   {line}\n" for line in text.splitlines())


def _index_page(pages: Iterable[str]) -> str:
    entries = "\n".join([*pages, "../errors/index", "answers", "defaults", "commands"])
    return f"# Reference\n\n```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n"


def _defaults_page() -> str:
    tables = (_defaults_table(kind) for kind in (gong_tasks_async.QuotaLimits, gong_tasks_async.RetryPolicy))
    return "# Defaults\n\n" + "\n".join(tables)


def _defaults_table(kind: type[attrs.AttrsInstance]) -> str:
    rows = [f"| `{field.name}` | `{field.default!r}` |" for field in attrs.fields(kind) if field.init]
    return f"## {kind.__name__}\n\n| setting | default |\n|---|---|\n" + "\n".join(rows) + "\n"


def _commands_page() -> str:
    return "# Commands\n\n" + "\n".join(
        _commands(gong_tasks, click.Context(gong_tasks, info_name="gong-tasks"))
    )


def _commands(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _commands(child, click.Context(child, parent=context, info_name=name))
