"""`gong-tasks list`, an edit, `gong-tasks bulk run`: one column is edited, meanwhile people reschedule the tasks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from gong_tasks_async.cli.input.columns import SPELLINGS, Column, plain
from tests.cli.company import Company

DUE = "2030-05-05T09:00:00Z"
Edit = Callable[[bytes, str], bytes]


def lines(data: bytes, status: str) -> bytes:
    rows = [{**json.loads(line), "status": status} for line in data.splitlines()]
    return "\n".join(map(json.dumps, rows)).encode()


def several_lines(data: bytes, status: str) -> bytes:
    """As jq writes it without -c."""
    rows = [json.loads(line) for line in lines(data, status).splitlines()]
    return "\n".join(json.dumps(row, indent=2) for row in rows).encode()


def array(data: bytes, status: str) -> bytes:
    """As jq writes it with -s."""
    return json.dumps([json.loads(line) for line in lines(data, status).splitlines()]).encode()


def arrays(data: bytes, status: str) -> bytes:
    """As jq writes several files, or Gong several pages."""
    rows = [json.loads(line) for line in lines(data, status).splitlines()]
    return "\n".join(
        json.dumps(part, indent=2) for part in (rows[:2], {"tasks": rows[2:4]}, rows[4:])
    ).encode()


def cells(data: bytes, status: str, delimiter: str = ",") -> bytes:
    reader, text = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")), io.StringIO(newline="")
    writer = csv.DictWriter(text, list(reader.fieldnames or ()), delimiter=delimiter)
    writer.writeheader()
    writer.writerows({**row, "status": status} for row in reader)
    return text.getvalue().encode()


def semicolons(data: bytes, status: str) -> bytes:
    """As most of Europe's spreadsheets save it."""
    return cells(data, status, ";")


def sheet(data: bytes, status: str) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(data))
    active: Any = book.active
    column = [cell.value for cell in active[1]].index("status") + 1
    for row in range(2, active.max_row + 1):
        active.cell(row, column).value = status
    edited = io.BytesIO()
    book.save(edited)
    return edited.getvalue()


FORMS: list[tuple[str, Edit]] = [
    ("jsonl", lines),
    ("jsonl", several_lines),
    ("jsonl", array),
    ("jsonl", arrays),
    ("csv", cells),
    ("csv", semicolons),
    ("xlsx", sheet),
]


def exported(company: Company, form: str) -> bytes:
    path = company.folder / f"tasks.{form}"
    assert company.invoke("list", "--all-users", "--output", str(path)).exit_code == 0
    return path.read_bytes()


def run(company: Company, form: str, data: bytes) -> dict[str, Any]:
    path = company.write(f"edited.{form}", data)
    result = company.invoke("bulk", "run", path, "--yes", "--output", "json")
    assert result.exit_code == 0, result.stderr
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


@pytest.mark.parametrize(("form", "edit"), FORMS)
def test_an_edited_status_is_the_only_change(form: str, edit: Edit, company: Company) -> None:
    data = exported(company, form)
    listed = [number for number, task in company.engine.tasks.items() if task["status"] == "OPEN"]
    for task in company.engine.tasks.values():
        task["dueDate"], task["priority"] = DUE, {"name": "LOW"}
    assert run(company, form, edit(data, "DONE"))["updated"] == len(listed) > 5
    tasks = company.engine.tasks
    assert {tasks[number]["status"] for number in listed} == {"DONE"}
    assert {(task["dueDate"], task["priority"]["name"]) for task in tasks.values()} == {(DUE, "LOW")}


NEW_FIELDS = {"Status", "dueDateTime", "statuses", "taskStatus", "priorityScore", "taskId", *SPELLINGS} - {
    "id",
    *map(plain, Column),
}
"""Names like those of columns; none is the name of one but for its capitals."""


def test_a_field_that_gong_adds_is_neither_a_column_nor_a_slip(company: Company) -> None:
    for number, task in company.engine.tasks.items():
        task.update({name: {"id": "5"} for name in NEW_FIELDS})
        task.pop("priority", None)
        if number % 2:
            del task["dueDate"]
    data = lines(exported(company, "jsonl"), "DONE")
    before = {number: task.get("dueDate") for number, task in company.engine.tasks.items()}
    assert run(company, "jsonl", data)["updated"] > 5
    assert {number: task.get("dueDate") for number, task in company.engine.tasks.items()} == before


@pytest.mark.parametrize(("form", "edit"), FORMS)
def test_cells_as_they_were_listed_are_no_change(form: str, edit: Edit, company: Company) -> None:
    data = exported(company, form)
    for task in company.engine.tasks.values():
        task["status"], task["dueDate"] = "DISMISSED", DUE
    company.gong.ledger.entries.clear()
    path = company.write(f"edited.{form}", edit(data, "OPEN"))
    result = company.invoke("bulk", "run", path, "--yes")
    assert (result.exit_code, company.changes) == (0, [])
    assert "as listed: no change." in result.stderr
