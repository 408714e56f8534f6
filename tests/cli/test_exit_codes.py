"""Every exit code, and one line for every foreseeable failure."""

from __future__ import annotations

import errno
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from gong_tasks_async import AccessKey, errors
from gong_tasks_async.cli import app
from gong_tasks_async.cli.errors import exit_for
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.config.errors import ConfigurationError, NoCredentialsError
from gong_tasks_async.distributed import errors as distributed_errors
from gong_tasks_async.distributed.errors import (
    CorruptJobError,
    JobBusyError,
    JobExistsError,
    JobNotFoundError,
    JobStoreError,
    RowCrashedError,
    RowLostError,
    UnknownCredentialsError,
    UnreadableRowError,
    WrongAddressError,
)
from gong_tasks_async.errors import GongError
from gong_tasks_async.simulator import Account, Fault
from tests.cli.company import Company

PAGE = (Path(__file__).parent.parent.parent / "docs/operations/files.md").read_text(encoding="utf-8")


def taken_away(company: Company) -> None:
    company.configure(base_url="http://127.0.0.1:9")


def refused_for_hours(company: Company) -> None:
    company.engine.inject_fault(Fault.TOO_MANY, retry_after="7200")


def without_the_secret(company: Company) -> None:
    company.configure(secret="env:NOT_THERE")


def at_no_address(company: Company) -> None:
    company.configure(base_url="gong")


def inactive(company: Company) -> None:
    company.engine.account = Account.INACTIVE


def without_engage(company: Company) -> None:
    company.engine.account = Account.WITHOUT_ENGAGE


def at_no_home(company: Company) -> None:
    company.configure(secret="file:~no-such-user/secret")


def misspelled(company: Company) -> None:
    company.configure(per_secnd=3)


def with_a_file_for_its_state(company: Company) -> None:
    (company.folder / "state").write_text("")


def with_another_program_s_count(company: Company) -> None:
    company.invoke("quota")
    (store,) = (company.folder / "state" / "days").glob("*.sqlite")
    for file in store.parent.iterdir():
        file.unlink()
    store.write_text("not a database at all, and long enough to be seen as none" * 20)


@pytest.mark.parametrize(
    ("corrupt", "code", "said"),
    [
        (taken_away, 5, "No response from Gong"),
        (refused_for_hours, 4, "The day's calls are spent"),
        (without_the_secret, 3, "the environment has no NOT_THERE: set it"),
        (at_no_home, 3, "~no-such-user/secret: there is no such home folder; write ~/ for your own"),
        (inactive, 3, "Gong treats the company as inactive"),
        (at_no_address, 2, "the company's address 'gong' is not an address"),
        (misspelled, 2, "did you mean per_second?"),
        (without_engage, 1, "the company may not have Gong Engage"),
        (with_a_file_for_its_state, 1, "state"),
        (with_another_program_s_count, 1, "The day's count in"),
    ],
)
def test_each_trouble_has_its_code_and_one_line(
    corrupt: Callable[[Company], None],
    code: int,
    said: str,
    company: Company,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gong_tasks_async.http.retry.RetryPolicy._allowed", lambda *_: 1)
    corrupt(company)
    got = company.invoke("list", "--user", "7", "--output", "csv")
    assert (got.exit_code, said in got.stderr) == (code, True)
    *_, last = got.stderr.splitlines()
    assert re.match("Error: |User 7: ", last)
    assert company.gong.access_key_secret not in got.output


@pytest.mark.parametrize(
    "line",
    ["list --user 7", "users", "update 7 --user 7 --set-status DONE", "check", "quota", "check --profile x"],
)
def test_no_command_says_a_secret_that_is_refused(line: str, company: Company) -> None:
    company.engine.access_key = "ANOTHER"
    got = company.invoke(*line.split())
    assert got.exit_code == (2 if "--profile" in line else 0 if line == "quota" else 3)
    for secret in AccessKey(company.gong.access_key, company.gong.access_key_secret).secrets:
        assert secret not in got.output


def every_error() -> list[type[GongError]]:
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, GongError)]
    assert len(kinds) > 10
    return kinds


CODES = {
    "AuthenticationError": 3,
    "DeadlineExceeded": 5,
    "MissingScopeError": 3,
    "InactiveCompanyError": 3,
    "AccessDeniedError": 3,
    "CredentialsError": 3,
    "RateLimitError": 4,
    "DailyQuotaError": 4,
    "TransportError": 5,
    "ProxyError": 5,
    "TLSError": 5,
    "ForeignResponseError": 5,
    "RedirectError": 5,
    "QuotaUnavailable": 5,
}
CODES_OF_JOBS = {
    JobNotFoundError: 2,
    JobExistsError: 2,
    UnknownCredentialsError: 3,
    JobStoreError: 5,
    CorruptJobError: 1,
    UnreadableRowError: 1,
    RowCrashedError: 1,
    RowLostError: 1,
    JobBusyError: 2,
    WrongAddressError: 2,
}


@pytest.mark.parametrize("kind", every_error())
def test_every_error_of_the_library_has_a_code(kind: type[GongError]) -> None:
    assert exit_code_of(kind.__new__(kind)) == CODES.get(kind.__name__, 1)


@pytest.mark.parametrize("kind", CODES_OF_JOBS)
def test_every_error_of_jobs_has_a_code(kind: type[GongError]) -> None:
    assert exit_code_of(kind.__new__(kind)) == CODES_OF_JOBS[kind]


def test_all_errors_of_jobs_are_in_that_table() -> None:
    kinds = {kind for kind in vars(distributed_errors).values() if inspect.isclass(kind)}
    assert {kind for kind in kinds if kind.__module__ == distributed_errors.__name__} == set(CODES_OF_JOBS)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 1, "/x: No space left on device. Free some"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device. Free some"),
        (PermissionError(errno.EACCES, "Permission denied", b"/x"), 1, "/x: Permission denied. Check"),
        (OSError("odd"), 1, "odd"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 0, ""),
        (ConfigurationError("/c.toml", ("a: b",)), 2, "/c.toml: a: b"),
        (ConfigurationError("/c.toml", ("a", "b")), 2, "/c.toml: 2 problems\n  a\n  b"),
        (NoCredentialsError("no credentials", ("none",)), 3, "no credentials: none"),
        (ValueError("a setting"), 2, "a setting"),
    ],
)
def test_other_foreseeable_failures(error: Exception, code: int, said: str) -> None:
    foreseen = exit_for(error)
    assert foreseen is not None
    assert foreseen[0] == code
    assert str(foreseen[1] or "").startswith(said)


class TestTheGroup:
    def test_a_fault_of_ours_is_not_hidden(self, monkeypatch: pytest.MonkeyPatch) -> None:
        got = self.ending_with(AssertionError("a bug"), monkeypatch)
        assert isinstance(got.exception, AssertionError)

    @pytest.mark.parametrize("interruption", [KeyboardInterrupt(), click.Abort()])
    def test_an_interruption_is_130(
        self, interruption: BaseException, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        got = self.ending_with(interruption, monkeypatch)
        assert (got.exit_code, got.stderr) == (130, "Interrupted.\n")
        assert app.INTERRUPTED == ExitCode.INTERRUPTED

    def ending_with(self, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Result:
        @click.command("users")
        def command() -> None:
            raise error

        monkeypatch.setattr("gong_tasks_async.cli.users.command", command)
        return CliRunner().invoke(app.gong_tasks, ["users"])


def test_the_manual_has_the_same_table() -> None:
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)] == list(ExitCode)
