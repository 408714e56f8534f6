"""Gong's enums, open to new values.

A value that Gong adds later is carried through unharmed: it becomes an unlisted member, equal to its text, and
is written as it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Self, TypeVar

EnumT = TypeVar("EnumT", bound="OpenEnum")


class OpenEnum(StrEnum):
    """An enum that lists the documented words, in any case of their letters, and keeps others as they are."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        if documented := word_of(cls, value):
            return documented
        # Not cached: a response full of nonsense must not grow the class.
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    # Enum hashes the name, but a member equals its text, so the text decides.
    __hash__ = str.__hash__

    @property
    def is_documented(self) -> bool:
        """Whether Gong's reference lists this word."""
        return self in documented_words(type(self))


@cache
def documented_words(vocabulary: type[EnumT]) -> Mapping[str, EnumT]:
    """Map the documented words of an enum to its members."""
    return {word.value: word for word in vocabulary}


@cache
def lower_words(vocabulary: type[EnumT]) -> Mapping[str, EnumT]:
    """Map the documented words of an enum, in lower case, to its members."""
    return {word.value.lower(): word for word in vocabulary}


def word_of(vocabulary: type[EnumT], text: str) -> EnumT | None:
    """Return the documented member that a text names, whatever the case of its letters; None for another text."""
    return lower_words(vocabulary).get(text.lower())


class TaskStatus(OpenEnum):
    """The status of a task."""

    OPEN = "OPEN"
    DONE = "DONE"
    DISMISSED = "DISMISSED"


class TaskType(OpenEnum):
    """Created by a flow, or manually."""

    FLOW = "FLOW"
    MANUAL = "MANUAL"


class TaskAction(OpenEnum):
    """The action of a task; Gong documents only ``CALL`` today."""

    CALL = "CALL"


class Affiliation(OpenEnum):
    """Whose side a contact is on."""

    US = "Us"
    THEM = "Them"
    UNKNOWN = "Unknown"


class OptOutChannel(OpenEnum):
    """A channel on which a contact does not want to be reached."""

    CALLS = "CALLS"
    EMAILS = "EMAILS"
    SMS_MESSAGES = "SMS_MESSAGES"


class CrmType(OpenEnum):
    """The CRM behind the company's Gong."""

    SALESFORCE = "SALESFORCE"
    HUBSPOT = "HUBSPOT"
    MICROSOFT_DYNAMICS = "MICROSOFT_DYNAMICS"
    GENERIC = "GENERIC"


class CrmObjectType(OpenEnum):
    """What kind of CRM object something is."""

    CONTACT = "CONTACT"
    CONTACT_WITHOUT_ACCOUNT = "CONTACT_WITHOUT_ACCOUNT"
    LEAD = "LEAD"
    LEAD_FIELD_HISTORY = "LEAD_FIELD_HISTORY"
    ACCOUNT = "ACCOUNT"
    OPPORTUNITY = "OPPORTUNITY"
    OPPORTUNITY_HISTORY = "OPPORTUNITY_HISTORY"
    OPPORTUNITY_FIELD_HISTORY = "OPPORTUNITY_FIELD_HISTORY"
    ACCOUNT_FIELD_HISTORY = "ACCOUNT_FIELD_HISTORY"
    CONTACT_FIELD_HISTORY = "CONTACT_FIELD_HISTORY"
    OPPORTUNITY_STAGE = "OPPORTUNITY_STAGE"
    USER = "USER"
    TASK = "TASK"
    EVENT = "EVENT"
    STAGE = "STAGE"
    OPPORTUNITY_CONTACT_ROLE = "OPPORTUNITY_CONTACT_ROLE"
    RECORD_TYPE = "RECORD_TYPE"
    NO_TYPE = "NO_TYPE"
    CAMPAIGN = "CAMPAIGN"
