"""The command `gong-tasks`, where its extra is installed."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from io import TextIOWrapper
from typing import Any, TypeGuard

NEEDED = ("click", "rich")

ADVICE = f"gong-tasks: {', '.join(NEEDED)} are needed; install 'gong_tasks_async[cli]'\n"

PRIVATE = 0o077
"""Journals, reports and lists of failed rows hold people's tasks: what the command creates is its user's alone."""


def main() -> None:
    """Run the command line, or name what to install for it."""
    if not all(map(find_spec, NEEDED)):
        sys.stderr.write(ADVICE)
        sys.exit(2)
    from gong_tasks_async.cli.app import gong_tasks  # noqa: PLC0415 - needs click

    os.umask(PRIVATE)
    _open_what_is_closed()
    _write_every_letter()
    gong_tasks(prog_name="gong-tasks")


def _open_what_is_closed() -> None:
    # Python has None in the place of a stream that the shell has closed, as by `<&-`.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - for as long as we run


def _write_every_letter() -> None:
    """Write UTF-8 into pipes and files, whose other end is a program; a terminal shows what its code page has."""
    for stream in (sys.stdout, sys.stderr):
        if not _is_text_file(stream):
            continue
        if stream.isatty() or _is_utf8(stream):
            stream.reconfigure(errors="backslashreplace")
            continue
        before = stream.encoding
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        if stream is sys.stdout:
            sys.stderr.write(f"Note: the output is UTF-8; {before} lacks letters that names may have.\n")


def _is_text_file(stream: object) -> TypeGuard[TextIOWrapper[Any]]:
    """Whether a stream writes text over bytes, so that its encoding can be changed; a test's may not."""
    return isinstance(stream, TextIOWrapper)


def _is_utf8(stream: TextIOWrapper) -> bool:
    return stream.encoding.lower().replace("_", "-") in {"utf-8", "utf8", "cp65001"}
