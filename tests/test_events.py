from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from attrs.exceptions import FrozenInstanceError

from gong_tasks_async import FieldUnreadable, InvalidValueError
from gong_tasks_async.events import (
    BudgetChanged,
    BudgetLow,
    BudgetSpent,
    CallAttempted,
    CallEnded,
    CallEvent,
    CallQueued,
    CallSent,
    Event,
    EventSink,
    PaceChanged,
    Paused,
    QuotaLost,
    QuotaRegained,
    ResponseDelayed,
    Resumed,
    RetryPlanned,
    RowClaimed,
    RowEnded,
    UpdateUnreadable,
)

URL = "https://api.gong.io/v2/tasks/7"
CALL: dict[str, Any] = {"call_id": 1, "operation": "update_task", "lane": "bulk"}
PLACE: dict[str, Any] = {"method": "PATCH", "url": URL, "template": "/v2/tasks/{taskId}"}
EVENTS: list[tuple[Event, int]] = [
    (CallQueued(**CALL), logging.DEBUG),
    (CallSent(**CALL, **PLACE, attempt=1), logging.DEBUG),
    (CallAttempted(**CALL, **PLACE, status=None, attempt=1, seconds=0.5), logging.DEBUG),
    (RetryPlanned(**CALL, **PLACE, attempt=1, wait=0.5, reason="503"), logging.INFO),
    (
        CallEnded(**CALL, waited=0.1, attempts=2, status=200, error=None, request_id="r", seconds=1.0),
        logging.DEBUG,
    ),
    (ResponseDelayed(method="PATCH", url=URL, seconds=15.0), logging.WARNING),
    (UpdateUnreadable(task_id=7, path="$.tasks[0].id", expected="an integer"), logging.WARNING),
    (BudgetChanged(used=1, left=9_999, per_day=10_000), logging.DEBUG),
    (BudgetLow(left=2_500, per_day=10_000), logging.WARNING),
    (BudgetSpent(lane="bulk", resets_at=datetime(2026, 3, 2, tzinfo=UTC)), logging.WARNING),
    (Paused(seconds=1.0), logging.INFO),
    (RowClaimed(job="nightly", number=7), logging.DEBUG),
    (RowEnded(job="nightly", number=7, outcome="updated"), logging.DEBUG),
    (Paused(seconds=10.0), logging.WARNING),
    (Resumed(), logging.DEBUG),
    (
        FieldUnreadable(path="$.tasks[0].flow", expected="an object", found="text of 3 characters"),
        logging.WARNING,
    ),
    (QuotaLost(server="redis://quota", reason="refused", local_fallback=True), logging.WARNING),
    (QuotaRegained(server="redis://quota", seconds=2.0), logging.WARNING),
    (PaceChanged(before=3.0, after=2.0), logging.DEBUG),
]


def kinds_of(kind: type[Event]) -> Iterator[type[Event]]:
    for child in kind.__subclasses__():
        yield child
        yield from kinds_of(child)


def test_every_kind_of_event_is_among_these() -> None:
    assert {type(event) for event, _ in EVENTS} == {*kinds_of(Event)} - {CallEvent}


@pytest.mark.parametrize(("event", "level"), EVENTS)
def test_an_event_is_logged_in_words_with_its_fields_beside_it(
    log: pytest.LogCaptureFixture, event: Event, level: int
) -> None:
    EventSink().emit(event)
    [record] = log.records
    assert record.levelno == level
    assert type(event).__name__ not in record.getMessage()
    assert vars(record)["gong_event"]["event"] == type(event).__name__


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG, logger="gong_tasks_async"):
        yield caplog


@pytest.mark.parametrize(("event", "level"), EVENTS, ids=lambda value: type(value).__name__)
def test_each_event_is_logged_once_at_its_level(
    log: pytest.LogCaptureFixture, event: Event, level: int
) -> None:
    EventSink().emit(event)
    [record] = log.records
    assert (record.name, record.levelno, record.getMessage()) == ("gong_tasks_async", level, str(event))


def test_the_callback_gets_the_event_itself_in_order() -> None:
    seen: list[Event] = []
    sink = EventSink(seen.append)
    for event, _ in EVENTS:
        sink.emit(event)
    assert [id(event) for event in seen] == [id(event) for event, _ in EVENTS]


def test_a_callback_that_raises_is_logged_and_disturbs_nobody(log: pytest.LogCaptureFixture) -> None:
    def fails(_: Event) -> None:
        raise KeyError("dashboard")

    sink = EventSink(fails)
    sink.emit(Resumed())
    sink.emit(Paused(seconds=1.0))
    failures = [record for record in log.records if record.levelno == logging.ERROR]
    assert len(failures) == 2
    assert failures[0].exc_info is not None
    assert isinstance(failures[0].exc_info[1], KeyError)


def test_a_callback_may_stop_the_program() -> None:
    def stops(_: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EventSink(stops).emit(Resumed())


def test_events_of_calls_are_wanted_only_where_somebody_reads_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="gong_tasks_async"):
        assert not EventSink().wants_call_events
        assert EventSink(lambda _: None).wants_call_events
    with caplog.at_level(logging.DEBUG, logger="gong_tasks_async"):
        assert EventSink().wants_call_events


def test_an_event_knows_when_it_happened() -> None:
    before = datetime.now(UTC)
    event = Paused(seconds=1.0)
    assert before <= event.at <= datetime.now(UTC)
    assert event.at.utcoffset() is not None


@pytest.mark.parametrize("event", [event for event, _ in EVENTS], ids=lambda event: type(event).__name__)
def test_events_are_values_that_are_frozen_and_travel(event: Event) -> None:
    assert pickle.loads(pickle.dumps(event)) == event  # noqa: S301 - our own bytes
    with pytest.raises(FrozenInstanceError):
        event.at = datetime.now(UTC)  # type: ignore[misc]  # refused by the type checker as well


async def _async_callback(_: Event) -> None: ...


class _AsyncCallback:
    async def __call__(self, _: Event) -> None: ...


@pytest.mark.parametrize(
    "callback", [_async_callback, _AsyncCallback(), partial(_async_callback), "print", 7]
)
def test_a_callback_that_would_never_run_is_refused(callback: Any) -> None:
    with pytest.raises(InvalidValueError, match="on_event must be a"):
        EventSink(callback)
