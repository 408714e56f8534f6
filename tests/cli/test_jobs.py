"""`gong-tasks jobs` against a Redis and a simulated Gong: what is submitted, shown, and done with it."""

from __future__ import annotations

import csv
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from gong_tasks_async.cli.jobs import COMMANDS
from tests.cli.company import PATIENCE, Company, Found, Terminal, started, today, wait_until
from tests.cli.job_floor import Floor
from tests.redis_server import RedisServer, require_redis, spare_port

pytestmark = pytest.mark.usefixtures("patient_quota")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def floor(company: Company, redis: RedisServer) -> Floor:
    return Floor(company, redis)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_commands_own_help_says(name: str, company: Company) -> None:
    listed = " ".join(company.invoke("jobs", "--help").stdout.split())
    own = " ".join(company.invoke("jobs", name, "--help").stdout.split())
    assert COMMANDS[name] in listed
    assert COMMANDS[name] in own


def test_no_help_loads_what_takes_its_time() -> None:
    code = (
        "import sys\nfrom gong_tasks_async.cli.app import gong_tasks\n"
        f"for name in {list(COMMANDS)!r}: gong_tasks(['jobs', name, '--help'], standalone_mode=False)\n"
        "gong_tasks(['worker', '--help'], standalone_mode=False)\n"
        "print(sorted({'aiohttp', 'rich', 'docket', 'redis'} & set(sys.modules)))"
    )
    line = [sys.executable, "-c", code]
    said = subprocess.run(line, capture_output=True, text=True, check=True, timeout=PATIENCE)  # noqa: S603 - ours
    assert said.stdout.endswith("[]\n")


class TestSubmit:
    def test_writes_the_name_and_says_how_to_follow(self, floor: Floor) -> None:
        result = floor.submit(5, "--no-guard")
        name = f"close-{today()}"
        assert (result.exit_code, result.stdout) == (0, f"{name}\n")
        assert f"Follow:\n  gong-tasks jobs status {name} --follow\n" in result.stderr
        assert (floor.progress(name).rows, floor.company.gong.ledger.calls) == (5, 0)
        assert floor.done(name).settled == 5
        assert set(floor.company.statuses(5)) == {"DONE"}

    def test_a_selection_is_listed_and_its_calls_are_counted_for_all_machines(self, floor: Floor) -> None:
        user = floor.company.engine.user_ids[0]
        result = floor.jobs("submit", "--user", user, "--set-status", "DONE", "--yes")
        name = result.stdout.strip()
        assert re.fullmatch(rf"selection-[0-9a-f]+-{today()}", name)
        opened = sum(
            task["status"] == "OPEN" and str(task["userId"]) == user
            for task in floor.company.engine.tasks.values()
        )
        assert floor.progress(name).rows == opened > 0
        shown = json.loads(floor.jobs("submit", floor.company.rows(3), "--dry-run").stdout)
        assert (shown["calls"], shown["calls_left_today"]) == (3, 9_999)

    def test_a_selection_that_is_not_finished_is_not_begun_again(self, floor: Floor) -> None:
        line = ("submit", "--user", floor.company.engine.user_ids[0], "--set-status", "DONE", "--yes")
        first = floor.jobs(*line)
        calls = floor.company.gong.ledger.calls
        again = floor.jobs(*line)
        assert (again.stdout, floor.company.gong.ledger.calls) == (first.stdout, calls)
        assert f"Already job {first.stdout.strip()}, which is starting." in again.stderr
        floor.jobs("cancel", first.stdout.strip())
        assert floor.jobs(*line, "--name", "mine").stdout == "mine\n"

    def test_the_same_rows_are_the_same_job_and_others_another_of_the_day(self, floor: Floor) -> None:
        names = [floor.submit(count).stdout.strip() for count in (5, 5, 6)]
        assert names == [f"close-{today()}", f"close-{today()}", f"close-{today()}-2"]

    def test_other_rows_under_a_name_that_was_given_are_refused(self, floor: Floor) -> None:
        assert floor.submit(5, "--name", "mine").stdout == "mine\n"
        refused = floor.submit(6, "--name", "mine")
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "A job 'mine' exists, with other rows" in refused.stderr

    def test_without_a_terminal_and_a_yes_nothing_is_submitted(self, floor: Floor) -> None:
        result = floor.jobs("submit", floor.company.rows(5))
        assert (result.exit_code, "Set 5 tasks of 1 user to DONE? " in result.stderr) == (2, True)
        assert floor.jobs("list").stdout == ""

    def test_a_dry_run_submits_nothing(self, floor: Floor) -> None:
        result = floor.submit(5, "--dry-run")
        planned = json.loads(result.stdout)
        assert (result.exit_code, planned["calls"], planned["users"]) == (0, 5, 1)
        assert floor.jobs("list").stdout == ""

    def test_wrong_rows_are_named_and_nothing_is_submitted(self, floor: Floor) -> None:
        path = floor.company.write("bad.csv", "taskId,userId,status\n1,,DONE\n2,7,DISMISED\n")
        result = floor.jobs("submit", path, "--yes")
        assert (result.exit_code, "2 problems; nothing was sent" in result.stderr) == (2, True)
        assert floor.jobs("list").stdout == ""

    def test_a_name_that_cannot_be_one_is_refused_before_anything_is_asked(self, floor: Floor) -> None:
        result = floor.submit(1, "--name", "a b")
        assert (result.exit_code, result.stderr.startswith("Error: 'a b' cannot be a job's name")) == (
            2,
            True,
        )

    def test_a_person_is_asked(self, floor: Floor) -> None:
        line = ("jobs", "submit", floor.company.rows(5), "--name", "mine")
        with Terminal(line, floor.company.environment, 100) as screen:
            screen.wait_for(r"Go ahead\? \[y/N\]")
            assert "Set 5 tasks of 1 user to DONE? About" in screen.screen
            screen.type("n\r")
            assert screen.end() == 130
        assert floor.jobs("list").stdout == ""


