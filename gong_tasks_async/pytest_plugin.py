"""The fixture `gong_simulator`: a fake Gong for the tests of whoever uses this library.

pytest loads this module in each of their runs, whether Gong is tested or not. So it imports nothing but
pytest and the standard library, until the fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

if TYPE_CHECKING:
    from gong_tasks_async.credentials import AccessKey
    from gong_tasks_async.quota import Quota
    from gong_tasks_async.simulator import Engine, Ledger, SimulatorThread

MARKER = "gong_simulator"

MARKER_HELP = (
    f"{MARKER}(**settings): settings of the fixture gong_simulator, such as users=5, tasks_per_user=10, "
    "second_limit='sliding', account='without_engage', latency=(0.04, 0.12); all of the simulator's Engine, "
    "and latency."
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, for runs with `--strict-markers`."""
    config.addinivalue_line("markers", MARKER_HELP)


class ClientSettings(TypedDict):
    """What a client needs to know of a simulator; these keys alone, so that others can stand beside them."""

    credentials: AccessKey
    base_url: str
    quota: Quota


@dataclass(frozen=True)
class GongSimulator:
    """A fake Gong that runs in a thread of its own, whatever event loop a test has."""

    thread: SimulatorThread

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return self.thread.base_url

    @property
    def access_key(self) -> str:
        """The access key that it takes."""
        return self.thread.access_key

    @property
    def access_key_secret(self) -> str:
        """The secret of that key."""
        return self.thread.access_key_secret

    @property
    def engine(self) -> Engine:
        """Its inside: the tasks and users it has, and how to make it misbehave."""
        return self.thread.engine

    @property
    def ledger(self) -> Ledger:
        """What has arrived."""
        return self.thread.ledger

    @property
    def credentials(self) -> AccessKey:
        """The credentials that it takes."""
        from gong_tasks_async.credentials import AccessKey  # noqa: PLC0415 - see the module's text

        return AccessKey(self.access_key, self.access_key_secret)

    @property
    def client_settings(self) -> ClientSettings:
        """Keywords for a client of it that never waits: `GongTasksClient(**gong_simulator.client_settings)`."""
        from gong_tasks_async.quota import Unlimited  # noqa: PLC0415 - see the module's text

        return {"credentials": self.credentials, "base_url": self.base_url, "quota": Unlimited()}


@pytest.fixture
def gong_simulator(request: pytest.FixtureRequest) -> Iterator[GongSimulator]:
    """A fake Gong of its own for each test, without limits unless the marker of the same name sets them."""
    from gong_tasks_async.simulator import DayLimit, Engine, SecondLimit, SimulatorThread  # noqa: PLC0415 - as above

    settings = {"second_limit": SecondLimit.NONE, "day_limit": DayLimit.NONE, **_marked(request.node)}
    latency = settings.pop("latency", (0.0, 0.0))
    with SimulatorThread(Engine(**settings), latency=latency) as thread:
        yield GongSimulator(thread)


def _marked(item: pytest.Item) -> dict[str, Any]:
    """The settings of all markers, a test's own before those of its class and module."""
    settings: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args:
            raise pytest.UsageError(f"the marker {MARKER} takes keywords only, such as users=5")
        settings = {**marker.kwargs, **settings}
    return settings
