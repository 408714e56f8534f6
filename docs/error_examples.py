"""One realistic instance of each class of error, and what usually causes it: material for the pages of errors.

A test walks all classes of the package, and fails where one has no entry here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gong_tasks_async import (
    ConfigurationError,
    InvalidValueError,
    NoCredentialsError,
    PlanConflictError,
    TaskUpdate,
    distributed,
    errors,
)

PATCH: dict[str, Any] = {
    "method": "PATCH",
    "url": "https://us-12345.api.gong.io/v2/tasks/9067931441193858457",
    "attempts": 1,
}
POST: dict[str, Any] = {"method": "POST", "url": "https://us-12345.api.gong.io/v2/tasks", "attempts": 1}
ID: dict[str, Any] = {"request_id": "4al018gzaztcr8nbukw"}
RESET = datetime(2026, 3, 3, 8, tzinfo=UTC)
UPDATES = (
    TaskUpdate(9067931441193858457, "234599484848423", status="DONE"),
    TaskUpdate(9067931441193858457, "234599484848423", status="DISMISSED"),
)

EXAMPLES: tuple[Exception, ...] = (
    errors.GongError(**PATCH),
    errors.TransportError(**PATCH | {"attempts": 5}, reason="Connection reset by peer"),
    errors.ProxyError(
        **PATCH, reason="Proxy Authentication Required", proxy="http://proxy.example.com:3128", status=407
    ),
    errors.TLSError(
        **PATCH, reason="self-signed certificate in certificate chain", problem="unknown authority"
    ),
    errors.ForeignResponseError(
        **PATCH | {"attempts": 2}, status=200, responder="a login page at sso.example.com", title="Sign in"
    ),
    errors.RedirectError(
        **PATCH, status=302, responder="sso.example.com", location="https://sso.example.com/login"
    ),
    errors.APIError(**PATCH, **ID, status=409, errors=("The task was changed.",)),
    errors.BadRequestError(**PATCH, **ID, status=400, errors=("dueDate must be in the future.",)),
    errors.AuthenticationError(**PATCH, **ID, status=401, errors=("Invalid credentials.",)),
    errors.MissingScopeError(**PATCH, **ID, status=401, errors=("Missing scope.",), scope="api:tasks:write"),
    errors.InactiveCompanyError(**PATCH, **ID, status=401, errors=("Company is not active.",)),
    errors.AccessDeniedError(**PATCH, **ID, status=403, errors=("Access denied.",)),
    errors.TaskNotFoundError(**PATCH, **ID, status=404, errors=("Task not found.",)),
    errors.RateLimitError(**PATCH, **ID, status=429, errors=("Too many requests.",), retry_after=90.0),
    errors.DailyQuotaError(
        **PATCH | {"attempts": 0}, status=None, errors=("the day's calls are spent",), resets_at=RESET
    ),
    errors.ServerError(**PATCH | {"attempts": 5}, status=503, errors=("Service Unavailable",)),
    errors.DecodeError(**POST, **ID, path="$.tasks[3].id", expected="a number", found="null"),
    errors.UpdateMismatchError(**PATCH, **ID, expected="status DONE", found="status OPEN"),
    errors.RefusedAlikeError(
        count=25, rows=31, status=404, label="404 TaskNotFoundError", message="Task not found."
    ),
    errors.CredentialsError(
        **PATCH | {"attempts": 0},
        reason="the token endpoint answered 400: invalid_grant",
        advice="Authorize the app again.",
    ),
    errors.DeadlineExceeded(
        **PATCH | {"attempts": 0}, reason="the queue wait exceeds the timeout", estimate=12.4
    ),
    errors.QuotaStoreError(
        **PATCH | {"attempts": 0}, path="/var/lib/gong/day.sqlite", reason="the disk is full"
    ),
    errors.QuotaUnavailable(
        **PATCH | {"attempts": 0}, server="redis://quota.example.com:6379/0", reason="connection refused"
    ),
    errors.JournalError(path="dismiss.gong", reason="another run is using it"),
    errors.ClientStateError(reason="this client is closed: open it again, or use async with"),
    distributed.JobStoreError(reason="connection refused"),
    distributed.CorruptJobError(reason="job 'dismiss' has the state 'sleeping'"),
    distributed.UnreadableRowError(job="dismiss", number=17, reason="field 'status'"),
    distributed.RowCrashedError(**PATCH, reason="KeyError"),
    distributed.RowLostError(),
    distributed.JobBusyError(job="dismiss", state="running"),
    distributed.JobNotFoundError(job="dismiss", company="acme"),
    distributed.JobExistsError(job="dismiss"),
    distributed.WrongAddressError(
        name="acme", job_url="https://us-12345.api.gong.io", worker_url="https://us-67890.api.gong.io"
    ),
    distributed.UnknownCredentialsError(name="acme"),
    InvalidValueError("TaskUpdate", ("due_date has no time zone: add one",)),
    PlanConflictError({9067931441193858457: UPDATES}),
    ConfigurationError("config.toml, line 4", ("per_second must be a number",)),
    NoCredentialsError(
        "profile acme", ("its secret is not in the keyring: gong-tasks login --profile acme",)
    ),
)

REMEDIES = {
    "GongError": ("This class itself is not raised: catch it to catch all others.",),
    "TransportError": (
        "The network of this machine, a firewall, or Gong was away: it was tried as often as `RetryPolicy(attempts=)` allows.",
        "Send it again: an update sets absolute values, so that twice is as good as once.",
        "In a bulk run the row stays pending; resume the job.",
    ),
    "ProxyError": (
        "407: write user and password into the proxy's address, `http://user:password@host:port`.",
        "403 or a refused tunnel: have the proxy's administrator allow `*.gong.io`.",
        "A proxy that should not be used at all: `NO_PROXY=.gong.io`, or `proxy=`. SOCKS is not supported.",
    ),
    "TLSError": (
        "`unknown authority`: a proxy inspects traffic; trust its authority with `ca_bundle=`, a profile's `ca_bundle`, or `SSL_CERT_FILE`.",
        "`expired`: check this machine's clock first.",
        "`wrong host`, `no tls`: check the company's URL.",
    ),
    "ForeignResponseError": (
        "A login or maintenance page: open the company's URL in a browser on this machine.",
        "A firewall such as Cloudflare: quote the trace id to Gong's support, with this machine's public address.",
        "It settles no row: whether an update was made is unknown, and sending it again is safe.",
    ),
    "RedirectError": (
        "A sign-on proxy or a hotel's network: sign in there.",
        "A wrong company's URL, such as `http://` or one of a web page: set the API's own, `https://us-12345.api.gong.io`.",
    ),
    "APIError": (
        "Gong refused the request with a status that has no class of its own: its message has the reason.",
    ),
    "BadRequestError": (
        "A value that Gong does not accept, such as a due date in the past: correct the row and run it again.",
        "Every row refused so: one column is wrong for all.",
    ),
    "AuthenticationError": (
        "The access key or its secret is wrong, was deleted in Gong, or belongs to another company's URL.",
        "A bearer token has expired: use `OAuthToken`, which refreshes itself.",
        "Then `gong-tasks check`.",
    ),
    "MissingScopeError": (
        "Add the scope to the key in Gong under *Company settings > Ecosystem > API*; an OAuth app must be authorized again.",
        "Listing tasks needs `api:tasks:read`, updating `api:tasks:write`, e-mail addresses `api:users:read`, workspaces `api:workspaces:read`.",
    ),
    "InactiveCompanyError": ("Gong treats the company as inactive: ask its Gong administrator.",),
    "AccessDeniedError": (
        "The key is limited to trusted addresses, and this machine's is none of them.",
        "The key's owner may not see or change this user's tasks.",
        "The company's URL is another company's.",
    ),
    "TaskNotFoundError": (
        "The task was deleted, or is another user's: its owner changes when it is reassigned.",
        "The id came from a spreadsheet that rounds after 15 digits: import ids as text.",
        "List the owner's tasks to see what there is.",
    ),
    "RateLimitError": (
        "Gong asked for a longer pause than `RetryPolicy(max_wait=)` allows, 60 seconds by default; shorter ones are waited for.",
        "It let no call of the client through in five minutes of such pauses (`max_total_wait`): `error.resume_in` is when to try again.",
        "Other integrations of the company use the same limits: look at what else calls Gong.",
        "Respond with 503 and `Retry-After` from `error.retry_after`; a bulk run stops, and can be resumed.",
    ),
    "DailyQuotaError": (
        "The company's calls of the day are spent; `error.resets_at` is when there are some again.",
        "Bulk runs end earlier than single calls: 500 calls are reserved (`interactive_reserve`).",
        "`--wait-for-day`, or `wait_for_day=True`, waits and resumes. Gong raises the limit on request.",
    ),
    "ServerError": (
        "Gong is away for a moment: see [status.gong.io](https://status.gong.io), and try again later.",
        "Every call answered 500: the company may not have Gong Engage.",
    ),
    "DecodeError": (
        "Gong's response is not as its reference has it; after an update, the change was made.",
        "With `strict=True`, as in tests, each odd field raises; without it, only what a task cannot do without.",
        "Please report the text: it holds no personal data.",
    ),
    "UpdateMismatchError": (
        "Gong confirmed the update with another task or other values: list the user's tasks to see what holds.",
        "Sending it again is safe.",
    ),
    "RefusedAlikeError": (
        "25 rows in a row were refused for one reason: probably the file, the key or the URL, not the rows.",
        "404: is the owner's column right? 403: may the key change tasks?",
        "If the rows are to be recorded as failed: `--accept-refusals`, or `accept_refusals=True`.",
    ),
    "CredentialsError": (
        "`invalid_grant`: the refresh token was used elsewhere, or withdrawn; authorize the app again (`gong-tasks login --oauth`).",
        "Your own vault or `save` raised, or took longer than 30 seconds: its error is the cause of this one.",
    ),
    "DeadlineExceeded": (
        "The queue, a pause or the request itself would outlast `timeout`, so it is not begun, or is ended.",
        "`error.estimate` is how many seconds it would take; `error.attempts == 0` means that nothing was sent.",
    ),
    "QuotaStoreError": (
        "The file of the day's count cannot be used: a full disk, missing permissions, or a file of something else.",
        "No call is sent that could not be counted: repair it, or name another file with `QuotaLimits(day_store=)`.",
    ),
    "QuotaUnavailable": (
        "The Redis of the shared quota is away: see what it logs, and its address, user and password.",
        'To continue without it, at a share of the limits: `RedisQuota(fail="local", local_share=)`.',
    ),
    "JournalError": (
        "In use: another run writes it; wait for that, or look for it with `gong-tasks bulk status`.",
        "Another job's or company's: give this job a journal of its own.",
        "Damaged, or the disk is full: what was recorded stands, and is read again once the disk has room.",
    ),
    "ClientStateError": (
        "Use the client inside `async with`, in one event loop; a closed client may be opened again.",
        "A program with an `asyncio.run` for each job opens a client in each, and shares a `LocalQuota` between them.",
    ),
    "JobStoreError": (
        "The Redis of the jobs is away or refuses: check its address, user and disk. Recorded rows are kept.",
    ),
    "CorruptJobError": (
        "A newer version of the package wrote the job: upgrade this one.",
        "Something else wrote into its keys: submit the rows under another name.",
    ),
    "UnreadableRowError": (
        "A newer version submitted the row: upgrade the workers, then `gong-tasks jobs resume`.",
    ),
    "RowCrashedError": (
        "A bug, or a callback of the worker's settings raised: the worker's log has the traceback.",
        "The row stays pending, and is tried again.",
    ),
    "RowLostError": (
        "The row itself may end its workers, or the machine does, for lack of memory: look into the workers' logs.",
        "The update may have been made; sending it again is safe: `gong-tasks jobs resume`.",
    ),
    "JobBusyError": (
        "Wait until the job ends, or cancel it: `gong-tasks jobs status NAME --follow`.",
        "A cancelled job cannot be resumed: submit its rows under another name.",
    ),
    "JobNotFoundError": (
        "A typing error, another company, or another Redis: `gong-tasks jobs list` shows what there is.",
        "Results expire some time after a job has ended.",
    ),
    "JobExistsError": (
        "Choose another name with `--name`, or look at the job that has this one: `gong-tasks jobs status NAME`.",
    ),
    "WrongAddressError": (
        "Submitter and workers must name the same URL for the company: compare their profiles.",
    ),
    "UnknownCredentialsError": (
        "The worker has no profile, or no entry in its `credentials=`, of the name that the job was submitted with.",
        "Give it to every worker, then `gong-tasks jobs resume`.",
    ),
    "InvalidValueError": (
        "A value was refused before any call; all that is wrong with it is named at once. It is also a `ValueError`.",
    ),
    "PlanConflictError": (
        "Two rows want different values for one task, and the last would win: remove one of them.",
    ),
    "ConfigurationError": (
        "Correct the lines that it names; `gong-tasks config path` shows where the file is.",
    ),
    "NoCredentialsError": (
        "`gong-tasks login` stores credentials as a profile; or set `GONG_ACCESS_KEY`, `GONG_ACCESS_KEY_SECRET` and `GONG_BASE_URL`.",
    ),
}
"""By the name of the class: causes and remedies, most frequent first."""
