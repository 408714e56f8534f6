"""What an assistant can do: plain functions over a client, without the protocol.

Texts from the CRM stand under ``crm`` in every result: they are data that anybody with access to the CRM can write, never instructions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, Required

from attrs import define, field, frozen
from pydantic import with_config
from typing_extensions import TypedDict  # pydantic asks for it on Python 3.11

from gong_tasks_async.bulk import BulkReport, Plan, open_journal
from gong_tasks_async.bulk.dates import EXAMPLE
from gong_tasks_async.cli.bulk.job_folder import JobFolder
from gong_tasks_async.cli.input.cells import read_task_id
from gong_tasks_async.cli.mcp.budget import CallBudget, RefusedError
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.client import GongTasksClient
from gong_tasks_async.config.private_files import make_private_folder
from gong_tasks_async.errors import GongError
from gong_tasks_async.events import logger
from gong_tasks_async.models import Task, TaskFilter, TaskStatus, TaskUpdate, User
from gong_tasks_async.models.addresses import name_key
from gong_tasks_async.models.date_times import parse_date_time

TIMEOUT = 20.0
"""Seconds for a tool; assistants and the people before them give up soon after."""
FOUND_USERS = 20
KEPT_PLANS = 50


@frozen
class Limits:
    """What the assistant may do."""

    allow_writes: bool = False
    max_rows: int = 200
    daily_calls: int = 1_000


@with_config(extra="forbid")  # a misnamed field would change nothing, and its row would count as done
class BulkRow(TypedDict, total=False):
    """One row of a bulk update; ids are text."""

    task_id: Required[str]
    user_id: Required[str]
    status: str
    due_date: str
    priority: str


@define
class GongTools:
    """The tools of one company."""

    gong: GongTasksClient
    jobs: JobFolder
    limits: Limits
    budget: CallBudget
    _plans: dict[str, Plan] = field(factory=dict[str, Plan], init=False)
    _running: dict[str, asyncio.Task[BulkReport]] = field(
        factory=dict[str, asyncio.Task[BulkReport]], init=False
    )

    async def whoami(self) -> dict[str, Any]:
        """The company's address, and what this server may do."""
        return {
            "base_url": self.gong.base_url,
            "may_update": self.limits.allow_writes,
            "max_rows": self.limits.max_rows,
            "daily_calls": self.limits.daily_calls,
        }

    async def quota(self) -> dict[str, Any]:
        """What is left of the company's daily calls, and whether Gong has paused all calls."""
        now = await self.gong.quota.snapshot()
        return {
            "used": now.used,
            "left": now.left,
            "reserved_for_interactive_calls": now.reserve,
            "calls_a_second": round(now.per_second, 2),
            "paused_until": _iso(now.paused_until),
            "resets_at": _iso(now.resets_at),
        }

    async def find_people(self, query: str) -> dict[str, Any]:
        """Users whose name or e-mail address holds a text, at most 20."""
        self.budget.require()
        wanted = name_key(query)
        found: list[dict[str, Any]] = []
        async for user in self._quick().iter_users():
            if wanted in name_key(f"{user.name} {user.email_address or ''}"):
                found.append(_person(user))
            if len(found) == FOUND_USERS:
                break
        return {"people": found}

    async def list_tasks(self, user_id: str, status: str = "OPEN") -> dict[str, Any]:
        """A user's tasks of one status: OPEN, DONE or DISMISSED."""
        self.budget.require()
        wanted = TaskFilter(user_id, statuses=(TaskStatus(status),))
        return {"tasks": [_described(task) for task in await self._quick().list_tasks(wanted)]}

    async def update_task(
        self,
        task_id: str,
        user_id: str,
        status: str | None = None,
        due_date: str | None = None,
        priority: str | None = None,
    ) -> dict[str, Any]:
        """Set a task's status, due date (ISO 8601 with offset) or priority."""
        self._require_writes()
        self.budget.require()
        update = _update(BulkRow(task_id=task_id, user_id=user_id), status, due_date, priority)
        return {"task": _described(await self._quick().update_task(update))}

    async def plan_bulk(self, rows: list[BulkRow]) -> dict[str, Any]:
        """Preview a bulk update; nothing changes. run_bulk takes the plan's id."""
        self._require_writes()
        self._require_few(len(rows))
        updates = [_update(row, row.get("status"), row.get("due_date"), row.get("priority")) for row in rows]
        self.budget.require(len({update.user_id for update in updates}))
        return self._kept(await self.gong.plan_updates(updates, guard=True))

    async def undo_bulk(self, job: str) -> dict[str, Any]:
        """Preview putting the tasks of a job back as they were; nothing changes. run_bulk takes the plan's id."""
        self._require_writes()
        self.budget.require()
        plan = await self.gong.plan_undo(self.jobs.find(job))
        self._require_few(plan.rows)
        return self._kept(plan)

    async def run_bulk(self, plan_id: str) -> dict[str, Any]:
        """Start the job of a plan; job_status follows it."""
        self._require_writes()
        plan = self._plans.get(plan_id)
        if plan is None:
            raise RefusedError(f"There is no plan {plan_id!r}: make one with plan_bulk or undo_bulk.")
        job = f"agent-{datetime.now(UTC):%Y-%m-%d}-{plan_id}"
        path = self.jobs.path(job)
        make_private_folder(path.parent)  # before a call is promised to a job that cannot begin
        self.budget.promise(job, plan.calls)
        del self._plans[plan_id]
        self._running[job] = asyncio.create_task(self._run(plan, path))
        return {"job": job, "rows": plan.rows, "state": "running"}

    async def job_status(self, job: str) -> dict[str, Any]:
        """How far a job is, and why it stopped, if it did."""
        task = self._running.get(job)
        state = {
            "job": job,
            "running": task is not None and not task.done(),
            "stopped_because": _stopped_because(task),
        }
        if task is not None and not self.jobs.path(job).exists():
            return {**state, "pending": "all rows"}
        with open_journal(self.jobs.find(job)) as journal:
            counts = journal.counts()
        names = ("updated", "unchanged", "skipped", "failed", "pending")
        return {**state, **{name: getattr(counts, name) for name in names}}

    async def close(self) -> None:
        """Stop the jobs that run; their journals know what is left."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _run(self, plan: Plan, path: Path) -> BulkReport:
        try:
            with self.budget.spending(path.stem):
                return await self.gong.update_many(plan, journal=path, guard=True)
        except GongError as error:
            logger.warning("The job %s ended: %s", path.stem, error)
            raise
        except Exception:
            logger.exception("The job %s ended", path.stem)
            raise

    def _quick(self) -> GongTasksClient:
        return self.gong.with_options(timeout=TIMEOUT)

    def _require_writes(self) -> None:
        if not self.limits.allow_writes:
            raise RefusedError("This server is read-only: start it with --allow-writes.")

    def _require_few(self, rows: int) -> None:
        if rows > self.limits.max_rows:
            raise RefusedError(f"{rows} rows, and {self.limits.max_rows} are allowed at once.")

    def _kept(self, plan: Plan) -> dict[str, Any]:
        while len(self._plans) >= KEPT_PLANS:
            self._plans.pop(next(iter(self._plans)))
        plan_id = token_hex(4)
        self._plans[plan_id] = plan
        return {"plan_id": plan_id, **_plan(plan)}


def _stopped_because(task: asyncio.Task[BulkReport] | None) -> str | None:
    """Why a job of this server ended before its last row."""
    if task is None or not task.done():
        return None
    if task.cancelled():
        return "the server was stopped"
    error = task.exception() or task.result().stopped_because
    if error is None:
        return None
    return (
        line_for_operator(error)
        if isinstance(error, GongError)
        else "an unforeseen error: see the server's log"
    )


def _update(row: BulkRow, status: str | None, due_date: str | None, priority: str | None) -> TaskUpdate:
    """An update from texts, refused with the library's own words.

    Raises:
        ValueError: an id, the status, the date or the priority is wrong.
    """
    due = None if due_date is None else _moment(due_date)
    return TaskUpdate(
        read_task_id(row["task_id"]), row["user_id"], status=status, due_date=due, priority=priority
    )


def _moment(text: str) -> datetime:
    moment = parse_date_time(text.strip())
    if moment is None:
        raise ValueError(f"{text!r} is not a date-time such as {EXAMPLE}")
    return moment


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "rows": plan.rows,
        "calls": plan.calls,
        "users": plan.users,
        "unchanged": len(plan.unchanged),
        "seconds": None if plan.estimate is None else round(plan.estimate.seconds, 1),
        "sample": [
            {"task_id": str(one.update.task_id), "crm": {"title": one.title, "account": one.account}}
            for one in plan.sample
        ],
        "cannot_be_restored": [f"task {lost.task_id}: {lost.reason}" for lost in plan.lost],
    }


def _person(user: User) -> dict[str, Any]:
    return {
        "user_id": user.id,
        "name": user.name,
        "email_address": user.email_address,
        "active": user.active,
    }


def _described(task: Task) -> dict[str, Any]:
    account = task.account.name if task.account else None
    contact = task.contact.data if task.contact else None
    names = (contact.first_name, contact.last_name) if contact else ()
    return {
        "task_id": str(task.id),
        "user_id": task.user_id,
        "status": str(task.status),
        "due_date": _iso(task.due_date),
        "priority": task.priority.name if task.priority else None,
        "crm": {"title": task.title, "account": account, "contact": _joined(names)},
    }


def _joined(names: Iterable[str | None]) -> str | None:
    return " ".join(filter(None, names)) or None


def _iso(moment: date | None) -> str | None:
    return None if moment is None else moment.isoformat()
