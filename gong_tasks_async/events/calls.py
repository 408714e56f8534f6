"""Events of one call, and of what its response holds."""

from __future__ import annotations

from attrs import frozen

from gong_tasks_async.events.base import Event


@frozen(kw_only=True)
class CallEvent(Event):
    """Something that happened to one call; all its events have the same ``call_id``.

    Attributes:
        call_id: counts the calls of this process.
        operation: ``list_tasks``, ``update_task``, ``list_users`` ...
        lane: ``interactive`` or ``bulk``.
    """

    call_id: int
    operation: str
    lane: str


@frozen(kw_only=True)
class CallQueued(CallEvent):
    """A call begins to wait for its first permit."""

    def __str__(self) -> str:
        return f"{self.operation}: queued in the {self.lane} lane"


@frozen(kw_only=True)
class CallSent(CallEvent):
    """A request of a call leaves.

    Attributes:
        method: HTTP method.
        url: where it goes.
        template: the path with names for what varies: ``/v2/tasks/{taskId}``.
        attempt: 1 for the first request of the call.
    """

    method: str
    url: str
    template: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.method} {self.url}: attempt {self.attempt}"


@frozen(kw_only=True)
class CallAttempted(CallEvent):
    """One request was sent, and got a response (``status``) or none (``status is None``).

    Attributes:
        method: HTTP method.
        url: where it went.
        template: the path with names for what varies: ``/v2/tasks/{taskId}``.
        status: HTTP status; None where no response came.
        attempt: 1 for the first request of the call.
        seconds: from sending until the response was read, or failed.
        request_id: Gong's reference for this request: quote it to Gong's support.
    """

    method: str
    url: str
    template: str
    status: int | None
    attempt: int
    seconds: float
    request_id: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.url}: {self.status or 'no response'} after {self.seconds:.3f} s (attempt {self.attempt})"


@frozen(kw_only=True)
class CallEnded(CallEvent):
    """A call has its result, or its error.

    Attributes:
        waited: seconds in which it waited for valid credentials and for permits.
        attempts: requests sent.
        status: of the last response, if there was one.
        error: the class of what was raised; None where the call succeeded, ``CancelledError`` where it was
            cancelled.
        request_id: Gong's reference for the last request.
        seconds: for the whole call.
    """

    waited: float
    attempts: int
    status: int | None
    error: str | None
    request_id: str | None
    seconds: float

    def __str__(self) -> str:
        return f"{self.operation}: {self.error or 'done'} after {self.seconds:.3f} s, {self.waited:.3f} s of them waiting"


@frozen(kw_only=True)
class ResponseDelayed(Event):
    """A request has had no response for ``seconds``, and still waits for one.

    Attributes:
        method: HTTP method.
        url: where it went.
        seconds: how long it has waited.
    """

    method: str
    url: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.method} {self.url}: no response for {self.seconds:g} s; still waiting"


@frozen(kw_only=True)
class UpdateUnreadable(Event):
    """Gong confirmed an update of a bulk run with a task that cannot be read; the update was made.

    Attributes:
        task_id: the task that was updated.
        path: where in the response, in Gong's spelling.
        expected: what Gong's reference promises there.
        request_id: Gong's reference for the request.
    """

    task_id: int
    path: str
    expected: str
    request_id: str | None = None

    def __str__(self) -> str:
        return f"task {self.task_id}: updated, but the response cannot be read: {self.path} is not {self.expected}"


@frozen(kw_only=True)
class RetryPlanned(CallEvent):
    """An attempt failed and will be repeated after ``wait`` seconds.

    Attributes:
        method: HTTP method.
        url: where it went.
        template: the path with names for what varies: ``/v2/tasks/{taskId}``.
        attempt: the attempt that failed, from 1.
        wait: seconds until the next attempt.
        reason: how the attempt failed.
    """

    method: str
    url: str
    template: str
    attempt: int
    wait: float
    reason: str

    def __str__(self) -> str:
        return f"{self.method} {self.url}: retry in {self.wait:.1f} s, because of {self.reason}"


@frozen(kw_only=True)
class FieldUnreadable(Event):
    """A field of a response is not as Gong's reference has it: it is None there, and its raw value stands in ``extra``.

    Emitted once for each place of a response, however many tasks it concerns.

    Attributes:
        path: where it stood the first time, in Gong's spelling: ``$.tasks[3].contact.data.emails``.
        expected: what Gong's reference promises there.
        found: of which kind the value is. Not the value, which may hold personal data.
    """

    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}; kept in extra"
