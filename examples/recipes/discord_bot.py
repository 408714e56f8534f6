"""Discord, with discord.py: `!calls ana@example.com` lists a person's open calls. The client lives as long as the bot."""

from __future__ import annotations

import os
from typing import Any

import discord
from discord.ext import commands

from gong_tasks_async import GongTasksClient


class CallsBot(commands.Bot):
    """A bot with a client, opened when the bot's own event loop runs."""

    def __init__(self, gong: GongTasksClient) -> None:
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__("!", intents=intents)
        self.gong = gong
        self.add_command(calls)

    async def setup_hook(self) -> None:
        """Open the client before the first message."""
        await self.gong.open()

    async def close(self) -> None:
        """Close the client with the bot."""
        await self.gong.close()
        await super().close()


@commands.command()
async def calls(context: Any, address: str) -> None:
    """List the open calls of a user."""
    gong = context.bot.gong.with_options(timeout=20)
    user = (await gong.find_users([address])).get(address)
    tasks = [] if user is None else await gong.list_tasks(user.id)
    await context.send("\n".join(str(task.title or task.id) for task in tasks) or "No open calls.")


if __name__ == "__main__":
    CallsBot(GongTasksClient.from_env()).run(os.environ["DISCORD_TOKEN"])
