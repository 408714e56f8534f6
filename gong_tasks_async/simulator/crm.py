"""Made-up accounts, opportunities and contacts, with the gaps that real ones have."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

Json = dict[str, Any]

FIRST_NAMES = ("Ana", "Björn", "Chloé", "Dmitri", "Eun-ji", "Farid")
LAST_NAMES = ("Almeida", "O'Neil", "Kowalska", "Nguyen", "van Dijk", "Şahin")
CONTACT_TYPES = ("CONTACT", "CONTACT_WITHOUT_ACCOUNT", "LEAD")

_COMPANIES = ("Acme", "Initech", "Müller & Söhne", "Umbrella", "日本商事")
_ZONES = ("US/Pacific", "US/Eastern", "Europe/Berlin")
_GAP = 0.05


def leave_gaps(random: Random, record: Json, names: Iterable[str]) -> None:
    """Null some of a record's fields and drop others."""
    for name in names:
        draw = random.random()
        if draw < _GAP:
            record[name] = None
        elif draw < 2 * _GAP:
            del record[name]


def account(random: Random) -> Json:
    """Make an account."""
    crm_id, name = _crm_id(random), random.choice(_COMPANIES)
    return {
        "crmId": crm_id,
        "name": name,
        "crmUrl": _url(crm_id),
        "crmEntityType": "ACCOUNT",
        "fields": _fields({"Id": crm_id, "Name": name}),
    }


def opportunity(random: Random) -> Json:
    """Make an opportunity; Gong declares all its values as strings."""
    crm_id = _crm_id(random)
    values = {
        "name": f"{random.choice(_COMPANIES)} {random.randrange(2024, 2028)}",
        "status": random.choice(("Open", "Won", "Lost")),
        "stage": random.choice(("Discovery", "Negotiation")),
        "amount": f"{random.uniform(1e3, 1e6):.2f}",
        "probability": str(random.randrange(101)),
        "closeDate": "2026-03-31",
    }
    return {
        "crmId": crm_id,
        "crmUrl": _url(crm_id),
        **values,
        "crmEntityType": "OPPORTUNITY",
        "fields": _fields(values),
    }


def contact(random: Random) -> Json:
    """Make a contact with gaps."""
    whole = full_contact(random)
    leave_gaps(random, whole["data"], tuple(whole["data"]))
    return whole


def full_contact(random: Random) -> Json:
    """Make a contact that has every field."""
    crm_id = _crm_id(random)
    return {
        "crmId": crm_id,
        "type": random.choice(CONTACT_TYPES),
        "data": _person(random, crm_id) | _place(random),
    }


def _person(random: Random, crm_id: str) -> Json:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    return {
        "firstName": first,
        "lastName": last,
        "crmUrl": _url(crm_id),
        "companyName": random.choice(_COMPANIES),
        "affiliation": random.choice(("Us", "Them", "Unknown")),
        "emails": [{"email": f"{first}@example.org".lower()}],
        "title": "Head of Purchasing",
        "phoneNumbers": [phone(random) for _ in range(random.choice((1, 1, 2)))],
        "optOutChannels": random.sample(("CALLS", "EMAILS", "SMS_MESSAGES"), random.choice((0, 0, 1, 2))),
        "optOutStatus": random.choice(("OPTED_IN", "OPTED_OUT")),
        "linkedinProfile": f"https://www.linkedin.com/in/{crm_id.lower()}",
    }


def _place(random: Random) -> Json:
    return {
        "timezone": random.choice(_ZONES),
        "city": "San José",
        "country": "United States",
        "state": "CA",
        "zipcode": f"{random.randrange(100_000):05}",
    }


def phone(random: Random) -> Json:
    """Make a telephone number that is not assigned."""
    digits = f"415555{random.randrange(10_000):04}"
    return {
        "raw": f"({digits[:3]}) {digits[3:6]}-{digits[6:]}",
        "extension": random.choice(("", "12")),
        "countryCode": 1,
        "normalized": f"+1{digits}",
        "label": random.choice(("Mobile", "Work")),
        "isVerified": random.random() < 0.5,  # noqa: PLR2004 - heads or tails
    }


def _crm_id(random: Random) -> str:
    return f"003{random.randrange(36**10):015X}"


def _url(crm_id: str) -> str:
    return f"https://example.my.salesforce.com/{crm_id}"


def _fields(values: Json) -> list[Json]:
    return [{"name": name, "value": value} for name, value in values.items()]
