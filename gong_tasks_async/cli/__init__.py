"""The command `gong-tasks`, where its extra is installed."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from io import TextIOWrapper

NEEDED = ("click", "rich", "platformdirs")

ADVICE = f"gong-tasks: {', '.join(NEEDED)} are needed; install 'gong_tasks_async[cli]'\n"


def main() -> None:
    """Run the command line, or say what to install for it."""
    if not all(map(find_spec, NEEDED)):
        sys.stderr.write(ADVICE)
        sys.exit(2)
    from gong_tasks_async.cli.app import gong_tasks  # noqa: PLC0415 - needs click

    _open_what_is_closed()
    _never_fail_to_print()
    gong_tasks(prog_name="gong-tasks")


def _open_what_is_closed() -> None:
    # Python has None in the place of a stream that the shell has closed, as by `<&-`.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - for as long as we run


def _never_fail_to_print() -> None:
    # Names come from all over the world, and a pipe need not be UTF-8.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
