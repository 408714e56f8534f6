"""`gong-tasks check` and `quota` in this process: what they find out, and at what cost."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from datetime import UTC, datetime, time

import pytest

from gong_tasks_async import Lane, QuotaLimits, QuotaSnapshot, RedisQuota
from gong_tasks_async.cli.quota.show import facts, numbers
from gong_tasks_async.simulator import Account, Fault
from tests.cli.company import Company, Found
from tests.redis_server import PATIENCE, RedisServer


def verdicts(output: str) -> list[str]:
    return [line.split()[0] for line in output.splitlines() if re.match("(ok|failed) ", line)]


class TestCheck:
    def test_all_is_well_at_three_calls_that_change_nothing(self, company: Company) -> None:
        before = {number: dict(task) for number, task in company.engine.tasks.items()}
        got = company.invoke("check")
        assert (got.exit_code, got.stderr, verdicts(got.stdout)) == (0, "", ["ok"] * 4)
        calls = [(entry.method, entry.status) for entry in company.gong.ledger.entries]
        assert calls == [("GET", 200), ("POST", 200), ("PATCH", 404)]
        assert company.engine.tasks == before

    @pytest.mark.parametrize("scope", ["api:users:read", "api:tasks:read", "api:tasks:write"])
    def test_a_missing_scope_is_named_and_the_others_are_looked_at(
        self, scope: str, company: Company
    ) -> None:
        company.engine.scopes = [other for other in company.engine.scopes if other != scope]
        got = company.invoke("check")
        (failed,) = [line for line in got.stdout.splitlines() if line.startswith("failed")]
        assert failed.split()[1] == scope
        assert f"The credentials lack the scope {scope}" in failed
        assert (got.exit_code, len(company.gong.ledger.entries)) == (3, 3)

    def test_wrong_credentials_are_the_second_401(self, company: Company) -> None:
        company.engine.access_key = "ANOTHER"
        got = company.invoke("check")
        assert (got.exit_code, company.gong.ledger.calls) == (3, 1)
        assert "Gong does not accept the credentials" in got.stdout

    def test_an_inactive_company_is_the_third(self, company: Company) -> None:
        company.engine.account = Account.INACTIVE
        got = company.invoke("check")
        assert (got.exit_code, company.gong.ledger.calls) == (3, 1)
        assert "Gong treats the company as inactive" in got.stdout

    def test_without_engage_both_task_calls_fail_and_it_is_said(self, company: Company) -> None:
        company.engine.account = Account.WITHOUT_ENGAGE
        got = company.invoke("check")
        assert (got.exit_code, company.gong.ledger.calls) == (1, 3)
        assert verdicts(got.stdout) == ["ok", "ok", "failed", "failed"]
        assert got.stdout.splitlines()[-1].startswith("Every call about tasks failed with 500")

    def test_one_500_is_no_sign_of_that(self, company: Company) -> None:
        company.engine.inject_fault(Fault.SERVER_ERROR)
        got = company.invoke("check")
        assert (got.exit_code, company.gong.ledger.calls) == (1, 3)
        assert "Every call" not in got.stdout

    def test_without_an_answer_nothing_else_is_tried(self, company: Company) -> None:
        company.engine.inject_fault(Fault.TRUNCATED)
        got = company.invoke("check")
        assert (got.exit_code, company.gong.ledger.calls) == (5, 1)

    def test_a_long_pause_is_not_waited_for(self, company: Company) -> None:
        company.engine.inject_fault(Fault.TOO_MANY, retry_after="30")
        got = company.invoke("check")
        assert (got.exit_code, company.gong.ledger.calls) == (4, 1)

    def test_one_that_is_over_in_a_second_is_no_finding(self, company: Company) -> None:
        company.engine.inject_fault(Fault.TOO_MANY, retry_after="1")
        got = company.invoke("check")
        assert (got.exit_code, verdicts(got.stdout)) == (0, ["ok"] * 4)

    @pytest.mark.parametrize("address", ["us-1.api.gong.io", "ftp://us-1.api.gong.io", "gong", "//x"])
    def test_an_address_that_is_none_is_never_ok(self, address: str, company: Company) -> None:
        got = company.invoke("check", "--base-url", address)
        assert (got.exit_code, verdicts(got.stdout)) == (2, ["failed"])
        assert company.gong.ledger.calls == 0

    def test_nobody_there_to_ask_about(self, company: Company) -> None:
        company.engine.people.clear()
        got = company.invoke("check")
        assert (got.exit_code, verdicts(got.stdout)) == (0, ["ok"] * 4)


class TestQuota:
    def test_adds_up_the_calls_of_all_runs_without_a_call(self, company: Company) -> None:
        for _ in range(3):
            company.invoke("users")
        got = company.invoke("quota")
        said = json.loads(got.stdout)
        assert (said["used"], said["left"], said["left_for_bulk"]) == (3, 9_997, 9_497)
        assert datetime.fromisoformat(said["resets_at"]) > datetime.now(UTC)
        assert company.gong.ledger.calls == 3

    def test_before_the_first_call_ever(self, company: Company) -> None:
        got = company.invoke("quota", "--output", "table")
        assert re.search(r"Left +10,000 of 10,000, the last 500 reserved for interactive calls", got.stdout)
        assert re.search(r"Resets +nothing has been used", got.stdout)

    def test_as_csv(self, company: Company) -> None:
        (row,) = csv.DictReader(company.invoke("quota", "--output", "csv").stdout.splitlines())
        assert (row["left"], row["resets_at"], row["per_day"]) == ("10000", "", "10000")

    def test_two_companies_are_counted_apart(self, company: Company, found: Found) -> None:
        other = found("other")
        other.folder = company.folder  # the same state folder, and another address
        company.invoke("users")
        other.configure()
        assert json.loads(other.invoke("quota").stdout)["used"] == 0

    def test_a_pause_by_mistake_is_ended_when_it_is_confirmed(self, company: Company) -> None:
        company.engine.inject_fault(Fault.TOO_MANY, retry_after="7200")
        assert company.invoke("users").exit_code == 4
        assert company.invoke("quota", "--reopen").exit_code == 2  # nobody can be asked in a pipe
        assert company.invoke("users").exit_code == 4
        got = company.invoke("quota", "--reopen", "--yes")
        assert (got.exit_code, json.loads(got.stdout)["paused_until"]) == (0, None)
        assert company.invoke("users").exit_code == 0
        assert company.invoke("quota", "--reopen", "--yes").stderr == "Nothing is paused.\n"

    def test_a_pause_of_a_shared_quota_is_ended_for_every_process(
        self, company: Company, redis_server: RedisServer
    ) -> None:
        async def pause() -> None:
            async with RedisQuota(redis_server.url, company="acme", timeout=PATIENCE) as quota:
                quota.release(await quota.acquire(Lane.BULK), status=429)
                quota.pause(7_200.0, day_spent=True)

        asyncio.run(pause())
        place = ("--redis", redis_server.url, "--company", "acme")
        got = company.invoke("quota", *place, "-o", "table")
        assert "1 calls of all processes that share the quota" in got.stdout
        assert "paused all calls until" in got.stdout
        assert company.invoke("quota", "--reopen", *place).exit_code == 2  # nobody can be asked in a pipe
        got = company.invoke("quota", "--reopen", "--yes", *place)
        assert (got.exit_code, got.stderr) == (0, "The pause is ended.\n")
        assert json.loads(got.stdout)["paused_until"] is None

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (("--shared",), "no Redis URL"),
            (("--redis", "redis://localhost:1"), "no company"),
            (
                ("--redis", "redis://:secret@localhost:1", "--company", "acme"),
                "read a password on the command line",
            ),
            (("--redis", "redis://localhost:1", "--company", "acme"), "localhost:1"),
        ],
    )
    def test_a_shared_quota_that_cannot_be_found_is_an_error(
        self, options: tuple[str, ...], expected: str, company: Company
    ) -> None:
        got = company.invoke("quota", *options)
        assert (got.exit_code != 0, got.stdout) == (True, "")
        assert expected in got.stderr
        assert "secret" not in got.stderr

    def test_words_for_each_state(self) -> None:
        noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
        now = QuotaSnapshot(
            used=7, left=None, reserve=0, resets_at=noon, per_second=2.0, paused_until=noon, waiting={}
        )
        limits = QuotaLimits(per_day=None, interactive_reserve=0, day_starts=time(12, tzinfo=UTC))
        said = facts(limits, now)
        assert (said["Left"], said["Pace"]) == ("unlimited", "2.00 calls a second")
        assert said["Resets"].startswith("full budget again at ")
        assert said["Gong"].startswith("paused all calls until ")
        assert numbers(limits, now)["left_for_bulk"] is None
