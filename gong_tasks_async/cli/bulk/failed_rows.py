"""The failed rows of a job, as a file to be fixed and run again: beside the input, and of its kind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from gong_tasks_async.bulk import JournalReader, RowState, open_journal
from gong_tasks_async.cli.output.formats import Output, OutputFormat
from gong_tasks_async.cli.output.job_rows import job_rows
from gong_tasks_async.cli.output.listing import Listing

PATH: Final = "path"
"""Fact of a journal: where the input file stood."""
LINE_READ: Final = 4_096
"""Bytes of an input's first line in which its separator is looked for."""


def write_failures(journal: Path) -> Path:
    """Write all failed rows of a job, beside its input where that can be, else beside its journal.

    Raises:
        OSError: the file cannot be written.
    """
    with open_journal(journal) as reader:
        output = failures_output(journal, reader)
        with Listing(job_rows(reader.users), output, quiet=True) as listing:
            for row in reader.rows(RowState.FAILED):
                listing.add([row])
    assert output.file is not None  # noqa: S101 - see failures_output
    return output.file


def failures_output(journal: Path, reader: JournalReader) -> Output:
    """Where the failed rows of a job go: a workbook for a workbook, and the input's separator for CSV."""
    source = Path(reader.facts.get(PATH) or journal)
    if not (source.is_file() and os.access(source.parent, os.W_OK)):
        source = journal
    name = f"{journal.stem}.failed"
    if source.suffix.casefold() == ".xlsx":
        return Output(OutputFormat.XLSX, source.with_name(f"{name}.xlsx"))
    return Output(OutputFormat.CSV, source.with_name(f"{name}.csv"), ";" if _is_of_excel(source) else "")


def _is_of_excel(source: Path) -> bool:
    """Whether a file looks saved by a spreadsheet whose numbers have a decimal comma."""
    with source.open("rb") as file:
        line = file.readline(LINE_READ)
    return source.suffix.casefold() == ".csv" and line.count(b";") > line.count(b",")
