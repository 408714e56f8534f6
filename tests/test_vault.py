"""Credentials from a function of the user's, such as a vault: its faults are typed errors, and it is asked again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from gong_tasks_async import AccessKey, ClientStateError, CredentialsError, GongTasksClient, Unlimited
from gong_tasks_async.auth import renewal
from gong_tasks_async.auth.patience import call_within
from gong_tasks_async.auth.renewal import SUPPLY_TIMEOUT, CallableSource
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


class Raising:
    """Has a header that cannot be had."""

    secrets = ()

    @property
    def authorization(self) -> str:
        raise KeyError(SECRET)


class Signing:
    """Has what it takes, as far as the names go."""

    def __init__(self, authorization: str, secrets: object = ()) -> None:
        self.authorization, self.secrets = authorization, secrets


FAULTS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "the bare secret": lambda: SECRET,
    "a pair": lambda: ("key", SECRET),
    "a dict": lambda: {"access_key": "key", "access_key_secret": SECRET},
    "a class": lambda: AccessKey,
    "half of it": Half,
    "a header that raises": Raising,
    "a header with a line break": lambda: Signing("Basic a\r\nX: y"),
    "an empty header": lambda: Signing(""),
    "no secrets": lambda: Signing("Basic a", None),
    "secrets that are no text": lambda: Signing("Basic a", (None,)),
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

    asyncio.run(asyncio.wait_for(interrupted(), 120))


def test_a_vault_that_blocks_holds_up_neither_the_loop_nor_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "SUPPLY_TIMEOUT", 0.1)
    released, began = threading.Event(), time.monotonic()

    def vault() -> AccessKey:
        released.wait(600.0)
        return AccessKey("k", "s")

    async def call() -> float:
        lag, ticking = 0.0, True

        async def tick() -> None:
            nonlocal lag
            while ticking:
                before = time.monotonic()
                await asyncio.sleep(0.01)
                lag = max(lag, time.monotonic() - before - 0.01)

        ticker = asyncio.create_task(tick())
        async with GongTasksClient(vault, quota=Unlimited()) as gong:
            with pytest.raises(CredentialsError, match="did not return within"):
                await gong.list_tasks("1")
        ticking = False
        await ticker
        return lag

    assert asyncio.run(call()) < 60.0
    assert time.monotonic() - began < 300.0
    released.set()


async def test_a_plain_function_sees_the_context_of_its_caller_and_another_thread() -> None:
    company: ContextVar[str] = ContextVar("company")
    company.set("acme")
    assert await call_within(
        lambda: (company.get(), threading.current_thread() is threading.main_thread()), 120.0
    ) == (
        "acme",
        False,
    )


class AsyncVault:
    async def __call__(self) -> object:
        return threading.current_thread() is threading.main_thread()


async def test_a_coroutine_function_in_any_wrapping_runs_in_the_loop() -> None:
    vault = AsyncVault()
    for function in (vault, partial(AsyncVault.__call__, vault), vault.__call__):
        assert await call_within(function, 120.0) is True


async def test_a_vault_is_asked_again_only_for_what_was_refused() -> None:
    asked: list[AccessKey] = []

    async def vault() -> AccessKey:
        asked.append(AccessKey(f"key-{len(asked)}", "secret"))
        return asked[-1]

    source = CallableSource(vault)
    first = await source.refresh(None)
    assert await source.refresh(None) is first
    second = await source.refresh(first)
    assert await source.refresh(first) is second
    assert (len(asked), SUPPLY_TIMEOUT) == (2, 30.0)
