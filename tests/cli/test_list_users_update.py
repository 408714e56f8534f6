"""`gong-tasks list`, `users` and `update` in this process, against a simulated Gong."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta

import pytest

from gong_tasks_async import Task, TaskStatus
from gong_tasks_async.cli import list as list_command, update
from gong_tasks_async.simulator import Account, EmptyAs, Fault
from tests.cli.company import Company, Found


@pytest.fixture
def company(found: Found) -> Company:
    return found(users=3, tasks_per_user=8)


def rows(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def ids(company: Company, **wanted: str) -> set[str]:
    tasks = company.engine.tasks.items()
    return {str(number) for number, task in tasks if all(str(task[k]) == v for k, v in wanted.items())}


class TestList:
    def test_open_tasks_of_some_users_as_json_lines(self, company: Company) -> None:
        first, second, _ = company.engine.people
        got = company.invoke("list", "--user", first["id"], "--user", second["emailAddress"].upper())
        assert (got.exit_code, got.stderr) == (0, "")
        expected = ids(company, userId=first["id"], status="OPEN") | ids(
            company, userId=second["id"], status="OPEN"
        )
        assert {row["id"] for row in rows(got.stdout)} == expected
        assert {row["userId"] for row in rows(got.stdout)} == {first["id"], second["id"]}

    def test_status_type_and_workspace(self, company: Company) -> None:
        user, workspace = company.engine.user_ids[0], company.engine.workspace_ids[0]
        line = f"list --user {user} --status done --status OPEN --type Manual --workspace {workspace}"
        assert company.invoke(*line.split()).exit_code == 0
        assert json.loads(company.gong.ledger.entries[-1].body) == {
            "filter": {
                "userId": user,
                "workspaceId": workspace,
                "types": ["MANUAL"],
                "taskAction": ["CALL"],
                "status": ["DONE", "OPEN"],
            }
        }

    @pytest.mark.parametrize("spelled", ["2026-01-15", "2026-01-15T00:00", "2026-01-15T00:00:00+00:00"])
    def test_due_before(self, spelled: str, company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TZ", "UTC")
        got = company.invoke("list", "--all-users", "--due-before", spelled, "--output", "csv")
        limit = datetime.fromisoformat("2026-01-15T00:00:00+00:00")
        due = {
            str(number)
            for number, task in company.engine.tasks.items()
            if task["status"] == "OPEN"
            and task.get("dueDate")
            and datetime.fromisoformat(task["dueDate"]) < limit
        }
        assert {row["taskId"] for row in csv.DictReader(got.stdout.splitlines())} == due
        assert 0 < len(due) < len(ids(company, status="OPEN"))

    def test_all_users_are_those_who_are_active(self, company: Company) -> None:
        company.engine.people[0]["active"] = False
        got = company.invoke("list", "--all-users")
        assert got.stderr == "2 active users\n"
        assert {row["userId"] for row in rows(got.stdout)} == set(company.engine.user_ids[1:])

    def test_a_table_has_the_id_whole(self, company: Company) -> None:
        user = company.engine.user_ids[0]
        got = company.invoke("list", "--user", user, "--output", "table")
        head, *lines = got.stdout.splitlines()
        assert head.split()[:3] == ["Task", "Due", "Call"]
        assert {line.split()[0] for line in lines} == ids(company, userId=user, status="OPEN")

    def test_no_tasks_is_no_error(self, company: Company) -> None:
        got = company.invoke("list", "--user", "77", "--output", "table")
        assert (got.exit_code, got.stdout, got.stderr) == (0, "", "No tasks.\n")

    def test_one_user_s_error_does_not_stop_the_others(self, company: Company) -> None:
        company.engine.empty_as = EmptyAs.NOT_FOUND
        first = company.engine.user_ids[0]
        got = company.invoke("list", "--user", "77", "--user", first, "--user", "78")
        assert got.exit_code == 1
        assert {row["id"] for row in rows(got.stdout)} == ids(company, userId=first, status="OPEN")
        assert sorted(line.split(":")[0] for line in got.stderr.splitlines()) == ["User 77", "User 78"]

    def test_unknown_addresses_are_all_named_before_any_task_call(self, company: Company) -> None:
        got = company.invoke(
            "list", "--user", "a@b.c", "--user", company.engine.user_ids[0], "--user", "d@e.f"
        )
        assert (got.exit_code, got.stdout) == (2, "")
        assert "no user has the address a@b.c; no user has the address d@e.f" in got.stderr
        assert {entry.path for entry in company.gong.ledger.entries} == {"/v2/users"}

    @pytest.mark.parametrize("line", ["list", "list --all-users --user 7"])
    def test_says_whose_tasks_it_wants_to_know(self, line: str, company: Company) -> None:
        got = company.invoke(*line.split())
        assert (got.exit_code, "name the owners" in got.stderr) == (2, True)
        assert company.gong.ledger.calls == 0

    def test_what_meets_everybody_stops_it(self, company: Company) -> None:
        company.engine.account = Account.INACTIVE
        got = company.invoke("list", *(f"--user={number}" for number in range(1, 60)))
        assert (got.exit_code, "treats the company as inactive" in got.stderr) == (3, True)
        assert company.gong.ledger.calls < 59

    def test_five_in_a_row_without_an_answer_stop_it(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gong_tasks_async.http.retry.RetryPolicy._allowed", lambda *_: 1)
        company.engine.inject_fault(Fault.RESET_BEFORE, 200)
        got = company.invoke("list", *(f"--user={number}" for number in range(1, 60)))
        assert got.exit_code == 5
        assert got.stderr.count("\nUser ") + 1 == list_command.STOP_AFTER - 1
        assert got.stderr.splitlines()[-1].startswith("Error: No response from Gong")

    def test_nobody_s_tasks_ends_with_what_stood_in_the_way(
        self, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gong_tasks_async.http.retry.RetryPolicy._allowed", lambda *_: 1)
        company.engine.inject_fault(Fault.RESET_BEFORE, 2)
        assert company.invoke("list", "--user", "1", "--user", "2").exit_code == 5


class TestUsers:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ("", {0, 1, 2}),
            ("--active", {1, 2}),
            ("--email ANA", {1, 2}),
            ("--email ana*", {1, 2}),
            ("--email *.2@example.com", {2}),
            ("--email ?na --active", set()),
        ],
    )
    def test_which(self, options: str, expected: set[int], company: Company) -> None:
        company.engine.people[0]["active"] = False
        company.engine.page_size = 2
        got = company.invoke("users", *options.split())
        people = company.engine.people
        assert {row["id"] for row in rows(got.stdout)} == {people[place]["id"] for place in expected}
        assert all({"emailAddress", "firstName", "active"} <= set(row) for row in rows(got.stdout))

    def test_as_csv(self, company: Company) -> None:
        got = company.invoke("users", "--output", "csv")
        assert [row["id"] for row in csv.DictReader(got.stdout.splitlines())] == company.engine.user_ids

    def test_nobody_in_a_table(self, company: Company) -> None:
        got = company.invoke("users", "--email", "nobody", "--output", "table")
        assert (got.exit_code, got.stdout, got.stderr) == (0, "", "No users.\n")


class TestUpdate:
    def test_in_a_pipe_one_call_and_the_task_as_it_is_now(self, company: Company) -> None:
        number, task = next(iter(company.engine.tasks.items()))
        got = company.invoke("update", str(number), "--user", str(task["userId"]), "--set-status", "done")
        (row,) = rows(got.stdout)
        assert (got.exit_code, row["id"], row["status"]) == (0, str(number), "DONE")
        assert company.changes == [number]
        assert company.gong.ledger.calls == 1

    def test_on_a_screen_what_has_changed(self, company: Company) -> None:
        number, task = next((n, t) for n, t in company.engine.tasks.items() if t["status"] == "OPEN")
        owner = next(user for user in company.engine.people if user["id"] == str(task["userId"]))
        line = f"update {number} --set-status DISMISSED --set-due 2030-05-06 --output table"
        got = company.invoke(*line.split(), "--user", owner["emailAddress"])
        assert got.stderr.startswith(f"Task {number}")
        head, status, due = (text.split() for text in got.stdout.splitlines())
        assert (head, status) == (["Now", "Before"], ["Status", "DISMISSED", "OPEN"])
        assert due[:3] == ["Due", "2030-05-06", "12:00"]
        again = company.invoke(*line.split(), "--user", owner["id"])
        assert again.stderr.endswith(" is unchanged.\n")

    def test_a_week_from_today_is_its_noon(self, company: Company) -> None:
        number, task = next(iter(company.engine.tasks.items()))
        company.invoke("update", str(number), "--user", str(task["userId"]), "--set-due", "+7d")
        due = datetime.fromisoformat(company.engine.tasks[number]["dueDate"])
        day = datetime.now().astimezone().date() + timedelta(days=7)
        assert (due.astimezone().date(), due.astimezone().hour) == (day, 12)

    def test_of_what_could_not_be_seen_before_nothing_is_claimed(self) -> None:
        after = Task(id=7, status=TaskStatus.DONE)
        status, *_ = update.parts(None, after)
        assert (status.name, status.before, status.after) == ("Status", "?", "DONE")

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("7 --user 1", "name the change"),
            ("7 --set-status DONE", "Missing option '-u' / '--user'"),
            ("seven --user 1 --set-status DONE", "taskId 'seven' is not a number such as"),
            ("9223372036854775808 --user 1 --set-status DONE", "has more than 64 bits"),
            ("7 --user 1 --set-status WON", "'WON'"),
            ("7 --user 1 --set-due soon", "'soon' is no date; write 2026-03-02"),
            ("7 --user 1 --set-due +999999w", "beyond the calendar"),
            ("7 --user a@b.c --set-due +1d", "no user has the address a@b.c"),
        ],
    )
    def test_what_makes_no_sense_is_a_usage_error(self, options: str, said: str, company: Company) -> None:
        got = company.invoke("update", *options.split())
        assert (got.exit_code, got.stdout) == (2, "")
        assert said in got.stderr
        assert company.changes == []

    def test_somebody_else_s_task_ends_with_1(self, company: Company) -> None:
        got = company.invoke("update", "7", "--user", "1", "--set-status", "DONE", "--output", "csv")
        assert (got.exit_code, got.stdout) == (1, "")
        assert "Not found: deleted, or another user's" in got.stderr
        assert got.stderr.count("\n") == 1

    def test_several_tasks_and_one_of_them_not_there(self, company: Company) -> None:
        owner = company.engine.people[0]["id"]
        mine = [number for number, task in company.engine.tasks.items() if str(task["userId"]) == owner][:2]
        line = ["update", str(mine[0]), "77", str(mine[1]), "--user", owner, "--set-status", "DONE"]
        got = company.invoke(*line)
        assert (got.exit_code, company.changes) == (1, mine)
        assert [row["id"] for row in rows(got.stdout)] == [str(number) for number in mine]
        assert got.stderr.startswith("Task 77: Not found: deleted, or another user's")

    @pytest.mark.parametrize("output", ["table", "json"])
    def test_a_dry_run_shows_and_changes_nothing(self, output: str, company: Company) -> None:
        number, task = next((n, t) for n, t in company.engine.tasks.items() if t["status"] == "OPEN")
        line = f"update {number} --user {task['userId']} --set-status DONE --dry-run --output {output}"
        got = company.invoke(*line.split())
        assert (got.exit_code, company.changes) == (0, [])
        if output == "json":
            (row,) = json.loads(got.stdout)
            assert row["status"] == "DONE"
        else:
            assert got.stdout.splitlines()[1].split() == ["Status", "DONE", "OPEN"]

    @pytest.mark.parametrize("flag", ["status", "due", "priority"])
    def test_a_filter_is_refused_with_the_option_that_sets(self, flag: str, company: Company) -> None:
        got = company.invoke("update", "7", "--user", "1", f"--{flag}", "DONE")
        assert (got.exit_code, company.gong.ledger.calls) == (2, 0)
        assert f"to set it, use --set-{flag} DONE" in got.stderr


class TestRowsAndColumns:
    def test_sorted_limited_and_with_some_fields(self, company: Company) -> None:
        line = "list --all-users --sort -due --limit 3 --fields taskId,dueDate,ownername -o csv"
        got = company.invoke(*line.split())
        found = list(csv.DictReader(got.stdout.splitlines()))
        due = [
            task["dueDate"]
            for task in company.engine.tasks.values()
            if task["status"] == "OPEN" and task.get("dueDate")
        ]
        latest = sorted(map(datetime.fromisoformat, due), reverse=True)[:3]
        assert [datetime.fromisoformat(row["dueDate"]) for row in found] == latest
        assert list(found[0]) == ["taskId", "dueDate", "ownerName"]
        assert all(row["ownerName"] for row in found)

    def test_a_limit_saves_calls(self, company: Company) -> None:
        got = company.invoke("list", *(f"--user={user}" for user in company.engine.user_ids), "--limit", "1")
        assert len(rows(got.stdout)) == 1

    def test_count_writes_a_number(self, company: Company) -> None:
        got = company.invoke("list", "--all-users", "--count")
        assert got.stdout == f"{len(ids(company, status='OPEN'))}\n"

    @pytest.mark.parametrize("option", ["--fields taskID,tilte", "--sort tilte"])
    def test_a_field_that_is_none_names_the_near_one(self, option: str, company: Company) -> None:
        got = company.invoke("list", "--all-users", *option.split())
        assert (got.exit_code, "did you mean title?" in got.stderr) == (2, True)

    def test_json_is_one_array(self, company: Company) -> None:
        got = company.invoke("list", "--all-users", "-o", "json")
        assert {task["id"] for task in json.loads(got.stdout)} == ids(company, status="OPEN")

    def test_a_workbook_needs_a_file(self, company: Company) -> None:
        pytest.importorskip("openpyxl")
        got = company.invoke("list", "--all-users", "-o", "xlsx")
        assert got.stdout_bytes.startswith(b"PK")


class TestNames:
    def test_a_table_has_the_owner_s_name(self, company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "200")
        person = company.engine.people[0]
        for named in (person["id"], person["emailAddress"], f"{person['firstName']} {person['lastName']}"):
            got = company.invoke("list", "--user", named, "-o", "table")
            assert got.exit_code == 0
            assert person["lastName"] in got.stdout

    def test_a_name_that_is_nobody_s_is_refused_before_any_task_call(self, company: Company) -> None:
        got = company.invoke("list", "--user", "someone")
        assert (got.exit_code, "no user is called 'someone'" in got.stderr) == (2, True)
        assert {entry.path for entry in company.gong.ledger.entries} == {"/v2/users"}

    def test_names_that_differ_by_a_sharp_s_are_two_people(self, company: Company) -> None:
        first, second, _ = company.engine.people
        first |= {"firstName": "Jos\u00e9", "lastName": "Strau\u00df"}
        second |= {"firstName": "Jose\u0301", "lastName": "Strauss"}
        for name, person in (("STRAUSS", second), ("strau\u00df", first), ("jose\u0301  Strauss", second)):
            assert [row["id"] for row in rows(company.invoke("users", name).stdout)] == [person["id"]]

    def test_users_by_id_address_and_name(self, company: Company) -> None:
        first, second, _ = company.engine.people
        got = company.invoke("users", first["id"], second["emailAddress"])
        assert [row["id"] for row in rows(got.stdout)] == [first["id"], second["id"]]
        assert company.invoke("users", "77").exit_code == 1

    def test_workspaces(self, company: Company) -> None:
        got = company.invoke("workspaces")
        assert [row["id"] for row in rows(got.stdout)] == list(company.engine.workspace_ids)


class TestShow:
    def test_one_task_with_all_its_names(self, company: Company) -> None:
        number, task = next((n, t) for n, t in company.engine.tasks.items() if t["status"] == "DONE")
        owner = next(user for user in company.engine.people if user["id"] == str(task["userId"]))
        got = company.invoke("show", str(number), "--user", owner["id"], "-o", "table")
        assert got.exit_code == 0
        for text in (str(number), "DONE", owner["lastName"], owner["emailAddress"], owner["id"]):
            assert text in got.stdout

    def test_searched_among_all_users(self, company: Company) -> None:
        number = next(reversed(company.engine.tasks))
        got = company.invoke("show", str(number), "--all-users", "-o", "json")
        (row,) = json.loads(got.stdout)
        assert row["id"] == str(number)

    def test_one_that_is_not_there(self, company: Company) -> None:
        got = company.invoke("show", "77", "--user", company.engine.user_ids[0])
        assert (got.exit_code, "Not found: task 77 was deleted" in got.stderr) == (1, True)
