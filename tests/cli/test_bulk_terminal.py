"""`gong-tasks bulk` as a process, in a terminal and in a pipe: questions, the bar, Ctrl-C, and going on afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter

import pytest

from gong_tasks_async.simulator import Fault
from tests.cli.company import PATIENCE, Company, Found, Terminal, started, wait_until

SLOW = (0.05, 0.05)
"""Seconds of a call, so that a run of some hundred takes a second or two."""


def terminal(company: Company, *arguments: str, columns: int = 100, **environment: str) -> Terminal:
    return Terminal(("bulk", *arguments), company.environment | environment, columns)


def of_each_task(company: Company) -> Counter[int]:
    return Counter(company.changes)


class TestTheQuestion:
    def test_names_tasks_people_change_time_and_quota_and_no_changes_nothing(self, found: Found) -> None:
        company = found()
        with terminal(company, "run", company.rows(20), "--name", "mine", "--no-guard") as screen:
            screen.wait_for(r"\[y/N\]")
            asked = " ".join(screen.screen.split())
            assert "Set 20 tasks of 2 users to DONE? About " in asked
            assert "20 of the 9,500 calls left today (500 more reserved for interactive calls)" in asked
            assert f"Company: {company.gong.base_url}." in asked
            screen.type("n\r")
            assert screen.end() == 130
            assert "Nothing was changed." in screen.screen
        assert company.gong.ledger.calls == 0
        assert company.invoke("bulk", "status").stdout == ""

    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_at_the_question_changes_nothing(self, stop: signal.Signals, found: Found) -> None:
        company = found()
        with terminal(company, "run", company.rows(20), "--no-guard") as screen:
            screen.wait_for(r"\[y/N\]")
            screen.interrupt(stop)
            assert screen.end() == 130
            assert "Interrupted." in screen.screen
        assert company.gong.ledger.calls == 0

    @pytest.mark.parametrize("columns", [38, 120])
    def test_yes_changes_them_and_draws_what_fits(self, columns: int, found: Found) -> None:
        company = found(latency=SLOW, tasks_per_user=60)
        with terminal(
            company, "run", company.rows(120), "--name", "mine", "--no-guard", columns=columns
        ) as screen:
            screen.wait_for(r"\[y/N\]")
            screen.type("y\r")
            screen.wait_for(r"\d+/120")
            assert ("calls today" in screen.raw.decode()) is (columns == 120)
            assert screen.end() == 0
            assert re.search(r"^Updated\s+120$", screen.screen, re.MULTILINE)
            assert re.search(r"^Calls\s+120$", screen.screen, re.MULTILINE)
        assert set(company.statuses(120)) == {"DONE"}

    @pytest.mark.parametrize(("rows", "drawn"), [(9_000, False), (21_000, True)])
    def test_a_long_file_has_a_bar_while_it_is_read(self, rows: int, drawn: bool, found: Found) -> None:
        company = found()
        lines = "".join(f"{number},1{number % 9},DONE\n" for number in range(1, rows + 1))
        path = company.write("long.csv", f"taskId,userId,status\n{lines}")
        with terminal(company, "plan", path) as screen:
            assert screen.end() == 0
            assert ("Reading rows" in screen.raw.decode()) is drawn
            assert "Reading rows" not in screen.screen
            assert f"{rows:,} rows: " in screen.screen

    def test_a_plan_and_jobs_are_tables_that_fit(self, found: Found) -> None:
        company = found()
        name = "a-rather-long-name-of-a-job-that-nobody-could-type"
        company.invoke("bulk", "run", company.rows(5), "--yes", "--name", name)
        with terminal(company, "status", columns=60) as screen:
            assert screen.end() == 0
            narrow = screen.screen
        assert name in narrow
        assert "Too narrow for: " in narrow
        with terminal(company, "status", name, columns=100) as screen:
            assert screen.end() == 0
            assert re.search(r"^All\s+0\s+0\s+5\s+0\s+0$", screen.screen, re.MULTILINE)
        with terminal(company, "report", name) as screen:
            assert screen.end() == 0
            assert re.search(r"^Updated +5 of 5 rows$", screen.screen, re.MULTILINE)
        with terminal(company, "plan", company.rows(5)) as screen:
            assert screen.end() == 0
            assert "Set 5 tasks of 1 user to DONE." in screen.screen


class TestCtrlC:
    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
    def test_records_what_is_under_way_and_resume_does_the_rest(
        self, stop: signal.Signals, found: Found
    ) -> None:
        company = found(latency=SLOW, tasks_per_user=100)
        with started(
            company, "bulk", "run", company.rows(200), "--yes", "--no-guard", "--name", "mine"
        ) as process:
            wait_until(lambda: len(company.changes) >= 20)
            with company.held_up():
                running = json.loads(company.invoke("bulk", "status", "mine").stdout)
                process.send_signal(stop)
            out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (130, "")
        assert "Stopping: finishing requests in flight" in err
        assert "Resume:\n  gong-tasks bulk resume mine\n" in err
        assert running["state"] == "running"
        recorded = json.loads(company.invoke("bulk", "status", "mine").stdout)
        assert recorded["state"] == "unfinished"
        assert 20 <= recorded["updated"] == len(company.changes) < 200
        result = company.invoke("bulk", "resume", "mine")
        assert (result.exit_code, json.loads(result.stdout)["updated"]) == (0, 200 - recorded["updated"])
        assert of_each_task(company) == dict.fromkeys(company.engine.tasks, 1)

    def test_twice_stops_at_once_and_nothing_is_lost(self, found: Found) -> None:
        company = found(slow_seconds=600.0)
        company.engine.inject_fault(Fault.SLOW, times=8)
        with terminal(company, "run", company.rows(20), "--yes", "--no-guard", "--name", "mine") as screen:
            wait_until(lambda: company.gong.ledger.calls == 8)
            screen.interrupt()
            screen.wait_for("Ctrl-C again stops at once")
            assert re.search(r"^Stopping: finishing", screen.screen, re.MULTILINE)  # not behind the bar
            assert json.loads(company.invoke("bulk", "status", "mine").stdout)["state"] == "running"
            screen.interrupt()
            assert screen.end() == 130
            assert "gong-tasks bulk resume mine" in " ".join(screen.screen.split())
        assert json.loads(company.invoke("bulk", "status", "mine").stdout)["pending"] == 20
        assert company.invoke("bulk", "resume", "mine").exit_code == 0
        assert set(company.statuses(20)) == {"DONE"}

    def test_before_anything_was_sent_there_is_nothing_to_go_on_with(self, found: Found) -> None:
        company = found(slow_seconds=600.0)
        company.engine.inject_fault(Fault.SLOW)
        with terminal(company, "run", company.rows(20), "--yes", "--skip-unchanged") as screen:
            wait_until(lambda: company.gong.ledger.calls == 2)  # the listings
            screen.interrupt()
            assert screen.end() == 130
            assert "Nothing was changed." in screen.screen
        assert company.changes == []

    def test_kill_loses_no_row_and_the_same_command_goes_on(self, found: Found) -> None:
        company = found(latency=SLOW, tasks_per_user=50)
        path = company.rows(100)
        with started(company, "bulk", "run", path, "--yes", "--no-guard") as process:
            wait_until(lambda: len(company.changes) >= 20)
            process.kill()
            process.communicate(timeout=PATIENCE)
        assert company.invoke("bulk", "run", path, "--yes", "--no-guard").exit_code == 0
        sent = of_each_task(company)
        assert set(sent) == set(company.engine.tasks)
        assert sum(count - 1 for count in sent.values()) <= 8  # no more than one for each worker


class TestSpentDay:
    def test_a_terminal_says_what_to_type_and_when(self, found: Found) -> None:
        company = found()
        company.configure(per_day=12, interactive_reserve=2)
        with terminal(company, "run", company.rows(20), "--yes", "--name", "mine", columns=120) as screen:
            assert screen.end() == 4
            assert re.search(
                "10 rows left. Resume after 20[^\\n]*:\\n  gong-tasks bulk resume mine$",
                screen.screen,
                re.MULTILINE,
            )
            assert re.search(r"^Pending\s+10$", screen.screen, re.MULTILINE)


class TestPipes:
    def test_standard_output_is_nothing_but_json(self, found: Found) -> None:
        company = found()
        with started(company, "bulk", "run", company.rows(20), "--yes", "--no-guard") as process:
            out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, json.loads(out)["updated"]) == (0, 20)
        assert re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out + err) is None

    @pytest.mark.parametrize("name", ["", "run", "plan", "resume", "status", "report"])
    def test_help_loads_neither_aiohttp_nor_rich(self, name: str) -> None:
        code = (
            "import sys\nfrom gong_tasks_async.cli.app import gong_tasks\n"
            f"gong_tasks(['bulk', *{name.split()!r}, '--help'], standalone_mode=False)\n"
            "print(sorted({'aiohttp', 'rich'} & set(sys.modules)))"
        )
        said = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
        )
        assert said.stdout.endswith("[]\n")
