"""Telegram, with aiogram: `/calls ana@example.com` lists a person's open calls."""

from __future__ import annotations

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from gong_tasks_async import GongTasksClient

dispatcher = Dispatcher()


@dispatcher.message(Command("calls"))
async def calls(message: Message, command: CommandObject, gong: GongTasksClient) -> None:
    """List the open calls of a user; aiogram passes what was given to ``start_polling``."""
    address = (command.args or "").strip()
    user = (await gong.find_users([address])).get(address)
    tasks = [] if user is None else await gong.list_tasks(user.id)
    await message.answer("\n".join(str(task.title or task.id) for task in tasks) or "No open calls.")


async def main() -> None:
    """Serve until Ctrl-C."""
    async with GongTasksClient.from_env() as gong:
        await dispatcher.start_polling(Bot(os.environ["TELEGRAM_TOKEN"]), gong=gong.with_options(timeout=20))


if __name__ == "__main__":
    asyncio.run(main())
