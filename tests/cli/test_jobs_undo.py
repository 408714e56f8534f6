"""`gong-tasks jobs undo`, `retry`, and the guard: the rules and words of `gong-tasks bulk`."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.company import Company
from tests.cli.job_floor import Floor
from tests.redis_server import RedisServer, require_redis

pytestmark = pytest.mark.usefixtures("patient_quota")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def floor(company: Company, redis: RedisServer) -> Floor:
    for task in company.engine.tasks.values():
        task["status"] = "OPEN"
    return Floor(company, redis)


def touch(floor: Floor, place: int, **values: object) -> int:
    """Change a task as a person would."""
    number, task = list(floor.company.engine.tasks.items())[place]
    task |= {**values, "updated": "2090-01-01T00:00:00Z"}
    return number


class TestGuard:
    def test_is_on_where_looking_is_cheap(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        touch(floor, 0, priority={"id": 1, "name": "High", "weight": 1})
        progress = floor.done("mine")
        assert (progress.updated, progress.skipped, floor.company.statuses(1)) == (4, 1, ["OPEN"])
        shown = json.loads(floor.jobs("status", "mine").stdout)
        assert (shown["skipped"], shown["listings"], shown["pending"]) == (1, 1, 0)
        table = floor.jobs("status", "mine", "-o", "table").stdout
        assert re.search(r"^Skipped +1 *$", table, re.MULTILINE)

    def test_elsewhere_it_is_said_what_it_would_cost(self, floor: Floor) -> None:
        result = floor.submit(3, "--name", "mine")
        assert "that takes 1 listing for 3 updates; add --guard." in result.stderr
        touch(floor, 0, priority={"id": 1, "name": "High", "weight": 1})
        assert floor.done("mine").updated == 3

    @pytest.mark.parametrize(("option", "skipped"), [("--guard", 1), ("--no-guard", 0), ("--again", 0)])
    def test_is_chosen(self, option: str, skipped: int, floor: Floor) -> None:
        floor.submit(3 if option == "--guard" else 5, "--name", "mine", option)
        touch(floor, 0, priority={"id": 1, "name": "High", "weight": 1})
        assert floor.done("mine").skipped == skipped

    def test_a_selection_has_looked_already(self, floor: Floor) -> None:
        user = floor.company.engine.user_ids[0]
        floor.jobs("submit", "--user", user, "--set-status", "DONE", "--yes", "--name", "mine")
        touch(floor, 0, priority={"id": 1, "name": "High", "weight": 1})
        assert floor.done("mine").skipped == 1


class TestUndo:
    def test_restores_what_nobody_else_has_changed(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.done("mine")
        number = touch(floor, 2, status="DISMISSED")
        undone = floor.jobs("undo", "mine", "--yes")
        assert (undone.exit_code, undone.stdout) == (1, "mine-undo\n")
        assert f"1 value cannot be restored: changed since the job\n  task {number} of user " in undone.stderr
        floor.done("mine-undo")
        assert floor.company.statuses(5) == ["OPEN", "OPEN", "DISMISSED", "OPEN", "OPEN"]

    def test_of_an_undo_is_the_job_again(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.done("mine")
        assert floor.jobs("undo", "mine", "--yes").exit_code == 0
        floor.done("mine-undo")
        assert floor.jobs("undo", "mine-undo", "--yes").stdout == "mine-undo-undo\n"
        floor.done("mine-undo-undo")
        assert set(floor.company.statuses(5)) == {"DONE"}
        assert floor.jobs("undo", "mine", "--yes").stdout == "mine-undo-2\n"

    def test_a_preview_submits_nothing(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.done("mine")
        shown = json.loads(floor.jobs("undo", "mine", "--dry-run").stdout)
        assert shown["calls"] == 5
        asked = floor.jobs("undo", "mine")
        assert (asked.exit_code, "Set 5 tasks of 1 user to OPEN?" in asked.stderr) == (2, True)
        assert len(floor.jobs("list").stdout.splitlines()) == 1

    def test_of_a_job_that_runs_or_whose_undo_does_is_refused(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        running = floor.jobs("undo", "mine", "--yes")
        assert (running.exit_code, "Job 'mine' is starting" in running.stderr) == (2, True)
        floor.done("mine")
        floor.jobs("undo", "mine", "--yes")
        again = floor.jobs("undo", "mine", "--yes")
        assert (again.exit_code, "Job 'mine-undo' is running" in again.stderr) == (2, True)
        floor.done("mine-undo", another=floor.settings())  # which stops it
        stopped = floor.jobs("undo", "mine", "--yes")
        assert (stopped.exit_code, stopped.stderr.splitlines()[-1]) == (
            2,
            "  gong-tasks jobs resume mine-undo",
        )

    def test_of_no_job_says_so(self, floor: Floor) -> None:
        result = floor.jobs("undo", "mine", "--yes")
        assert (result.exit_code, "acme has no job 'mine'" in result.stderr) == (2, True)


@pytest.fixture
def failed(floor: Floor) -> dict[int, dict[str, object]]:
    """The two tasks that were hidden while a job of five failed them."""
    tasks = floor.company.engine.tasks
    hidden = {number: tasks[number] for number in list(tasks)[:2]}
    floor.jobs("submit", floor.company.rows(5), "--yes", "--name", "mine", "--no-guard")
    for number in hidden:
        del tasks[number]
    assert floor.done("mine").failed == 2
    rest = dict(tasks)
    tasks.clear()
    tasks.update(hidden | rest)
    return hidden


class TestRetry:
    def test_sends_failed_rows_again_in_the_same_job(
        self, floor: Floor, failed: dict[int, dict[str, object]]
    ) -> None:
        next(iter(failed.values()))["status"] = "DONE"  # by a person
        asked = floor.jobs("retry", "mine")
        assert asked.exit_code == 2
        assert "Retry 2 failed rows of the job mine: 2 x 404 task not found?" in asked.stderr
        result = floor.jobs("retry", "mine", "--reason", "404", "--yes")
        assert result.stderr == (
            "2 rows of the job mine will be sent again.\nFollow:\n  gong-tasks jobs status mine --follow\n"
        )
        progress = floor.done("mine")
        assert (progress.updated, progress.unchanged, progress.failed) == (4, 1, 0)

    def test_a_reason_that_no_row_has_is_refused_with_those_they_have(
        self, floor: Floor, failed: dict[int, dict[str, object]]
    ) -> None:
        assert failed
        refused = floor.jobs("retry", "mine", "--reason", "403", "--yes")
        assert refused.exit_code == 2
        assert "no row failed with '403'; the reasons are 2 x 404 task not found" in refused.stderr

    @pytest.mark.parametrize("state", ["starting", "cancelled"])
    def test_a_job_that_is_not_at_its_end_is_refused(self, state: str, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        if state == "cancelled":
            floor.jobs("cancel", "mine")
        refused = floor.jobs("retry", "mine", "--yes")
        assert (refused.exit_code, f"Job 'mine' is {state}" in refused.stderr) == (2, True)

    def test_nothing_to_retry_is_said(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.done("mine")
        result = floor.jobs("retry", "mine", "--yes")
        assert (result.exit_code, "there is nothing to retry" in result.stderr) == (0, True)


class TestTheLineOfAFinishedJob:
    def test_rows_that_it_failed_are_named_and_not_sent(
        self, floor: Floor, failed: dict[int, dict[str, object]]
    ) -> None:
        assert failed
        again = floor.jobs("submit", floor.company.rows(5), "--yes", "--no-guard")
        assert (again.exit_code, again.stdout) == (1, "mine\n")
        assert re.search(r"^Job mine: done on .*: 3 updated, 2 failed\.", again.stderr)
        assert "All other tasks are as they should be." in again.stderr
        (line,) = [line for line in again.stderr.splitlines() if line.startswith("  gong-tasks")]
        assert line == "  gong-tasks jobs retry mine"
        assert floor.company.invoke(*shlex.split(line)[1:], "--yes").exit_code == 0
        assert floor.done("mine").updated == 5

    def test_what_was_changed_since_is_a_new_job_without_them(
        self, floor: Floor, failed: dict[int, dict[str, object]]
    ) -> None:
        assert failed
        touch(floor, 4, status="OPEN")
        again = floor.jobs("submit", floor.company.rows(5), "--yes", "--no-guard")
        assert again.exit_code == 1
        assert "1 task changed since: they become a new job." in again.stderr
        progress = floor.done(again.stdout.strip())
        assert (progress.rows, progress.updated) == (1, 1)
