"""The one output option of all commands: `-o FORMAT|FILE`, and `--excel`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from attrs import evolve, frozen
from click.shell_completion import CompletionItem

from gong_tasks_async.cli.output.console import is_terminal
from gong_tasks_async.cli.output.excel_csv import list_separator

T = TypeVar("T")


class OutputFormat(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    """One array, or the one object of a report."""
    JSONL = "jsonl"
    """One object a line."""
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"
    """One page; of a report."""


OF_ROWS: Final = (OutputFormat.JSONL, OutputFormat.CSV, OutputFormat.XLSX)
"""Formats in which a report is its rows, one after the other."""

WRITTEN_AT_ONCE: Final = (OutputFormat.JSONL, OutputFormat.CSV)
"""Formats whose rows are written as they come; the others wait for the last."""

USUAL: Final = tuple(form for form in OutputFormat if form is not OutputFormat.HTML)

NEEDS_OPENPYXL: Final = "workbooks need openpyxl: pip install 'gong_tasks_async[excel]', or use csv"


@frozen
class Output:
    """Where results go, and how they are written."""

    form: OutputFormat
    file: Path | None = None
    """None for standard output."""
    excel: str = ""
    """Separator of CSV as spreadsheets open it; empty for CSV as programs read it."""

    @property
    def is_table(self) -> bool:
        """Whether a person reads it."""
        return self.form is OutputFormat.TABLE

    @property
    def on_terminal(self) -> bool:
        """Whether what is written appears on a terminal."""
        return self.file is None and is_terminal()


if TYPE_CHECKING:
    _ParamType = click.ParamType[Output]
else:
    _ParamType = click.ParamType  # of click 8.2, generic in the annotations alone


class OutputType(_ParamType):
    """A format, or a file whose ending is one.

    Args:
        forms: the formats that the command writes.
    """

    name = "output"

    def __init__(self, forms: Sequence[OutputFormat]) -> None:
        self.forms = tuple(forms)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:
        """Read the option's value."""
        if isinstance(value, Output):
            return value
        text = str(value)
        if (form := self._form(text)) is not None:
            output = Output(form)
        elif (form := self._form(Path(text).suffix.removeprefix("."))) not in (None, OutputFormat.TABLE):
            output = Output(form, Path(text))
        else:
            self.fail(
                f"{text!r} is none of {self._listed()}, nor a file that ends so, such as {self._example()}",
                param,
                ctx,
            )
        if problem := _problem(output):
            self.fail(problem, param, ctx)
        return output

    def _form(self, text: str) -> OutputFormat | None:
        return next((form for form in self.forms if form == text.casefold()), None)

    def _listed(self) -> str:
        return ", ".join(self.forms)

    def _example(self) -> str:
        return "report.html" if OutputFormat.HTML in self.forms else "tasks.xlsx"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's
        """What stands for the value in the help."""
        return f"[{'|'.join(self.forms)}|FILE]"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        param: click.Parameter,  # noqa: ARG002 - as above
        incomplete: str,
    ) -> list[CompletionItem]:
        """The formats, and files."""
        forms = [CompletionItem(form) for form in self.forms if form.startswith(incomplete)]
        return forms or [CompletionItem(incomplete, type="file")]


def _problem(output: Output) -> str | None:
    """Why it cannot be written, before any call is made for it."""
    if output.form is OutputFormat.XLSX and not find_spec("openpyxl"):
        return NEEDS_OPENPYXL
    if output.form is OutputFormat.XLSX and output.on_terminal:
        return "a workbook cannot be shown on a terminal; name a file, such as -o tasks.xlsx"
    if output.file is None:
        return None
    if output.file.is_dir():
        return f"{output.file} is a folder"
    return None if output.file.absolute().parent.is_dir() else f"there is no folder {output.file.parent}"


def output_option(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command that lists ``--output`` and ``--excel``, and pass it ``output``: an :class:`Output`."""
    return _add_option(
        function,
        USUAL,
        OutputFormat.JSONL,
        "Format, or a file with such an ending. Default: a table on a terminal, and jsonl, one JSON object a line, in a pipe.",
    )


def report_output_option(
    function: Callable[..., T],
    *,
    forms: Sequence[OutputFormat] = USUAL,
    of: str = "the rows and their outcomes",
) -> Callable[..., T]:
    """The same of a command whose result is one report."""
    return _add_option(
        function,
        forms,
        OutputFormat.JSON,
        "Format, or a file with such an ending. Default: a table on a terminal, and json in a pipe. "
        f"jsonl, csv and xlsx have {of}.",
    )


def _add_option(
    function: Callable[..., T], forms: Sequence[OutputFormat], in_pipe: OutputFormat, text: str
) -> Callable[..., T]:
    @functools.wraps(function)
    def with_output(*args: Any, output: Output | None, as_json: bool, excel: bool, **keywords: Any) -> T:
        asked = output or (Output(OutputFormat.JSON) if as_json else None)
        return function(*args, output=chosen_output(asked, excel=excel, in_pipe=in_pipe), **keywords)

    excel = click.option(
        "--excel",
        is_flag=True,
        help="csv that Excel opens well: its mark, its separator, local dates, whole ids.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, hidden=True)  # in scripts of before `-o`
    return click.option("-o", "--output", type=OutputType(forms), help=text)(excel(as_json(with_output)))


def chosen_output(given: Output | None, *, excel: bool, in_pipe: OutputFormat) -> Output:
    """What was asked for; else a table for people, and ``in_pipe`` for programs.

    Raises:
        click.UsageError: ``--excel`` with a format other than csv.
    """
    if excel:
        given = given or Output(OutputFormat.CSV)
        if given.form is not OutputFormat.CSV:
            raise click.UsageError(f"--excel is about csv, and -o {given.form} is not: leave one of them out")
        return evolve(given, excel=list_separator())
    return given or Output(OutputFormat.TABLE if is_terminal() else in_pipe)
