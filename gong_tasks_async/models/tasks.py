"""Tasks, with the flow that made them."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from gong_tasks_async.models.base import ID, OFTEN_ABSENT, Answered
from gong_tasks_async.models.crm import Account, Contact, Opportunity
from gong_tasks_async.models.enums import TaskAction, TaskStatus, TaskType
from gong_tasks_async.models.requests import TaskUpdate


@frozen(kw_only=True)
class Step(Answered):
    """The step of a flow that made a task.

    Attributes:
        id: the step's id.
        name: its name.
        step_number: its position in the flow.
    """

    id: int | None = None
    name: str | None = None
    step_number: int | None = None


@frozen(kw_only=True)
class Flow(Answered):
    """The flow that made a task.

    Attributes:
        id: the flow's id.
        name: its name.
        step: the step that made the task.
    """

    id: int | None = None
    name: str | None = None
    step: Step | None = None


@frozen(kw_only=True)
class Priority(Answered):
    """How urgent a task is (newest reference only).

    Attributes:
        id: its id.
        name: its name, such as ``high``.
        weight: its rank among the company's priorities.
    """

    id: int | None = None
    name: str | None = None
    weight: int | None = None


@frozen(kw_only=True)
class Task(Answered):
    """One Engage task of one user. All date-times are aware.

    Attributes:
        id: the task's id, an int64.
        user_id: the owner's id; ``""`` where Gong left it out.
        created: when the task was created.
        updated: when it was last changed.
        status: ``OPEN``, ``DONE`` or ``DISMISSED``.
        type: what kind of work it asks for, such as a call.
        actions: what can be done with it in Gong.
        account: the CRM account that it is about.
        opportunity: the CRM deal that it is about.
        due_date: when it is due.
        flow: the flow that made it; None for a task made by hand.
        contact: whom to approach.
        additional_contacts: others to approach.
        title: its title, written by people.
        priority: how urgent it is.
    """

    id: int
    user_id: str = field(default="", metadata=ID)
    created: datetime | None = None
    updated: datetime | None = None
    status: TaskStatus | None = None
    type: TaskType | None = None
    actions: tuple[TaskAction, ...] = ()
    account: Account | None = None
    opportunity: Opportunity | None = None
    due_date: datetime | None = None
    flow: Flow | None = field(default=None, metadata=OFTEN_ABSENT)
    contact: Contact | None = None
    additional_contacts: tuple[Contact, ...] = field(default=(), metadata=OFTEN_ABSENT)
    title: str | None = field(default=None, metadata=OFTEN_ABSENT)
    priority: Priority | None = None

    def update(
        self,
        *,
        status: TaskStatus | str | None = None,
        due_date: datetime | None = None,
        priority: str | None = None,
    ) -> TaskUpdate:
        """Build an update of this task; nothing is sent.

        Args:
            status: the new status.
            due_date: the new due date; aware.
            priority: the new priority, such as ``MEDIUM``.

        Raises:
            ValueError: as for :class:`TaskUpdate`.
        """
        return TaskUpdate(self.id, self.user_id, status=status, due_date=due_date, priority=priority)
