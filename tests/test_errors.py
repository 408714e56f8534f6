from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import attrs
import pytest

import gong_tasks_async
from gong_tasks_async import errors
from gong_tasks_async.errors import (
    AccessDeniedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ClientStateError,
    CredentialsError,
    DailyQuotaError,
    DeadlineExceeded,
    DecodeError,
    ForeignResponseError,
    GongError,
    InactiveCompanyError,
    JournalError,
    Meaning,
    MissingScopeError,
    ProxyError,
    QuotaStoreError,
    QuotaUnavailable,
    RateLimitError,
    RedirectError,
    RefusedAlikeError,
    ServerError,
    TaskNotFoundError,
    TLSError,
    TransportError,
    UpdateMismatchError,
)

PATCH: dict[str, Any] = {"method": "PATCH", "url": "https://api.gong.io/v2/tasks/7"}
POST: dict[str, Any] = {"method": "POST", "url": "https://api.gong.io/v2/tasks"}
ANSWER: dict[str, Any] = {
    **PATCH,
    "attempts": 3,
    "errors": ("No.", "Never."),
    "request_id": "4al018gzaztcr8nbukw",
    "trace_id": "8f3-FRA",
    "headers": {"retry-after": "7", "location": "https://us-1.api.gong.io/"},
    "retry_after": 7.0,
}
RESETS = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

EVERY: list[GongError] = [
    GongError(**PATCH, attempts=1),
    TransportError(**PATCH, attempts=2, reason="reset"),
    TransportError(**PATCH, reason="certificate", retryable=False),
    ProxyError(
        **PATCH, attempts=1, reason="Proxy Authentication Required", proxy="http://proxy:3128", status=407
    ),
    TLSError(**PATCH, attempts=1, reason="certificate has expired", problem="expired"),
    ForeignResponseError(**PATCH, attempts=3, status=200, responder="Cloudflare", title="Just a moment..."),
    RedirectError(**PATCH, attempts=1, status=302, location="https://sso.example.com/login"),
    APIError(**ANSWER, status=409),
    BadRequestError(**ANSWER, status=400),
    AuthenticationError(**ANSWER, status=401),
    MissingScopeError(**ANSWER, status=401, scope="api:tasks:write"),
    InactiveCompanyError(**ANSWER, status=401),
    AccessDeniedError(**ANSWER, status=403),
    TaskNotFoundError(**ANSWER, status=404),
    RateLimitError(**ANSWER, status=429),
    DailyQuotaError(**ANSWER, status=429, resets_at=RESETS),
    ServerError(**ANSWER, status=500),
    DecodeError(**PATCH, attempts=1, path="$.tasks", expected="an array", found="7", request_id="r"),
    UpdateMismatchError(**PATCH, attempts=1, expected="task 7 with status DONE", found="tasks: 8"),
    RefusedAlikeError(**PATCH, count=25, rows=31, status=404, label="404 task not found", message="Gone"),
    DeadlineExceeded(**PATCH, attempts=2, reason="late", estimate=2.5),
    CredentialsError(**PATCH, reason="the token's endpoint answered 400", advice="Authorize the app again."),
    QuotaStoreError(**PATCH, path="/var/gong/day", reason="it cannot be used now (disk full)"),
    QuotaUnavailable(**PATCH, server="redis://quota:6379/0", reason="ConnectionError: refused"),
    JournalError(path="/jobs/dismiss.gong", reason="it is another job's"),
    ClientStateError(reason="This client is closed: make a new one."),
]
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301 - our own bytes
    "oldest pickle": lambda value: pickle.loads(pickle.dumps(value, 2)),  # noqa: S301 - our own bytes
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def facts(error: GongError) -> dict[str, object]:
    return {field.name: getattr(error, field.name) for field in attrs.fields(type(error))}


def below(kind: type[GongError]) -> set[type[GongError]]:
    return {kind}.union(*(below(child) for child in kind.__subclasses__()))


OWN = {kind for kind in below(GongError) if kind.__module__.startswith(errors.__name__)}
"""Those of this module; the extras have errors of their own."""


def test_every_class_of_the_tree_is_among_the_samples() -> None:
    assert {type(error) for error in EVERY} == OWN


