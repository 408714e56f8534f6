"""Where data is written: standard output, or a file that is whole or not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, TextIO, cast

from gong_tasks_async.cli.output.console import emit, note
from gong_tasks_async.cli.output.formats import Output


@contextmanager
def data_file(output: Output, *, quiet: bool = False) -> Generator[TextIO]:
    """Open what is written; a file gets its name once all of it is there.

    Args:
        output: where to.
        quiet: no note of the file, since the command has its own.

    Raises:
        OSError: the file cannot be written.
    """
    if output.file is None:
        yield sys.stdout
        return
    if output.file.exists() and not output.file.is_file():  # a pipe or a device, which nothing can replace
        with output.file.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    part = output.file.with_name(f".{output.file.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(output.file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if not quiet:
        note(f"Written: {output.file}")


def binary(file: TextIO) -> IO[bytes]:
    """The bytes beneath a text file, with nothing left in between."""
    file.flush()
    return cast("IO[bytes]", file.buffer)


def write_text(text: str, output: Output) -> None:
    """Write a whole text, to a file or to standard output; on a terminal nothing of it is obeyed."""
    if output.file is None:
        emit(text)
        return
    with data_file(output) as file:
        file.write(f"{text}\n")
