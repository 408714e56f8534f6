"""The values of Gong's task calls: what one asks, and what comes back. Imports neither aiohttp nor cattrs."""

from gong_tasks_async.models.answers import (
    Account,
    Contact,
    ContactData,
    CrmField,
    Email,
    Flow,
    JsonValue,
    Opportunity,
    PhoneNumber,
    Priority,
    Step,
    Task,
    TasksAnswer,
)
from gong_tasks_async.models.enums import (
    Affiliation,
    CrmObjectType,
    CrmType,
    OpenEnum,
    OptOutChannel,
    TaskAction,
    TaskStatus,
    TaskType,
)
from gong_tasks_async.models.listing import UserTasks
from gong_tasks_async.models.requests import TaskFilter, TaskUpdate

__all__ = [
    "Account",
    "Affiliation",
    "Contact",
    "ContactData",
    "CrmField",
    "CrmObjectType",
    "CrmType",
    "Email",
    "Flow",
    "JsonValue",
    "OpenEnum",
    "Opportunity",
    "OptOutChannel",
    "PhoneNumber",
    "Priority",
    "Step",
    "Task",
    "TaskAction",
    "TaskFilter",
    "TaskStatus",
    "TaskType",
    "TaskUpdate",
    "TasksAnswer",
    "UserTasks",
]
