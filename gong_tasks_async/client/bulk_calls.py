"""The client's bulk methods."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias, Unpack

from gong_tasks_async import bulk
from gong_tasks_async.api.updates import UpdateApplier
from gong_tasks_async.client.single_calls import HasCaller
from gong_tasks_async.errors.checks import flag_problem, kind_problem, refuse
from gong_tasks_async.quota import Lane
from gong_tasks_async.settings import BulkSettings

JournalRows: TypeAlias = "Iterable[bulk.JournalRow] | AsyncIterable[bulk.JournalRow]"


def journal_problem(journal: object, *, or_none: bool = False) -> str | None:
    """The path of a journal."""
    return kind_problem("journal", journal, (str, Path), "the path of a file", or_none=or_none)


class BulkCalls(HasCaller):
    """Many updates as one job: plan, run, resume, undo."""

    async def plan_updates(
        self, updates: bulk.Updates, *, skip_unchanged: bool = False, guard: bool = False
    ) -> bulk.Plan:
        """What :meth:`update_many` would do, and how long it will take at the quota of now; changes nothing.

        ``await gong.update_many(plan)`` runs the plan, and lists no owner again.

        Args:
            updates: a plain or async iterable, read to its end.
            skip_unchanged: list the owners' tasks first, one call each, and leave out what has its values already.
            guard: list them too, and remember the state before; see :meth:`update_many`.

        Raises:
            PlanConflictError: two updates of one task differ.
        """
        return await self._job({}).plan(updates, look=skip_unchanged or guard)

    async def plan_undo(self, journal: Path | str | JournalRows) -> bulk.Plan:
        """The updates that restore what a job has changed, from its journal or its rows; changes nothing.

        Only tasks that are still as the job left them are restored; ``plan.lost`` lists the others, and values that
        an update cannot restore. The owners' tasks are listed, one call each. Run it with a journal of its own::

            await gong.update_many(await gong.plan_undo("job.gong"), journal="undo.gong", guard=True)

        Args:
            journal: the job's file; or the rows of a job on many workers, ``job.rows()``.

        Raises:
            JournalError: the journal cannot be read, or is another company's.
            GongError: the tasks cannot be listed.
        """
        if isinstance(journal, Path | str):
            return await self._job({}).plan_undo(Path(journal))
        refuse("plan_undo", [kind_problem("journal", journal, (Iterable, AsyncIterable), "a path or rows")])
        rows = [row async for row in journal] if isinstance(journal, AsyncIterable) else list(journal)
        return await self._job({}).plan_undo_of(rows)

    async def update_many(
        self,
        updates: bulk.Updates | bulk.Plan,
        *,
        journal: Path | str | None = None,
        skip_unchanged: bool = False,
        guard: bool = False,
        dry_run: bool = False,
        on_outcome: bulk.OnOutcome | None = None,
        origin: Mapping[str, str] | None = None,
        **settings: Unpack[BulkSettings],
    ) -> bulk.BulkReport:
        """Make many changes, in the bulk lane, with memory that does not grow with their number.

        Rows that Gong refuses are ``Failed``; rows without a final response stay pending. Wrong credentials, a spent
        quota, ``stop_after`` rows in a row without a final response, and ``stop_after_refusals`` rows in a row refused
        for one reason stop the run.

        Args:
            updates: a plan of :meth:`plan_updates`, or a plain or async iterable; it is read as fast as the quota lets
                changes go, and closed at the end. A list is planned first: duplicates in it are merged, conflicts
                refused.
            journal: a file for the job. Run again with the same one, settled rows cost no call.
            skip_unchanged: see :meth:`plan_updates`. Of a job that is resumed, the pending rows are looked at.
            guard: update a task only if it is still as the run found it. The owners' tasks are listed, one call each:
                before the run, when the job is resumed, and again for rows whose look is older than an hour. What was
                changed meanwhile is ``Skipped``, what has its values already is ``Unchanged``. An update without a
                verdict (no response, 5xx, a proxy's page) is not sent again later than a minute after it was sent
                without another look. A change between a look and the update is not noticed: Gong offers no
                conditional update.
            dry_run: stop after planning; nothing is changed, and no journal written.
            on_outcome: a plain or coroutine function, called for each row that is settled (and recorded).
            origin: texts for a new journal, to recognize the job by; see ``JournalReader.facts``.
            settings: see :class:`BulkSettings`.

        Raises:
            PlanConflictError: two updates of a list differ and are of one task.
            JournalError: the journal is another job's or another company's, in use, or cannot be written.
            ValueError: a setting is out of its range.
            Exception: what ``updates`` or ``on_outcome`` raised, once the changes in flight have ended.
        """
        refuse("update_many", [flag_problem("dry_run", dry_run), journal_problem(journal, or_none=True)])
        job = self._job(
            settings, bulk.as_async(on_outcome), guard=guard, skip_unchanged=skip_unchanged, origin=origin
        )
        if dry_run:
            return await job.rehearse(updates)
        return await job.run(updates, None if journal is None else Path(journal))

    async def resume_many(
        self,
        journal: Path | str,
        *,
        guard: bool | None = None,
        skip_unchanged: bool = False,
        on_outcome: bulk.OnOutcome | None = None,
        **settings: Unpack[BulkSettings],
    ) -> bulk.BulkReport:
        """Resume the job of a journal, which holds its rows; parameters and errors as of :meth:`update_many`.

        Args:
            journal: the job's file.
            guard: None for as the job began.
            skip_unchanged: list the owners' tasks, and leave out pending rows that have their values already.
            on_outcome: see :meth:`update_many`.
            settings: see :class:`BulkSettings`.
        """
        refuse("resume_many", [journal_problem(journal)])
        job = self._job(settings, bulk.as_async(on_outcome), guard=guard, skip_unchanged=skip_unchanged)
        return await job.resume(Path(journal))

    def stream_updates(
        self,
        updates: bulk.Updates | bulk.Plan,
        *,
        journal: Path | str | None = None,
        guard: bool = False,
        **settings: Unpack[BulkSettings],
    ) -> bulk.OutcomeStream:
        """As :meth:`update_many`, with the outcomes to be taken one by one; the run waits while none is taken.

        Args:
            updates: see :meth:`update_many`; so are the others.
            journal: a file for the job.
            guard: update a task only if it is still as the run found it.
            settings: see :class:`BulkSettings`.
        """
        refuse("stream_updates", [journal_problem(journal, or_none=True)])
        path = None if journal is None else Path(journal)
        return bulk.OutcomeStream(
            lambda put, on_report: self._job(settings, put, guard=guard, on_report=on_report).run(
                updates, path
            ),
            settings.get("workers", bulk.RunSettings().workers),
        )

    def _job(
        self,
        settings: BulkSettings,
        on_settled: Callable[[bulk.Outcome], Awaitable[None]] | None = None,
        *,
        guard: bool | None = None,
        skip_unchanged: bool = False,
        origin: Mapping[str, str] | None = None,
        on_report: Callable[[bulk.BulkReport], None] | None = None,
    ) -> bulk.BulkJob:
        problems = [
            None if guard is None else flag_problem("guard", guard),
            flag_problem("skip_unchanged", skip_unchanged),
            kind_problem("origin", origin, Mapping, "a mapping of names to texts", or_none=True),
        ]
        refuse("bulk run", problems)
        return bulk.BulkJob(
            applier=UpdateApplier(self._new_caller(Lane.BULK, haltable=True)),
            settings=bulk.RunSettings(**settings),
            on_settled=on_settled,
            on_report=on_report,
            guard=guard,
            skip_unchanged=skip_unchanged,
            origin=origin,
        )
