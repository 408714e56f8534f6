"""Many companies in one service: who shares what, and what is left when a company is idle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from gong_tasks_async import AccessKey, ClientStateError, GongTasksPool
from gong_tasks_async.settings import ClientSettings
from gong_tasks_async.simulator import Engine, Simulator


class Companies:
    """A simulated Gong for each company, and a vault that counts the looks into it."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.engines: dict[str, Engine] = {}
        self.looks: list[str] = []

    async def settings_for(self, company: str) -> ClientSettings:
        """A company's key and address."""
        self.looks.append(company)
        await asyncio.sleep(0)
        engine = self.engines.setdefault(company, Engine(users=1, tasks_per_user=2, seed=len(self.engines)))
        gong = await self._stack.enter_async_context(Simulator(engine))
        return {"credentials": AccessKey(gong.access_key, gong.access_key_secret), "base_url": gong.base_url}


@pytest.fixture
async def companies() -> AsyncIterator[Companies]:
    async with AsyncExitStack() as stack:
        yield Companies(stack)


async def test_each_company_has_its_own_client_and_all_share_one_session(companies: Companies) -> None:
    async with GongTasksPool(companies.settings_for) as pool:
        for company in ("acme", "umbrella", "acme"):
            async with pool.client(company) as gong:
                await gong.list_tasks(companies.engines[company].user_ids[0])
        assert companies.looks == ["acme", "umbrella"]
        assert [engine.ledger.calls for engine in companies.engines.values()] == [2, 1]


async def test_many_that_ask_at_once_cost_one_look_into_the_vault(companies: Companies) -> None:
    async def use(pool: GongTasksPool) -> object:
        async with pool.client("acme") as gong:
            return gong

    async with GongTasksPool(companies.settings_for) as pool:
        clients = await asyncio.gather(*(use(pool) for _ in range(20)))
    assert (len(set(map(id, clients))), companies.looks) == (1, ["acme"])


async def test_an_idle_client_is_closed_and_its_calls_still_count(companies: Companies) -> None:
    async with GongTasksPool(companies.settings_for, idle_after=0.02) as pool:
        async with pool.client("acme") as first:
            await first.list_tasks(companies.engines["acme"].user_ids[0])
        async with asyncio.timeout(120):
            while pool._companies["acme"].client is not None:  # noqa: ASYNC110 - nothing tells of a close
                await asyncio.sleep(0.005)
        async with pool.client("acme") as second:
            assert second is not first
            assert (await second.quota.snapshot()).used == 1
    assert companies.looks == ["acme", "acme"]


async def test_a_client_in_use_is_not_closed(companies: Companies) -> None:
    async with GongTasksPool(companies.settings_for, idle_after=0.001) as pool, pool.client("acme") as gong:
        for _ in range(5):
            await asyncio.sleep(0.001)
            await gong.list_tasks(companies.engines["acme"].user_ids[0])


async def test_a_vault_that_fails_is_asked_again(companies: Companies) -> None:
    failing = True

    def settings_for(company: str) -> object:
        if failing:
            raise LookupError("sealed")
        return companies.settings_for(company)

    async with GongTasksPool(settings_for) as pool:  # type: ignore[arg-type]  # typed too loosely for this test
        with pytest.raises(LookupError):
            async with pool.client("acme"):
                pass
        failing = False
        async with pool.client("acme") as gong:
            assert await gong.list_tasks(companies.engines["acme"].user_ids[0])


async def test_nothing_is_kept_of_companies_that_the_vault_does_not_know() -> None:
    def settings_for(company: str) -> ClientSettings:
        raise LookupError(company)

    async with GongTasksPool(settings_for) as pool:
        for number in range(100):
            with pytest.raises(LookupError):
                async with pool.client(f"unknown {number}"):
                    pass
        assert pool._companies == {}


async def test_a_pool_that_is_closed_during_a_look_into_the_vault_opens_no_client() -> None:
    looking, sealed = asyncio.Event(), asyncio.Event()

    async def settings_for(company: str) -> ClientSettings:
        looking.set()
        await sealed.wait()
        return {"credentials": AccessKey(company, "secret")}

    async def use(pool: GongTasksPool) -> None:
        async with pool.client("acme"):
            pass

    async with GongTasksPool(settings_for) as pool:
        using = asyncio.create_task(use(pool))
        await looking.wait()
    sealed.set()
    with pytest.raises(ClientStateError, match="pool is not open"):
        await using


async def test_a_pool_that_is_not_open_says_so(companies: Companies) -> None:
    with pytest.raises(ClientStateError, match="pool is not open"):
        async with GongTasksPool(companies.settings_for).client("acme"):
            pass


def test_an_idle_time_of_nothing_is_refused(companies: Companies) -> None:
    with pytest.raises(ValueError, match="idle_after must be more than 0"):
        GongTasksPool(companies.settings_for, idle_after=0)
