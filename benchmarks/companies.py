"""What a company costs in a service of many: memory, sockets, timers and tasks of one process, after a call for each.

made    each company has been called once; its client is open
idle    nothing was called for `idle_after`: the clients are closed, the quotas with their counts stay
again   each company has been called once more

Ends with 1 where an idle company takes more than MOST_KB.

    python benchmarks/companies.py              # 1,000 companies, some 10 s; Linux, since it reads /proc
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
from contextlib import AsyncExitStack
from pathlib import Path

from attrs import frozen

from benchmarks import stub_server
from gong_tasks_async import AccessKey, ClientSettings, GongTasksPool, QuotaLimits

MOST_KB = 60.0
"""Of an idle company."""
AT_A_TIME = 50
IDLE_AFTER = 1.0
PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024


@frozen
class State:
    """What the process holds."""

    name: str
    kilobytes: float
    sockets: int
    timers: int
    tasks: int


def seen(name: str) -> State:
    """What the process holds now."""
    gc.collect()
    loop = asyncio.get_running_loop()
    links = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return State(
        name=name,
        kilobytes=int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KB,
        sockets=sum(link.startswith("socket:") for link in links),
        timers=len([timer for timer in loop._scheduled if not timer.cancelled()]),  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio shows them nowhere else
        tasks=len(asyncio.all_tasks()),
    )


async def measured(base_url: str, companies: int) -> list[State]:
    """The states of a service with so many companies."""

    def settings_for(company: str) -> ClientSettings:
        return {
            "credentials": AccessKey(company, "secret"),
            "base_url": base_url,
            "limits": QuotaLimits(per_second=1_000),
        }

    names = [f"company-{number}" for number in range(companies)]
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(GongTasksPool(settings_for, idle_after=IDLE_AFTER))
        await _call_all(pool, ["warm-up"])
        states = [seen("before")]
        await _call_all(pool, names)
        states.append(seen("made"))
        await asyncio.sleep(2.5 * IDLE_AFTER)
        states.append(seen("idle"))
        await _call_all(pool, names)
        states.append(seen("again"))
    return states


async def _call_all(pool: GongTasksPool, names: list[str]) -> None:
    places = asyncio.Semaphore(AT_A_TIME)

    async def call(name: str) -> None:
        async with places, pool.client(name) as gong:
            await gong.list_tasks("1")

    await asyncio.gather(*map(call, names))


NAMES = {"made": "called once", "idle": "idle, clients closed", "again": "called again"}


def records(states: list[State], companies: int) -> list[dict[str, object]]:
    """The states: memory as kilobytes for each company, over what was there before."""
    before, *others = states
    return [
        {
            "state": NAMES[state.name],
            "kb_a_company": round((state.kilobytes - before.kilobytes) / companies, 1),
            "sockets": state.sockets,
            "timers": state.timers,
            "tasks": state.tasks,
        }
        for state in others
    ]


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--companies", type=int, default=1_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    companies: int = options.companies
    with stub_server.running("typical") as base_url:
        states = asyncio.run(measured(base_url, companies))
    found = records(states, companies)
    print(json.dumps(found) if options.json else "\n".join(map(str, found)))
    before, _, idle, _ = states
    return (idle.kilobytes - before.kilobytes) / companies > MOST_KB


if __name__ == "__main__":
    raise SystemExit(main())
