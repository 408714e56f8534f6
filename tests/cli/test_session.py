"""What all commands share: which company, what is said beside the data, and how a run ends."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import time
from datetime import UTC, datetime

import pytest
from click.shell_completion import ShellComplete

from gong_tasks_async import BudgetSpent, Paused
from gong_tasks_async.cli.app import gong_tasks
from gong_tasks_async.cli.session import run
from gong_tasks_async.cli.waiting import PauseNotices
from gong_tasks_async.simulator import Fault
from tests.cli.company import Company, Found


def two_profiles(company: Company, other: Company) -> None:
    file = company.folder / "config.toml"
    text = file.read_text().replace("profiles.simulated", "profiles.one")
    text += (other.folder / "config.toml").read_text().replace("profiles.simulated", "profiles.other")
    file.write_text(f'default_profile = "one"\n{text}')


class TestWhichCompany:
    @pytest.fixture
    def both(self, found: Found) -> tuple[Company, Company]:
        company, other = found("one", seed=1), found("other", seed=2)
        two_profiles(company, other)
        return company, other

    def test_the_default(self, both: tuple[Company, Company]) -> None:
        company, other = both
        assert company.invoke("users").exit_code == 0
        assert (company.gong.ledger.calls, other.gong.ledger.calls) == (1, 0)

    @pytest.mark.parametrize("as_variable", [True, False])
    def test_the_one_that_was_named_whatever_key_the_environment_has(
        self, as_variable: bool, both: tuple[Company, Company], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        company, other = both
        monkeypatch.setenv("GONG_ACCESS_KEY", "UNRELATED")
        monkeypatch.setenv("GONG_ACCESS_KEY_SECRET", "s3cret-unrelated")
        monkeypatch.setenv("GONG_BASE_URL", company.gong.base_url)
        if as_variable:
            monkeypatch.setenv("GONG_TASKS_PROFILE", "other")
        got = company.invoke("users", *([] if as_variable else ["--profile", "other"]))
        assert (company.gong.ledger.calls, other.gong.ledger.calls) == (0, 1)
        assert [json.loads(line)["id"] for line in got.stdout.splitlines()] == other.engine.user_ids
        assert got.stderr == (
            "Note: the credentials are those of profile 'other', not those of the environment.\n"
        )

    def test_the_address_of_the_command_line(self, both: tuple[Company, Company]) -> None:
        company, other = both
        assert company.invoke("users", "--base-url", other.gong.base_url).exit_code == 0
        assert other.gong.ledger.calls == 1

    def test_a_shell_completes_their_names(
        self, both: tuple[Company, Company], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = both[0].folder / "config.toml"
        monkeypatch.setenv("GONG_TASKS_CONFIG", str(file))
        shell = ShellComplete(gong_tasks, {}, "gong-tasks", "_GONG_TASKS_COMPLETE")
        completed = [item.value for item in shell.get_completions(["users", "--profile"], "o")]
        assert completed == ["one", "other"]
        file.write_text("wrong =")
        assert shell.get_completions(["users", "--profile"], "o") == []

    def test_one_that_is_not_there(self, both: tuple[Company, Company]) -> None:
        got = both[0].invoke("users", "--profile", "third")
        assert (got.exit_code, "there is no profile 'third'; there are: one, other" in got.stderr) == (
            2,
            True,
        )


class TestBesideTheData:
    def test_a_long_pause_is_noted_and_a_short_one_is_not(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
        at = datetime(2026, 3, 2, 16, 59, 30, tzinfo=UTC)
        report = PauseNotices()
        report(Paused(seconds=9.9))
        report(BudgetSpent(lane="bulk", resets_at=datetime.now(UTC)))
        assert capsys.readouterr() == ("", "")
        report(Paused(seconds=30, at=at))
        assert capsys.readouterr() == ("", "Paused by Gong for 30 s, until 2026-03-02 17:00 UTC.\n")
        report(Paused(seconds=30, at=at))  # of another call that was refused in the same moment
        assert capsys.readouterr() == ("", "")
        report(Paused(seconds=86_032, at=at))
        assert capsys.readouterr() == ("", "Paused by Gong for 23 h 53 min, until 2026-03-03 16:53 UTC.\n")

    def test_warnings_for_services_are_not_written_between_the_lines(
        self, found: Found, capsys: pytest.CaptureFixture[str]
    ) -> None:
        company = found()
        company.engine.inject_fault(Fault.TOO_MANY, retry_after="7200")  # logged as a warning
        got = company.invoke("users")
        printed, error = got.stderr.splitlines()
        assert (got.exit_code, printed.partition(",")[0]) == (4, "Paused by Gong for 2 h")
        assert error.startswith("Error: The day's calls are spent")
        assert capsys.readouterr().err == ""
        assert any(
            isinstance(handler, logging.NullHandler)
            for handler in logging.getLogger("gong_tasks_async").handlers
        )


class TestRun:
    def test_gives_what_it_came_to(self) -> None:
        assert run(asyncio.sleep(0, "done")) == "done"

    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_lets_it_settle_what_is_under_way(self, stop: signal.Signals) -> None:
        settled: list[str] = []

        async def work() -> None:
            try:
                signal.raise_signal(stop)
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                settled.append("settled")

        before = signal.getsignal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            run(work())
        assert settled == ["settled"]
        assert signal.getsignal(signal.SIGTERM) is before

    def test_an_end_that_was_asked_for_and_told_is_no_interruption(self) -> None:
        async def work() -> str:
            signal.raise_signal(signal.SIGTERM)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return "told"
            return "never"

        assert run(work()) == "told"
