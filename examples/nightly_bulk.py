"""A nightly script that dismisses everybody's old tasks, and goes on tomorrow where the day's quota ended.

    GONG_ACCESS_KEY=... GONG_ACCESS_KEY_SECRET=... GONG_BASE_URL=... python nightly_bulk.py /var/lib/gong-nightly

In the folder it keeps the job's journal, the count of the day's calls, and a report as a web page. Exit codes:
0 all done, 1 something failed and wants a look, 75 the day's calls are spent and the same line should run again
tomorrow (75 is what mail servers and cron wrappers take for "try later": EX_TEMPFAIL).

`gong-tasks simulator` starts a fake Gong to try it with, and prints what to set.
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
    """Run the job, or what is left of it; the answer is the exit code."""
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
    """Go on with the last run's journal if it was left behind, and look for old tasks only otherwise.

    The journal holds all rows of its job. So nothing has to be listed again, and what is settled costs no call.
    """
    if left_behind(journal):
        return await gong.resume_many(journal)
    return await gong.update_many(await old_tasks(gong, before), journal=journal)


async def old_tasks(gong: GongTasksClient, before: datetime) -> list[TaskUpdate]:
    """List everybody's open tasks, one call a person, and choose the old ones.

    All of them, before the first is changed: an error on the way then leaves nothing half done.
    """
    everybody = (user.id async for user in gong.iter_users() if user.active)
    return [
        update
        async for listing in gong.list_many(everybody)
        for update in select(listing.unwrap(), due_before(before), dismiss)
    ]


def left_behind(journal: Path) -> bool:
    """Tell whether an earlier run has left work to do."""
    return journal.exists()


def file_away(report: BulkReport, folder: Path, now: datetime) -> None:
    """Write the report, and keep a finished journal under another name, so that the next night begins a new one."""
    (folder / "report.html").write_text(report.to_html(), encoding="utf-8")
    if report.complete:
        (folder / "dismiss.gong").rename(folder / f"dismissed-{now:%Y%m%dT%H%M%SZ}.gong")


def exit_code(report: BulkReport) -> int:
    """Tell whoever started us whether to come back."""
    if isinstance(report.stopped_because, RateLimitError):
        return TRY_LATER
    return FAILED if report.failed or not report.complete else DONE


async def main(folder: Path) -> int:
    """Run against the Gong that the environment names."""
    # Counted in a file, so that this night and what ran today before it know of each other.
    limits = QuotaLimits(day_store=folder / "day.sqlite")
    async with GongTasksClient.from_env(limits=limits) as gong:
        # No call of this script is a person's; so none of them touches the calls that are kept back for people.
        return await nightly(gong.with_options(lane=Lane.BULK), folder, datetime.now(UTC))


if __name__ == "__main__":
    job_folder = Path(sys.argv[1])
    job_folder.mkdir(parents=True, exist_ok=True)
    sys.exit(asyncio.run(main(job_folder)))
