"""The reference pages that are made from the code: names, errors, settings, commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click
from error_pages import error_pages
from settings_page import settings_page

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
    "errors": "What errors mean",
    "events": "Events",
    "http.retry": "Retries",
    "settings": "Keywords of the client and of bulk runs",
    "api.watch": "Watching for new tasks",
    "codec": "Tasks as JSON and rows",
    "auth.token_endpoint": "The token endpoint",
}
"""The order of the reference; the modules that are not named here follow."""

PACKAGES = {
    "bulk": "gong_tasks_async.bulk",
    "bulk.selection": "Selecting tasks by conditions",
    "distributed": "Jobs on many workers",
    "telemetry.open_telemetry": "OpenTelemetry",
    "telemetry.prometheus": "Prometheus",
    "auth.grant_store": "Where tokens are kept",
    "simulator": "The simulator",
}
"""Packages with public names of their own, beside those of ``gong_tasks_async``."""


def write_pages(folder: Path) -> None:
    """Write all generated pages below the folder of the documentation."""
    reference = {
        **_name_pages(),
        "all-settings.md": settings_page(),
        "commands.md": _commands_page(),
        "next-version.md": _next_version_page(folder.parent / "changes"),
    }
    pages = {**{f"reference/{name}": text for name, text in reference.items()}, **error_pages()}
    for stale in _generated(folder) - {folder / name for name in pages}:
        stale.unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _generated(folder: Path) -> set[Path]:
    """The pages that an earlier build has written."""
    found = {*(folder / "reference").glob("*.md"), *(folder / "errors").glob("*.md")}
    return found - {folder / "reference" / "answers.md"}


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
    pages |= {f"package-{name.replace('.', '-')}.md": _package_page(name) for name in PACKAGES}
    return {**pages, "index.md": _index_page(pages)}


def _names_page(title: str, names: Iterable[str]) -> str:
    return f"# {title}\n\n" + "\n".join(_documented(gong_tasks_async, name) for name in names)


def _package_page(name: str) -> str:
    """The names of a package that ``gong_tasks_async`` itself has not."""
    module = import_module(f"gong_tasks_async.{name}")
    names = [
        own for own in module.__all__ if own not in gong_tasks_async.__all__ and not own.endswith("Error")
    ]
    text = f"# {PACKAGES[name]}\n\n```{{eval-rst}}\n.. automodule:: {module.__name__}\n```\n\n"
    return text + "\n".join(_documented(module, own) for own in names)


def _documented(module: ModuleType, name: str) -> str:
    """The directive for a public name; members of classes are listed with their docstrings."""
    value = getattr(module, name)
    kind = "class" if inspect.isclass(value) else "function" if callable(value) else "data"
    options = ":members:\n" if kind == "class" else ""
    if inspect.isclass(value) and _has_private_bases(value):
        options += ":inherited-members:\n"
    return f"```{{eval-rst}}\n.. auto{kind}:: {module.__name__}.{name}\n" + _indented(options) + "```\n"


def _has_private_bases(kind: type) -> bool:
    """Whether methods come from classes of the package that have no entry of their own, such as ``SingleCalls``."""
    bases = [base for base in kind.__mro__[1:] if base.__module__.startswith("gong_tasks_async.")]
    return any(base.__name__ not in gong_tasks_async.__all__ for base in bases)


def _indented(text: str) -> str:
    return "".join(f"   {line}\n" for line in text.splitlines())


def _index_page(pages: Iterable[str]) -> str:
    entries = "\n".join([*pages, "../errors/index", "all-settings", "commands", "answers", "next-version"])
    return f"# Reference\n\n```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n"


def _next_version_page(changes: Path) -> str:
    """What the fragments of the changelog say."""
    parts = ["# The next version\n"]
    for kind in ("added", "changed", "fixed", "removed"):
        texts = [path.read_text(encoding="utf-8").strip() for path in sorted(changes.glob(f"*.{kind}.md"))]
        if texts:
            parts += [f"## {kind.capitalize()}\n", *(f"- {text.replace(chr(10), ' ')}" for text in texts), ""]
    return "\n".join(parts)


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