def every_module_is_imported() -> None:
    for module in walk_packages(gong_tasks_async.__path__, "gong_tasks_async."):
        if module.name.endswith("__main__"):
            continue
        with suppress(ModuleNotFoundError):  # a hook of PyInstaller's, which tests do without
            import_module(module.name)


def test_every_class_of_error_of_the_whole_package_declares_its_own_meaning() -> None:
    every_module_is_imported()
    kinds = [kind for kind in below(GongError) if kind.__module__.startswith("gong_tasks_async.")]
    assert len(kinds) > len(OWN)  # those of the extras are there too
    assert [kind for kind in kinds if not isinstance(vars(kind).get("meaning"), Meaning)] == []


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_every_error_survives_copying_and_pickling(error: GongError, copied: Callable[[Any], Any]) -> None:
    duplicate = copied(error)
    assert type(duplicate) is type(error)
    assert facts(duplicate) == facts(error)
    assert (str(duplicate), repr(duplicate)) == (str(error), repr(error))
    with pytest.raises(type(error)):
        raise duplicate


def test_notes_and_later_facts_travel_along() -> None:
    error = TransportError(reason="reset")
    error.add_note("row 3,117")
    error.method, error.url, error.attempts = "PATCH", "https://x/v2/tasks/7", 4
    duplicate = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert duplicate.__notes__ == ["row 3,117"]
    assert "PATCH https://x/v2/tasks/7: no response after 4 attempts (reset)" in str(duplicate)


def test_a_copy_does_not_share_its_facts_with_the_original() -> None:
    error = APIError(status=302)
    duplicate = copy.copy(error)
    duplicate.url = "https://elsewhere"
    assert error.url == ""


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_every_error_is_one_line_that_ends_in_advice(error: GongError) -> None:
    assert str(error)
    assert "\n" not in str(error)
    assert "None" not in str(error)
    assert str(error).endswith(".")
    assert repr(error) == f"<{type(error).__name__}: {error}>"


