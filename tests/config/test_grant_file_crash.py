"""The file of a refresh token between processes: one is killed while it refreshes, one finds the disk full."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gong_tasks_async import OAuthToken
from gong_tasks_async.config.grant_file import GrantFile, SharedGrantFile
from gong_tasks_async.simulator import Engine, SecondLimit, Simulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no such limits")

REFRESH = """
import asyncio, os, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from gong_tasks_async import CredentialsError, OAuthToken
from gong_tasks_async.config.grant_file import GrantFile, SharedGrantFile

path, url, client_id, secret, times, hang_at, longest = sys.argv[1:]
if int(longest):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(longest), int(longest)))
synced = 0

def fsync(descriptor):
    global synced
    synced += 1
    if synced == int(hang_at):
        print("hangs", flush=True)
        time.sleep(3_600)

os.fsync = fsync

async def main():
    for _ in range(int(times)):
        file = GrantFile(Path(path))
        saved = file.read()
        signed = {"access_token": saved.access_token or "gone", "expires_at": datetime.now(UTC)}
        token = OAuthToken(client_id, secret, saved.refresh_token, store=SharedGrantFile(file), token_url=url, **signed)
        try:
            await token.refresh(None)
        except CredentialsError as error:
            print(error.reason, flush=True)

asyncio.run(main())
"""
CHECK, SAVE = 1, 3
"""Which call of fsync belongs to what: the check and the save each sync the file, then the folder."""


class Office:
    """A token endpoint, the file of its refresh token, and processes that share them."""

    def __init__(self, engine: Engine, gong: Simulator, path: Path) -> None:
        self.engine = engine
        self.file = GrantFile(path)
        self.url = f"{gong.base_url}/oauth2/generate-customer-token"
        self._running: list[Process] = []

    async def start(self, *, times: int = 1, hang_at: int = 0, longest_file: int = 0) -> Process:
        """A process that refreshes a number of times, and hangs in a call of fsync."""
        numbers = (times, hang_at, longest_file)
        arguments = (str(self.file.path), self.url, self.engine.client_id, self.engine.client_secret)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", REFRESH, *arguments, *map(str, numbers), stdout=PIPE
        )
        self._running.append(process)
        return process

    async def refresh(self, access_token: str = "gone") -> None:  # noqa: S107 - no secret
        """The same in this process, which was refused an access token."""
        saved = self.file.read()
        token = OAuthToken(
            self.engine.client_id,
            self.engine.client_secret,
            saved.refresh_token,
            store=SharedGrantFile(self.file),
            token_url=self.url,
            access_token=access_token,
            expires_at=datetime.now(UTC),
        )
        await token.refresh(None)

    def holds_the_newest(self) -> bool:
        return self.file.read().refresh_token == self.engine.refresh_token

    async def end(self) -> None:
        for process in self._running:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    engine = Engine(users=1, tasks_per_user=1, second_limit=SecondLimit.NONE)
    path = tmp_path / "token"
    path.write_text(engine.refresh_token, encoding="utf-8")
    path.chmod(0o600)
    async with Simulator(engine) as gong:
        office = Office(engine, gong, path)
        yield office
        await office.end()


async def printed(process: Process) -> list[str]:
    assert process.stdout is not None
    return (await process.stdout.read()).decode().splitlines()


@pytest.mark.parametrize(("moment", "refreshes"), [(CHECK, 0), (SAVE, 1), (SAVE + 1, 1)])
async def test_a_process_that_is_killed_while_it_saves_loses_no_token(
    office: Office, moment: int, refreshes: int
) -> None:
    process = await office.start(hang_at=moment)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"hangs\n"
    waiting = asyncio.create_task(office.refresh())
    await asyncio.sleep(0.2)
    assert (waiting.done(), office.engine.ledger.token_calls) == (False, refreshes)
    os.kill(process.pid, signal.SIGKILL)
    await waiting
    assert office.engine.ledger.token_calls == 1  # what the killed one got is used
    assert office.holds_the_newest()
    await office.refresh(office.file.read().access_token)
    assert office.engine.ledger.token_calls == 2
    assert office.holds_the_newest()
    assert {path.name for path in office.file.path.parent.iterdir()} == {"token", "token.lock"}


async def test_processes_that_refresh_at_once_take_turns(office: Office) -> None:
    processes = [await office.start(times=10) for _ in range(3)]
    assert [await printed(process) for process in processes] == [[], [], []]
    assert 10 <= office.engine.ledger.token_calls <= 30
    assert office.holds_the_newest()


async def test_a_disk_without_room_for_new_tokens_costs_no_token(office: Office) -> None:
    before = office.file.read()
    process = await office.start(longest_file=1_000)  # more than the token that is there, less than a block
    [line] = await printed(process)
    assert "its refresh token was not used" in line
    assert (office.engine.ledger.token_calls, office.file.read()) == (0, before)
    await office.refresh()
    assert office.holds_the_newest()
