"""Slack, with Bolt: `/calls` lists a person's open calls, found by the e-mail address of the Slack account."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from gong_tasks_async import GongError, GongTasksClient


async def open_calls(gong: GongTasksClient, address: str) -> str:
    """The answer to `/calls`, in words."""
    try:
        user = (await gong.find_users([address])).get(address)
        tasks = [] if user is None else await gong.list_tasks(user.id)
    except GongError as error:
        return f"Gong cannot be asked now: {error}"
    lines = [f"• {task.title or task.id}" for task in tasks]
    return "\n".join(lines) or "No open calls."


def app_of(gong: GongTasksClient, **settings: Any) -> AsyncApp:
    """The bot's app; ``settings`` are Bolt's own."""
    app = AsyncApp(**settings)

    @app.command("/calls")
    async def calls(ack: Any, command: dict[str, Any], client: Any, respond: Any) -> None:
        await ack()  # Slack waits three seconds at the most, and the quota may take longer
        profile = await client.users_info(user=command["user_id"])
        await respond(await open_calls(gong, profile["user"]["profile"]["email"]))

    return app


async def main() -> None:
    """Serve until Ctrl-C."""
    async with GongTasksClient.from_env() as gong:
        app = app_of(gong.with_options(timeout=20), token=os.environ["SLACK_BOT_TOKEN"])
        await AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start_async()


if __name__ == "__main__":
    asyncio.run(main())
