"""What can go wrong, what it means, and what to do then.

::

    GongError
    ├── TransportError              no response came: refused, reset, timed out, cut short
    │   ├── ProxyError                  the proxy did not let it through
    │   └── TLSError                    the certificate is not trusted, or no TLS is spoken
    ├── ForeignResponseError        a response that is not Gong's: a proxy, an edge, a login page
    │   └── RedirectError               3xx
    ├── APIError                    Gong refused the request
    │   ├── BadRequestError             400
    │   ├── AuthenticationError         401: the credentials
    │   │   ├── MissingScopeError           they lack a scope
    │   │   └── InactiveCompanyError        the company is not active
    │   ├── AccessDeniedError           403
    │   ├── TaskNotFoundError           404
    │   ├── RateLimitError              429
    │   │   └── DailyQuotaError             the day is spent
    │   └── ServerError                 5xx, 408, 425
    ├── DecodeError                 a 2xx that cannot be read
    ├── UpdateMismatchError         a 2xx that does not match the update
    ├── RefusedAlikeError           many rows of a bulk run were refused for one reason
    ├── CredentialsError            no credentials could be had: a refresh was refused, a vault or `save` failed
    ├── DeadlineExceeded            waiting would outlast the caller's timeout; also a TimeoutError
    ├── QuotaStoreError             the file with the day's count is not ours, or cannot be read or written
    ├── QuotaUnavailable            the Redis that holds the shared quota does not answer; nothing was sent
    ├── JournalError                a bulk job's journal is not this job's, in use, or cannot be read or written
    └── ClientStateError            the client is not open, closed, or of another event loop; also a RuntimeError

Each class declares its :class:`Meaning` for a row and its run. Errors carry facts and derive their text from them.
All of them survive pickling and copying.
"""

from gong_tasks_async.errors.answers import (
    AccessDeniedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    DecodeError,
    InactiveCompanyError,
    MissingScopeError,
    ServerError,
    TaskNotFoundError,
    UpdateMismatchError,
)
from gong_tasks_async.errors.base import GongError
from gong_tasks_async.errors.foreign import ForeignResponseError, RedirectError
from gong_tasks_async.errors.invalid import InvalidValueError
from gong_tasks_async.errors.meaning import Meaning
from gong_tasks_async.errors.network import ProxyError, TLSError, TransportError
from gong_tasks_async.errors.rate_limits import DailyQuotaError, RateLimitError
from gong_tasks_async.errors.refusals import RefusedAlikeError
from gong_tasks_async.errors.unanswered import (
    ClientStateError,
    CredentialsError,
    DeadlineExceeded,
    JournalError,
    QuotaStoreError,
    QuotaUnavailable,
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
    "ForeignResponseError",
    "GongError",
    "InactiveCompanyError",
    "InvalidValueError",
    "JournalError",
    "Meaning",
    "MissingScopeError",
    "ProxyError",
    "QuotaStoreError",
    "QuotaUnavailable",
    "RateLimitError",
    "RedirectError",
    "RefusedAlikeError",
    "ServerError",
    "TLSError",
    "TaskNotFoundError",
    "TransportError",
    "UpdateMismatchError",
]
