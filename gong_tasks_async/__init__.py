"""Asyncio client for Gong Engage tasks: list and update them, one or thousands, within a tiny company-wide quota.

Each name is looked up when it is first used, so that importing this package, or its models alone, does not
import aiohttp.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gong_tasks_async.bulk import (
        BulkReport as BulkReport,
    )
    from gong_tasks_async.bulk import (
        Failed as Failed,
    )
    from gong_tasks_async.bulk import (
        Outcome as Outcome,
    )
    from gong_tasks_async.bulk import (
        Unchanged as Unchanged,
    )
    from gong_tasks_async.bulk import (
        Updated as Updated,
    )
    from gong_tasks_async.client import GongTasksClient as GongTasksClient
    from gong_tasks_async.codec import to_json as to_json
    from gong_tasks_async.credentials import (
        AccessKey as AccessKey,
    )
    from gong_tasks_async.credentials import (
        BearerToken as BearerToken,
    )
    from gong_tasks_async.credentials import (
        Credentials as Credentials,
    )
    from gong_tasks_async.errors import (
        AccessDeniedError as AccessDeniedError,
    )
    from gong_tasks_async.errors import (
        APIError as APIError,
    )
    from gong_tasks_async.errors import (
        AuthenticationError as AuthenticationError,
    )
    from gong_tasks_async.errors import (
        BadRequestError as BadRequestError,
    )
    from gong_tasks_async.errors import (
        ClientStateError as ClientStateError,
    )
    from gong_tasks_async.errors import (
        DailyQuotaError as DailyQuotaError,
    )
    from gong_tasks_async.errors import (
        DeadlineExceeded as DeadlineExceeded,
    )
    from gong_tasks_async.errors import (
        DecodeError as DecodeError,
    )
    from gong_tasks_async.errors import (
        GongError as GongError,
    )
    from gong_tasks_async.errors import (
        InactiveCompanyError as InactiveCompanyError,
    )
    from gong_tasks_async.errors import (
        MissingScopeError as MissingScopeError,
    )
    from gong_tasks_async.errors import (
        RateLimitError as RateLimitError,
    )
    from gong_tasks_async.errors import (
        ServerError as ServerError,
    )
    from gong_tasks_async.errors import (
        TaskNotFoundError as TaskNotFoundError,
    )
    from gong_tasks_async.errors import (
        TransportError as TransportError,
    )
    from gong_tasks_async.events import (
        CallAttempted as CallAttempted,
    )
    from gong_tasks_async.events import (
        Event as Event,
    )
    from gong_tasks_async.events import (
        PaceChanged as PaceChanged,
    )
    from gong_tasks_async.events import (
        Paused as Paused,
    )
    from gong_tasks_async.events import (
        Resumed as Resumed,
    )
    from gong_tasks_async.events import (
        RetryPlanned as RetryPlanned,
    )
    from gong_tasks_async.models import (
        Account as Account,
    )
    from gong_tasks_async.models import (
        Affiliation as Affiliation,
    )
    from gong_tasks_async.models import (
        Contact as Contact,
    )
    from gong_tasks_async.models import (
        ContactData as ContactData,
    )
    from gong_tasks_async.models import (
        CrmField as CrmField,
    )
    from gong_tasks_async.models import (
        CrmObjectType as CrmObjectType,
    )
    from gong_tasks_async.models import (
        CrmType as CrmType,
    )
    from gong_tasks_async.models import (
        Email as Email,
    )
    from gong_tasks_async.models import (
        Flow as Flow,
    )
    from gong_tasks_async.models import (
        JsonValue as JsonValue,
    )
    from gong_tasks_async.models import (
        OpenEnum as OpenEnum,
    )
    from gong_tasks_async.models import (
        Opportunity as Opportunity,
    )
    from gong_tasks_async.models import (
        OptOutChannel as OptOutChannel,
    )
    from gong_tasks_async.models import (
        PhoneNumber as PhoneNumber,
    )
    from gong_tasks_async.models import (
        Priority as Priority,
    )
    from gong_tasks_async.models import (
        Step as Step,
    )
    from gong_tasks_async.models import (
        Task as Task,
    )
    from gong_tasks_async.models import (
        TaskAction as TaskAction,
    )
    from gong_tasks_async.models import (
        TaskFilter as TaskFilter,
    )
    from gong_tasks_async.models import (
        TaskStatus as TaskStatus,
    )
    from gong_tasks_async.models import (
        TaskType as TaskType,
    )
    from gong_tasks_async.models import (
        TaskUpdate as TaskUpdate,
    )
    from gong_tasks_async.models import (
        UserTasks as UserTasks,
    )
    from gong_tasks_async.quota import (
        Lane as Lane,
    )
    from gong_tasks_async.quota import (
        LocalQuota as LocalQuota,
    )
    from gong_tasks_async.quota import (
        Quota as Quota,
    )
    from gong_tasks_async.quota import (
        QuotaLimits as QuotaLimits,
    )
    from gong_tasks_async.quota import (
        Turn as Turn,
    )
    from gong_tasks_async.quota import (
        Unlimited as Unlimited,
    )
    from gong_tasks_async.retry import RetryPolicy as RetryPolicy

_NAMES_OF = {
    "bulk": "BulkReport Failed Outcome Unchanged Updated",
    "client": "GongTasksClient",
    "codec": "to_json",
    "credentials": "AccessKey BearerToken Credentials",
    "errors": "APIError AccessDeniedError AuthenticationError BadRequestError ClientStateError DailyQuotaError DeadlineExceeded DecodeError GongError InactiveCompanyError MissingScopeError RateLimitError ServerError TaskNotFoundError TransportError",
    "events": "CallAttempted Event PaceChanged Paused Resumed RetryPlanned",
    "models": "Account Affiliation Contact ContactData CrmField CrmObjectType CrmType Email Flow JsonValue OpenEnum Opportunity OptOutChannel PhoneNumber Priority Step Task TaskAction TaskFilter TaskStatus TaskType TaskUpdate UserTasks",
    "quota": "Lane LocalQuota Quota QuotaLimits Turn Unlimited",
    "retry": "RetryPolicy",
}
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names.split()}

__version__ = "0.1.0"
__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604 - names are text


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
