from __future__ import annotations

import json
import pickle
from datetime import datetime, timedelta, timezone

import pytest

from gong_tasks_async import (
    BadRequestError,
    BulkReport,
    DecodeError,
    Failed,
    TaskUpdate,
    TransportError,
)
from gong_tasks_async.bulk import RowCounts
from gong_tasks_async.bulk.render.format import duration
from gong_tasks_async.bulk.render.html_page import as_html
from gong_tasks_async.bulk.render.json_text import as_json
from gong_tasks_async.bulk.render.text import as_text
from tests.reports import BIG_ID, HOSTILE, full_report, not_found

# The report itself


def test_the_rate_and_the_total_are_derived() -> None:
    report = full_report()
    assert report.rate == pytest.approx(8_003 / 7_980)
    assert report.total == 10_000
    assert BulkReport(calls=5).rate == 0.0


def test_a_report_can_be_compared_hashed_and_pickled() -> None:
    report = BulkReport(updated=1, by_user={"21": RowCounts(1)})
    assert hash(report) == hash(BulkReport(updated=1, by_user={"21": RowCounts(1)}))
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301 - our own bytes


def test_the_report_s_methods_give_the_forms() -> None:
    report = full_report()
    assert (report.to_text(), report.to_json(), report.to_html()) == (
        as_text(report),
        as_json(report),
        as_html(report),
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (12.3, "12 s"),
        (59.6, "1 min"),
        (252, "4 min 12 s"),
        (3_600, "1 h"),
        (7_980, "2 h 13 min"),
        (7_979.7, "2 h 13 min"),
        (100_800, "1 d 4 h"),
        (86_401, "1 d"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


# Plain text


def test_the_text_says_what_became_of_the_run_and_what_to_do() -> None:
    assert as_text(full_report()).splitlines() == [
        "quarter-end",
        "started 2026-03-12 12:00:00 UTC",
        "7,000 updated, 90 unchanged, 2 failed, 2,908 pending: 10,000 rows",
        "8,003 calls in 2 h 13 min, 1.00 a second",
        "3 rate-limited (429)",
        "",
        f"Stopped: {full_report().stopped_because}",
        "Resume after 2026-03-13 00:00:00 UTC.",
        "",
        "Users with most failures:",
        "  21        2 failed, 0 updated, 90 unchanged, 0 pending",
        "",
        "Failures:",
        f"  task {BIG_ID} of user 21: 404 task not found: No such task [request id req-1]",
        "  task 8 of user 21: 404 task not found: Gone [request id req-1]",
    ]


def test_the_text_of_an_empty_report_is_short() -> None:
    assert as_text(BulkReport()) == (
        "0 updated, 0 unchanged, 0 failed, 0 pending: 0 rows\n"
        "0 calls in 0.0 s, 0.00 a second\n"
        "0 rate-limited (429)\n"
    )


def test_the_text_shows_the_worst_ten_users_and_the_first_twenty_failures() -> None:
    users = {f"user-{n:02}": RowCounts(failed=n) for n in range(30)}
    failures = tuple(not_found("No", task_id=n) for n in range(1, 101))
    lines = as_text(BulkReport(failed=435, failures=failures, by_user=users)).splitlines()
    assert "Users with most failures, the first 10 of 29:" in lines
    assert [line.split()[0] for line in lines if "user-" in line] == [f"user-{n}" for n in range(29, 19, -1)]
    assert "Failures, the first 20 of 435:" in lines
    assert sum(line.startswith("  task ") for line in lines) == 20


def test_rows_left_over_without_a_reason_are_to_be_run_again() -> None:
    assert "Not finished: 1,200 rows are pending." in as_text(BulkReport(pending=1_200))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_hostile_breaks_a_line_of_the_text_or_reaches_the_terminal(hostile: str) -> None:
    report = BulkReport(
        failed=1, failures=(not_found(hostile),), by_user={hostile: RowCounts(failed=1)}, job=hostile
    )
    text = as_text(report)
    assert len(text.splitlines()) == 10
    assert all(line.isprintable() for line in text.splitlines())


def test_an_error_without_words_of_gong_s_has_ours() -> None:
    lost = DecodeError(path="$.tasks", expected="a list", found="null", method="PATCH", request_id="req-5")
    report = BulkReport(failed=2, failures=(Failed(TaskUpdate(7, "21", status="DONE"), lost), not_found()))
    text = as_text(report)
    assert f"decode error: {str(lost).removesuffix(' See errors/decode.')} [request id req-5]" in text
    assert "404 task not found: without a message" in text


# JSON


def test_the_json_says_everything_with_ids_as_text() -> None:
    zone = timezone(timedelta(hours=2))
    due = TaskUpdate(BIG_ID, "21", due_date=datetime(2026, 4, 1, 9, 30, tzinfo=zone), priority="HIGH")
    wrong = Failed(due, BadRequestError(status=400, errors=("Bad date", "Bad priority")))
    read = json.loads(as_json(full_report(failures=(not_found("Gone"), wrong))))
    assert read["failures"] == [
        {
            "task_id": "7",
            "user_id": "21",
            "status": "DONE",
            "due_date": None,
            "priority": None,
            "error": {"kind": "TaskNotFoundError", "message": "Gone", "status": 404, "request_id": "req-1"},
        },
        {
            "task_id": str(BIG_ID),
            "user_id": "21",
            "status": None,
            "due_date": "2026-04-01T09:30:00+02:00",
            "priority": "HIGH",
            "error": {
                "kind": "BadRequestError",
                "message": "Bad date; Bad priority",
                "status": 400,
                "request_id": None,
            },
        },
    ]
    assert read["stopped_because"] == {
        "kind": "DailyQuotaError",
        "message": "Daily limit",
        "status": 429,
        "request_id": "req-9",
    }
    assert read["by_user"]["21"] == {"updated": 0, "unchanged": 90, "failed": 2, "pending": 0, "skipped": 0}
    assert read["timeline"][1] == {"at": "2026-03-12T12:01:00+00:00", "updated": 51, "failed": 1}
    assert (read["job"], read["complete"], read["total"]) == ("quarter-end", False, 10_000)
    assert read["started_at"] == "2026-03-12T12:00:00+00:00"
    assert datetime.fromisoformat(read["resume_after"]) == full_report().resume_after


def test_the_json_of_an_empty_report_has_all_its_names() -> None:
    empty, full = json.loads(as_json(BulkReport())), json.loads(as_json(full_report()))
    assert empty.keys() == full.keys()
    assert empty["complete"] is True
    assert (empty["failures"], empty["timeline"], empty["by_user"]) == ([], [], {})


@pytest.mark.parametrize("hostile", [*HOSTILE, "\ud800 half a pair"])
def test_hostile_words_come_back_from_json_as_they_were(hostile: str) -> None:
    text = as_json(BulkReport(failed=1, failures=(not_found(hostile),), job=hostile))
    assert text.isascii()
    read = json.loads(text)
    assert read["failures"][0]["error"]["message"] == hostile
    assert read["job"] == hostile


def test_a_lost_answer_has_neither_status_nor_request_id() -> None:
    lost = TransportError(reason="reset", method="PATCH")
    assert json.loads(as_json(BulkReport(pending=1, stopped_because=lost)))["stopped_because"] == {
        "kind": "TransportError",
        "message": str(lost).removesuffix(" See errors/transport."),
        "status": None,
        "request_id": None,
    }
