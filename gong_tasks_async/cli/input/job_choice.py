"""Which job is meant by a command line: the one decision of `bulk run` and `jobs submit`.

A job is its file or selection and the line as typed. A file counts by its rows, in any order; a relative date counts
as it was typed, so that tomorrow the same line means the job that it began today, with the dates of today.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from hashlib import blake2b

from attrs import frozen

from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import Source


class Standing(StrEnum):
    """The five answers."""

    NEW = "new"
    UNFINISHED = "unfinished"
    RUNNING = "running"
    """In another process, or on workers."""
    FINISHED = "finished"
    UNREADABLE = "unreadable"


@frozen
class KnownJob:
    """A job that exists."""

    name: str
    standing: Standing
    line: str | None = None
    """What :func:`line_of` gave when it began; None if that is not known."""


@frozen
class JobChoice:
    """The answer, and the job it is about; None for a new one."""

    standing: Standing
    job: KnownJob | None = None
    other_line: bool = False
    """Whether the job has the name that was asked for, and began with another line."""


ORDER = (Standing.RUNNING, Standing.UNFINISHED, Standing.FINISHED)
"""Which one is meant, of several jobs of one line."""


def line_of(source: Source, parsed_input: ParsedInput | None) -> str:
    """What makes two command lines mean the same job."""
    rows = "" if parsed_input is None else parsed_input.fingerprint
    return blake2b(f"{source.line}\n{rows}".encode(), digest_size=16).hexdigest()


def choose_job(known: Iterable[KnownJob], line: str, name: str | None = None) -> JobChoice:
    """The job that a line means.

    Args:
        known: the jobs of the company, the latest first. One that cannot be read has no line: it is meant only
            by its name, and keeps no other job from beginning.
        line: of :func:`line_of`.
        name: given on the command line.
    """
    if name is not None:
        named = next((job for job in known if job.name == name), None)
        if named is None:
            return JobChoice(Standing.NEW)
        return JobChoice(named.standing, named, other_line=named.line not in (None, line))
    same = [job for job in known if job.line == line and job.standing in ORDER]
    if not same:
        return JobChoice(Standing.NEW)
    meant = min(same, key=lambda job: ORDER.index(job.standing))
    return JobChoice(meant.standing, meant)
