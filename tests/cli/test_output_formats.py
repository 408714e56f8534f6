"""One output option for all commands: each format, on standard output and in a file, and CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
import locale
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest
from openpyxl import Workbook, load_workbook

from gong_tasks_async.cli.app import gong_tasks
from gong_tasks_async.cli.bulk import report as report_command
from gong_tasks_async.cli.output import excel_csv, formats
from gong_tasks_async.cli.output.excel_csv import BYTE_ORDER_MARK, excel_cell, list_separator
from gong_tasks_async.cli.output.formats import OutputType
from tests.cli.company import Company, Found, companies, today

WITHOUT = {
    *("login", "check", "worker", "simulator", "demo", "completion", "mcp"),
    *("config path", "config set", "bulk remove", "bulk prune", "jobs cancel", "jobs resume", "jobs retry"),
}
"""Commands that act, or write one text: they have no rows to be written."""

LINES = {
    "list --user {ana} --status DISMISSED": "taskId",
    "show {task} --user {ana}": "taskId",
    "update {task} --user {ana} --set-priority high": "taskId",
    "users": "id",
    "workspaces": "id",
    "quota": "used",
    "profiles": "name",
    "config show": "file",
    "bulk status": "Job",
    "bulk status closing": "User",
    "bulk report closing": "taskId",
    "bulk plan {file}": "taskId",
    "bulk run {file} --dry-run": "taskId",
    "bulk run {file} --yes --no-guard": "taskId",
    "bulk resume closing": "taskId",
    "bulk undo closing --dry-run": "taskId",
}
"""Lines, and the first column of each."""


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        elif command is not None:
            yield f"{prefix}{name}", command


@pytest.mark.parametrize(
    ("name", "command"), list(commands(gong_tasks)), ids=lambda value: value if isinstance(value, str) else ""
)
def test_each_command_has_the_one_output_option_or_a_reason_for_none(
    name: str, command: click.Command
) -> None:
    found = {option.name: option for option in command.params if isinstance(option, click.Option)}
    if name in WITHOUT or name.startswith("mcp"):
        assert "output" not in found
        return
    assert isinstance(found["output"].type, OutputType)
    assert found["output"].opts == ["-o", "--output"]
    assert "excel" in found


@pytest.fixture(scope="module")
def module_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with ExitStack() as stack:
        yield companies(tmp_path_factory.mktemp("company"), stack)(users=2, tasks_per_user=3)


@pytest.fixture(scope="module")
def words(module_company: Company) -> dict[str, str]:
    company = module_company
    number, task = next((n, t) for n, t in company.engine.tasks.items() if t["status"] == "OPEN")
    owner = next(user for user in company.engine.people if user["id"] == str(task["userId"]))
    rows = "".join(f"{n},{t['userId']},DISMISSED\n" for n, t in company.engine.tasks.items())
    file = company.write("closing.csv", f"taskId,userId,status\n{rows}")
    assert company.invoke("bulk", "run", file, "--yes", "--name", "closing").exit_code == 0
    return {"ana": owner["emailAddress"], "task": str(number), "file": file}


@pytest.mark.parametrize("line", LINES)
def test_each_format_is_what_it_says_on_standard_output_and_in_a_file(
    line: str, module_company: Company, words: dict[str, str]
) -> None:
    company, typed = module_company, [word.format(**words) for word in line.split()]
    first = LINES[line]
    for form, columns_of in READERS.items():
        path = company.folder / f"out.{form}"
        piped = company.invoke(*typed, "-o", form)
        filed = company.invoke(*typed, "-o", str(path))
        assert (piped.exit_code, filed.exit_code, filed.stdout) == (0, 0, ""), filed.output
        assert f"Written: {path}" in filed.stderr
        assert bool(columns_of(piped.stdout_bytes, first))
        assert columns_of(path.read_bytes(), first)
        path.unlink()
    assert not list(company.folder.glob(".*.part"))


def _of_json(data: bytes, _: str) -> bool:
    return bool(json.loads(data))


def _of_jsonl(data: bytes, _: str) -> bool:
    return all(isinstance(json.loads(line), dict) for line in data.decode().splitlines())


def _of_csv(data: bytes, first: str) -> bool:
    return next(csv.reader(io.StringIO(data.decode())))[0] == first


def _of_xlsx(data: bytes, first: str) -> bool:
    return bool(load_workbook(io.BytesIO(data)).worksheets[0]["A1"].value == first)


READERS = {"json": _of_json, "jsonl": _of_jsonl, "csv": _of_csv, "xlsx": _of_xlsx}


class TestTheOption:
    def test_what_is_neither_a_format_nor_a_file_of_one_is_refused_before_any_call(
        self, company: Company
    ) -> None:
        for output, problem in (
            (
                "xml",
                "'xml' is none of table, json, jsonl, csv, xlsx, nor a file that ends so, such as tasks.xlsx",
            ),
            ("tasks.ods", "'tasks.ods' is none of"),
            ("x.table", "'x.table' is none of"),
            ("html", "'html' is none of"),
            (str(company.folder / "none" / "x.csv"), "there is no folder"),
        ):
            got = company.invoke("users", "-o", output)
            assert (got.exit_code, problem in got.stderr) == (2, True), got.stderr
        assert company.gong.ledger.calls == 0

    def test_a_workbook_needs_openpyxl_before_any_call(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(formats, "find_spec", lambda _: None)
        got = company.invoke("users", "-o", "xlsx")
        assert (got.exit_code, formats.NEEDS_OPENPYXL in got.stderr, company.gong.ledger.calls) == (
            2,
            True,
            0,
        )

    def test_a_file_is_whole_or_what_it_was(self, company: Company) -> None:
        path = company.folder / "users.json"
        path.write_text("before")
        company.configure(access_key="WRONG")
        assert company.invoke("users", "-o", str(path)).exit_code == 3
        assert path.read_text() == "before"
        assert not list(company.folder.glob(".*.part"))

    def test_capitals_and_completion(self, company: Company) -> None:
        assert company.invoke("users", "-o", "CSV").stdout.startswith('"id"')
        kind = OutputType(formats.USUAL)
        context = click.Context(click.Command("x"))
        option = click.Option(["-o"])
        assert [item.value for item in kind.shell_complete(context, option, "js")] == ["json", "jsonl"]
        assert [item.type for item in kind.shell_complete(context, option, "out")] == ["file"]


class TestExcel:
    @pytest.fixture(autouse=True)
    def german(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(formats, "list_separator", lambda: ";")

    def rows(self, text: str) -> list[dict[str, str]]:
        assert text.startswith(BYTE_ORDER_MARK)
        return list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK)), delimiter=";"))

    def test_a_listing_opens_with_a_double_click(self, company: Company) -> None:
        rows = self.rows(company.invoke("list", "--all-users", "--excel").stdout)
        assert len(rows) > 1
        for row in rows:
            assert row["taskId"].startswith("\t")
            assert len(row["taskId"].strip()) > excel_csv.SHOWN_DIGITS
            assert len(row["dueDate"]) in (0, len("2026-03-02 17:00"))
        assert company.invoke("list", "--all-users", "-o", "csv").stdout[0] != BYTE_ORDER_MARK

    def test_it_comes_back_whole_with_one_status_edited(self, company: Company) -> None:
        text = company.invoke("list", "--all-users", "--excel").stdout
        path = company.write("edited.csv", text.replace('"OPEN"', '"DONE"', 1))
        got = company.invoke("bulk", "plan", path, "-o", "jsonl")
        (row,) = map(json.loads, got.stdout.splitlines())
        first = next(listed for listed in self.rows(text) if listed["status"] == "OPEN")
        assert (row["task_id"], row["status"], row["due_date"]) == (first["taskId"].strip(), "DONE", None)

    def test_only_csv_is_for_excel(self, company: Company) -> None:
        assert company.invoke("users", "--excel", "-o", "xlsx").exit_code == 2
        assert company.invoke("users", "--excel", "-o", "csv").stdout.startswith(BYTE_ORDER_MARK)

    @pytest.mark.parametrize(
        ("text", "is_date", "cell"),
        [
            ("2026-03-02T17:00:00+00:00", True, "2026-03-02 17:00"),
            ("0001-01-01T00:00:00+00:00", True, "0001-01-01 00:00"),
            ("9999-12-31T23:59:00+00:00", True, "9999-12-31 23:59"),
            ("soon", True, "soon"),
            ("12345678901", False, "12345678901"),
            ("123456789012", False, "\t123456789012"),
            ("-123456789012", False, "-123456789012"),
        ],
    )
    def test_cells(self, text: str, is_date: bool, cell: str) -> None:
        assert excel_cell(text, is_date=is_date) == cell


class TestSeparator:
    @pytest.mark.skipif(sys.platform == "win32", reason="read from the registry there")
    @pytest.mark.parametrize(("sign", "separator"), [(",", ";"), (".", ",")])
    def test_is_what_the_machine_s_numbers_leave(
        self, sign: str, separator: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(locale, "localeconv", lambda: {"decimal_point": sign})
        assert list_separator() == separator

    def test_a_language_that_is_not_installed_is_no_reason_to_fail(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = locale.setlocale(locale.LC_NUMERIC)
        monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
        assert list_separator() == ","
        monkeypatch.setenv("LC_ALL", "de_XX.UTF-8")
        assert list_separator() == ";"
        assert locale.setlocale(locale.LC_NUMERIC) == before


class TestReport:
    @pytest.fixture
    def failed(self, found: Found) -> Company:
        company = found(users=1, tasks_per_user=4)
        (path := Path(company.rows(3))).write_text(f"{path.read_text()}77,5,DONE\n")
        assert (
            company.invoke(
                "bulk", "run", str(path), "--yes", "--name", "mine", "--profile", "simulated"
            ).exit_code
            == 1
        )
        return company

    def test_says_what_for_whom_from_where_by_whom_when_and_why(self, failed: Company) -> None:
        got = failed.invoke("bulk", "report", "mine", "-o", "table").stdout
        for name in (
            "Job  ",
            "Changed  ",
            "For  ",
            "Company  ",
            "Rows from  ",
            "Profile  ",
            "Started  ",
            "Ended  ",
        ):
            assert name.strip() in got
        assert "complete, but 1 row failed" in got
        assert "Failures by reason:\n        1  404 task not found" in got
        printed = json.loads(failed.invoke("bulk", "report", "mine").stdout)
        assert (printed["profile"], printed["changes"]) == ("simulated", ["status DONE (4)"])

    def test_a_workbook_shows_the_report_and_is_an_input_again(self, failed: Company) -> None:
        path = failed.folder / "report.xlsx"
        assert failed.invoke("bulk", "report", "mine", "-o", str(path)).exit_code == 0
        book = load_workbook(path)
        assert book.sheetnames == ["Rows", "Report", "Failures by reason", "Owners"]
        assert book.active is book["Report"]
        facts: dict[Any, Any] = {row[0].value: row[1].value for row in book["Report"].iter_rows()}
        assert facts["Ended"] == "complete, but 1 row failed"
        assert json.loads(failed.invoke("bulk", "plan", str(path)).stdout)["rows"] == 4

    def test_a_page_by_its_ending_and_open_alone(
        self, failed: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[str] = []

        def launch(page: str) -> int:
            opened.append(page)
            return 1

        path = failed.folder / "page.html"
        failed.invoke("bulk", "report", "mine", "-o", str(path))
        assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        monkeypatch.setattr(report_command, "is_terminal", lambda: True)
        monkeypatch.setattr(click, "launch", launch)
        got = failed.invoke("bulk", "report", "mine", "--open")
        assert got.stdout == ""
        (page,) = opened
        assert Path(page).read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
        assert "No browser could be started" in got.stderr
        failed.invoke("bulk", "report", "mine", "--open", "-o", str(path))
        assert opened[1:] == [str(path)]

    def test_a_resumed_run_has_its_job_s_facts(self, failed: Company) -> None:
        printed = json.loads(failed.invoke("bulk", "resume", "mine", "--yes").stdout)
        assert printed["company"] == failed.gong.base_url
        assert printed["source"].endswith(".csv")
        assert printed["changes"] == ["status DONE (4)"]


class TestFailedRows:
    @pytest.mark.parametrize(("separator", "mark"), [(",", ""), (";", BYTE_ORDER_MARK)])
    def test_are_written_beside_the_input_as_the_input_is(
        self, separator: str, mark: str, company: Company
    ) -> None:
        path = company.write("a.csv", "taskId,userId,status\n7,5,DONE\n".replace(",", separator))
        got = company.invoke("bulk", "run", path, "--yes")
        failed = company.folder / f"a-{today()}.failed.csv"
        assert f"  gong-tasks bulk run {failed}\n" in got.stderr
        text = failed.read_text(encoding="utf-8")
        assert text.startswith(f'{mark}"taskId"{separator}"userId"{separator}')
        assert json.loads(company.invoke("bulk", "plan", str(failed)).stdout)["rows"] == 1

    def test_of_a_workbook_are_a_workbook(self, company: Company) -> None:
        path = company.folder / "a.xlsx"
        text = company.write("a.csv", "taskId,userId,status\n7,5,DONE\n")
        company.invoke("bulk", "plan", text, "-o", str(path))
        got = company.invoke("bulk", "run", str(path), "--yes")
        failed = company.folder / f"a-{today()}.failed.xlsx"
        assert str(failed) in got.stderr
        assert json.loads(company.invoke("bulk", "plan", str(failed)).stdout)["rows"] == 1

    @pytest.mark.parametrize("command", [("plan",), ("run", "--yes")])
    def test_the_plan_of_a_filtered_sheet_names_its_hidden_rows(
        self, command: tuple[str, ...], company: Company
    ) -> None:
        path = company.folder / "a.xlsx"
        book = Workbook()
        for row in [["taskId", "userId", "status"], *([str(task), "5", "DONE"] for task in (7, 8, 9))]:
            book.worksheets[0].append(row)
        book.worksheets[0].row_dimensions[3].hidden = True
        book.save(path)
        got = company.invoke("bulk", command[0], str(path), *command[1:])
        assert (
            "Hidden in the sheet, as by a filter, and updated too: 1 of 3 rows. To leave them out"
            in got.stderr
        )

    def test_go_beside_the_journal_where_the_input_is_gone(self, company: Company) -> None:
        path = Path(company.write("a.csv", "taskId,userId,status\n7,5,DONE\n"))
        company.invoke("bulk", "run", str(path), "--yes", "--name", "mine")
        path.unlink()
        company.invoke("bulk", "resume", "mine")
        assert list(company.folder.glob("state/jobs/*/mine.failed.csv"))


class TestNames:
    def test_a_report_of_many_rows_names_their_owners(self, found: Found) -> None:
        company = found(users=2, tasks_per_user=150)
        path = company.write(
            "ids.csv", Path(company.rows(290)).read_text() + f"77,{company.engine.user_ids[0]},DONE\n"
        )
        got = company.invoke("bulk", "run", path, "--yes", "--name", "mine", "-o", "table")
        name = "Björn van Dijk"
        assert f"task 77 of {name}" in got.stderr
        report = company.invoke("bulk", "report", "mine", "-o", "table").stdout
        assert re.search(rf"^For +{name}", report, re.MULTILINE)
        assert f"1  {name}" in report

    def test_scripts_of_before_the_one_option_go_on(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(2), "--yes", "--name", "mine")
        report = company.invoke("bulk", "report", "mine", "--json")
        assert report.stdout == company.invoke("bulk", "report", "mine", "-o", "json").stdout

    def test_of_few_none_is_looked_up(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(20), "--yes", "--name", "mine")
        assert not [entry for entry in company.gong.ledger.entries if entry.path.startswith("/v2/users")]
