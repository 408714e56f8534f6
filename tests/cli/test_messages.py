"""What operators read of each error: no class, no method, no keyword; the same facts as developers read."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

import gong_tasks_async
import gong_tasks_async.bulk.journal_report
import gong_tasks_async.distributed.errors
from gong_tasks_async import TaskUpdate, errors
from gong_tasks_async.bulk.render.format import gong_message
from gong_tasks_async.cli.error_texts import MESSAGES
from gong_tasks_async.cli.errors import exit_for
from gong_tasks_async.cli.jobs.text import as_json, facts
from gong_tasks_async.cli.messages import error_code, line_for_operator, message_of
from gong_tasks_async.cli.network_texts import plain_reason
from gong_tasks_async.distributed import JobState, Progress
from gong_tasks_async.errors import GongError
from gong_tasks_async.simulator import Account
from tests.cli.company import Company

FACTS: dict[str, Any] = {
    "status": 503,
    "errors": ("Not today",),
    "method": "PATCH",
    "url": "https://api.gong.io/v2/tasks/7",
    "attempts": 3,
    "resets_at": datetime(2026, 3, 2, 17, tzinfo=UTC),
    "retry_after": 90.0,
    "paused": 300.0,
    "estimate": 12.0,
    "retryable": True,
    "connected": True,
    "headers": {},
    "for_look": False,
    "unsaved": False,
    "count": 25,
    "rows": 30,
    "proxy": "http://proxy.example:3128",
}
FOR_DEVELOPERS = re.compile(
    r"PATCH|POST|GET |user_id|task_id|base_url|settled|missing_is_empty|RetryPolicy|QuotaLimits|=True|\w\(\.\.\."
    r"|[a-z]Error\b|await |async |`|See errors/"
)


def all_kinds(root: type[GongError] = GongError) -> Iterator[type[GongError]]:
    yield root
    for kind in root.__subclasses__():
        yield from all_kinds(kind)


KINDS = sorted(
    {kind for kind in all_kinds() if kind.__module__.startswith("gong_tasks_async.")},
    key=lambda kind: kind.__name__,
)


def raised_reasons() -> Iterator[tuple[str, str]]:
    """Each class that is raised with a reason somewhere in the package, with that reason."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MESSAGES:
                texts = [text for keyword in node.keywords for text in _texts(keyword)]
                yield from ((node.func.id, text) for text in texts)


def _texts(keyword: ast.keyword) -> list[str]:
    if keyword.arg not in {"reason", "advice", "message"}:
        return []
    parts = [part.value for part in ast.walk(keyword.value) if isinstance(part, ast.Constant)]
    return [" ".join(part for part in parts if isinstance(part, str))]


PACKAGE = Path(gong_tasks_async.__file__).parent
RAISED = sorted(set(raised_reasons()))


def made(kind: type[GongError]) -> GongError:
    error = kind.__new__(kind)
    for field in attrs.fields(kind):
        error.__dict__[field.name] = FACTS.get(field.name, "a fact")
    return error


@pytest.mark.parametrize("kind", KINDS)
def test_each_class_of_error_has_a_message_of_its_own(kind: type[GongError]) -> None:
    assert kind.__name__ in MESSAGES, (
        f"write what {kind.__name__} means to an operator into cli/error_texts.py"
    )


def test_no_entry_is_left_over() -> None:
    assert set(MESSAGES) - {kind.__name__ for kind in KINDS} <= SOON


SOON = {"ForeignResponseError", "ProxyError", "RedirectError", "TLSError", "UpdateMismatchError"}


@pytest.mark.parametrize("kind", KINDS)
def test_why_a_job_on_workers_stopped_is_in_the_words_of_operators(kind: type[GongError]) -> None:
    progress = Progress(job="nightly", state=JobState.STOPPED, rows=3, stopped_because=made(kind))
    reasons = {str(as_json(progress)["stopped_because"]), facts(progress)["Reason"]}
    assert reasons == {line_for_operator(made(kind))}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.__name__ != "RecordedError"])
@pytest.mark.parametrize("status", [404, 407, 500, 503])
def test_operators_read_nothing_that_is_for_developers(kind: type[GongError], status: int) -> None:
    error = made(kind)
    error.__dict__["status"] = status
    line = line_for_operator(error)
    assert FOR_DEVELOPERS.search(line) is None, line
    assert line.count("..") == 0, line
    assert "\n" not in line


