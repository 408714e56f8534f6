"""Response models: every field of both of Gong's references, in their order, in snake_case.

Any field may be missing or null in a response; it is then ``None``, or ``()`` for a list. Two are different,
because a task without them is of no use: ``Task.id`` is always present, and ``Task.user_id`` is
``""`` where Gong left it out. ``extra`` holds what Gong sent beyond its reference, as plain JSON values.

See https://help.gong.io/apidocs/list-users-tasks-v2tasks-1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn, TypeAlias

from attrs import field, frozen

from gong_tasks_async.models.enums import (
    Affiliation,
    CrmObjectType,
    CrmType,
    OptOutChannel,
    TaskAction,
    TaskStatus,
    TaskType,
)
from gong_tasks_async.models.requests import TaskUpdate

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"

# Marks a text that Gong also sends as a JSON number.
ID = {"also_number": True}

# Marks a field that is carried through as plain JSON.
PLAIN = {"plain": True}

# Marks a field whose wrong type is always an error: a listing that ends early must not look complete.
ESSENTIAL = {"essential": True}


class _Nothing(dict[str, "JsonValue"]):
    """An empty, immutable mapping that all objects share, and that stays a singleton through pickling."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("extra is read-only: it holds what Gong sent")

    __setitem__ = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING: Mapping[str, JsonValue] = _Nothing()


@frozen(kw_only=True)
class Answered:
    """Base of all response models; ``extra`` holds the fields that they do not type."""

    extra: Mapping[str, JsonValue] = field(default=NOTHING, repr=False, hash=False)


@frozen(kw_only=True)
class CrmField(Answered):
    """One CRM field; deprecated by Gong, since the objects carry the same values."""

    name: str | None = None
    value: JsonValue = field(default=None, hash=False, metadata=PLAIN)


@frozen(kw_only=True)
class Account(Answered):
    """The CRM account of a task."""

    crm_id: str | None = None
    name: str | None = None
    crm_url: str | None = None
    crm_entity_type: str | None = None
    fields: tuple[CrmField, ...] = ()


@frozen(kw_only=True)
class Opportunity(Answered):
    """The CRM deal of a task. Gong sends amounts, probabilities and dates as text."""

    crm_id: str | None = None
    name: str | None = None
    crm_url: str | None = None
    status: str | None = None
    stage: str | None = None
    amount: str | None = None
    probability: str | None = None
    close_date: str | None = None
    crm_entity_type: str | None = None
    fields: tuple[CrmField, ...] = ()


@frozen(kw_only=True)
class Step(Answered):
    """The step of a flow that made a task."""

    id: int | None = None
    name: str | None = None
    step_number: int | None = None


@frozen(kw_only=True)
class Flow(Answered):
    """The flow that made a task."""

    id: int | None = None
    name: str | None = None
    step: Step | None = None


@frozen(kw_only=True)
class Email(Answered):
    """One e-mail address of a contact."""

    email: str | None = None


@frozen(kw_only=True)
class PhoneNumber(Answered):
    """One phone number of a contact."""

    raw: str | None = None
    extension: str | None = None
    country_code: int | None = None
    normalized: str | None = None
    label: str | None = None
    is_verified: bool | None = None


@frozen(kw_only=True)
class ContactData(Answered):
    """A contact's details."""

    first_name: str | None = None
    last_name: str | None = None
    crm_url: str | None = None
    company_name: str | None = None
    affiliation: Affiliation | None = None
    emails: tuple[Email, ...] = ()
    title: str | None = None
    timezone: str | None = None
    phone_numbers: tuple[PhoneNumber, ...] = ()
    city: str | None = None
    country: str | None = None
    state: str | None = None
    zipcode: str | None = None
    opt_out_channels: tuple[OptOutChannel, ...] = ()
    linkedin_profile: str | None = None
    opt_out_status: str | None = None


@frozen(kw_only=True)
class Contact(Answered):
    """A person to be called."""

    crm_id: str | None = None
    type: CrmObjectType | None = None
    data: ContactData | None = None


@frozen(kw_only=True)
class Priority(Answered):
    """How urgent a task is (newest reference only)."""

    id: int | None = None
    name: str | None = None
    weight: int | None = None


