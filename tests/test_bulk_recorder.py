"""The recorder: what waits together is written together, and each learns what became of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from gong_tasks_async import JournalError, JournalRow, RowCounts, RowState, TaskUpdate, TransportError
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.bulk.journal_entries import Note, PendingRow
from gong_tasks_async.bulk.journal_reader import RunRecord
from gong_tasks_async.bulk.recorder import PAGE, Recorder


def done(task_id: int) -> TaskUpdate:
    return TaskUpdate(task_id, "1", status="DONE")


def settled(task_id: int) -> JournalRow:
    return JournalRow(done(task_id), RowState.UPDATED)


def note(task_id: int) -> Note:
    return Note(task_id, TransportError(reason="reset"))


class Book:
    """A journal that writes down what it is asked to write, holds its writer up, and fails where a test wants it to."""

    def __init__(self) -> None:
        self.written: list[tuple[str, list[int]]] = []
        self.fails: set[str] = set()
        self.free = threading.Event()
        self.free.set()
        self.closed = False
        self.asked: list[tuple[int, int, bool]] = []
        self.usual, self.suspects = list[int](), list[int]()
        self.spent: Callable[[], RunRecord] | None = None

    def settle(self, rows: Sequence[JournalRow]) -> None:
        self._write("settle", [row.update.task_id for row in rows])

    def note(self, notes: Sequence[Note]) -> None:
        self._write("note", [each.task_id for each in notes])

    def send(self, task_ids: Sequence[int]) -> None:
        self._write("send", list(task_ids))

    def pending(self, after: int, limit: int, *, suspect: bool) -> list[PendingRow]:
        self.asked.append((after, limit, suspect))
        numbers = self.suspects if suspect else self.usual
        return [PendingRow(number, done(number)) for number in numbers if number > after][:limit]

    def counts(self) -> RowCounts:
        self.thread = threading.get_ident()
        return RowCounts(pending=7)

    def begin_run(self) -> None:
        self.spent_before = self.spent

    def close(self) -> None:
        self.closed = True

    def _write(self, kind: str, task_ids: list[int]) -> None:
        self.free.wait(120)
        if kind in self.fails:
            raise JournalError(path="job", reason="the disk is full")
        self.written.append((kind, task_ids))


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
async def recorder(book: Book) -> AsyncIterator[Recorder]:
    with ThreadPoolExecutor(1) as thread:
        yield Recorder(cast("Journal", book), thread)
        book.free.set()


async def waiting_behind(book: Book, recorder: Recorder, *entries: Any) -> list[asyncio.Task[None]]:
    """Entries that come while the disk is busy with another."""
    book.free.clear()
    first = asyncio.create_task(recorder.send(99))
    await asyncio.sleep(0)
    writers: dict[type, Callable[[Any], Coroutine[Any, Any, None]]] = {
        int: recorder.send,
        Note: recorder.note,
        JournalRow: recorder.settle,
    }
    others = [asyncio.create_task(writers[type(entry)](entry)) for entry in entries]
    await asyncio.sleep(0)
    return [first, *others]


async def test_what_waits_together_is_written_together_and_a_row_is_sent_before_it_is_settled(
    book: Book, recorder: Recorder
) -> None:
    tasks = await waiting_behind(book, recorder, settled(1), note(2), 3, settled(4), 5)
    book.free.set()
    await asyncio.gather(*tasks)
    assert book.written == [("send", [99]), ("send", [3, 5]), ("note", [2]), ("settle", [1, 4])]


async def test_nothing_is_written_of_a_kind_that_no_caller_waits_with(book: Book, recorder: Recorder) -> None:
    await recorder.settle(settled(1))
    await recorder.note(note(2))
    assert book.written == [("settle", [1]), ("note", [2])]


async def test_an_error_is_of_those_whose_entries_were_not_written_alone(
    book: Book, recorder: Recorder
) -> None:
    tasks = await waiting_behind(book, recorder, settled(1), note(2), settled(3))
    book.fails = {"settle"}
    book.free.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), JournalError, type(None), JournalError]
    book.fails = set()
    await recorder.settle(settled(1))  # the next one is written
    assert book.written[-1] == ("settle", [1])


@pytest.mark.parametrize("fails", [False, True])
async def test_one_that_waits_no_longer_keeps_nothing_from_the_others(
    book: Book, recorder: Recorder, fails: bool
) -> None:
    tasks = await waiting_behind(book, recorder, settled(1), settled(2))
    tasks[1].cancel()
    await asyncio.sleep(0)
    book.fails = {"settle"} if fails else set()
    book.free.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError)
    assert isinstance(results[2], JournalError) is fails
    assert (
        ("settle", [1, 2]) in book.written
    ) is not fails  # it was handed over, and is recorded all the same


async def test_rows_come_page_by_page_and_suspects_last(book: Book, recorder: Recorder) -> None:
    book.usual, book.suspects = list(range(1, 2 * PAGE + 1, 2)), [2, 4]
    assert [row.number async for row in recorder.pending()] == [*book.usual, 2, 4]
    assert book.asked == [(0, PAGE, False), (2 * PAGE - 1, PAGE, False), (0, PAGE, True), (4, PAGE, True)]


async def test_it_closes_once_what_is_being_written_is_on_disk(book: Book, recorder: Recorder) -> None:
    tasks = await waiting_behind(book, recorder, settled(1))
    closing = asyncio.create_task(recorder.close())
    await asyncio.sleep(0.01)
    assert not book.closed
    book.free.set()
    await closing
    assert (book.closed, book.written[-1]) == (True, ("settle", [1]))
    await asyncio.gather(*tasks)
    with pytest.raises(RuntimeError, match="shutdown"):
        await recorder.counts()


async def test_the_journal_s_work_is_done_in_its_own_thread(book: Book, recorder: Recorder) -> None:
    assert await recorder.counts() == RowCounts(pending=7)
    assert book.thread != threading.get_ident()


async def test_what_a_run_has_spent_is_recorded_from_its_beginning_on(book: Book, recorder: Recorder) -> None:
    def spent() -> RunRecord:
        return RunRecord(calls=3)

    await recorder.begin_run(spent)
    assert (book.spent_before, book.spent) == (None, spent)