class TestStatus:
    def test_is_one_line_of_json_in_a_pipe(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        shown = json.loads(floor.jobs("status", "mine").stdout)
        assert (shown["job"], shown["state"], shown["pending"], shown["stopped_because"]) == (
            "mine",
            "starting",
            5,
            None,
        )

    def test_follows_to_the_end(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.done("mine")
        result = floor.jobs("status", "mine", "--follow")
        shown = json.loads(result.stdout)
        assert (result.exit_code, shown["state"], shown["pending"]) == (0, "ended", 0)

    def test_failed_rows_end_it_with_1(self, floor: Floor) -> None:
        path = floor.company.write("bad.csv", "taskId,userId,status\n1,7,DONE\n")
        floor.jobs("submit", path, "--yes", "--name", "mine")
        floor.done("mine")
        assert floor.jobs("status", "mine", "--follow").exit_code == 1
        assert floor.jobs("status", "mine").exit_code == 0

    @pytest.mark.parametrize("known", ["default", "another"])
    def test_what_stopped_the_job_is_told_and_is_the_code(self, known: str, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.done("mine", **{known: floor.settings("a-wrong-secret")})
        result = floor.jobs("status", "mine", "--follow")
        shown = json.loads(result.stdout)
        assert (result.exit_code, shown["state"]) == (3, "stopped")
        assert ("cannot use the credentials 'default'" in shown["stopped_because"]) is (known == "another")

    def test_a_terminal_has_a_bar_and_then_the_facts(self, floor: Floor) -> None:
        floor.submit(20, "--name", "mine", "--no-guard")
        line = ("jobs", "status", "mine", "--follow")
        with Terminal(line, floor.company.environment, 100) as screen:
            screen.wait_for(r"mine, starting .* 0/20")
            floor.done("mine")
            assert screen.end() == 0
            assert re.search(r"^State +ended$", screen.screen, re.MULTILINE)
            assert re.search(r"^Next:$\n^  gong-tasks jobs report mine$", screen.screen, re.MULTILINE)

    def test_ctrl_c_ends_the_looking_and_not_the_job(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        with started(floor.company, "jobs", "status", "mine", "--follow") as process:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["state"] == "starting"
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=PATIENCE)
        assert (process.returncode, said.splitlines()[-1]) == (130, "Interrupted.")
        assert floor.progress("mine").state == "starting"

    def test_only_a_job_can_be_followed(self, floor: Floor) -> None:
        assert floor.jobs("status", "--follow").exit_code == 2


class TestList:
    @pytest.mark.parametrize("command", ["list", "status"])
    def test_has_all_jobs_of_the_company_and_no_other(self, command: str, floor: Floor) -> None:
        floor.submit(5, "--name", "second")
        floor.done("second")
        floor.submit(5, "--name", "first", "--again")
        floor.submit(5, "--name", "theirs", "--company", "acme2")
        lines = [json.loads(line) for line in floor.jobs(command).stdout.splitlines()]
        assert [(line["job"], line["pending"]) for line in lines] == [("first", 5), ("second", 0)]

    def test_is_csv_and_a_table(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        (row,) = csv.DictReader(floor.jobs("list", "-o", "csv").stdout.splitlines())
        assert (row["Job"], row["State"], row["Pending"]) == ("mine", "starting", "5")
        head, line = floor.jobs("list", "-o", "table").stdout.splitlines()
        assert (head.split()[:2], line.split()[:2]) == (["Job", "State"], ["mine", "starting"])

    def test_no_job_is_said(self, floor: Floor) -> None:
        assert floor.jobs("list", "-o", "table").stderr == "No jobs.\n"


class TestWhichJob:
    """`jobs submit` of one line: new, running, unfinished, finished."""

    def test_an_unfinished_one_is_resumed(self, floor: Floor) -> None:
        name = floor.submit(5).stdout.strip()
        floor.done(name, another=floor.settings())
        again = floor.submit(5)
        assert again.stdout.strip() == name
        assert again.stderr.startswith(f"Already job {name}, which was stopped; resuming it.\n")
        assert floor.done(name).updated == 5

    def test_one_row_that_was_given_up_does_not_keep_a_selection_from_new_tasks(self, floor: Floor) -> None:
        line = ("submit", "--user", floor.company.engine.user_ids[0], "--set-status", "DONE", "--yes")
        name = floor.jobs(*line).stdout.strip()
        floor.give_up(name, 1)
        assert floor.done(name).given_up == 1
        mine = [task for task in floor.company.engine.tasks.values() if str(task["userId"]) == line[2]]
        closed = [task for task in mine if task["status"] == "DONE"]
        closed[0]["status"] = "OPEN"
        again = floor.jobs(*line)
        assert "resuming it.\nSelecting afresh" in again.stderr
        assert again.stdout.strip() == f"{name}-2"
        floor.done(f"{name}-2")
        assert {task["status"] for task in mine} <= {"DONE", "DISMISSED"}

    def test_a_running_one_is_left_alone(self, floor: Floor) -> None:
        name = floor.submit(5).stdout.strip()
        again = floor.submit(5)
        assert (again.stdout.strip(), "which is starting" in again.stderr) == (name, True)
        assert [line.split()[0] for line in floor.jobs("list", "-o", "table").stdout.splitlines()[1:]] == [
            name
        ]

    def test_of_a_finished_one_it_says_what_it_did_and_does_nothing_twice(self, floor: Floor) -> None:
        name = floor.submit(5).stdout.strip()
        floor.done(name)
        again = floor.submit(5)
        assert again.exit_code == 0
        assert re.search(rf"^Job {name}: done on .*: 5 updated\.", again.stderr)
        assert "All tasks are as they should be." in again.stderr
        assert again.stdout.strip() == name
        assert len(floor.company.changes) == 5

    def test_what_is_no_longer_as_requested_is_a_new_job(self, floor: Floor) -> None:
        name = floor.submit(5).stdout.strip()
        floor.done(name)
        task = next(iter(floor.company.engine.tasks.values()))
        task["status"] = "OPEN"
        again = floor.submit(5)
        assert again.stdout.splitlines()[-1] == f"{name}-2"
        assert floor.done(f"{name}-2").rows == 1

    def test_again_sends_all_rows(self, floor: Floor) -> None:
        name = floor.submit(5).stdout.strip()
        floor.done(name)
        again = floor.submit(5, "--again")
        assert again.stdout.strip() == f"{name}-2"
        assert floor.done(f"{name}-2").updated == 5

    def test_a_finished_name_says_so(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.done("mine")
        refused = floor.submit(5, "--name", "mine", "--again")
        assert (refused.exit_code, "already job 'mine', which is ended" in refused.stderr) == (2, True)


class TestWhatIsToBeTyped:
    """Each command that is printed stands alone on its line, is complete, and works as it stands."""

    def test_of_an_error_only_options_that_the_command_has(self, floor: Floor) -> None:
        wrong = ("submit", "--user", "nobody@example.com", "--set-status", "DONE", "--company", "acme2")
        assert self.type_all(floor.jobs(*wrong).stderr, floor) == ["  gong-tasks users"]

    def type_all(self, text: str, floor: Floor) -> list[str]:
        lines = [line for line in text.splitlines() if line.startswith("  gong-tasks ")]
        assert lines
        assert "gong-tasks" not in "".join(line for line in text.splitlines() if line not in lines)
        for line in lines:
            words = shlex.split(line)[1:]
            looking = {"worker": ["--help"], "retry": ["--yes"]}.get(words[words[0] == "jobs"], [])
            typed = floor.company.invoke(*(word for word in words if word != "--follow"), *looking)
            assert typed.exit_code == 0, (line, typed.stderr)
        return lines

    @pytest.mark.parametrize("place", [(), ("--company", "acme2"), ("--profile", "simulated")])
    def test_of_a_job_s_whole_life(self, place: tuple[str, ...], floor: Floor) -> None:
        place = (*place, "--redis", floor.redis.url)
        submitted = floor.submit(5, "--name", "mine", *place)
        lines = self.type_all(submitted.stderr, floor)
        assert all(" ".join(place) in line for line in lines)
        for command in ("status", "cancel"):
            line = ("mine", "-o", "table") if command == "status" else ("mine",)
            self.type_all(floor.jobs(command, *line, *place).stderr, floor)
        self.type_all(floor.jobs("status", "mine", "-o", "table", *place).stderr, floor)

    def test_of_failed_rows(self, floor: Floor) -> None:
        hidden = dict(list(floor.company.engine.tasks.items())[:5])
        path = floor.company.rows(6)
        for number in hidden:
            del floor.company.engine.tasks[number]
        floor.jobs("submit", path, "--yes", "--name", "mine")
        floor.done("mine")
        floor.company.engine.tasks.update(hidden)
        again = floor.jobs("submit", path, "--yes")
        assert self.type_all(again.stderr, floor) == ["  gong-tasks jobs retry mine"]

    def test_of_an_unfinished_undo(self, floor: Floor) -> None:
        for task in floor.company.engine.tasks.values():
            task["status"] = "OPEN"
        floor.submit(5, "--name", "mine")
        floor.done("mine")
        self.type_all(floor.jobs("undo", "mine", "--yes").stderr, floor)
        floor.done("mine-undo", another=floor.settings())
        refused = floor.jobs("undo", "mine", "--yes")
        assert self.type_all(refused.stderr, floor) == ["  gong-tasks jobs resume mine-undo"]


class TestUnreadable:
    def test_a_row_that_was_given_up_is_named(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.give_up("mine", 3)
        floor.done("mine")
        shown = floor.jobs("status", "mine")
        assert (shown.exit_code, json.loads(shown.stdout)["given_up"]) == (0, 1)
        assert "Row 3 was given up after 1 attempt: Row 3 of job 'mine' cannot be read" in shown.stderr
        assert floor.jobs("report", "mine").exit_code == 0

    def test_a_damaged_job_hides_no_other(self, floor: Floor) -> None:
        floor.submit(5, "--name", "good")
        floor.submit(4, "--name", "bad")
        floor.put("jobs:bad", "rows", "many")
        found = [json.loads(line) for line in floor.jobs("list").stdout.splitlines()]
        assert [(job["job"], job["state"]) for job in found] == [("bad", "unreadable"), ("good", "starting")]
        assert floor.jobs("status", "bad").exit_code == 1


class TestTheRest:
    def test_cancelled_is_for_good(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        assert floor.jobs("cancel", "mine").stderr.startswith("mine is cancelled")
        assert floor.jobs("status", "mine", "--follow").exit_code == 0
        assert floor.jobs("resume", "mine").stderr == "mine is cancelled.\n"
        again = floor.submit(5, "--name", "mine")
        assert (again.exit_code, "which is cancelled" in again.stderr) == (2, True)

    def test_a_job_that_was_stopped_goes_on(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.done("mine", another=floor.settings())
        assert floor.progress("mine").state == "stopped"
        assert floor.jobs("resume", "mine").stderr.startswith("mine is starting.\nFollow:\n")
        assert floor.done("mine").updated == 5

    def test_reports_in_all_forms(self, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.done("mine")
        assert json.loads(floor.jobs("report", "mine").stdout)["updated"] == 5
        assert "Updated    5 of 5 rows" in floor.jobs("report", "mine", "--output", "table").stdout
        assert "</html>" in floor.jobs("report", "mine", "--output", "html").stdout
        rows = list(csv.DictReader(floor.jobs("report", "mine", "--output", "csv").stdout.splitlines()))
        assert len(rows) == 5

    @pytest.mark.parametrize("command", ["status", "cancel", "resume", "report"])
    def test_a_job_that_is_none(self, command: str, floor: Floor) -> None:
        result = floor.jobs(command, "mine")
        assert (result.exit_code, "acme has no job 'mine'" in result.stderr) == (2, True)

    @pytest.mark.parametrize("command", ["list", "status mine", "cancel mine", "resume mine", "report mine"])
    def test_needs_no_credentials(self, command: str, floor: Floor) -> None:
        floor.submit(5, "--name", "mine")
        floor.configure(secret="env:NOT_THERE")
        assert floor.jobs(*command.split()).exit_code == 0


class TestWorker:
    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
    def test_works_with_the_profile_s_credentials_until_told_to_end(
        self, stop: signal.Signals, floor: Floor
    ) -> None:
        floor.submit(5, "--name", "as-default", "--no-guard")  # the other changes the same tasks
        floor.submit(5, "--name", "by-name", "--credentials", "simulated", "--no-guard")
        with started(floor.company, "worker") as process:
            wait_until(lambda: all(floor.progress(name).finished for name in ("as-default", "by-name")))
            process.send_signal(stop)
            out, said = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out, said) == (0, "", "Working for acme; press Ctrl-C to stop\n")
        assert [floor.progress(name).updated for name in ("as-default", "by-name")] == [5, 5]

    def test_what_is_under_way_is_recorded_before_it_ends(self, found: Found, redis: RedisServer) -> None:
        floor = Floor(found(latency=(0.2, 0.2), tasks_per_user=50), redis)
        floor.submit(100, "--name", "mine")
        with started(floor.company, "worker", "--concurrency", "4") as process:
            wait_until(lambda: floor.progress("mine").updated > 0)
            process.terminate()
            process.communicate(timeout=PATIENCE)
        left = floor.progress("mine")
        assert (process.returncode, left.in_flight, left.updated) == (0, 0, len(floor.company.changes))
        assert left.pending > 0

    def test_serves_its_health_and_its_metrics(self, floor: Floor) -> None:
        health, metrics = spare_port(), spare_port()
        floor.submit(5, "--name", "mine", "--no-guard")
        with started(
            floor.company, "worker", "--health-port", str(health), "--metrics-port", str(metrics)
        ) as process:
            wait_until(lambda: floor.progress("mine").finished)
            assert fetched(f"http://127.0.0.1:{health}/") == (200, "ok\n")
            status, text = fetched(f"http://127.0.0.1:{metrics}/metrics")
            floor.redis.kill()
            wait_until(lambda: fetched(f"http://127.0.0.1:{health}/")[0] == 503)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)
        assert (process.returncode, status) == (0, 200)
        assert 'gong_tasks_calls_total{lane="bulk"' in text
        rows = re.findall(
            r'^gong_tasks_rows_total\{outcome="(?:updated|unchanged)"\} ([0-9.]+)$', text, re.MULTILINE
        )
        assert sum(map(float, rows)) == 5


def fetched(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=PATIENCE) as response:  # noqa: S310 - ours
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, ""
