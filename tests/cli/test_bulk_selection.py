"""Tasks that are described instead of listed in a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.company import Company, Found, forget_the_day, journals


def due_of(task: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(task["dueDate"]) if task.get("dueDate") else None


class TestSelection:
    def test_all_open_tasks_of_everybody_who_is_active(self, company: Company) -> None:
        company.engine.people[0]["active"], company.engine.people[1]["active"] = False, True
        result = company.invoke("bulk", "run", "--all-users", "--set-status", "DISMISSED", "--yes")
        assert result.exit_code == 0
        assert "OPEN" in company.statuses(10)
        assert "OPEN" not in company.statuses(20)[10:]

    def test_of_one_person_by_address_and_only_some(self, company: Company) -> None:
        limit = datetime(2026, 1, 10, tzinfo=UTC)
        email, user = "ana@example.com", company.engine.user_ids[0]
        company.engine.people[0]["emailAddress"] = email
        meant = {
            task_id
            for task_id, task in company.engine.tasks.items()
            if str(task["userId"]) == user
            and task["status"] == "OPEN"
            and task["type"] == "MANUAL"
            and (due := due_of(task))
            and due < limit
        }
        line = f"--user {email} --type manual --due-before {limit.isoformat()} --set-status done --yes"
        assert company.invoke("bulk", "run", *line.split()).exit_code == 0
        assert set(company.changes) == meant != set()

    def test_due_dates_are_moved_and_what_has_none_is_left_out(self, company: Company) -> None:
        before = {
            task_id: due_of(task)
            for task_id, task in company.engine.tasks.items()
            if task["status"] == "OPEN"
        }
        result = company.invoke("bulk", "run", "--all-users", "--move-due", "+1w", "--yes")
        without = sum(due is None for due in before.values())
        assert (result.exit_code, f"Left out: {without} tasks without a due date" in result.stderr) == (
            0,
            without > 0,
        )
        for task_id, due in before.items():
            moved = due_of(company.engine.tasks[task_id])
            assert moved == (due and due + timedelta(days=7))

    def test_a_day_keeps_the_time_of_day_and_is_noon_without_one(self, company: Company) -> None:
        before = {
            task_id: due_of(task)
            for task_id, task in company.engine.tasks.items()
            if task["status"] == "OPEN"
        }
        line = ("--all-users", "--set-due", "2026-03-02", "--keep-time", "--zone", "UTC", "--yes")
        assert company.invoke("bulk", "run", *line).exit_code == 0
        for task_id, due in before.items():
            now = due_of(company.engine.tasks[task_id])
            assert now is not None
            assert now.astimezone(UTC).date().isoformat() == "2026-03-02"
            assert now.timetz().utcoffset() is not None
            if due is None:
                assert now.astimezone(UTC).hour == 12
            else:
                assert now.astimezone(UTC).time() == due.astimezone(UTC).time()

    def test_a_day_is_its_noon_for_selections_as_for_files(self, company: Company) -> None:
        line = ("--all-users", "--set-due", "2026-03-02", "--zone", "America/Los_Angeles", "--yes")
        assert company.invoke("bulk", "run", *line).exit_code == 0
        dues = {due_of(task) for task_id, task in company.engine.tasks.items() if task_id in company.changes}
        assert dues == {datetime(2026, 3, 2, 20, tzinfo=UTC)}

    @pytest.mark.parametrize("due", ["2026-03-02T08:00:00+01:00", "+3h"])
    def test_a_moment_is_the_same_for_all(self, due: str, company: Company) -> None:
        assert company.invoke("bulk", "run", "--all-users", "--set-due", due, "--yes").exit_code == 0
        dues = {due_of(task) for task_id, task in company.engine.tasks.items() if task_id in company.changes}
        assert len(dues) == 1

    @pytest.mark.parametrize(
        ("before", "any_left"), [("1999-01-01", True), ("-9999w", True), ("2100-01-01", False)]
    )
    def test_a_limit_is_a_day_or_a_shift_too(self, before: str, any_left: bool, company: Company) -> None:
        line = ("--all-users", "--due-before", before, "--set-status", "DONE", "--yes")
        assert company.invoke("bulk", "run", *line).exit_code == 0
        dated = [task["status"] for task in company.engine.tasks.values() if task.get("dueDate")]
        assert ("OPEN" in dated) is any_left

    def test_what_is_as_wanted_already_is_not_sent(self, company: Company) -> None:
        line = ("--all-users", "--status", "DONE", "--status", "OPEN", "--set-status", "DONE", "--yes")
        open_before = company.statuses(20).count("OPEN")
        assert company.invoke("bulk", "run", *line).exit_code == 0
        assert len(company.changes) == open_before < 20

    def test_the_same_selection_goes_on_with_the_job_that_it_began(self, company: Company) -> None:
        company.configure(per_day=16, interactive_reserve=2)
        line = ("bulk", "run", "--all-users", "--set-status", "DISMISSED", "--yes")
        assert company.invoke(*line).exit_code == 4
        forget_the_day(company)
        result = company.invoke(*line)
        assert (result.exit_code, "resuming it" in result.stderr) == (0, True)
        assert "OPEN" not in company.statuses(20)
        assert len(company.changes) == len(set(company.changes))
        assert len(journals(company)) == 1

    def test_a_name_is_numbered_where_the_same_selection_has_more_to_do(self, company: Company) -> None:
        line = ("bulk", "run", "--all-users", "--set-status", "DISMISSED", "--yes", "--name", "mine")
        assert company.invoke(*line).exit_code == 0
        assert company.invoke(*line).exit_code == 0
        assert {path.stem for path in journals(company)} == {"mine"}
        next(iter(company.engine.tasks.values()))["status"] = "OPEN"
        assert company.invoke(*line).exit_code == 0
        assert {path.stem for path in journals(company)} == {"mine", "mine-2"}

    def test_a_name_of_another_line_is_refused_before_anything_is_listed(self, company: Company) -> None:
        line = ("bulk", "run", "--all-users", "--yes", "--name", "mine", "--set-status")
        assert company.invoke(*line, "DISMISSED").exit_code == 0
        calls = company.gong.ledger.calls
        result = company.invoke(*line, "DONE")
        assert (result.exit_code, company.gong.ledger.calls) == (2, calls)
        assert "\n  gong-tasks bulk resume mine\n" in result.stderr

    def test_a_404_is_nobodys_trouble_where_everybody_is_listed(self, found: Found) -> None:
        company = found(tasks_per_user=0, empty_as="not_found")
        everybody = company.invoke("bulk", "run", "--all-users", "--set-status", "DONE", "--yes")
        assert (everybody.exit_code, "Nothing to change" in everybody.stderr) == (0, True)
        named = company.invoke("bulk", "run", "--user", "7", "--set-status", "DONE", "--yes")
        assert (named.exit_code, "Gong found no such user" in named.stderr) == (1, True)

    def test_one_user_that_cannot_be_listed_stops_no_other(self, found: Found) -> None:
        company = found(empty_as="not_found")
        known = company.engine.user_ids[0]
        line = f"bulk run --user 5 --user {known} --set-status DONE --yes"
        got = company.invoke(*line.split())
        assert (got.exit_code, got.stderr.count("User 5, left out: Gong found no such user")) == (1, 1)
        assert company.changes
        assert {
            str(task["userId"]) for task in company.engine.tasks.values() if task["status"] == "DONE"
        } >= {known}

    def test_where_none_can_be_listed_nothing_is_a_success(self, found: Found) -> None:
        company = found(empty_as="not_found")
        got = company.invoke(*["bulk", "run", "--user", "5", "--user", "6", "--set-status", "DONE", "--yes"])
        assert (got.exit_code, company.changes) == (1, [])
        assert got.stderr.startswith("Error: Gong found no such user")

    def test_a_user_that_is_none(self, company: Company) -> None:
        assert company.invoke("bulk", "run", "--user", " ", "--set-status", "DONE").exit_code == 2
        unknown = company.invoke("bulk", "run", "--user", "x@y.z", "--set-status", "DONE")
        assert (unknown.exit_code, "x@y.z" in unknown.stderr) == (2, True)
