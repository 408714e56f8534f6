"""What can go wrong, and what to do then.

::

    GongError
    ├── TransportError              no answer came: refused, reset, timed out, cut short
    ├── APIError                    Gong answered no
    │   ├── BadRequestError             400
    │   ├── AuthenticationError         401: the credentials
    │   │   ├── MissingScopeError           they lack a scope
    │   │   └── InactiveCompanyError        the company is not active
    │   ├── AccessDeniedError           403
    │   ├── TaskNotFoundError           404
    │   ├── RateLimitError              429
    │   │   └── DailyQuotaError             the day is spent
    │   └── ServerError                 5xx
    ├── DecodeError                 a 2xx that cannot be read
    ├── CredentialsError            no credentials could be had: a refresh was refused, a vault or `save` failed
    ├── DeadlineExceeded            waiting would outlast the caller's timeout; also a TimeoutError
    ├── QuotaStoreError             the file with the day's count is not ours, or cannot be read or written
    ├── QuotaUnavailable            the Redis that holds the shared quota does not answer; nothing was sent
    ├── JournalError                a bulk job's journal is not this job's, in use, or cannot be read or written
    └── ClientStateError            the client is not open, closed, or of another event loop; also a RuntimeError

Errors carry facts and derive their text from them. All of them survive pickling and copying.
"""

from gong_tasks_async.errors.answers import (
    AccessDeniedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    DailyQuotaError,
    DecodeError,
    InactiveCompanyError,
    MissingScopeError,
    RateLimitError,
    ServerError,
    TaskNotFoundError,
)
from gong_tasks_async.errors.base import GongError
from gong_tasks_async.errors.invalid import InvalidValueError
from gong_tasks_async.errors.unanswered import (
    ClientStateError,
    CredentialsError,
    DeadlineExceeded,
    JournalError,
    QuotaStoreError,
    QuotaUnavailable,
    TransportError,
)

__all__ = [
    "APIError",
    "AccessDeniedError",
    "AuthenticationError",
    "BadRequestError",
    "ClientStateError",
    "CredentialsError",
    "DailyQuotaError",
    "DeadlineExceeded",
    "DecodeError",
    "GongError",
    "InactiveCompanyError",
    "InvalidValueError",
    "JournalError",
    "MissingScopeError",
    "QuotaStoreError",
    "QuotaUnavailable",
    "RateLimitError",
    "ServerError",
    "TaskNotFoundError",
    "TransportError",
]
