"""Made-up users and tasks in Gong's JSON spelling: the same seed makes the same company."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from gong_tasks_async.simulator import crm

Json = dict[str, Any]

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
PRIORITIES = {"low": 10, "medium": 20, "high": 30}

_BERLIN = timezone(timedelta(hours=2))
_TITLES = ("Call back about the renewal", "Ask about the pilot", "Señor Muñoz: contract 📞", "Follow up")
_FLOWS = ("Inbound leads", "Renewals Q1", "Größere Kunden", "No-shows")
_NULLABLE = ("account", "opportunity", "contact", "dueDate", "priority", "additionalContacts")


def spell(moment: datetime, shape: int) -> str:
    """Write a moment in one of the four shapes that were seen on the live service."""
    if shape == 0:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment.astimezone(_BERLIN).isoformat(
        timespec=("seconds", "milliseconds", "microseconds")[shape - 1]
    )


def priority(name: str) -> Json:
    """Describe a priority as answers do; PATCH takes its name alone."""
    known = name.lower() in PRIORITIES
    number = list(PRIORITIES).index(name.lower()) + 1 if known else -1
    return {"id": number, "name": name.lower(), "weight": PRIORITIES.get(name.lower(), 0)}


def big_id(random: Random) -> int:
    """Draw an id that a double cannot hold."""
    return random.randrange(2**53 + 1, 2**63, 2)


def make_users(random: Random, number: int, inactive: int | None = None) -> list[Json]:
    """Make the company's users; the first one manages the others, and the last `inactive` ones have left."""
    users = [_user(random, place) for place in range(number)]
    for user in users[1:]:
        user["managerId"] = users[0]["id"]
    if inactive is not None:
        for place, user in enumerate(users):
            user["active"] = place < number - inactive
    return users


def _user(random: Random, place: int) -> Json:
    first, last = random.choice(crm.FIRST_NAMES), random.choice(crm.LAST_NAMES)
    return {
        "id": str(big_id(random)),
        "emailAddress": f"{first}.{last}.{place}@example.com".lower().replace(" ", "-"),
        "created": spell(_past(random), 1),
        "active": random.random() < 0.9,  # noqa: PLR2004 - a share
        "emailAliases": [],
        "firstName": first,
        "lastName": last,
        "title": random.choice(("AE", "SDR", None)),
        "phoneNumber": crm.phone(random)["raw"],
        "managerId": None,
        "settings": {"webConferencesRecorded": True, "emailsImported": True},
    }


def make_tasks(random: Random, user_ids: Sequence[str], each: int, ids_as_text: float) -> dict[int, Json]:
    """Make `each` tasks for every user; `ids_as_text` is the share of tasks whose ids are JSON strings."""
    tasks: dict[int, Json] = {}
    for user_id in user_ids:
        for _ in range(each):
            number: Callable[[int], int | str] = str if random.random() < ids_as_text else int
            task_id = big_id(random)
            tasks[task_id] = _task(random, task_id, int(user_id), number)
    return tasks


def _task(random: Random, task_id: int, user_id: int, number: Callable[[int], int | str]) -> Json:
    created = _past(random)
    task: Json = {
        "id": number(task_id),
        "userId": number(user_id),
        "created": spell(created, random.randrange(4)),
        "updated": spell(created + timedelta(hours=random.random()), random.randrange(4)),
        "status": random.choices(("OPEN", "DONE", "DISMISSED"), (90, 6, 4))[0],
        "type": random.choice(("FLOW", "MANUAL")),
        "actions": ["CALL"],
        "account": crm.account(random),
        "opportunity": crm.opportunity(random),
        "dueDate": spell(BEGINNING + timedelta(days=random.uniform(-3, 30)), random.randrange(4)),
        "contact": crm.contact(random),
        "additionalContacts": [crm.contact(random) for _ in range(random.choice((0, 0, 1, 2)))],
        "priority": priority(random.choice(tuple(PRIORITIES))),
    }
    crm.leave_gaps(random, task, _NULLABLE)
    return task | _origin(random, task["type"], number)


def _origin(random: Random, type: str, number: Callable[[int], int | str]) -> Json:
    if type == "MANUAL":
        return {"title": random.choice(_TITLES)}
    return {"flow": _flow(random, number)}


def _flow(random: Random, number: Callable[[int], int | str]) -> Json:
    step_id = -1 if random.random() < 0.2 else big_id(random)  # noqa: PLR2004 - a share
    return {
        "id": number(big_id(random)),
        "name": random.choice(_FLOWS),
        "step": {"id": number(step_id), "name": "First call", "stepNumber": random.randrange(1, 9)},
    }


def _past(random: Random) -> datetime:
    return BEGINNING - timedelta(days=random.uniform(1, 200))


def full_task(id: int = 9067931441193858457, user_id: int = 234599484848423) -> Json:
    """Make a task with every field of both references filled in.

    Args:
        id: the task's id.
        user_id: its owner.
    """
    random = Random(id)  # noqa: S311 - made-up data, no cryptography
    return {
        **_task(random, id, user_id, int),
        "status": "OPEN",
        "type": "FLOW",
        "account": crm.account(random),
        "opportunity": crm.opportunity(random),
        "dueDate": "2026-02-17T10:30:31.828+02:00",
        "contact": crm.full_contact(random),
        "additionalContacts": [crm.full_contact(random)],
        "priority": priority("high"),
        "title": _TITLES[0],
        "flow": _flow(random, int),
    }
