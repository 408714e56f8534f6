"""pytest fixtures for projects that use this library: a simulated Gong, a client of it, a virtual clock.

pytest loads this module in every run of such a project, whether Gong is tested or not. So it imports only pytest
and pytest-asyncio until a fixture is requested.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import pytest

if TYPE_CHECKING:
    from aioresponses import aioresponses
    from pytest_asyncio import fixture as _async_fixture

    from gong_tasks_async import GongTasksClient
    from gong_tasks_async.credentials import AccessKey
    from gong_tasks_async.http.transport import Session
    from gong_tasks_async.quota import Quota
    from gong_tasks_async.settings import ClientSettings as AllSettings
    from gong_tasks_async.simulator import Engine, Ledger
else:
    try:
        # Its strict mode takes no other asynchronous fixtures; where it is installed, pytest has loaded it anyway.
        from pytest_asyncio import fixture as _async_fixture
    except ImportError:
        _async_fixture = pytest.fixture

MARKER = "gong_simulator"
CLOCK = "gong_clock"

MARKER_HELP = (
    f"{MARKER}(**settings): settings of the fixture gong_simulator, such as users=5, tasks_per_user=10, "
    "second_limit='sliding', account='without_engage', latency=(0.04, 0.12); all of the simulator's Engine, "
    "and latency."
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, for runs with `--strict-markers`."""
    config.addinivalue_line("markers", MARKER_HELP)


@pytest.hookimpl(wrapper=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None]:
    """Run the tests that use `gong_clock` in a virtual-clock event loop, and leave all others alone.

    pytest-asyncio asks its hook for the loops of each test, but once the hook is registered it must answer for every
    test of the project. So it is registered for these tests only.
    """
    if CLOCK not in metafunc.fixturenames:
        return (yield)
    metafunc.config.pluginmanager.register(_VirtualLoops)
    try:
        return (yield)
    finally:
        metafunc.config.pluginmanager.unregister(_VirtualLoops)


class _VirtualLoops:
    @staticmethod
    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
        from gong_tasks_async.simulator import VirtualClockLoop  # noqa: PLC0415 - see the module's text

        return {CLOCK: VirtualClockLoop}


class ClientSettings(TypedDict):
    """The keywords that connect a client to a simulator; only these, so that others can be added."""

    credentials: AccessKey
    base_url: str
    quota: Quota
    strict: bool


@dataclass(frozen=True)
class GongSimulator:
    """A simulated Gong: in its own thread, for any event loop, or in memory together with `gong_clock`."""

    engine: Engine
    """Its state: tasks, users, and faults to inject."""
    base_url: str
    """Its base URL."""
    latency: tuple[float, float] = (0.0, 0.0)
    """The shortest and longest round trip, in seconds."""
    in_memory: bool = False
    """Whether it has no socket; then get clients from `connect` or the fixture `gong_client`."""

    @property
    def access_key(self) -> str:
        """The access key that it accepts."""
        return self.engine.access_key

    @property
    def access_key_secret(self) -> str:
        """The secret of that key."""
        return self.engine.access_key_secret

    @property
    def ledger(self) -> Ledger:
        """The requests that arrived."""
        return self.engine.ledger

    @property
    def credentials(self) -> AccessKey:
        """The credentials that it accepts."""
        from gong_tasks_async.credentials import AccessKey  # noqa: PLC0415 - see the module's text

        return AccessKey(self.access_key, self.access_key_secret)

    @property
    def client_settings(self) -> ClientSettings:
        """Keywords of a strict client without rate limits: `GongTasksClient(**gong_simulator.client_settings)`."""
        from gong_tasks_async.quota import Unlimited  # noqa: PLC0415 - see the module's text

        return {
            "credentials": self.credentials,
            "base_url": self.base_url,
            "quota": Unlimited(),
            "strict": True,
        }

    @asynccontextmanager
    async def connect(self, **settings: Unpack[AllSettings]) -> AsyncGenerator[GongTasksClient]:
        """Open a client of it; settings are those of `GongTasksClient`, and override our own.

        Without `limits` or `quota` it never waits, except with `gong_clock`, where waiting takes no time.
        """
        from gong_tasks_async import GongTasksClient, Unlimited  # noqa: PLC0415 - see the module's text

        settings.setdefault("credentials", self.credentials)
        settings.setdefault("base_url", self.base_url)
        settings.setdefault("strict", True)  # a test is where a field of the wrong type is to be noticed
        if self.in_memory:
            settings.setdefault("quota", _virtual_quota(settings))
        elif "limits" not in settings:  # a quota would override them
            settings.setdefault("quota", Unlimited())
        async with self._session() as session:
            settings.setdefault("session", session)
            async with GongTasksClient(**settings) as gong:
                yield gong

    def _session(self) -> AbstractAsyncContextManager[Session | None]:
        from gong_tasks_async.simulator import make_app, memory_session  # noqa: PLC0415 - see the module's text

        return memory_session(make_app(self.engine, self.latency)) if self.in_memory else nullcontext()


