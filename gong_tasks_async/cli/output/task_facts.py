"""One task as a person reads it: every fact after its name."""

from __future__ import annotations

from typing import Final

from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.cli.output.task_rows import OwnedTask, person, user_name
from gong_tasks_async.models import Contact, ContactData, Task, User


def task_facts(row: OwnedTask) -> dict[str, str]:
    """The facts of a task that are known, by their names."""
    task = row.task
    facts = {
        "Task": str(task.id),
        "Title": task.title or "",
        "Status": task.status or "",
        "Due": local_time(task.due_date),
        "Priority": (task.priority and task.priority.name) or "",
        "Owner": owner_text(row.owner, task.user_id),
        "Call": _contact(task.contact, person(task)),
        "Account": _joined(task.account.name, task.account.crm_url) if task.account else "",
        "Opportunity": _opportunity(task),
        "Flow": _flow(task),
        "Type": task.type or "",
        "Created": local_time(task.created),
        "Updated": local_time(task.updated),
    }
    return {name: text for name, text in facts.items() if text}


def owner_text(owner: User | None, user_id: str) -> str:
    """An owner by name, address and id, as far as known."""
    return _joined(user_name(owner), owner.email_address if owner else None, user_id)


SEPARATOR: Final = ", "


def _joined(*parts: str | None) -> str:
    return SEPARATOR.join(dict.fromkeys(part for part in parts if part))


def _contact(contact: Contact | None, name: str) -> str:
    if contact is None:
        return ""
    data = contact.data or ContactData()
    phones = [phone.normalized or phone.raw for phone in data.phone_numbers]
    emails = [email.email for email in data.emails]
    return _joined(name, data.title, data.company_name, *phones, *emails, data.timezone, data.crm_url)


def _opportunity(task: Task) -> str:
    deal = task.opportunity
    return _joined(deal.name, deal.stage, deal.amount, deal.crm_url) if deal else ""


def _flow(task: Task) -> str:
    if task.flow is None:
        return ""
    return _joined(task.flow.name, task.flow.step.name if task.flow.step else None)
