"""What each class of error is to an operator: what happened, and what to do, made of the error's facts.

By the name of the class, since the errors of jobs on workers need an extra that few commands need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gong_tasks_async.bulk.render.format import duration, without_page
from gong_tasks_async.cli.local_time import local_time_zone
from gong_tasks_async.cli.network_texts import foreign, proxy, redirect, tls, transport
from gong_tasks_async.errors import GongError

INTERNAL_ERROR: Final = 500

Text = tuple[str, str]
"""What happened, and what to do."""


def references(error: GongError) -> str:
    """The ids that Gong's support can look up."""
    found = getattr(error, "request_id", None) or getattr(error, "trace_id", None)
    return f" [request id {found}]" if found else ""


def _quoted(error: Any) -> str:
    messages = "; ".join(filter(None, error.errors))
    return f": {messages.rstrip('.')}" if messages else ""


def _api(error: Any) -> Text:
    return (
        f"Gong refused the request ({error.status}){_quoted(error)}",
        "Look the message up in Gong's reference.",
    )


def _bad_request(error: Any) -> Text:
    return f"Gong rejected the values{_quoted(error)}", "Correct them, then run it again."


def _authentication(error: Any) -> Text:
    return (
        f"Gong does not accept the credentials{_quoted(error)}",
        "Check the access key and its secret, and the company's address: Gong > Company settings > Ecosystem > API.",
    )


def _missing_scope(error: Any) -> Text:
    scope = error.scope or "that this takes"
    if error.for_look:
        return (
            f"The credentials lack the scope {scope}, which the look at the tasks takes",
            "Add it to them in Gong. Or send all rows, changed since or not: --no-guard (--again for a finished job).",
        )
    return f"The credentials lack the scope {scope}", "Add it to them in Gong, or use others that have it."


def _inactive_company(_: Any) -> Text:
    return "Gong treats the company as inactive", "Ask its Gong administrator."


def _access_denied(error: Any) -> Text:
    return (
        f"Gong denied access{_quoted(error)}",
        "Check the credentials' permissions and list of trusted IP addresses, and the company's address.",
    )


def _task_not_found(error: Any) -> Text:
    if error.method == "PATCH":
        return "Not found: deleted, or another user's", "Check the task's id and its owner."
    if error.method == "GET":
        return f"Gong has nothing there{_quoted(error)}", "Check the id, and the company's address."
    return f"Gong found no such user{_quoted(error)}", "Check the user's id, and the company's address."


def _rate_limit(error: Any) -> Text:
    if error.resume_in is None:
        return "Gong takes no calls for now", "Run it again later."
    if error.paused > (error.retry_after or 0.0):
        return (
            f"Gong has taken no call for {duration(error.paused)}",
            f"Look at what else calls it, and run it again in {duration(error.resume_in)}.",
        )
    return f"Gong takes no calls for {duration(error.retry_after)}", "Run it again after that."


def _daily_quota(error: Any) -> Text:
    when = f"after {local_time_zone(error.resets_at)}" if error.resets_at else "after the daily reset"
    return "The day's calls are spent", f"Resume {when}. Gong raises the limit on request."


def _server(error: Any) -> Text:
    if error.status == INTERNAL_ERROR:
        return (
            f"Gong failed (500){_quoted(error)}",
            "Try again later. If every call fails so, the company may not have Gong Engage.",
        )
    return f"Gong is not available ({error.status}){_quoted(error)}", "Try again later; see status.gong.io."


def _decode(error: Any) -> Text:
    what = f"Gong's response cannot be read at {error.path}: expected {error.expected}, found {error.found}"
    if error.method == "PATCH":
        return what, "The update was most likely made: list the task to see."
    return what, "Gong may have changed its responses: please report this text."


def _mismatch(error: Any) -> Text:
    return (
        f"Gong's response does not match the update: expected {error.expected}, found {error.found}",
        "List the task to see whether the update was made; sending it again is safe.",
    )


def _credentials(error: Any) -> Text:
    if error.unsaved:
        cause = error.__cause__
        why = f": {cause.filename}: {cause.strerror}" if isinstance(cause, OSError) and cause.filename else ""
        return (
            f"The tokens that Gong has issued could not be saved{why}",
            "Make their file and its folder writable. If Gong then refuses the old ones: gong-tasks login.",
        )
    return f"No valid credentials: {error.reason}", f"{error.advice.rstrip('.')}."


def _deadline(error: Any) -> Text:
    sent = "no response yet" if error.attempts else "nothing was sent"
    estimate = f", it would take {duration(error.estimate)} at least" if error.estimate is not None else ""
    return (
        f"Not finished in time ({error.reason}{estimate}); {sent}",
        "Use a longer --timeout, or try again later.",
    )


def _quota_store(error: Any) -> Text:
    return (
        f"The day's count in {error.path}: {error.reason}; nothing was sent",
        "Repair the file or its disk, or name another folder in GONG_TASKS_STATE.",
    )


