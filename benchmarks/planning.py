"""What is calculated from measured costs, for the pages that help to plan: companies on one Redis, jobs in one Redis."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.report import number, table

COMPANIES = (1, 100, 10_000)
CALLS_A_DAY, DAY, CALLS_A_SECOND, WEEK = 10_000, 86_400, 3, 7
WORSE = re.compile(r"^Worse than before .*?$\n\n(.*?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
REASON_AT = 90
"""The column of the reason, in a line of a cell that is worse."""
UNITS = ("bytes", "KB", "MB", "GB")


def amount(number_of_bytes: float) -> str:
    """With two digits and a unit."""
    for unit in UNITS:
        if number_of_bytes < 1000 or unit == UNITS[-1]:
            break
        number_of_bytes /= 1000
    return f"{float(f'{number_of_bytes:.2g}'):g} {unit}"


def companies_on_a_redis(found: Mapping[str, Any]) -> str:
    """From what `redis_quota` has measured: a company's memory, and the time of one run of the script."""
    [memory] = found["memory of a company"]
    own = next(one for one in found["turns"] if one["contender"] == "ours")
    shared = next(one for one in found["shared"] if one["contender"] == "ours")
    seconds = own["server_us"] * shared["trips_a_turn"] / 1e6
    rows = [
        (
            number(companies),
            amount(companies * memory["bytes after a full day"]),
            _percent(companies * seconds * CALLS_A_DAY / DAY),
            _percent(companies * seconds * CALLS_A_SECOND),
        )
        for companies in COMPANIES
    ]
    head = (
        "companies on one Redis",
        "memory",
        "its CPU if all spend 10,000 calls a day, evenly",
        "if all are at 3 a second",
    )
    measured = (
        f"A permit takes {own['server_us']:.0f} µs of Redis, and a process {shared['cpu_ms_a_turn']:.2f} ms of CPU. A company "
        f"takes {amount(memory['bytes after one call'])} of memory after its first call, and "
        f"{amount(memory['bytes after a full day'])} with calls in all parts of its day. Calculated from these:"
    )
    return f"{measured}\n\n{table(head, rows)}"


def jobs_in_a_redis(found: Sequence[Mapping[str, Any]]) -> str:
    """From what `jobs_cost` has measured: a row's memory and its runs of scripts."""
    [cost] = found
    rows = [
        (
            number(companies),
            amount(companies * CALLS_A_DAY * cost["running_bytes"]),
            amount(companies * CALLS_A_DAY * WEEK * cost["settled_bytes"]),
            number(round(companies * CALLS_A_SECOND * cost["scripts"])),
        )
        for companies in COMPANIES
    ]
    head = ("companies", "running, all at once", "kept for a week", "scripts a second, at 3 rows/s each")
    measured = (
        f"A row takes {cost['waiting_bytes']:.0f} bytes while the job waits, {cost['running_bytes']:.0f} while it runs, with "
        f"its window in the queue, and {cost['settled_bytes']:.0f} until `keep` is over; and {cost['scripts']:.1f} scripts, a "
        "round trip each. Calculated from these, for jobs that use up the whole day (10,000 rows) of each company:"
    )
    return f"{measured}\n\n{table(head, rows)}"


def reasons(printed: str) -> str:
    """The cells that `quota_grid` calls worse than before, counted by the cause that it has found."""
    lines = list(_worse(printed))
    counted = Counter(line[REASON_AT:].partition(";")[0].strip() for line in lines)
    alone = sum(line[42:60].strip() == "none" for line in lines)
    rows = [(str(count), reason) for reason, count in counted.most_common()]
    return f"{len(lines)} cells are worse, {alone} of them without a neighbour.\n\n{table(('cells', 'cause'), rows)}"


def _worse(printed: str) -> Iterator[str]:
    found = WORSE.search(printed)
    if found is not None:
        yield from found[1].strip("\n").splitlines()


def _percent(share: float) -> str:
    return f"{float(f'{100 * share:.2g}'):g} % of a core"