def _virtual_quota(settings: AllSettings) -> Quota:
    """A quota whose days, too, follow the loop's clock."""
    from gong_tasks_async import LocalQuota, QuotaLimits  # noqa: PLC0415 - see the module's text

    loop, began = asyncio.get_running_loop(), time.time()
    return LocalQuota(
        settings.get("limits", QuotaLimits()),
        on_event=settings.get("on_event"),
        wall_clock=lambda: began + loop.time(),
    )


@dataclass(frozen=True)
class GongClock:
    """The virtual clock of a test."""

    loop: asyncio.AbstractEventLoop

    def time(self) -> float:
        """Return the seconds since the test's event loop was made."""
        return self.loop.time()


@pytest.fixture
def gong_simulator(request: pytest.FixtureRequest) -> Generator[GongSimulator]:
    """A simulated Gong for each test, without limits unless the marker of the same name sets them."""
    from gong_tasks_async.simulator import DayLimit, Engine, SecondLimit, SimulatorThread  # noqa: PLC0415 - as above

    settings: dict[str, Any] = {
        "second_limit": SecondLimit.NONE,
        "day_limit": DayLimit.NONE,
        **_marked(request.node),
    }
    latency = settings.pop("latency", (0.0, 0.0))
    engine = Engine(**settings)
    if CLOCK in request.fixturenames:
        yield GongSimulator(engine, "http://localhost", latency, in_memory=True)
        return
    with SimulatorThread(engine, latency=latency) as thread:
        yield GongSimulator(engine, thread.base_url, latency)


@_async_fixture
async def gong_client(
    gong_simulator: GongSimulator,
    _gong_needs_asyncio: None,
) -> AsyncIterator[GongTasksClient]:
    """An open client of `gong_simulator`; for other settings use `gong_simulator.connect`."""
    async with gong_simulator.connect() as gong:
        yield gong


@_async_fixture
async def gong_clock(_gong_needs_asyncio: None) -> GongClock:
    """A virtual clock: all waiting of the test, the client and the simulator follows it and takes no time."""
    from gong_tasks_async.simulator import VirtualClockLoop  # noqa: PLC0415 - see the module's text

    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualClockLoop):
        pytest.fail(
            "gong_clock needs an asynchronous test that pytest-asyncio 1.4 or newer runs; "
            "in its strict mode that is one marked with pytest.mark.asyncio",
            pytrace=False,
        )
    return GongClock(loop)


@pytest.fixture
def gong_aioresponses(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses]:
    """Aioresponses in the place of aiohttp's sessions, for those who mock single responses; works with aiohttp 3.14.

    There, a response needs a ``stream_writer`` that aioresponses 0.7.9 does not pass. May go once a release of it
    does: https://github.com/pnuckowski/aioresponses/issues
    """
    try:
        from aioresponses import aioresponses, core  # noqa: PLC0415 - only where it is used
    except ImportError:
        pytest.fail("gong_aioresponses needs aioresponses: install it", pytrace=False)
    monkeypatch.setattr(core, "ClientResponse", _without_writer(vars(core)["ClientResponse"]))
    with aioresponses() as responses:
        yield responses


def _without_writer(response: Any) -> type[Any]:
    """Derive a response class that needs no ``stream_writer``: nothing was ever written."""

    def begin(self: object, *arguments: Any, **settings: Any) -> None:
        if "stream_writer" in inspect.signature(response.__init__).parameters:
            settings.setdefault("stream_writer", SimpleNamespace(output_size=0))
        response.__init__(self, *arguments, **settings)

    return type("PatientResponse", (response,), {"__init__": begin})


@pytest.fixture
def _gong_needs_asyncio(request: pytest.FixtureRequest) -> None:
    if not request.config.pluginmanager.hasplugin("asyncio") and "anyio_backend" not in request.fixturenames:
        pytest.fail(
            "gong_client and gong_clock need pytest-asyncio: install it, or open a client in the test itself with "
            "GongTasksClient(**gong_simulator.client_settings)",
            pytrace=False,
        )


def _marked(item: pytest.Item) -> dict[str, Any]:
    """Merge the settings of all markers; a test's own override its class's and module's."""
    settings: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args:
            raise pytest.UsageError(f"the marker {MARKER} takes keywords only, such as users=5")
        settings = {**marker.kwargs, **settings}
    return settings
