"""Every filter leaves out a task that differs from the wanted one in nothing else, in `list` as in `bulk run`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gong_tasks_async.cli.input.filters import NAMES
from gong_tasks_async.simulator import full_task
from tests.cli.company import Company

WANTED = 9_000_000_000_000_000_000
"""Its half is even, which is what puts a task into the first workspace."""
MIXED = "--status=OPEN", "--status=DISMISSED"
FILTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "user": ("{user}", {"userId": "{other}"}),
    "statuses": ("dismissed", {"status": "OPEN"}),
    "types": ("flow", {"type": "MANUAL"}),
    "due": ("2026-03-02", {"dueDate": "2026-03-03T00:00:00Z"}),
    "due_before": ("2026-03-03", {"dueDate": "2026-03-03T00:00:00Z"}),
    "due_after": ("2026-03-01", {"dueDate": "2026-03-01T23:59:59Z"}),
    "priority": ("high", {"priority": {"id": 2, "name": "LOW", "weight": 2}}),
    "flow": ("Renewals", {"flow": {"id": 43, "name": "Renewal"}}),
    "account": ("Acme", {"account": {"crmId": "002", "name": "Umbrella"}}),
    "title": ("call*", {"title": "Please call"}),
    "workspace": ("{workspace}", {"id": WANTED + 2}),
}
"""By the name of each filter: what is given, and how the task that it leaves out differs."""
EMPTY: dict[str, dict[str, Any]] = {
    "due": {"dueDate": None},
    "due_before": {"dueDate": None},
    "due_after": {"dueDate": None},
    "priority": {"priority": None},
    "flow": {"flow": None},
    "account": {"account": None},
    "title": {"title": None},
}
"""A task that has no value there is left out too."""
OPTIONS = {"statuses": "status", "types": "type"}


def stock(company: Company, differences: list[dict[str, Any]]) -> list[str]:
    """Give the company the wanted task, and one more for each difference; return their ids, the wanted one first."""
    user, other = company.engine.user_ids[:2]
    tasks: dict[int, dict[str, Any]] = {}
    for place, different in enumerate([{}, *differences]):
        task = full_task(WANTED + 4 * place, int(user)) | {
            "status": "DISMISSED",
            "dueDate": "2026-03-02T17:00:00Z",
            "flow": {"id": 42, "name": "Renewals"},
            "account": {"crmId": "001", "name": "Acme"},
            "priority": {"id": 1, "name": "HIGH", "weight": 3},
            "title": "Call them",
        }
        task |= {name: int(other) if value == "{other}" else value for name, value in different.items()}
        tasks[task["id"]] = task
    company.engine.tasks.clear()
    company.engine.tasks.update(tasks)
    for person in company.engine.people:
        person["active"] = True
    return [str(number) for number in tasks]


def options(company: Company, *names: str) -> list[str]:
    places = {"user": company.engine.user_ids[0], "workspace": company.engine.workspace_ids[0]}
    given = [
        f"--{OPTIONS.get(name, name).replace('_', '-')}={FILTERS[name][0].format(**places)}" for name in names
    ]
    whose = [] if "user" in names else ["--all-users"]
    return [*given, *whose, "--zone=UTC", *([] if "statuses" in names else MIXED)]


def listed(company: Company, *names: str) -> set[str]:
    got = company.invoke("list", *options(company, *names), "--output=jsonl")
    assert got.exit_code == 0, got.stderr
    return {json.loads(line)["id"] for line in got.stdout.splitlines()}


def changed(company: Company, *names: str) -> set[str]:
    got = company.invoke("bulk", "run", *options(company, *names), "--set-status=DONE", "--yes")
    assert got.exit_code == 0, got.stderr
    return {str(task_id) for task_id in company.changes}


def test_every_filter_is_tried_here() -> None:
    assert {*NAMES, "user"} == {*FILTERS, "zone", "date_format"}


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_alone_leaves_out_what_differs_there(name: str, company: Company) -> None:
    wanted, *others = stock(company, [FILTERS[name][1], *filter(None, [EMPTY.get(name)])])
    assert listed(company) == {wanted, *others}
    assert listed(company, name) == {wanted}
    assert changed(company, name) == {wanted}


def test_all_filters_together_leave_the_wanted_task_alone(company: Company) -> None:
    wanted, *_ = stock(company, [different for _, different in FILTERS.values()] + list(EMPTY.values()))
    assert listed(company, *FILTERS) == {wanted}
    assert changed(company, *FILTERS) == {wanted}