@frozen(kw_only=True)
class Task(Answered):
    """One Engage task of one user. All date-times are aware."""

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
    flow: Flow | None = None
    contact: Contact | None = None
    additional_contacts: tuple[Contact, ...] = ()
    title: str | None = None
    priority: Priority | None = None

    def update(
        self,
        *,
        status: TaskStatus | str | None = None,
        due_date: datetime | None = None,
        priority: str | None = None,
    ) -> TaskUpdate:
        """Build an update of this task; nothing is sent.

        Raises:
            ValueError: as for :class:`TaskUpdate`.
        """
        return TaskUpdate(self.id, self.user_id, status=status, due_date=due_date, priority=priority)


@frozen(kw_only=True)
class TasksAnswer(Answered):
    """The whole response of both task calls."""

    request_id: str | None = None
    tasks: tuple[Task, ...] = field(default=(), metadata=ESSENTIAL)
    crm_type: CrmType | None = None


@frozen(kw_only=True)
class UserSettings(Answered):
    """What Gong records and imports for a user."""

    web_conferences_recorded: bool | None = None
    prevent_web_conference_recording: bool | None = None
    telephony_calls_imported: bool | None = None
    emails_imported: bool | None = None
    prevent_email_import: bool | None = None
    non_recorded_meetings_imported: bool | None = None
    gong_connect_enabled: bool | None = None


@frozen(kw_only=True)
class SpokenLanguage(Answered):
    """A language that a user speaks in calls."""

    language: str | None = None
    """Such as ``es-ES``."""
    primary: bool | None = None


@frozen(kw_only=True)
class User(Answered):
    """One user of the company, from ``GET /v2/users``; pass ``id`` to :class:`TaskFilter`."""

    id: str = field(default="", metadata=ID)
    email_address: str | None = None
    created: datetime | None = None
    active: bool | None = None
    email_aliases: tuple[str, ...] = ()
    """Further addresses, such as former ones."""
    trusted_email_address: str | None = None
    """The address that single sign-on vouches for."""
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    phone_number: str | None = None
    extension: str | None = None
    personal_meeting_urls: tuple[str, ...] = ()
    settings: UserSettings | None = None
    manager_id: str = field(default="", metadata=ID)
    """The manager's id; ``""`` where there is none."""
    meeting_consent_page_url: str | None = None
    conferencing_providers: JsonValue = field(default=None, hash=False, metadata=PLAIN)
    """As Gong sends it; its form is not documented."""
    spoken_languages: tuple[SpokenLanguage, ...] = ()

    @property
    def other_addresses(self) -> tuple[str, ...]:
        """The aliases and the trusted address."""
        return tuple(filter(None, (*self.email_aliases, self.trusted_email_address)))

    @property
    def name(self) -> str:
        """The first and last name, as far as known."""
        return " ".join(filter(None, (self.first_name, self.last_name)))


@frozen(kw_only=True)
class Records(Answered):
    """The position of one page in a listing."""

    total_records: int | None = None
    current_page_size: int | None = None
    current_page_number: int | None = None
    cursor: str | None = field(default=None, metadata=ESSENTIAL)
    """The cursor of the next page; None after the last one."""


@frozen(kw_only=True)
class UsersAnswer(Answered):
    """One page of the company's users. See https://help.gong.io/apidocs/list-all-users-v2users ."""

    request_id: str | None = None
    records: Records | None = field(default=None, metadata=ESSENTIAL)
    users: tuple[User, ...] = field(default=(), metadata=ESSENTIAL)


@frozen(kw_only=True)
class UserAnswer(Answered):
    """One user of the company. See https://help.gong.io/apidocs/retrieve-user-v2usersid ."""

    request_id: str | None = None
    user: User | None = field(default=None, metadata=ESSENTIAL)


@frozen(kw_only=True)
class Workspace(Answered):
    """One workspace of the company; pass ``id`` to :class:`TaskFilter` as ``workspace_id``."""

    id: str = field(default="", metadata=ID)
    name: str | None = None
    description: str | None = None


@frozen(kw_only=True)
class WorkspacesAnswer(Answered):
    """The company's workspaces. See https://help.gong.io/apidocs/list-all-company-workspaces-v2workspaces ."""

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
