"""Credentials from a function of the user's, such as a vault: its faults are typed errors, and it is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gong_tasks_async import AccessKey, ClientStateError, CredentialsError, GongTasksClient, Unlimited
from gong_tasks_async.auth.renewal import SUPPLY_TIMEOUT
from gong_tasks_async.simulator import Engine, SecondLimit, make_app, memory_session
from tests.conftest import credentials_of

pytestmark = pytest.mark.virtual

SECRET = "s3cret-of-the-vault"


async def never() -> Any:
    await asyncio.sleep(10**9)


async def stubborn() -> Any:
    """Swallow each cancellation."""
    while True:
        try:
            await asyncio.sleep(50_000)
        except asyncio.CancelledError:
            continue


def raises() -> Any:
    raise ZeroDivisionError(SECRET)


async def cancelled() -> Any:
    raise asyncio.CancelledError


class Half:
    """Has a header, but not as text."""

    authorization = None
    secrets = ()


FAULTS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "the bare secret": lambda: SECRET,
    "a pair": lambda: ("key", SECRET),
    "a dict": lambda: {"access_key": "key", "access_key_secret": SECRET},
    "a class": lambda: AccessKey,
    "half of it": Half,
    "never": never,
    "swallows its cancellation": stubborn,
    "raises": raises,
    "cancelled": cancelled,
}


def client(session: Any, vault: Callable[[], Any]) -> GongTasksClient:
    return GongTasksClient(vault, base_url="http://localhost", session=session, quota=Unlimited())


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_faulty_vault_is_a_typed_error_and_is_asked_again(fault: str) -> None:
    engine = Engine(users=1, second_limit=SecondLimit.NONE)
    supplies: list[Callable[[], Any]] = [FAULTS[fault], FAULTS[fault], lambda: credentials_of(engine)]

    def vault() -> Any:
        return supplies.pop(0)()

    async with memory_session(make_app(engine, (0, 0))) as session, client(session, vault) as gong:
        for _ in range(2):
            started = asyncio.get_running_loop().time()
            with pytest.raises(CredentialsError, match="your credentials function") as caught:
                await gong.list_tasks(engine.user_ids[0])
            assert asyncio.get_running_loop().time() - started <= SUPPLY_TIMEOUT + 1
            assert SECRET not in str(caught.value)
        assert await gong.list_tasks(engine.user_ids[0])
    for task in asyncio.all_tasks() - {asyncio.current_task()}:  # those of `stubborn`, which nothing ends
        assert fault == "swallows its cancellation"
        coroutine = task.get_coro()
        assert coroutine is not None
        coroutine.close()


async def test_closing_does_not_wait_for_a_vault_and_the_call_says_so() -> None:
    engine = Engine(users=1)
    async with memory_session(make_app(engine, (0, 0))) as session:
        gong = client(session, never)
        async with gong:
            call = asyncio.create_task(gong.list_tasks("1"))
            await asyncio.sleep(1)
        assert asyncio.get_running_loop().time() < 2
        with pytest.raises(ClientStateError, match="closed while it waited for credentials"):
            await call


def test_a_loop_that_shuts_down_does_not_wait_for_a_vault() -> None:
    async def interrupted() -> None:
        gong = GongTasksClient(never, quota=Unlimited())
        await gong.__aenter__()
        await asyncio.wait([asyncio.create_task(gong.list_tasks("1"))], timeout=0.01)
        await gong.close()

    asyncio.run(asyncio.wait_for(interrupted(), 5))
