"""Asyncio client for Gong Engage tasks: list and update them, one or thousands, within a tiny company-wide quota.

Each name is looked up when it is first used, so that importing this package, or its models alone, does not
import aiohttp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gong_tasks_async._version import __version__ as __version__
from gong_tasks_async.lazy_names import lazy_names

if TYPE_CHECKING:
    from gong_tasks_async.api.details import Answer as Answer
    from gong_tasks_async.api.watch import (
        TaskAppeared as TaskAppeared,
        TaskChanged as TaskChanged,
        TaskEvent as TaskEvent,
        TaskGone as TaskGone,
    )
    from gong_tasks_async.auth.oauth import OAuthToken as OAuthToken
    from gong_tasks_async.auth.token_endpoint import (
        OAuthGrant as OAuthGrant,
        RefreshArguments as RefreshArguments,
    )
    from gong_tasks_async.bulk import (
        BulkReport as BulkReport,
        Failed as Failed,
        FailureGroup as FailureGroup,
        JournalReader as JournalReader,
        JournalRow as JournalRow,
        LostValue as LostValue,
        Outcome as Outcome,
        OutcomeStream as OutcomeStream,
        Plan as Plan,
        PlanConflictError as PlanConflictError,
        RowCounts as RowCounts,
        RowState as RowState,
        RunRecord as RunRecord,
        SampledTask as SampledTask,
        Skipped as Skipped,
        TaskSnapshot as TaskSnapshot,
        TimelineBucket as TimelineBucket,
        Unchanged as Unchanged,
        Updated as Updated,
        open_journal as open_journal,
        plan_updates as plan_updates,
        retry_failed as retry_failed,
        write_journal_csv as write_journal_csv,
    )
    from gong_tasks_async.client import GongTasksClient as GongTasksClient, GongTasksPool as GongTasksPool
    from gong_tasks_async.codec import (
        task_from_json as task_from_json,
        to_json as to_json,
        to_rows as to_rows,
    )
    from gong_tasks_async.config.errors import (
        ConfigurationError as ConfigurationError,
        NoCredentialsError as NoCredentialsError,
    )
    from gong_tasks_async.credentials import (
        AccessKey as AccessKey,
        BearerToken as BearerToken,
        Credentials as Credentials,
    )
    from gong_tasks_async.errors import (
        AccessDeniedError as AccessDeniedError,
        APIError as APIError,
        AuthenticationError as AuthenticationError,
        BadRequestError as BadRequestError,
        ClientStateError as ClientStateError,
        CredentialsError as CredentialsError,
        DailyQuotaError as DailyQuotaError,
        DeadlineExceeded as DeadlineExceeded,
        DecodeError as DecodeError,
        ForeignResponseError as ForeignResponseError,
        GongError as GongError,
        InactiveCompanyError as InactiveCompanyError,
        InvalidValueError as InvalidValueError,
        JournalError as JournalError,
        Meaning as Meaning,
        MissingScopeError as MissingScopeError,
        ProxyError as ProxyError,
        QuotaStoreError as QuotaStoreError,
        QuotaUnavailable as QuotaUnavailable,
        RateLimitError as RateLimitError,
        RedirectError as RedirectError,
        RefusedAlikeError as RefusedAlikeError,
        ServerError as ServerError,
        TaskNotFoundError as TaskNotFoundError,
        TLSError as TLSError,
        TransportError as TransportError,
        UpdateMismatchError as UpdateMismatchError,
    )
    from gong_tasks_async.events import (
        BudgetChanged as BudgetChanged,
        BudgetLow as BudgetLow,
        BudgetSpent as BudgetSpent,
        CallAttempted as CallAttempted,
        CallEnded as CallEnded,
        CallEvent as CallEvent,
        CallQueued as CallQueued,
        CallSent as CallSent,
        Event as Event,
        FieldUnreadable as FieldUnreadable,
        PaceChanged as PaceChanged,
        Paused as Paused,
        QuotaLost as QuotaLost,
        QuotaRegained as QuotaRegained,
        ResponseDelayed as ResponseDelayed,
        Resumed as Resumed,
        RetryPlanned as RetryPlanned,
        RowClaimed as RowClaimed,
        RowEnded as RowEnded,
        UpdateUnreadable as UpdateUnreadable,
    )
    from gong_tasks_async.http.retry import RetryPolicy as RetryPolicy
    from gong_tasks_async.models import (
        Account as Account,
        Affiliation as Affiliation,
        Contact as Contact,
        ContactData as ContactData,
        CrmField as CrmField,
        CrmObjectType as CrmObjectType,
        CrmType as CrmType,
        Email as Email,
        Flow as Flow,
        JsonValue as JsonValue,
        OpenEnum as OpenEnum,
        Opportunity as Opportunity,
        OptOutChannel as OptOutChannel,
        PhoneNumber as PhoneNumber,
        Priority as Priority,
        SpokenLanguage as SpokenLanguage,
        Step as Step,
        Task as Task,
        TaskAction as TaskAction,
        TaskFilter as TaskFilter,
        TaskStatus as TaskStatus,
        TaskType as TaskType,
        TaskUpdate as TaskUpdate,
        User as User,
        UserSettings as UserSettings,
        UserTasks as UserTasks,
        Workspace as Workspace,
    )
    from gong_tasks_async.quota import (
        Lane as Lane,
        LocalQuota as LocalQuota,
        Permit as Permit,
        Quota as Quota,
        QuotaEstimate as QuotaEstimate,
        QuotaLimits as QuotaLimits,
        QuotaSnapshot as QuotaSnapshot,
        Unlimited as Unlimited,
    )
    from gong_tasks_async.quota.redis import RedisQuota as RedisQuota
    from gong_tasks_async.settings import BulkSettings as BulkSettings, ClientSettings as ClientSettings

_NAMES_OF = {
    "api.details": "Answer",
    "api.watch": "TaskAppeared TaskChanged TaskEvent TaskGone",
    "bulk": "BulkReport Failed FailureGroup JournalReader JournalRow LostValue Outcome OutcomeStream Plan PlanConflictError RowCounts RowState RunRecord SampledTask Skipped TaskSnapshot TimelineBucket Unchanged Updated open_journal plan_updates retry_failed write_journal_csv",
    "client": "GongTasksClient GongTasksPool",
    "codec": "task_from_json to_json to_rows",
    "config.errors": "ConfigurationError NoCredentialsError",
    "credentials": "AccessKey BearerToken Credentials",
    "errors": "APIError AccessDeniedError AuthenticationError BadRequestError ClientStateError CredentialsError DailyQuotaError DeadlineExceeded DecodeError ForeignResponseError GongError InactiveCompanyError InvalidValueError JournalError Meaning MissingScopeError ProxyError QuotaStoreError QuotaUnavailable RateLimitError RedirectError RefusedAlikeError ServerError TLSError TaskNotFoundError TransportError UpdateMismatchError",
    "events": "BudgetChanged BudgetLow BudgetSpent CallAttempted CallEnded CallEvent CallQueued CallSent Event FieldUnreadable PaceChanged Paused QuotaLost QuotaRegained ResponseDelayed Resumed RetryPlanned RowClaimed RowEnded UpdateUnreadable",
    "models": "Account Affiliation Contact ContactData CrmField CrmObjectType CrmType Email Flow JsonValue OpenEnum Opportunity OptOutChannel PhoneNumber Priority SpokenLanguage Step Task TaskAction TaskFilter TaskStatus TaskType TaskUpdate User UserSettings UserTasks Workspace",
    "auth.oauth": "OAuthToken",
    "quota": "Lane LocalQuota Quota QuotaEstimate QuotaLimits QuotaSnapshot Permit Unlimited",
    "quota.redis": "RedisQuota",
    "http.retry": "RetryPolicy",
    "settings": "BulkSettings ClientSettings",
    "auth.token_endpoint": "OAuthGrant RefreshArguments",
}
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names.split()}

__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604 - names are text

if not TYPE_CHECKING:
    __getattr__ = lazy_names(__name__, _MODULE_OF)


def __dir__() -> list[str]:
    return sorted(__all__)
