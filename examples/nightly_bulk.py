"""A nightly script that dismisses everybody's old tasks, and resumes tomorrow if the daily budget runs out.

    GONG_ACCESS_KEY=... GONG_ACCESS_KEY_SECRET=... GONG_BASE_URL=... python nightly_bulk.py /var/lib/gong-nightly

In the folder it keeps the job's journal, the count of the day's calls, and a report as a web page. Exit codes:
0 all done, 1 something failed, 75 the daily budget is spent: run the same command again tomorrow (75 is EX_TEMPFAIL,
which mail servers and cron wrappers read as "try later").

`gong-tasks simulator` starts a simulated Gong to try it with, and prints what to set.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gong_tasks_async import (
    BulkReport,
    GongError,
    GongTasksClient,
    Lane,
    Plan,
    QuotaLimits,
    RateLimitError,
    plan_updates,
)
from gong_tasks_async.bulk.selection import dismiss, due_before, select

OLD = timedelta(days=30)
DONE, FAILED, TRY_LATER = 0, 1, 75


async def nightly(gong: GongTasksClient, folder: Path, now: datetime) -> int:
    """Finish what earlier nights left, then dismiss what has become old since; return the exit code."""
    codes = [DONE]
    try:
        for journal in left_behind(folder):
            codes.append(finish(await gong.resume_many(journal), journal, now))
            if TRY_LATER in codes:
                return TRY_LATER
        plan = await old_tasks(gong, now - OLD)
        if plan.calls:
            journal = folder / "dismiss.gong"
            report = await gong.update_many(plan, journal=journal, guard=True)
            codes.append(finish(report, journal, now))
    except (
        RateLimitError
    ) as error:  # spent before the changes began: nothing has happened, so nothing is lost
        print(error, file=sys.stderr)
        return TRY_LATER
    except GongError as error:
        print(error, file=sys.stderr)
        return FAILED
    return max(codes)


def left_behind(folder: Path) -> list[Path]:
    """The journals of earlier nights that have pending rows: the job that was running, and rows set aside."""
    return sorted([*folder.glob("dismiss.gong"), *folder.glob("aside-*.gong")])


async def old_tasks(gong: GongTasksClient, before: datetime) -> Plan:
    """List all users' open tasks, one call per user, and plan to dismiss the old ones.

    All of them before the first update: an error on the way then leaves nothing half done. The plan remembers the
    tasks as they are, so that none is dismissed that a user changes meanwhile.
    """
    everybody = (user.id async for user in gong.iter_users() if user.active)
    tasks = [task async for listing in gong.list_many(everybody) for task in listing.unwrap()]
    return plan_updates(select(tasks, due_before(before), dismiss), tasks)


def finish(report: BulkReport, journal: Path, now: datetime) -> int:
    """Write the report, rename the journal unless it is to be resumed as it is, and return the exit code."""
    print(report)
    (journal.parent / "report.html").write_text(report.to_html(), encoding="utf-8")
    if isinstance(report.stopped_because, RateLimitError):
        return TRY_LATER
    if report.complete:
        journal.rename(journal.with_name(f"dismissed-{now:%Y%m%dT%H%M%SZ}-{journal.stem}.gong"))
    elif (
        journal.stem == "dismiss"
    ):  # such as a row that Gong cannot answer: it must not hold up the next night
        journal.rename(journal.with_name(f"aside-{now:%Y%m%dT%H%M%SZ}.gong"))
    return FAILED if report.failed or not report.complete else DONE


async def main(folder: Path) -> int:
    """Run against the Gong that the environment names."""
    # Counted in a file, so that this run and earlier ones of today share the daily budget.
    limits = QuotaLimits(day_store=folder / "day.sqlite")
    async with GongTasksClient.from_env(limits=limits) as gong:
        # Every call is in the bulk lane, so none of them uses the reserve for interactive calls.
        return await nightly(gong.with_options(lane=Lane.BULK), folder, datetime.now(UTC))


if __name__ == "__main__":
    job_folder = Path(sys.argv[1])
    job_folder.mkdir(parents=True, exist_ok=True)
    sys.exit(asyncio.run(main(job_folder)))
