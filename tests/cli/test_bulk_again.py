"""The same command line again: a line asks for a state, and running it again brings it about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gong_tasks_async.bulk import Journal
from tests.cli.company import Company, Found, forget_the_day, journals, today

LINE = ("bulk", "run", "--yes", "--set-status")


def patches(company: Company) -> int:
    return len(company.changes)


class TestAFinishedFile:
    def test_what_was_changed_back_is_sent_again(self, company: Company) -> None:
        path = company.rows(10, "OPEN")
        for status in ("DISMISSED", "OPEN", "DISMISSED"):
            assert company.invoke(*LINE, status, path).exit_code == 0
            assert set(company.statuses(10)) == {status}

    def test_it_says_what_the_job_did_and_sends_nothing_where_all_is_as_it_should_be(
        self, company: Company
    ) -> None:
        path = company.rows(10, "OPEN")
        company.invoke(*LINE, "DISMISSED", path)
        before = patches(company)
        again = company.invoke(*LINE, "DISMISSED", path)
        assert (again.exit_code, patches(company)) == (0, before)
        assert f"Job close-{today()}: done on {today()}" in again.stderr
        assert f": {before} updated" in again.stderr
        assert json.loads(again.stdout)["updated"] == before

    def test_resumed_by_name_it_prints_what_the_job_did(self, company: Company) -> None:
        path = Path(company.rows(10))
        path.write_text(path.read_text() + "77,5,DONE\n")
        ran = company.invoke("bulk", "run", str(path), "--yes", "--name", "mine")
        before = company.gong.ledger.calls
        resumed = company.invoke("bulk", "resume", "mine")
        counts = [
            {
                name: json.loads(result.stdout)[name]
                for name in ("updated", "unchanged", "failed", "total", "calls")
            }
            for result in (ran, resumed)
        ]
        assert (resumed.exit_code, counts[1], company.gong.ledger.calls) == (1, counts[0], before)

    def test_only_tasks_that_differ_become_a_new_job_after_the_question(self, company: Company) -> None:
        path = company.rows(10, "OPEN")
        company.invoke(*LINE, "DISMISSED", path)
        changed = list(company.engine.tasks.values())[:3]
        for task in changed:
            task["status"] = "OPEN"
        asked = company.invoke("bulk", "run", path, "--set-status", "DISMISSED")
        assert (asked.exit_code, "Set 3 tasks of 1 user to DISMISSED?" in asked.stderr) == (2, True)
        result = company.invoke(*LINE, "DISMISSED", path)
        assert (result.exit_code, json.loads(result.stdout)["updated"]) == (0, 3)
        assert {path.stem for path in journals(company)} == {f"close-{today()}", f"close-{today()}-2"}

    def test_failed_rows_are_not_sent_again_but_named_with_the_command_that_does(
        self, company: Company
    ) -> None:
        path = Path(company.rows(10))
        path.write_text(path.read_text() + "77,5,DONE\n")
        assert company.invoke("bulk", "run", str(path), "--yes").exit_code == 1
        before = patches(company)
        again = company.invoke("bulk", "run", str(path), "--yes")
        assert (again.exit_code, patches(company), json.loads(again.stdout)["failed"]) == (1, before, 1)
        assert (
            f"1 row failed, and not sent. Retry:\n  gong-tasks bulk retry close-{today()}\n" in again.stderr
        )

    def test_a_failed_row_that_is_as_it_should_be_by_now_is_no_failure(self, company: Company) -> None:
        path, task = company.rows(10), next(iter(company.engine.tasks.values()))
        owner, task["userId"] = task["userId"], "1"
        assert company.invoke("bulk", "run", path, "--yes").exit_code == 1
        task |= {"userId": owner, "status": "DONE"}
        again = company.invoke("bulk", "run", path, "--yes")
        assert (again.exit_code, "All tasks are as they should be." in again.stderr) == (0, True)

    def test_again_sends_all_rows_without_a_look(self, company: Company) -> None:
        path = company.rows(5)
        company.invoke("bulk", "run", path, "--yes", "--no-guard")
        calls = company.gong.ledger.calls
        result = company.invoke("bulk", "run", path, "--yes", "--again")
        assert (result.exit_code, json.loads(result.stdout)["updated"]) == (0, 5)
        assert company.gong.ledger.calls == calls + 5

    def test_a_task_that_is_gone_is_named_and_not_sent(self, company: Company) -> None:
        path = company.rows(10, "OPEN")
        company.invoke(*LINE, "DISMISSED", path)
        company.engine.tasks.pop(next(iter(company.engine.tasks)))
        again = company.invoke(*LINE, "DISMISSED", path)
        assert (again.exit_code, "1 task not listed by Gong, and not sent" in again.stderr) == (0, True)


class TestAnUnfinishedJob:
    def test_a_relative_date_is_that_of_the_day_it_began(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = company.rows(10)
        company.configure(per_day=8, interactive_reserve=2)
        line = ("bulk", "run", path, "--set-due", "+7d", "--yes", "--no-guard")
        assert company.invoke(*line).exit_code == 4
        forget_the_day(company)
        company.configure()
        monkeypatch.setattr("gong_tasks_async.bulk.dates.Clock.today", _tomorrow())
        result = company.invoke(*line)
        assert (result.exit_code, "resuming it" in result.stderr) == (0, True)
        dues = {task["dueDate"][:10] for task in list(company.engine.tasks.values())[:10]}
        assert len(dues) == 1
        assert sorted(company.changes) == sorted(set(company.changes))

    def test_a_selection_is_listed_afresh_once_the_rest_is_done(self, company: Company) -> None:
        company.configure(per_day=16, interactive_reserve=2)
        line = ("bulk", "run", "--all-users", "--set-status", "DISMISSED", "--yes")
        assert company.invoke(*line).exit_code == 4
        forget_the_day(company)
        company.configure()
        task = next(task for task_id, task in company.engine.tasks.items() if task_id in company.changes)
        task["status"] = "OPEN"  # a person did this in the night
        result = company.invoke(*line)
        assert (result.exit_code, "Selecting afresh" in result.stderr) == (0, True)
        assert "OPEN" not in company.statuses(20)

    def test_a_row_that_never_gets_an_answer_does_not_keep_new_tasks_out(self, found: Found) -> None:
        company = found(tasks_per_user=5)
        for task in company.engine.tasks.values():
            task["status"] = "OPEN"
        poison = next(iter(company.engine.tasks))
        company.engine.tasks[poison]["status"] = "DONE"
        line = ("bulk", "run", "--all-users", "--set-status", "DISMISSED", "--yes")
        company.configure(per_day=8, interactive_reserve=2)
        assert company.invoke(*line).exit_code == 4
        (path,) = journals(company)
        forget_the_day(company)
        company.configure()
        company.engine.tasks[poison]["status"] = "OPEN"
        assert company.invoke(*line).exit_code == 0
        assert company.engine.tasks[poison]["status"] == "DISMISSED"
        assert {each.stem for each in journals(company)} > {path.stem}


def _tomorrow() -> property:
    from datetime import date, timedelta

    from gong_tasks_async.bulk.dates import Clock

    def today(clock: Clock) -> date:
        return clock.now.astimezone(clock.zone).date() + timedelta(days=1)

    return property(today)


class TestOtherJobs:
    def test_a_job_that_runs_elsewhere_is_said_before_anything_is_asked_or_sent(
        self, company: Company
    ) -> None:
        path = company.rows(5)
        company.configure(access_key="WRONG")
        company.invoke("bulk", "run", path, "--yes", "--no-guard")
        (journal,) = journals(company)
        calls = company.gong.ledger.calls
        with Journal.create_or_open(journal, None):
            results = [company.invoke("bulk", "run", path), company.invoke("bulk", "resume", journal.stem)]
        for result in results:
            assert (result.exit_code, company.gong.ledger.calls) == (1, calls)
            assert f"the job close-{today()} is running in another process" in result.stderr
            assert "rows are done" not in result.stderr

    @pytest.mark.parametrize("content", [b"", b"junk" * 100, b"SQLite format 3\x00" + bytes(1000)])
    def test_a_broken_journal_keeps_no_other_job_from_beginning(
        self, content: bytes, company: Company
    ) -> None:
        company.invoke("bulk", "run", company.rows(5), "--yes")
        (journal,) = journals(company)
        journal.with_name(f"close-{today()}-2.gong").write_bytes(content)
        journal.with_name("close-2026-01-01.gong").write_bytes(content)
        assert company.invoke("bulk", "run", company.rows(5, "OPEN"), "--yes").exit_code == 0
        assert set(company.statuses(5)) == {"OPEN"}

    def test_by_name_a_broken_journal_is_refused(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(5), "--yes", "--name", "mine", "--no-guard")
        journals(company)[0].write_bytes(b"junk" * 100)
        result = company.invoke("bulk", "run", company.rows(5), "--yes", "--name", "mine")
        assert (result.exit_code, "the journal of the job mine cannot be read" in result.stderr) == (2, True)
