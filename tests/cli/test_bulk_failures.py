"""How `gong-tasks bulk run` ends when something is in its way, and how it goes on."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import AccessKey, BudgetSpent, GongTasksClient, RetryPolicy, Unlimited
from gong_tasks_async.cli.bulk import job_run
from gong_tasks_async.cli.bulk.run_progress import CallMeter
from gong_tasks_async.simulator import Account, Fault
from tests.cli.company import Company, Found, forget_the_day, journals, today


class TestFailures:
    def test_each_is_told_with_what_to_do_and_written_down_to_be_mended(self, company: Company) -> None:
        path = Path(company.rows(3))
        path.write_text(path.read_text() + "77,5,DONE\n")
        result = company.invoke("bulk", "run", str(path), "--yes")
        assert (result.exit_code, json.loads(result.stdout)["failed"]) == (1, 1)
        assert "task 77 of user 5: Not found: deleted, or another user's" in result.stderr
        assert "Check the task's id" in result.stderr
        failed = path.with_name(f"{journals(company)[0].stem}.failed.csv")
        assert (
            f"1 failed row in {failed}. Fix the rows there, then run:\n  gong-tasks bulk run {failed}\n"
            in result.stderr
        )
        plan = json.loads(company.invoke("bulk", "plan", str(failed)).stdout)
        assert (plan["rows"], plan["users"]) == (1, 1)

    def test_the_screen_shows_the_first_of_many(self, company: Company) -> None:
        rows = "".join(f"{number},5,DONE\n" for number in range(1, 25))
        result = company.invoke("bulk", "run", company.write("a.csv", f"id,user,status\n{rows}"), "--yes")
        assert (result.exit_code, result.stderr.count(": Not found: deleted")) == (1, 20)
        assert "and 4 more" in result.stderr
        with (company.folder / f"{journals(company)[0].stem}.failed.csv").open(newline="") as file:
            assert len(list(csv.DictReader(file))) == 24

    def test_a_job_whose_rows_failed_earlier_does_not_end_well(self, company: Company) -> None:
        path = company.write("a.csv", "id,user,status\n1,5,DONE\n")
        codes = [company.invoke("bulk", "run", path, "--yes").exit_code for _ in range(2)]
        methods = [entry.method for entry in company.gong.ledger.entries]
        assert (codes, methods) == ([1, 1], ["PATCH", "POST"])

    def test_bad_credentials_end_with_3_and_change_no_rows(self, company: Company) -> None:
        company.configure(access_key="WRONG")
        result = company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard", "--name", "j")
        assert result.exit_code == 3
        assert "Check the access key" in result.stderr
        assert "20 rows left. Resume:\n  gong-tasks bulk resume j\n" in result.stderr
        company.configure()
        assert company.invoke("bulk", "resume", "j").exit_code == 0
        assert len(company.changes) == 20

    def test_credentials_that_may_not_list_are_told_to_skip_the_look(self, company: Company) -> None:
        company.engine.scopes = {"api:tasks:write"}
        path = company.rows(20)
        result = company.invoke("bulk", "run", path, "--yes", "--guard")
        assert (result.exit_code, company.changes) == (3, [])
        assert "the scope api:tasks:read, which the look at the tasks takes" in result.stderr
        assert "--no-guard" in result.stderr
        assert company.invoke("bulk", "run", path, "--yes", "--no-guard").exit_code == 0
        assert len(company.changes) == 20

    def test_without_a_journal_it_has_to_be_run_again(self, company: Company) -> None:
        company.configure(access_key="WRONG")
        result = company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard", "--no-journal")
        assert (result.exit_code, "20 rows left. No journal: run everything again." in result.stderr) == (
            3,
            True,
        )

    def test_a_response_that_cannot_be_read_is_tried_again(self, company: Company) -> None:
        company.engine.inject_fault(Fault.GARBLED)
        result = company.invoke("bulk", "run", company.rows(1), "--yes", "--no-guard", "--name", "mine")
        printed = json.loads(result.stdout)
        assert (result.exit_code, printed["updated"], printed["calls"]) == (0, 1, 2)

    def test_a_company_without_engage_ends_with_1(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        company.engine.account = Account.WITHOUT_ENGAGE
        monkeypatch.setattr(job_run, "open_client", impatient(company))
        result = company.invoke("bulk", "run", company.rows(20), "--yes")
        assert result.exit_code == 1
        assert "may not have Gong Engage" in result.stderr

    def test_no_connection_ends_with_5(self, company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(job_run, "open_client", impatient(company, "http://127.0.0.1:9"))
        result = company.invoke(
            "bulk", "run", company.rows(20), "--yes", "--no-guard", "--outage-timeout", "0"
        )
        assert (result.exit_code, json.loads(result.stdout)["pending"]) == (5, 20)
        assert "Stopped: No response from Gong" in result.stderr

    @pytest.mark.parametrize(("answered", "code"), [(True, 1), (False, 5)])
    def test_rows_too_few_to_stop_a_run_are_not_done_when_none_was_answered(
        self, answered: bool, code: int, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        company.engine.inject_fault(Fault.UNAVAILABLE, times=6)
        base_url = None if answered else "http://127.0.0.1:9"
        monkeypatch.setattr(job_run, "open_client", impatient(company, base_url, attempts=2))
        result = company.invoke(
            "bulk", "run", company.rows(3), "--yes", "--no-guard", "--outage-timeout", "0", "--name", "j"
        )
        assert (result.exit_code, json.loads(result.stdout)["pending"]) == (code, 3)
        reason = "503" if answered else "ClientConnectorError"
        assert f"3 rows got no final response ({reason}" in result.stderr
        assert "3 rows left. Resume:\n  gong-tasks bulk resume j\n" in result.stderr


def impatient(company: Company, base_url: str | None = None, attempts: int = 1) -> Any:
    """Opens clients that do not try again, or not for long."""

    def opened(*_: object, **settings: Any) -> GongTasksClient:
        credentials = AccessKey(company.gong.access_key, company.gong.access_key_secret)
        return GongTasksClient(
            credentials,
            base_url=base_url or company.gong.base_url,
            quota=Unlimited(),
            retry=RetryPolicy(attempts=attempts, backoff=0.0),
            **settings,
        )

    return opened


class TestSpentDay:
    def test_ends_with_4_says_when_to_resume_and_the_next_day_does_the_rest(self, company: Company) -> None:
        company.configure(per_day=12, interactive_reserve=2)
        first = company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard")
        printed = json.loads(first.stdout)
        assert (first.exit_code, printed["updated"], printed["pending"]) == (4, 10, 10)
        again = datetime.fromisoformat(printed["resume_after"]).astimezone()
        command = f"gong-tasks bulk resume close-{today()}"
        assert f"Resume after {again:%Y-%m-%d %H:%M}" in first.stderr
        assert f"\n  {command}\n" in first.stderr
        assert company.invoke(*command.split()[1:]).exit_code == 4  # still the same day
        forget_the_day(company)
        last = company.invoke(*command.split()[1:])
        assert (last.exit_code, json.loads(last.stdout)["updated"]) == (0, 10)
        assert sorted(company.changes) == sorted(company.engine.tasks)

    def test_gongs_own_word_ends_it_too(self, found: Found) -> None:
        company = found(per_day=10, day_limit="rolling")
        result = company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard")
        assert (result.exit_code, len(company.changes)) == (4, 10)
        assert "  gong-tasks bulk resume" in result.stderr

    def test_the_same_command_goes_on_even_under_yesterdays_name(self, company: Company) -> None:
        company.configure(per_day=12, interactive_reserve=2)
        company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard")
        (started,) = journals(company)
        started.rename(started.with_stem("close-2026-01-01"))
        forget_the_day(company)
        result = company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard")
        assert (result.exit_code, json.loads(result.stdout)["job"]) == (0, "close-2026-01-01")
        assert sorted(company.changes) == sorted(company.engine.tasks)

    def test_a_file_that_was_edited_meanwhile_is_another_job_and_it_is_said(self, company: Company) -> None:
        company.configure(per_day=12, interactive_reserve=2)
        company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard")
        result = company.invoke("bulk", "run", company.rows(19), "--yes", "--no-guard")
        started = f"close-{today()}"
        assert f"{started} is unfinished, and of another line or file" in result.stderr
        assert f"\n  gong-tasks bulk resume {started}\n" in result.stderr
        assert f"Job {started}-2" in result.stderr

    @pytest.mark.parametrize("sleeps", [True, False])
    def test_a_run_that_sleeps_until_the_next_day_says_so(
        self, sleeps: bool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        CallMeter(sleeps=sleeps)(BudgetSpent(lane="bulk", resets_at=datetime(2026, 3, 2, tzinfo=UTC)))
        assert ("resuming at 2026-03-0" in capsys.readouterr().err) is sleeps
