"""Never run: the type checkers read it, and accept all of it. A test sees that no public call is missing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TextIO, assert_type

from gong_tasks_async import (
    AccessKey,
    Answer,
    BulkReport,
    ClientSettings,
    CrmType,
    Failed,
    GongError,
    GongTasksClient,
    GongTasksPool,
    JournalReader,
    JournalRow,
    JsonValue,
    Lane,
    LocalQuota,
    Outcome,
    OutcomeStream,
    Permit,
    Plan,
    Quota,
    QuotaEstimate,
    QuotaLimits,
    QuotaSnapshot,
    RedisQuota,
    RetryPolicy,
    RowCounts,
    RowState,
    RunRecord,
    Skipped,
    Task,
    TaskAppeared,
    TaskChanged,
    TaskEvent,
    TaskFilter,
    TaskGone,
    TaskSnapshot,
    TaskUpdate,
    Unchanged,
    Unlimited,
    Updated,
    User,
    UserTasks,
    Workspace,
    open_journal,
    plan_updates,
    retry_failed,
    task_from_json,
    to_json,
    to_rows,
    write_journal_csv,
)
from gong_tasks_async.bulk.selection import having_status, mark_done, select
from gong_tasks_async.distributed import Job, Jobs, JobState, Progress, Worker

UPDATE = TaskUpdate(7, "1", "DONE")


async def single(gong: GongTasksClient) -> None:
    assert_type(await gong.open(), GongTasksClient)
    assert_type(GongTasksClient.from_env(app_name="bot"), GongTasksClient)
    assert_type(GongTasksClient.from_profile("acme", retry=RetryPolicy()), GongTasksClient)
    assert_type(gong.with_options(lane=Lane.BULK, timeout=5), GongTasksClient)
    assert_type(gong.quota, Quota)
    assert_type(gong.base_url, str)
    assert_type(await gong.list_tasks("1"), list[Task])
    assert_type(await gong.list_tasks(TaskFilter("1")), list[Task])
    assert_type(gong.iter_tasks("1"), AsyncGenerator[Task])
    async for task in gong.iter_tasks(TaskFilter("1")):
        assert_type(task, Task)
    async for listed in gong.list_many(["1", TaskFilter("2")]):
        assert_type(listed, UserTasks)
        assert_type(listed.unwrap(), tuple[Task, ...])
        assert_type(listed.error, GongError | None)
    assert_type(await anext(gong.iter_users()), User)
    assert_type(await gong.find_users(["a@example.com"]), dict[str, User])
    assert_type(await gong.get_user("1"), User)
    assert_type(await gong.list_workspaces(), list[Workspace])
    assert_type(await gong.update_task(UPDATE), Task)
    assert_type(await gong.close(), None)


async def watching(gong: GongTasksClient) -> None:
    events = gong.watch(["1"], share=0.1, state="watch.json")
    assert_type(events, AsyncGenerator[TaskEvent])
    async for event in events:
        match event:
            case TaskAppeared(task=task):
                assert_type(task, Task)
            case TaskChanged(before=before, after=after):
                assert_type((before, after), tuple[Task, Task])
            case TaskGone(task=task):
                assert_type(task, Task)


async def detailed(gong: GongTasksClient) -> None:
    details = gong.with_details
    listed = await details.list_tasks("1")
    assert_type(listed, Answer[list[Task]])
    assert_type(listed.value, list[Task])
    assert_type(listed.request_id, str | None)
    assert_type(listed.trace_id, str | None)
    assert_type(listed.headers, Mapping[str, str])
    assert_type(listed.attempts, int)
    assert_type(listed.waited, float)
    assert_type(listed.crm_type, CrmType | None)
    assert_type(await details.update_task(UPDATE), Answer[Task])
    assert_type(await details.get_user("1"), Answer[User])
    assert_type(await details.find_users(["a@example.com"]), Answer[dict[str, User]])
    assert_type(await details.list_workspaces(), Answer[list[Workspace]])
    async for page in details.iter_users():
        assert_type(page, Answer[tuple[User, ...]])


async def bulk(gong: GongTasksClient, updates: AsyncIterator[TaskUpdate]) -> None:
    report = await gong.update_many(updates, workers=4, on_outcome=settled, journal=Path("job.gong"))
    assert_type(report, BulkReport)
    assert_type(report.failures, tuple[Failed, ...])
    assert_type(report.stopped_because, GongError | None)
    assert_type(report.resume_after, datetime | None)
    assert_type(report.complete, bool)
    assert_type(await gong.update_many(TaskUpdate(i, "1", "DONE") for i in range(1, 9)), BulkReport)
    assert_type(await gong.plan_updates([UPDATE], guard=True), Plan)
    assert_type(await gong.plan_undo("job.gong"), Plan)
    assert_type(await gong.resume_many("job.gong", workers=2), BulkReport)
    stream = gong.stream_updates([UPDATE])
    assert_type(stream, OutcomeStream)
    async with stream as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Updated | Unchanged | Failed | Skipped)
    assert_type(stream.report, BulkReport)


def settled(outcome: Outcome) -> None:
    assert_type(outcome.update, TaskUpdate)


def plans(plan: Plan, tasks: list[Task], estimate: QuotaEstimate) -> None:
    assert_type(plan_updates([UPDATE], tasks), Plan)
    assert_type(plan.with_estimate(estimate), Plan)
    assert_type((plan.rows, plan.users, plan.calls), tuple[int, int, int])
    assert_type(plan.looked, Mapping[int, TaskSnapshot])
    chosen = select(tasks, having_status("OPEN"), mark_done)
    assert_type(chosen, Iterator[TaskUpdate])


def journals(file: TextIO, reader: JournalReader, task: Task) -> None:
    assert_type(open_journal("job.gong"), JournalReader)
    assert_type(retry_failed("job.gong", {"TaskNotFoundError"}), int)
    assert_type(reader.rows(RowState.FAILED), Iterator[JournalRow])
    assert_type(reader.first_rows(RowState.FAILED, 3), tuple[JournalRow, ...])
    assert_type(reader.counts(), RowCounts)
    assert_type(reader.by_user(), dict[str, RowCounts])
    assert_type(reader.runs(), list[RunRecord])
    assert_type(reader.timeline(8), list[tuple[datetime, int, int]])
    assert_type(reader.report(), BulkReport)
    assert_type(
        (reader.company, reader.facts, reader.users), tuple[str | None, dict[str, str], dict[str, str]]
    )
    assert_type(write_journal_csv(reader.rows(), file), int)
    assert_type(reader.close(), None)
    assert_type(to_json(task), dict[str, JsonValue])
    assert_type(to_rows([task]), list[dict[str, str | None]])
    assert_type(task_from_json("{}"), Task)


async def quotas(quota: LocalQuota | RedisQuota | Unlimited) -> None:
    permit = await quota.acquire(Lane.BULK, max_wait=5)
    assert_type(permit, Permit)
    assert_type(quota.release(permit, status=200), None)
    assert_type(quota.pause(3), None)
    assert_type(await quota.reopen(), None)
    assert_type(await quota.snapshot(), QuotaSnapshot)
    assert_type(await quota.estimate(100), QuotaEstimate)


async def own_quotas(local: LocalQuota, shared: RedisQuota) -> None:
    assert_type(await local.close(), None)
    assert_type(await shared.close(), None)


def settings_for(company: str) -> ClientSettings:
    return {"credentials": AccessKey(company, "secret")}


async def pools() -> None:
    pool = GongTasksPool(settings_for, idle_after=60, strict=True)
    async with pool, pool.client("acme") as gong:
        assert_type(gong, GongTasksClient)
    assert_type(await pool.close(), None)


async def jobs(jobs: Jobs, worker: Worker) -> None:
    job = await jobs.submit([UPDATE], name="dismiss", row_attempts=3)
    assert_type(job, Job)
    assert_type(jobs.job("dismiss"), Job)
    assert_type(await jobs.overview(), list[Progress])
    assert_type(await jobs.quarantined(), list[str])
    assert_type(jobs.quota(QuotaLimits()), RedisQuota)
    assert_type(await job.progress(), Progress)
    assert_type(await job.report(), BulkReport)
    assert_type(await job.cancel(), None)
    assert_type(await job.resume(), JobState)
    assert_type(await job.retry(), int)
    async for row in job.rows(RowState.PENDING):
        assert_type(row, JournalRow)
    async for progress in job.watch(every=2):
        assert_type(progress.state, JobState)
    assert_type(
        {number: attempt.error for number, attempt in (await job.problems()).items()}, dict[int, GongError]
    )
    assert_type(worker.is_healthy, bool)
    assert_type(await worker.run(), None)
    assert_type(worker.stop(), None)
