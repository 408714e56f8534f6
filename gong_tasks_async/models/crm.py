"""Objects of the CRM, as Gong passes them on: accounts, deals, contacts."""

from __future__ import annotations

from attrs import field, frozen

from gong_tasks_async.models.base import PLAIN, Answered, JsonValue
from gong_tasks_async.models.enums import Affiliation, CrmObjectType, OptOutChannel


@frozen(kw_only=True)
class CrmField(Answered):
    """One CRM field; deprecated by Gong, since the objects carry the same values.

    Attributes:
        name: the field's name in the CRM.
        value: its value, as plain JSON.
    """

    name: str | None = None
    value: JsonValue = field(default=None, hash=False, metadata=PLAIN)


@frozen(kw_only=True)
class Account(Answered):
    """The CRM account of a task.

    Attributes:
        crm_id: its id in the CRM.
        name: its name.
        crm_url: its page in the CRM.
        crm_entity_type: the CRM's name for its type.
        fields: its CRM fields; deprecated by Gong.
    """

    crm_id: str | None = None
    name: str | None = None
    crm_url: str | None = None
    crm_entity_type: str | None = None
    fields: tuple[CrmField, ...] = ()


@frozen(kw_only=True)
class Opportunity(Answered):
    """The CRM deal of a task. Gong sends amounts, probabilities and dates as text.

    Attributes:
        crm_id: its id in the CRM.
        name: its name.
        crm_url: its page in the CRM.
        status: its status in the CRM.
        stage: its stage in the CRM.
        amount: its amount, as text.
        probability: its probability, as text.
        close_date: the day on which it is to close, as text.
        crm_entity_type: the CRM's name for its type.
        fields: its CRM fields; deprecated by Gong.
    """

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
class Email(Answered):
    """One e-mail address of a contact.

    Attributes:
        email: the address.
    """

    email: str | None = None


@frozen(kw_only=True)
class PhoneNumber(Answered):
    """One phone number of a contact.

    Attributes:
        raw: the number as it was entered.
        extension: extension to dial after it.
        country_code: country calling code, such as 1.
        normalized: the number in international form.
        label: such as ``mobile``.
        is_verified: whether Gong has verified it.
    """

    raw: str | None = None
    extension: str | None = None
    country_code: int | None = None
    normalized: str | None = None
    label: str | None = None
    is_verified: bool | None = None


@frozen(kw_only=True)
class ContactData(Answered):
    """A contact's details.

    Attributes:
        first_name: first name.
        last_name: last name.
        crm_url: the contact's page in the CRM.
        company_name: the contact's company.
        affiliation: whether inside or outside of your company.
        emails: e-mail addresses.
        title: job title.
        timezone: time zone, as Gong spells it.
        phone_numbers: phone numbers.
        city: city of the address.
        country: country of the address.
        state: state of the address.
        zipcode: postal code.
        opt_out_channels: channels on which the contact must not be approached.
        linkedin_profile: address of the LinkedIn profile.
        opt_out_status: the opt-out, as Gong spells it.
    """

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
    """A person to be called.

    Attributes:
        crm_id: the contact's id in the CRM.
        type: whether a contact or a lead.
        data: name, addresses, phone numbers and more.
    """

    crm_id: str | None = None
    type: CrmObjectType | None = None
    data: ContactData | None = None
