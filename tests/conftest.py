"""Who owns the clock, and how a client reaches its fake Gong.

- ``virtual``: the test runs on a virtual clock, in memory; a day passes in seconds.
- ``both_ways``: it runs twice, in memory on the virtual clock and over real sockets on the real one.
- neither: the real clock.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from gong_tasks_async import AccessKey, GongTasksClient
from gong_tasks_async.simulator import Engine, Simulator, VirtualClockLoop, make_app, memory_session
from tests.redis_server import (  # fixtures, for all tests
    patient_quota as patient_quota,  # noqa: PLC0414
    redis_server as redis_server,  # noqa: PLC0414
)

# A busy machine is no failure; and what CI tries shall not depend on chance, while a developer's runs look further.
settings.register_profile(
    "gong",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize="CI" in os.environ,
    max_examples=int(os.environ.get("GONG_EXAMPLES", "100")),
)
settings.load_profile("gong")

Connect = Callable[..., Awaitable[GongTasksClient]]


@pytest.fixture
def swept() -> None:
    """Collect what other tests have left unclosed, unheard, so that it complains in no test that listens."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def pytest_configure(config: pytest.Config) -> None:
    # The profiles of whoever runs the tests are none of theirs.
    os.environ["GONG_TASKS_CONFIG"] = os.path.join(os.sep, "no-such-folder", "config.toml")  # noqa: PTH118 - a text
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells start what runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "virtual: runs in memory on a virtual clock")
    config.addinivalue_line("markers", "both_ways: runs in memory on a virtual clock, and over real sockets")


def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001 - the hook's signature
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("both_ways"):
        return {"memory": VirtualClockLoop, "sockets": asyncio.new_event_loop}
    return (
        {"virtual": VirtualClockLoop}
        if item.get_closest_marker("virtual")
        else {"real": asyncio.new_event_loop}
    )


def credentials_of(engine: Engine) -> AccessKey:
    return AccessKey(engine.access_key, engine.access_key_secret)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects a client to an engine: in memory where the clock is virtual, over sockets where it is real."""
    async with AsyncExitStack() as stack:

        async def connected(
            engine: Engine, *, latency: tuple[float, float] = (0.0, 0.0), **settings: Any
        ) -> GongTasksClient:
            settings.setdefault("credentials", credentials_of(engine))
            if isinstance(asyncio.get_running_loop(), VirtualClockLoop):
                settings["session"] = await stack.enter_async_context(
                    memory_session(make_app(engine, latency))
                )
                settings["base_url"] = "http://localhost"
            else:
                simulator = await stack.enter_async_context(Simulator(engine, latency=latency))
                settings["base_url"] = simulator.base_url
            return await stack.enter_async_context(GongTasksClient(**settings))

        yield connected