def _quota_unavailable(error: Any) -> Text:
    return (
        f"The shared quota in Redis at {error.server} does not respond ({error.reason}); nothing was sent",
        "Check that Redis runs there.",
    )


RESUME_REFUSED: Final = (
    "The rows stay pending: resume the job, with --accept-refusals to record such rows as failed."
)


def _refused_alike(error: Any) -> Text:
    causes = {
        403: "Check the credentials' permissions and list of trusted IP addresses.",
        404: "Check that the rows' user is the tasks' owner.",
    }
    return (
        f"{error.count} of {error.rows} rows were refused for one reason: {error.label}, {error.message.rstrip('.')}",
        f"{causes.get(error.status, 'Check the values of these rows.')} {RESUME_REFUSED}",
    )


def _journal(error: Any) -> Text:
    return f"The journal {error.path}: {error.reason.rstrip('.')}", ""


def _job_store(error: Any) -> Text:
    return (
        f"The jobs' Redis: {error.reason.rstrip('.')}",
        "What is recorded there stands; try again once it responds.",
    )


def _job_not_found(error: Any) -> Text:
    return f"{error.company} has no job {error.job!r}", "Look at its name, and how long results are kept."


def _job_exists(error: Any) -> Text:
    if error.state is not None:
        return f"These rows are already job {error.job!r}, which is {error.state}", "Choose another --name."
    return f"A job {error.job!r} exists, with other rows", "Choose another --name."


def _corrupt_job(error: Any) -> Text:
    return (
        f"The jobs' Redis: {error.reason.rstrip('.')}",
        "Upgrade this installation, or submit the rows under another name.",
    )


def _unreadable_row(error: Any) -> Text:
    return (
        f"Row {error.number} of job {error.job!r} cannot be read: {error.reason}",
        "Upgrade the workers, then resume the job; or submit that row in another job.",
    )


def _row_crashed(error: Any) -> Text:
    return f"An unexpected {error.reason} on a worker", "Read the worker's log, then resume the job."


def _row_lost(error: Any) -> Text:  # noqa: ARG001 - it has no facts
    return (
        "Each worker that had this row in flight ended without recording anything",
        "It may be this row that ends them, and its update may have been made. Read the workers' logs, then resume the job.",
    )


def _job_busy(error: Any) -> Text:
    if error.state == "cancelled":
        return f"Job {error.job!r} is cancelled", "Submit its rows under another --name."
    return f"Job {error.job!r} is {error.state}", "Wait until it ends, or cancel it."


def _wrong_address(error: Any) -> Text:
    return (
        f"The job is for {error.job_url}, and the worker's credentials {error.name!r} are for {error.worker_url}",
        "Set the same base URL for the workers and for submitting, then submit the job again.",
    )


def _unknown_credentials(error: Any) -> Text:
    return (
        f"A worker cannot use the credentials {error.name!r} ({error.reason})",
        "Give them to all workers of this company, then resume the job.",
    )


def _unknown(_: Any) -> Text:
    return (
        "The command failed for a reason that it does not know",
        "Run it again with --verbose, and report what it shows.",
    )


def _client_state(_: Any) -> Text:
    return (
        "The connection to Gong was used before it was open, or after it was closed",
        "Run it again. Where that recurs, add --verbose, and report what it shows.",
    )


def _recorded(error: Any) -> Text:
    return without_page(str(error.message)).rstrip("."), ""


MESSAGES: Final[dict[str, Callable[[Any], Text]]] = {
    "GongError": _unknown,
    "APIError": _api,
    "BadRequestError": _bad_request,
    "AuthenticationError": _authentication,
    "MissingScopeError": _missing_scope,
    "InactiveCompanyError": _inactive_company,
    "AccessDeniedError": _access_denied,
    "TaskNotFoundError": _task_not_found,
    "RateLimitError": _rate_limit,
    "DailyQuotaError": _daily_quota,
    "ServerError": _server,
    "DecodeError": _decode,
    "UpdateMismatchError": _mismatch,
    "ForeignResponseError": foreign,
    "RedirectError": redirect,
    "TransportError": transport,
    "ProxyError": proxy,
    "TLSError": tls,
    "CredentialsError": _credentials,
    "DeadlineExceeded": _deadline,
    "QuotaStoreError": _quota_store,
    "QuotaUnavailable": _quota_unavailable,
    "JournalError": _journal,
    "RefusedAlikeError": _refused_alike,
    "ClientStateError": _client_state,
    "JobStoreError": _job_store,
    "JobNotFoundError": _job_not_found,
    "JobExistsError": _job_exists,
    "CorruptJobError": _corrupt_job,
    "UnreadableRowError": _unreadable_row,
    "RowCrashedError": _row_crashed,
    "RowLostError": _row_lost,
    "JobBusyError": _job_busy,
    "WrongAddressError": _wrong_address,
    "UnknownCredentialsError": _unknown_credentials,
    "RecordedError": _recorded,
}
"""What each class of error is to an operator; a test walks all classes, and fails where one has no entry."""