@pytest.mark.parametrize(("name", "reason"), RAISED)
def test_operators_read_no_reason_that_is_for_developers(name: str, reason: str) -> None:
    (kind,) = (kind for kind in KINDS if kind.__name__ == name)
    error = made(kind)
    error.__dict__ |= dict.fromkeys(("reason", "advice", "message"), reason) | {"unsaved": "save" in reason}
    line = line_for_operator(error)
    assert FOR_DEVELOPERS.search(line) is None, line


def test_each_reason_of_the_package_is_looked_at() -> None:
    assert len(RAISED) > 40


@pytest.mark.parametrize("kind", KINDS)
def test_reports_name_no_page_of_the_manual(kind: type[GongError]) -> None:
    error = made(kind)
    if kind.__name__ == "RecordedError":
        error.__dict__["message"] = "Not now. See errors/rate-limit."
    assert "See errors/" in str(error)
    assert "See errors/" not in gong_message(error)
    assert "See errors/" not in line_for_operator(error)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            (
                "ClientConnectorCertificateError: Cannot connect to host a:443 ssl:True [SSLCertVerificationError: (1, "
                "'[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1000)')]"
            ),
            "Cannot connect to host a:443 [(1, 'certificate verify failed')]",
        ),
        ("ServerDisconnectedError: Server disconnected", "Server disconnected"),
        ("TimeoutError", "the connection broke"),
        ("the response was cut short", "the response was cut short"),
        (
            "ClientConnectorError: Connect call failed ('127.0.0.1', 9) [Errno 111]",
            "Connect call failed ('127.0.0.1', 9)",
        ),
    ],
)
def test_a_reason_of_the_network_has_no_class_of_python(reason: str, words: str) -> None:
    assert plain_reason(reason) == words


@pytest.mark.parametrize("problem", ["unknown authority", "expired", "wrong host", "version", "no tls"])
def test_a_certificate_is_explained_in_words(problem: str) -> None:
    line = line_for_operator(errors.TLSError(reason="SSLError: [SSL: X] no (_ssl.c:1)", problem=problem))
    assert "SSL" not in line.replace("SSL_CERT_FILE", "")


@pytest.mark.parametrize(
    ("name", "code"),
    [("TaskNotFoundError", "task_not_found"), ("APIError", "api"), ("DeadlineExceeded", "deadline_exceeded")],
)
def test_a_class_is_a_code_for_programs(name: str, code: str) -> None:
    assert error_code(type(name, (Exception,), {})) == code


def test_refused_values_lose_the_class_and_keep_each_problem() -> None:
    with pytest.raises(ValueError, match="refused") as caught:
        TaskUpdate(0, "a b")
    assert "TaskUpdate" not in message_of(caught.value).what
    assert "; " in message_of(caught.value).what


def test_text_of_gong_stays_in_one_line() -> None:
    foreseen = exit_for(errors.BadRequestError(status=400, errors=("a\nb",)))
    assert foreseen is not None
    assert "\n" not in line_for_operator(errors.BadRequestError(status=400, errors=("a\nb",)))


class TestErrorsOption:
    @pytest.mark.parametrize("line", ["--errors json list --user 7", "list --errors json --user 7"])
    def test_one_json_object_a_line(self, line: str, company: Company) -> None:
        company.engine.account = Account.INACTIVE
        got = company.invoke(*line.split())
        (error,) = map(json.loads, got.stderr.splitlines())
        assert got.exit_code == 3
        assert error == {
            "error": "Gong treats the company as inactive" + error["error"][35:],
            "code": "inactive_company",
            "advice": "Ask its Gong administrator.",
        }

    @pytest.mark.parametrize("line", ["lits", "list", "update x --user 7", "list --no-such"])
    def test_so_is_a_wrong_command_line(self, line: str, company: Company) -> None:
        got = company.invoke("--errors", "json", *line.split())
        (error,) = map(json.loads, got.stderr.splitlines())
        assert (got.exit_code, error["code"], "--help" in error["advice"]) == (2, "usage", True)

    @pytest.mark.parametrize(
        "line", ["list --no-such --errors json", "bulk run --errors=json --zone", "bulk --errors json x"]
    )
    def test_so_is_one_that_cannot_be_parsed(self, line: str, company: Company) -> None:
        got = company.invoke(*line.split())
        assert (got.exit_code, json.loads(got.stderr)["code"]) == (2, "usage")

    def test_verbose_adds_what_developers_read(self, company: Company) -> None:
        company.engine.account = Account.INACTIVE
        got = company.invoke("list", "--user", "7", "--verbose")
        assert "InactiveCompanyError: POST http://" in got.stderr
