"""Whole responses. The models of their parts have every field of both of Gong's references, in order, in snake_case.

Any field may be missing or null in a response; it is then ``None``, or ``()`` for a list. Two are different,
because a task without them is of no use: ``Task.id`` is always present, and ``Task.user_id`` is
``""`` where Gong left it out. ``extra`` holds what Gong sent beyond its reference, as plain JSON values.

See https://help.gong.io/apidocs/list-users-tasks-v2tasks-1
"""

from __future__ import annotations

from attrs import field, frozen

from gong_tasks_async.models.base import ESSENTIAL, OFTEN_ABSENT, Answered
from gong_tasks_async.models.crm import (
    Account,
    Contact,
    ContactData,
    CrmField,
    Email,
    Opportunity,
    PhoneNumber,
)
from gong_tasks_async.models.enums import CrmType
from gong_tasks_async.models.tasks import Flow, Priority, Step, Task
from gong_tasks_async.models.users import SpokenLanguage, User, UserSettings, Workspace


@frozen(kw_only=True)
class TasksAnswer(Answered):
    """The whole response of both task calls.

    Attributes:
        request_id: Gong's reference for the request: quote it to Gong's support.
        tasks: the tasks of this page.
        crm_type: the company's CRM, where the response names it.
    """

    request_id: str | None = None
    tasks: tuple[Task, ...] = field(default=(), metadata=ESSENTIAL)
    crm_type: CrmType | None = field(default=None, metadata=OFTEN_ABSENT)


@frozen(kw_only=True)
class Records(Answered):
    """The position of one page in a listing.

    Attributes:
        total_records: entries of all pages.
        current_page_size: entries of this page.
        current_page_number: the page's number, from 0.
        cursor: the cursor of the next page; None after the last one.
    """

    total_records: int | None = None
    current_page_size: int | None = None
    current_page_number: int | None = None
    cursor: str | None = field(default=None, metadata=ESSENTIAL)


@frozen(kw_only=True)
class UsersAnswer(Answered):
    """One page of the company's users.

    Attributes:
        request_id: Gong's reference for the request: quote it to Gong's support.
        records: the position of this page.
        users: the users of this page.

    See https://help.gong.io/apidocs/list-all-users-v2users
    """

    request_id: str | None = None
    records: Records | None = field(default=None, metadata=ESSENTIAL)
    users: tuple[User, ...] = field(default=(), metadata=ESSENTIAL)


@frozen(kw_only=True)
class UserAnswer(Answered):
    """One user of the company.

    Attributes:
        request_id: Gong's reference for the request: quote it to Gong's support.
        user: the user.

    See https://help.gong.io/apidocs/retrieve-user-v2usersid
    """

    request_id: str | None = None
    user: User | None = field(default=None, metadata=ESSENTIAL)


@frozen(kw_only=True)
class WorkspacesAnswer(Answered):
    """The company's workspaces.

    Attributes:
        request_id: Gong's reference for the request: quote it to Gong's support.
        workspaces: the workspaces.

    See https://help.gong.io/apidocs/list-all-company-workspaces-v2workspaces
    """

    request_id: str | None = None
    workspaces: tuple[Workspace, ...] = field(default=(), metadata=ESSENTIAL)


ANSWERED: tuple[type[Answered], ...] = (
    CrmField,
    Account,
    Opportunity,
    Step,
    Flow,
    Email,
    PhoneNumber,
    ContactData,
    Contact,
    Priority,
    Task,
    TasksAnswer,
    UserSettings,
    SpokenLanguage,
    User,
    Records,
    UsersAnswer,
    UserAnswer,
    Workspace,
    WorkspacesAnswer,
)
"""All response models, parts before wholes, for the codec."""
