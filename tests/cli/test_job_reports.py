"""What reports cover: jobs without anything to do, and the look before a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.company import Company, journals, today
from tests.cli.job_floor import Floor
from tests.redis_server import RedisServer, require_redis

pytestmark = pytest.mark.usefixtures("patient_quota")

NOTHING = ("--flow", "no such flow", "--set-status", "DONE", "--yes")
COMMANDS = (
    ("report",),
    ("report", "-o", "table"),
    ("report", "-o", "csv"),
    ("status",),
    ("resume",),
    ("retry", "--yes"),
    ("retry", "--yes", "--reason", "404"),
    ("undo", "--dry-run"),
    ("undo", "--yes"),
)


def select_nothing(company: Company) -> tuple[str, ...]:
    return ("--user", company.engine.user_ids[0], *NOTHING)


class TestBulk:
    @pytest.mark.parametrize("output", ["table", "json", "csv"])
    def test_each_command_takes_it(self, output: str, company: Company) -> None:
        result = company.invoke("bulk", "run", *select_nothing(company), "--name", "mine", "-o", output)
        assert (result.exit_code, "Nothing to change.\nJob mine" in result.stderr) == (0, True)
        for command, *options in COMMANDS:
            assert company.invoke("bulk", command, "mine", *options).exit_code == 0, (command, options)
        assert company.invoke("bulk", "report", "mine-undo").exit_code == 0
        for file in ("r.xlsx", "r.html", "r.csv"):
            where = str(company.folder / file)
            assert company.invoke("bulk", "report", "mine", "-o", where).exit_code == 0

    def test_rows_that_are_as_they_should_be_are_in_its_report(self, company: Company) -> None:
        for task in company.engine.tasks.values():
            task["status"] = "DONE"
        company.invoke("bulk", "run", company.rows(4), "--yes", "--skip-unchanged")
        report = json.loads(company.invoke("bulk", "report", f"close-{today()}").stdout)
        assert (report["unchanged"], report["total"]) == (4, 4)

    def test_leaves_its_name_to_the_next(self, company: Company) -> None:
        company.invoke("bulk", "run", *select_nothing(company), "--name", "mine")
        result = company.invoke("bulk", "run", company.rows(3), "--yes", "--name", "mine", "--no-guard")
        assert (result.exit_code, json.loads(result.stdout)["updated"]) == (0, 3)
        assert [path.stem for path in journals(company)] == ["mine"]

    def test_an_undo_that_finds_nothing_to_restore_is_reported_too(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(3), "--yes", "--name", "mine", "--no-guard")
        assert company.invoke("bulk", "undo", "mine", "--yes").exit_code == 1
        assert company.invoke("bulk", "report", "mine-undo").exit_code == 0

    def test_a_run_s_report_and_its_job_s_count_the_same_calls(self, company: Company) -> None:
        result = company.invoke("bulk", "run", company.rows(4), "--yes", "--guard", "--name", "mine")
        report = json.loads(company.invoke("bulk", "report", "mine").stdout)
        for printed in (json.loads(result.stdout), report):
            assert (printed["calls"], printed["listings"]) == (4, 0)  # the look belongs to the plan

    def test_a_preview_keeps_no_job(self, company: Company) -> None:
        result = company.invoke("bulk", "run", *select_nothing(company), "--dry-run", "-o", "table")
        assert (result.exit_code, "Nothing to change." in result.stdout, journals(company)) == (0, True, [])


class TestJobs:
    @pytest.fixture
    def floor(self, company: Company, tmp_path: Path) -> Iterator[Floor]:
        require_redis()
        with RedisServer(tmp_path) as server:
            yield Floor(company, server)

    def test_each_command_takes_it(self, floor: Floor) -> None:
        line = ("submit", *select_nothing(floor.company), "--name", "mine")
        result = floor.jobs(*line)
        assert (result.exit_code, result.stdout) == (0, "mine\n")
        for command, *options in COMMANDS:
            assert floor.jobs(command, "mine", *options).exit_code == 0, (command, options)
        assert floor.jobs("status", "mine", "--follow").exit_code == 0
        assert floor.jobs("report", "mine-undo").exit_code == 0
        again = floor.jobs(*line)
        assert (again.exit_code, again.stdout, "Nothing to change." in again.stderr) == (0, "mine\n", True)

    def test_rows_that_are_as_they_should_be_are_in_its_report(self, floor: Floor) -> None:
        for task in floor.company.engine.tasks.values():
            task["status"] = "DONE"
        result = floor.submit(4, "--skip-unchanged", "--name", "mine")
        assert (result.exit_code, result.stdout) == (0, "mine\n")
        report = json.loads(floor.jobs("report", "mine").stdout)
        assert (report["unchanged"], report["total"], report["complete"]) == (4, 4, True)

    def test_leaves_its_name_to_the_next(self, floor: Floor) -> None:
        floor.jobs("submit", *select_nothing(floor.company), "--name", "mine")
        result = floor.submit(3, "--name", "mine")
        assert (result.exit_code, result.stdout) == (0, "mine\n")
        floor.done("mine")
        assert json.loads(floor.jobs("report", "mine").stdout)["updated"] == 3
        assert floor.jobs("submit", *select_nothing(floor.company), "--name", "mine").exit_code == 2

    def test_its_report_says_what_it_changes_and_for_whom(self, floor: Floor) -> None:
        floor.submit(4, "--guard", "--name", "mine")
        floor.done("mine")
        report = json.loads(floor.jobs("report", "mine").stdout)
        assert (report["changes"], report["source"]) == (["status DONE (4)"], "close")
        assert report["company"] == floor.company.gong.base_url
        assert (report["calls"], report["listings"]) == (4 + 1, 1)
        assert "Changed    status DONE (4)" in floor.jobs("report", "mine", "-o", "table").stdout
