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
    QuotaLimits,
    RateLimitError,
    TaskUpdate,
)
from gong_tasks_async.bulk.selection import dismiss, due_before, select

OLD = timedelta(days=30)
DONE, FAILED, TRY_LATER = 0, 1, 75


async def nightly(gong: GongTasksClient, folder: Path, now: datetime) -> int:
    """Run the job, or the rest of it; return the exit code."""
    try:
        report = await dismiss_old_tasks(gong, folder / "dismiss.gong", now - OLD)
    except (
        RateLimitError
    ) as error:  # spent before the changes began: nothing has happened, so nothing is lost
        print(error, file=sys.stderr)
        return TRY_LATER
    except GongError as error:
        print(error, file=sys.stderr)
        return FAILED
    print(report)
    file_away(report, folder, now)
    return exit_code(report)


async def dismiss_old_tasks(gong: GongTasksClient, journal: Path, before: datetime) -> BulkReport:
    """Resume the last run's journal if there is one, and look for old tasks only otherwise.

    The journal holds all rows of its job. So nothing is listed again, and settled rows cost no call.
    """
    if left_behind(journal):
        return await gong.resume_many(journal)
    return await gong.update_many(await old_tasks(gong, before), journal=journal)


async def old_tasks(gong: GongTasksClient, before: datetime) -> list[TaskUpdate]:
    """List all users' open tasks, one call per user, and select the old ones.

    All of them before the first update: an error on the way then leaves nothing half done.
    """
    everybody = (user.id async for user in gong.iter_users() if user.active)
    return [
        update
        async for listing in gong.list_many(everybody)
        for update in select(listing.unwrap(), due_before(before), dismiss)
    ]


def left_behind(journal: Path) -> bool:
    """Whether an earlier run left work to do."""
    return journal.exists()


def file_away(report: BulkReport, folder: Path, now: datetime) -> None:
    """Write the report, and rename a finished journal, so that the next night starts a new one."""
    (folder / "report.html").write_text(report.to_html(), encoding="utf-8")
    if report.complete:
        (folder / "dismiss.gong").rename(folder / f"dismissed-{now:%Y%m%dT%H%M%SZ}.gong")


def exit_code(report: BulkReport) -> int:
    """Return the exit code of a report."""
    if isinstance(report.stopped_because, RateLimitError):
        return TRY_LATER
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