TEXTS: list[tuple[str, GongError, list[str]]] = [
    (
        "the whole of it",
        BadRequestError(**ANSWER, status=400),
        [
            "PATCH https://api.gong.io/v2/tasks/7: answered 400 after 3 attempts, No.; Never. ",
            "[request id 4al018gzaztcr8nbukw, trace id 8f3-FRA]. Gong found the request malformed",
        ],
    ),
    ("nothing is known", APIError(status=418), ["the call: answered 418, without a message. Look"]),
    ("one attempt is not counted", APIError(status=418, attempts=1), ["answered 418, without"]),
    ("redirect", RedirectError(status=302, location="https://us-1.x/"), ["set base_url to", "(Location: https://us-1.x/)"]),
    ("redirect to nowhere", RedirectError(status=301), ["answered 301, but not by Gong", "(Location: none)"]),
    (
        "a challenge",
        ForeignResponseError(status=403, responder="Cloudflare", title="Just a moment...", trace_id="8f3-FRA"),
        ["answered 403, 'Just a moment...' [trace id 8f3-FRA], but not by Gong: most likely by Cloudflare. Cloudflare"],
    ),
    ("nobody known", ForeignResponseError(status=204), ["most likely by a proxy, or by another server", "base_url"]),
    ("proxy password", ProxyError(reason="407", status=407), ["user and password", "http://user:password@"]),
    ("proxy", ProxyError(reason="refused"), ["proxy=, or HTTPS_PROXY"]),
    ("authority", TLSError(reason="x", problem="unknown authority"), ["ca_bundle="]),
    ("other tls", TLSError(reason="x"), ["certificates of this machine"]),
    ("mismatch", UpdateMismatchError(expected="task 7", found="tasks: 8"), ["expected task 7, found tasks: 8"]),
    ("bad credentials", AuthenticationError(status=401), ["access key and secret", "base_url is your own"]),
    ("scope", MissingScopeError(status=401, scope="api:tasks:write"), ["the scope api:tasks:write in Gong"]),
    (
        "scope for a look",
        MissingScopeError(status=401, scope="api:tasks:read", for_look=True),
        ["takes the scope api:tasks:read", "guard=False", "skip_unchanged=False"],
    ),
    ("scope not named", MissingScopeError(status=401), ["the scope named above"]),
    ("inactive", InactiveCompanyError(status=401), ["inactive: ask its Gong administrator"]),
    ("denied", AccessDeniedError(status=403), ["check base_url, the permissions in Gong, and whether"]),
    ("PATCH 404", TaskNotFoundError(**PATCH, status=404), ["task id", "user_id is the task's owner"]),
    ("POST 404", TaskNotFoundError(**POST, status=404), ["missing_is_empty=True", "Check user_id"]),
    ("429", RateLimitError(status=429, retry_after=1234.4), ["Try again in 1,234 s", "RetryPolicy(max_wait=...)"]),
    (
        "429 again and again",
        RateLimitError(status=429, retry_after=1.0, paused=300.0),
        ["let no call through in 300 s of pauses", "again in 300 s", "RetryPolicy(max_total_wait=...)"],
    ),
    ("429 without a time", RateLimitError(status=429), ["answered 429", "Try again later"]),
    ("never sent", DailyQuotaError(errors=("the day's calls are spent; request not sent",)), ["the call: the day's calls"]),
    ("the day", DailyQuotaError(resets_at=RESETS), ["resume after 2026-01-02T03:04:05+00:00"]),
    ("the day, no end known", DailyQuotaError(), ["after the daily reset"]),
    ("500", ServerError(status=500), ["may not have Gong Engage"]),
    ("503", ServerError(status=503), ["Try again later; Gong's status page"]),
    (
        "the shared quota",
        QuotaUnavailable(**PATCH, server="redis://quota:6379/0", reason="refused"),
        ["at redis://quota:6379/0 cannot be asked (refused). No call is sent", 'fail="local"'],
    ),
    ("connection", TransportError(reason="x", attempts=1), ["no response after 1 attempt (x)", "that is safe"]),
    ("certificate", TransportError(reason="x", retryable=False), ["Trying again will not help"]),
    (
        "unreadable after a change",
        DecodeError(**PATCH, path="$.tasks[3].id", expected="a value", found="nothing", request_id="r"),
        ["at $.tasks[3].id: expected a value, found nothing [request id r].", "confirmed the change, so it was made"],
    ),
    ("unreadable list", DecodeError(**POST, path="$", expected="JSON", found="x"), ["please report this text"]),
    ("never sent", DeadlineExceeded(reason="no turn", estimate=1234.56), ["1,234.6 s at least", "never sent"]),
    ("sent and late", DeadlineExceeded(**PATCH, reason="late", attempts=2), ["sent 2 times", "longer timeout"]),
]  # fmt: skip


@pytest.mark.parametrize(("error", "parts"), [pytest.param(*row, id=name) for name, *row in TEXTS])
def test_the_text_says_what_happened_and_what_to_do(error: GongError, parts: list[str]) -> None:
    for part in parts:
        assert part in str(error)


def test_a_server_error_other_than_500_does_not_speak_of_engage() -> None:
    assert "Engage" not in str(ServerError(status=502))


def test_a_patched_404_does_not_speak_of_listing() -> None:
    assert "missing_is_empty" not in str(TaskNotFoundError(**PATCH, status=404))


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (DeadlineExceeded, (TimeoutError, GongError)),
        (ClientStateError, (RuntimeError, GongError)),
        (DailyQuotaError, (RateLimitError, APIError)),
        (MissingScopeError, (AuthenticationError, APIError)),
        (InactiveCompanyError, (AuthenticationError, APIError)),
    ],
)
def test_an_error_is_caught_as_what_it_also_is(kind: type, parents: tuple[type, ...]) -> None:
    assert all(issubclass(kind, parent) for parent in parents)
    assert not issubclass(TransportError, APIError)


def test_a_deadline_is_caught_like_any_timeout() -> None:
    with pytest.raises(TimeoutError):
        raise DeadlineExceeded(reason="late")


def test_errors_are_told_apart_by_identity_so_that_sets_keep_them() -> None:
    assert len({ServerError(status=500), ServerError(status=500)}) == 2


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = errors.__doc__ or ""
    assert [kind for kind in OWN if kind.__name__ not in drawn] == []
