"""How users are written by `gong-tasks users`."""

from __future__ import annotations

from typing import Final

from gong_tasks_async import User, to_json
from gong_tasks_async.cli.output.layout import Column, Layout


def _active(user: User) -> str:
    return "" if user.active is None else "yes" if user.active else "no"


USERS: Final = Layout[User](
    what="users",
    to_json=to_json,
    csv=(
        Column("id", lambda user: user.id),
        Column("emailAddress", lambda user: user.email_address),
        Column("active", _active),
        Column("firstName", lambda user: user.first_name),
        Column("lastName", lambda user: user.last_name),
        Column("title", lambda user: user.title),
        Column("managerId", lambda user: user.manager_id),
    ),
    table=(
        Column("Id", lambda user: user.id),
        Column("E-mail", lambda user: user.email_address, least=16),
        Column("Name", lambda user: user.name, least=10),
        Column("Active", _active),
        Column("Title", lambda user: user.title, least=10),
    ),
)
