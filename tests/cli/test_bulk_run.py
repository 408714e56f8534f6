"""`gong-tasks bulk plan` and `run` in this process against a simulated Gong: what they do and say."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from gong_tasks_async.cli.app import gong_tasks
from gong_tasks_async.cli.bulk import COMMANDS
from tests.cli.company import Company, journals, today


class TestTheGroup:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_its_list_says_what_the_commands_own_help_says(self, name: str, company: Company) -> None:
        listed = " ".join(company.invoke("bulk", "--help").stdout.split())
        own = " ".join(company.invoke("bulk", name, "--help").stdout.split())
        assert COMMANDS[name] in listed
        assert COMMANDS[name] in own

    def test_a_command_that_is_none(self, company: Company) -> None:
        result = company.invoke("bulk", "rnu")
        assert (result.exit_code, "There is no command 'rnu'. Did you mean 'run'?" in result.stderr) == (
            2,
            True,
        )

    def test_shells_complete_commands_and_names_of_jobs(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        company.invoke("bulk", "run", company.rows(1), "--yes", "--name", "mine")
        monkeypatch.setenv("GONG_TASKS_STATE", company.environment["GONG_TASKS_STATE"])
        completing = ShellComplete(gong_tasks, {}, "gong-tasks", "_COMPLETE")
        assert {item.value for item in completing.get_completions(["bulk"], "")} == set(COMMANDS)
        assert [item.value for item in completing.get_completions(["bulk", "resume"], "mi")] == ["mine"]


class TestPlan:
    def test_tells_rows_twins_people_and_time_and_changes_nothing(self, company: Company) -> None:
        path = Path(company.rows(20))
        path.write_text(path.read_text() + path.read_text().splitlines()[1])
        result = company.invoke("bulk", "plan", str(path), "--output", "table")
        assert result.exit_code == 0
        assert "21 rows: 1 duplicate merged, 0 already up to date" in result.stdout
        assert "Set 20 tasks of 2 users to DONE." in result.stdout
        assert "20 of the 9,500 calls left today (500 more reserved for interactive calls)." in result.stdout
        assert company.gong.ledger.calls == 0
        assert journals(company) == []

    def test_json_has_numbers_for_programs(self, company: Company) -> None:
        company.configure(per_second=1000, per_day=10, interactive_reserve=2)
        plan = json.loads(company.invoke("bulk", "plan", company.rows(20)).stdout)
        assert (plan["rows"], plan["calls"], plan["users"], plan["duplicates"]) == (20, 20, 2, 0)
        assert (plan["calls_left_today"], plan["calls_reserved_for_interactive"]) == (10, 2)
        assert plan["seconds"] > 86_400  # eight a day
        assert datetime.fromisoformat(plan["ends_at"]) > datetime.now(UTC) + timedelta(days=1)

    def test_over_several_days_it_says_how_many_are_left_today(self, company: Company) -> None:
        company.configure(per_day=10, interactive_reserve=2)
        said = company.invoke("bulk", "plan", company.rows(20), "--output", "table").stdout
        assert "About 2 d" in said
        assert "20 calls, of which 8 are left today (2 more reserved for interactive calls)" in said

    def test_what_is_as_wanted_is_left_out(self, company: Company) -> None:
        wanted = sum(status == "DONE" for status in company.statuses(20))
        result = company.invoke("bulk", "plan", company.rows(20), "--skip-unchanged")
        assert json.loads(result.stdout)["unchanged"] == wanted > 0
        assert company.gong.ledger.calls == 2

    def test_nothing_is_left_to_change(self, company: Company) -> None:
        user = company.engine.user_ids[0]
        line = ("--user", user, "--flow", "no such flow", "--set-status", "DONE", "--output", "table")
        result = company.invoke("bulk", "plan", *line)
        assert (result.exit_code, "Nothing to change." in result.stdout) == (0, True)


class TestRun:
    def test_changes_all_rows_and_tells_so_in_json(self, company: Company) -> None:
        result = company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard")
        printed = json.loads(result.stdout)
        assert (result.exit_code, printed["updated"], printed["job"]) == (0, 20, f"close-{today()}")
        assert set(company.statuses(20)) == {"DONE"}
        assert f"Job close-{today()}" in result.stderr

    def test_the_same_again_sends_nothing(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(5), "--yes")
        again = company.invoke("bulk", "run", company.rows(5), "--yes")
        assert (again.exit_code, len(company.changes), len(journals(company))) == (0, 5, 1)
        assert "All tasks are as they should be." in again.stderr

    def test_other_rows_are_another_job_of_the_day(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(5), "--yes", "--no-guard")
        company.invoke("bulk", "run", company.rows(6), "--yes", "--no-guard")
        assert {path.stem for path in journals(company)} == {f"close-{today()}", f"close-{today()}-2"}

    def test_without_a_terminal_and_a_yes_nothing_is_changed(self, company: Company) -> None:
        result = company.invoke("bulk", "run", company.rows(5))
        assert (result.exit_code, company.changes, journals(company)) == (2, [], [])
        assert "Set 5 tasks of 1 user to DONE?" in result.stderr
        assert "Add --yes" in result.stderr

    def test_a_dry_run_changes_nothing(self, company: Company) -> None:
        result = company.invoke("bulk", "run", company.rows(5), "--dry-run", "-o", "table")
        assert (result.exit_code, company.gong.ledger.calls, journals(company)) == (0, 0, [])
        assert "Set 5 tasks of 1 user to DONE." in result.stdout

    def test_json_is_what_a_program_gets_of_no_rows_and_of_a_dry_run(self, company: Company) -> None:
        nobody = company.invoke(
            "bulk", "run", "--all-users", "--flow", "none", "--set-status", "DONE", "--yes"
        )
        printed = json.loads(nobody.stdout)
        assert (nobody.exit_code, printed["updated"], printed["total"]) == (0, 0, 0)
        dry = company.invoke("bulk", "run", company.rows(5), "--dry-run", "--output", "json")
        assert json.loads(dry.stdout)["calls"] == 5

    def test_without_a_journal_there_is_none(self, company: Company) -> None:
        result = company.invoke("bulk", "run", company.rows(5), "--no-journal", "--yes")
        assert (result.exit_code, len(company.changes), journals(company)) == (0, 5, [])
        assert json.loads(result.stdout)["job"] is None

    def test_what_is_as_wanted_costs_no_change(self, company: Company) -> None:
        wanted = sum(status == "DONE" for status in company.statuses(20))
        printed = json.loads(
            company.invoke("bulk", "run", company.rows(20), "--skip-unchanged", "--yes").stdout
        )
        assert (printed["unchanged"], printed["updated"], len(company.changes)) == (
            wanted,
            20 - wanted,
            20 - wanted,
        )

    def test_rows_come_from_standard_input(self, company: Company) -> None:
        lines = [
            json.dumps({"taskId": str(task_id), "userId": str(task["userId"])})
            for task_id, task in company.engine.tasks.items()
        ]
        result = company.invoke(
            "bulk", "run", "-", "--set-status", "DISMISSED", "--yes", input="\n".join(lines)
        )
        assert (result.exit_code, set(company.statuses(20))) == (0, {"DISMISSED"})
        assert journals(company)[0].stem == f"stdin-{today()}"

    @pytest.mark.parametrize("output", ["csv", "jsonl"])
    def test_what_list_writes_can_be_changed(self, output: str, company: Company) -> None:
        listed = company.invoke("list", "--all-users", "--output", output)
        result = company.invoke("bulk", "run", "-", "--set-status", "DONE", "--yes", input=listed.stdout)
        assert result.exit_code == 0, result.stderr
        assert "OPEN" not in company.statuses(10)
        assert not any(
            b"dueDate" in entry.body for entry in company.gong.ledger.entries if entry.method == "PATCH"
        )

    def test_e_mail_addresses_are_looked_up_once(self, company: Company) -> None:
        for number, user in enumerate(company.engine.people):
            user["emailAddress"] = f"p{number}@example.com"
        emails = {user["id"]: user["emailAddress"].upper() for user in company.engine.people}
        rows = "".join(
            f"{task_id},{emails[str(task['userId'])]},DONE\n"
            for task_id, task in company.engine.tasks.items()
        )
        path = company.write("mail.csv", f"Task ID,Email,Status\n{rows}")
        result = company.invoke("bulk", "run", path, "--yes", "--no-guard")
        assert (result.exit_code, len(company.changes)) == (0, 20)
        assert Counter(entry.method for entry in company.gong.ledger.entries) == {"GET": 1, "PATCH": 20}

    def test_an_address_that_nobody_has_is_named_with_its_rows(self, company: Company) -> None:
        path = company.write("mail.csv", "id,user,status\n1,nobody@example.com,DONE\n2,3,DONE\n")
        result = company.invoke("bulk", "run", path, "--yes")
        assert (result.exit_code, company.changes) == (2, [])
        assert "line 2: no user of this company has the e-mail address nobody@example.com" in result.stderr

    def test_a_name_can_be_given(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(2), "--yes", "--name", "march.gong")
        assert [path.name for path in journals(company)] == ["march.gong"]
        other = company.invoke("bulk", "run", company.rows(3), "--yes", "--name", "march")
        assert (other.exit_code, len(company.changes)) == (2, 2)
        assert "\n  gong-tasks bulk resume march\n" in other.stderr
