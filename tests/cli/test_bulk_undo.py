"""Taking back: `bulk undo`, `bulk retry`, `bulk remove` and `bulk prune`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from gong_tasks_async.bulk import Journal
from tests.cli.company import Company, journals


def values(company: Company) -> dict[int, tuple[object, ...]]:
    names = ("status", "dueDate", "priority")
    return {number: tuple(task.get(name) for name in names) for number, task in company.engine.tasks.items()}


class TestUndo:
    def test_restores_every_task_that_the_job_changed(self, company: Company) -> None:
        before = values(company)
        company.invoke("bulk", "run", company.rows(20), "--yes", "--name", "mine")
        assert values(company) != before
        result = company.invoke("bulk", "undo", "mine", "--yes")
        assert (result.exit_code, json.loads(result.stdout)["job"]) == (0, "mine-undo")
        assert values(company) == before

    def test_leaves_what_a_person_changed_since_and_lists_it(self, company: Company) -> None:
        before = values(company)
        company.invoke("bulk", "run", company.rows(20), "--yes", "--name", "mine")
        edited = company.changes[0]
        company.engine.tasks[edited]["status"] = "DISMISSED"
        result = company.invoke("bulk", "undo", "mine", "--yes")
        assert result.exit_code == 1
        assert f"task {edited} of user" in result.stderr
        assert "changed since" in result.stderr
        after = values(company)
        assert after.pop(edited)[0] == "DISMISSED"
        assert all(after[number] == before[number] for number in after)

    def test_a_second_one_finds_all_as_it_was_before(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(20), "--yes", "--name", "mine")
        company.invoke("bulk", "undo", "mine", "--yes")
        sent = len(company.changes)
        again = company.invoke("bulk", "undo", "mine", "--yes")
        report = json.loads(again.stdout)
        assert (again.exit_code, report["updated"], report["unchanged"]) == (0, 0, sent // 2)
        assert "cannot be restored" not in again.stderr
        assert len(company.changes) == sent

    def test_lists_due_dates_that_were_empty(self, company: Company) -> None:
        task = next(iter(company.engine.tasks.values()))
        task["dueDate"] = None
        line = ("bulk", "run", company.rows(10), "--set-due", "2026-12-01", "--yes", "--name", "mine")
        assert company.invoke(*line).exit_code == 0
        result = company.invoke("bulk", "undo", "mine", "--yes")
        assert (result.exit_code, "1 value cannot be restored" in result.stderr) == (1, True)

    def test_asks_and_previews(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(20), "--yes", "--name", "mine")
        sent = len(company.changes)
        asked = company.invoke("bulk", "undo", "mine")
        assert (asked.exit_code, "Add --yes to agree" in asked.stderr) == (2, True)
        preview = company.invoke("bulk", "undo", "mine", "--dry-run", "--output", "json")
        assert (preview.exit_code, json.loads(preview.stdout)["calls"]) == (0, sent)
        assert len(company.changes) == sent

    def test_an_undo_can_be_undone_and_one_that_is_unfinished_is_resumed(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(20), "--yes", "--name", "mine")
        after = values(company)
        company.invoke("bulk", "undo", "mine", "--yes")
        assert company.invoke("bulk", "undo", "mine-undo", "--yes").exit_code == 0
        assert values(company) == after

    def test_a_job_that_was_not_looked_at_cannot_be_undone(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(5), "--yes", "--name", "mine", "--no-guard")
        sent = len(company.changes)
        result = company.invoke("bulk", "undo", "mine", "--yes")
        assert (result.exit_code, len(company.changes)) == (1, sent)
        assert "the job did not list the tasks first" in result.stderr


class TestRetry:
    @pytest.fixture
    def failed(self, company: Company) -> Company:
        path = Path(company.rows(4, "DISMISSED"))
        path.write_text(path.read_text() + "77,5,DISMISSED\n")
        assert company.invoke("bulk", "run", str(path), "--yes", "--name", "mine").exit_code == 1
        return company

    def test_sends_failed_rows_again_in_the_same_job(self, failed: Company) -> None:
        task = dict(next(iter(failed.engine.tasks.values())))
        failed.engine.tasks[77] = {**task, "id": 77, "userId": 5, "status": "OPEN"}
        result = failed.invoke("bulk", "retry", "mine", "--yes")
        assert result.exit_code == 0, result.stderr
        assert failed.engine.tasks[77]["status"] == "DISMISSED"
        assert [path.stem for path in journals(failed)] == ["mine"]

    def test_asks_with_the_reasons(self, failed: Company) -> None:
        sent = len(failed.changes)
        result = failed.invoke("bulk", "retry", "mine")
        assert (result.exit_code, len(failed.changes)) == (2, sent)
        assert "Retry 1 failed row of the job mine: 1 x 404 task not found?" in result.stderr

    def test_a_reason_that_no_row_has_names_those_there_are(self, failed: Company) -> None:
        result = failed.invoke("bulk", "retry", "mine", "--reason", "403", "--yes")
        assert (result.exit_code, "the reasons are 1 x 404 task not found" in result.stderr) == (2, True)
        assert failed.invoke("bulk", "retry", "mine", "--reason", "404", "--yes").exit_code == 1

    def test_nothing_to_retry(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(4), "--yes", "--name", "mine")
        result = company.invoke("bulk", "retry", "mine", "--yes")
        assert (result.exit_code, "there is nothing to retry" in result.stderr) == (0, True)


class TestRemove:
    @pytest.fixture
    def jobs(self, company: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
        monkeypatch.setenv("GONG_TASKS_STATE", company.environment["GONG_TASKS_STATE"])
        path = Path(company.rows(4, "DISMISSED"))
        path.write_text(path.read_text() + "77,5,DISMISSED\n")
        company.invoke("bulk", "run", str(path), "--yes", "--name", "old")
        company.invoke("bulk", "report", "old", "--html")
        company.configure(access_key="WRONG")
        company.invoke("bulk", "run", company.rows(5, "OPEN"), "--yes", "--name", "open", "--no-guard")
        company.configure()
        return company

    def test_deletes_a_journal_and_what_stands_beside_it(self, jobs: Company) -> None:
        folder = journals(jobs)[0].parent
        assert [path for path in folder.iterdir() if path.name.startswith("old")]
        assert jobs.invoke("bulk", "remove", "old").exit_code == 2  # cannot ask
        result = jobs.invoke("bulk", "remove", "old", "--yes")
        assert (result.exit_code, "Deleted: 1 job." in result.stderr) == (0, True)
        assert not [path for path in folder.iterdir() if path.name.startswith("old")]
        assert [path.stem for path in journals(jobs)] == ["open"]

    def test_names_rows_that_were_never_sent_and_keeps_a_running_job(self, jobs: Company) -> None:
        asked = jobs.invoke("bulk", "remove", "old", "open")
        assert "5 rows of them were never sent" in asked.stderr
        with Journal.create_or_open(next(path for path in journals(jobs) if path.stem == "open"), None):
            result = jobs.invoke("bulk", "remove", "old", "open", "--yes")
        assert (result.exit_code, "running in another process: open" in result.stderr) == (1, True)
        assert len(journals(jobs)) == 2

    def test_prune_takes_old_jobs_and_unfinished_ones_only_if_asked_for(self, jobs: Company) -> None:
        assert "No jobs to delete" in jobs.invoke("bulk", "prune", "--older-than", "1d", "--yes").stderr
        for path in journals(jobs):
            os.utime(path, (time.time() - 3 * 86_400,) * 2)
        assert jobs.invoke("bulk", "prune", "--older-than", "1d", "--yes").exit_code == 0
        assert [path.stem for path in journals(jobs)] == ["open"]
        assert jobs.invoke("bulk", "prune", "--older-than", "1d", "--unfinished", "--yes").exit_code == 0
        assert journals(jobs) == []

    @pytest.mark.parametrize("age", ["soon", "-1d", "1y", ""])
    def test_an_age_that_is_none(self, age: str, company: Company) -> None:
        result = company.invoke("bulk", "prune", "--older-than", age)
        assert (result.exit_code, "is no age such as 90d" in result.stderr) == (2, True)
