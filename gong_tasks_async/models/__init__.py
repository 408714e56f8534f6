"""Request and response models. Imports neither aiohttp nor cattrs."""

from gong_tasks_async.models.answers import TasksAnswer, UserAnswer, UsersAnswer, WorkspacesAnswer
from gong_tasks_async.models.base import JsonValue
from gong_tasks_async.models.crm import (
    Account,
    Contact,
    ContactData,
    CrmField,
    Email,
    Opportunity,
    PhoneNumber,
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
from gong_tasks_async.models.tasks import Flow, Priority, Step, Task
from gong_tasks_async.models.users import SpokenLanguage, User, UserSettings, Workspace

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
    "SpokenLanguage",
    "Step",
    "Task",
    "TaskAction",
    "TaskFilter",
    "TaskStatus",
    "TaskType",
    "TaskUpdate",
    "TasksAnswer",
    "User",
    "UserAnswer",
    "UserSettings",
    "UserTasks",
    "UsersAnswer",
    "Workspace",
    "WorkspacesAnswer",
]
