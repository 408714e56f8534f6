"""Users and workspaces of the company."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from gong_tasks_async.models.base import ID, PLAIN, Answered, JsonValue


@frozen(kw_only=True)
class UserSettings(Answered):
    """What Gong records and imports for a user.

    Attributes:
        web_conferences_recorded: whether web conferences are recorded.
        prevent_web_conference_recording: whether recording them is prevented.
        telephony_calls_imported: whether telephone calls are imported.
        emails_imported: whether e-mails are imported.
        prevent_email_import: whether importing them is prevented.
        non_recorded_meetings_imported: whether meetings without a recording are imported.
        gong_connect_enabled: whether the user calls with Gong Connect.
    """

    web_conferences_recorded: bool | None = None
    prevent_web_conference_recording: bool | None = None
    telephony_calls_imported: bool | None = None
    emails_imported: bool | None = None
    prevent_email_import: bool | None = None
    non_recorded_meetings_imported: bool | None = None
    gong_connect_enabled: bool | None = None


@frozen(kw_only=True)
class SpokenLanguage(Answered):
    """A language that a user speaks in calls.

    Attributes:
        language: such as ``es-ES``.
        primary: whether it is the user's main language.
    """

    language: str | None = None
    primary: bool | None = None


@frozen(kw_only=True)
class User(Answered):
    """One user of the company, from ``GET /v2/users``; pass ``id`` to :class:`TaskFilter`.

    Attributes:
        id: the user's id, which task calls take.
        email_address: the e-mail address with which the user signs in.
        created: when the user was created.
        active: whether the user is active in Gong.
        email_aliases: further addresses, such as former ones.
        trusted_email_address: the address that single sign-on vouches for.
        first_name: first name.
        last_name: last name.
        title: job title.
        phone_number: phone number.
        extension: extension to dial after it.
        personal_meeting_urls: addresses of personal meeting rooms.
        settings: what Gong records and imports for the user.
        manager_id: the manager's id; ``""`` where there is none.
        meeting_consent_page_url: the user's page that asks for consent to recording.
        conferencing_providers: as Gong sends it; its form is not documented.
        spoken_languages: languages that the user speaks in calls.
    """

    id: str = field(default="", metadata=ID)
    email_address: str | None = None
    created: datetime | None = None
    active: bool | None = None
    email_aliases: tuple[str, ...] = ()
    trusted_email_address: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    phone_number: str | None = None
    extension: str | None = None
    personal_meeting_urls: tuple[str, ...] = ()
    settings: UserSettings | None = None
    manager_id: str = field(default="", metadata=ID)
    meeting_consent_page_url: str | None = None
    conferencing_providers: JsonValue = field(default=None, hash=False, metadata=PLAIN)
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
class Workspace(Answered):
    """One workspace of the company; pass ``id`` to :class:`TaskFilter` as ``workspace_id``.

    Attributes:
        id: the workspace's id.
        name: its name.
        description: its description.
    """

    id: str = field(default="", metadata=ID)
    name: str | None = None
    description: str | None = None
