from __future__ import annotations

from datetime import timedelta, timezone
from html.parser import HTMLParser

import pytest

from gong_tasks_async import (
    BulkReport,
    Failed,
    FailureGroup,
    JournalRow,
    TaskUpdate,
    TransportError,
)
from gong_tasks_async.bulk import RowCounts, TimelineBucket
from gong_tasks_async.bulk.render.html_page import as_html
from gong_tasks_async.bulk.render.timeline_plot import timeline_plot
from tests.reports import BIG_ID, HOSTILE, NOON, full_report, not_found

# HTML


class Page(HTMLParser):
    """What a browser would make of a page: its elements, the texts of its cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def test_the_page_says_what_became_of_the_run_and_what_to_do() -> None:
    texts = Page(as_html(full_report())).texts
    for piece in (
        "quarter-end",
        "Started 2026-03-12 12:00:00 UTC · 10,000 rows · took 2 h 13 min",
        "Stopped early, 2,908 rows pending",
        str(full_report().stopped_because),
        "Resume after 2026-03-13 00:00:00 UTC.",
        "7,000",
        "8,003",
        "1.00",
        str(BIG_ID),
        "No such task",
        "404 task not found",
        "Users (2)",
    ):
        assert piece in texts


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (BulkReport(), "Complete"),
        (BulkReport(updated=3, failed=2), "Complete, but 2 rows failed"),
        (BulkReport(pending=4), "Not finished, 4 rows pending"),
        (
            BulkReport(pending=4, stopped_because=TransportError(reason="x")),
            "Stopped early, 4 rows pending",
        ),
    ],
)
def test_the_page_begins_with_a_verdict(report: BulkReport, verdict: str) -> None:
    assert verdict in Page(as_html(report)).texts


def test_an_empty_report_makes_a_page_without_tables_and_plot() -> None:
    page = Page(as_html(BulkReport()))
    assert (page.count("table"), page.count("input"), page.count("script")) == (0, 0, 1)
    assert ("svg", "plot") not in {(tag, attributes.get("class")) for tag, attributes in page.elements}


def test_the_page_names_nothing_outside_of_itself() -> None:
    page = Page(as_html(full_report()))
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"link", "img", "iframe", "object", "base", "form", "a"}
    )
    names = {name for _, attributes in page.elements for name in attributes}
    assert names.isdisjoint({"src", "href", "style", "action", "srcset"})
    assert not any(name.startswith("on") for name in names)


def test_the_page_s_policy_allows_its_own_style_and_script_alone() -> None:
    [policy] = [
        attributes["content"]
        for tag, attributes in Page(as_html(full_report())).elements
        if "http-equiv" in attributes
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_words_add_no_element_to_the_page(hostile: str) -> None:
    def page(words: str) -> Page:
        failed = Failed(TaskUpdate(7, "21", priority="P"), not_found(words, request_id=words).error)
        return Page(
            as_html(
                full_report(
                    failures=(failed,),
                    by_user={words: RowCounts(failed=1)},
                    job=words,
                    stopped_because=TransportError(reason=words),
                )
            )
        )

    assert page(hostile).elements == page("harmless").elements


def test_the_first_thousand_failures_are_announced_as_such() -> None:
    assert "Failures, the first 2 of 5,000" in Page(as_html(full_report(failed=5_000))).texts


def test_a_big_report_makes_a_page_of_less_than_a_megabyte() -> None:
    failures = tuple(not_found("No such task " * 5, task_id=n) for n in range(1, 1_001))
    users = {str(n): RowCounts(n, n, n % 7, n) for n in range(500)}
    timeline = tuple(TimelineBucket(NOON + timedelta(minutes=n), n % 170, n % 3) for n in range(3 * 1_440))
    report = full_report(failed=1_000, failures=failures, by_user=users, timeline=timeline)
    page = as_html(report)
    assert page.count("<tr>") == 1_502
    assert len(page) < 1_000_000


# The plot


def bars(svg: str) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in Page(svg).elements if tag == "rect"]


def moments(*minutes: int) -> list[TimelineBucket]:
    return [TimelineBucket(NOON + timedelta(minutes=minute), 10, 1) for minute in minutes]


def test_each_stretch_has_a_bar_at_its_time() -> None:
    drawn = bars(timeline_plot(moments(0, 1, 3)))
    lefts = [float(bar["x"] or 0) for bar in drawn if bar["class"] == "updated"]
    assert lefts == [44.0, 213.0, 551.0]


def test_a_plot_says_the_counts_of_each_stretch() -> None:
    assert "2026-03-12 12:03:00 UTC: 10 updated, 1 failed" in Page(timeline_plot(moments(0, 1, 3))).texts


def test_a_long_run_is_drawn_in_fewer_stretches_that_lose_nothing() -> None:
    svg = timeline_plot([TimelineBucket(NOON + timedelta(minutes=n), 10, 1) for n in range(3 * 1_440)])
    titles = [text for text in Page(svg).texts if "updated," in text]
    assert len(titles) == 120
    assert set(titles) == {text for text in titles if text.endswith(": 360 updated, 36 failed")}
    assert "rows in each 36 min, times in UTC" in Page(svg).texts
    assert {"13 Mar", "14 Mar", "15 Mar"} <= set(Page(svg).texts)


@pytest.mark.parametrize(
    "timeline",
    [
        [TimelineBucket(NOON, 0, 0)],
        moments(5),
        moments(5, 5),
        moments(9, 2, 5),
        moments(0, 10_000_000),
        [TimelineBucket(NOON + timedelta(seconds=n), 999, 2) for n in range(5)],
        [TimelineBucket(NOON.astimezone(timezone(timedelta(hours=-5))), 1, 0), *moments(1)],
    ],
)
def test_every_timeline_can_be_drawn(timeline: list[TimelineBucket]) -> None:
    drawn = bars(timeline_plot(timeline))
    assert drawn
    for bar in drawn:
        x, y, width, height = (float(bar[name] or "nan") for name in ("x", "y", "width", "height"))
        assert 44 <= x <= x + width <= 720.5
        assert 10 <= y <= y + height <= 172.1


def test_the_page_says_what_was_changed_for_which_company_and_by_which_file() -> None:
    report = full_report(
        changes=("status DISMISSED (1,494)",),
        company="https://us-7.api.gong.io",
        source="close <q1>.csv",
        users={"21": "Ana <b>Müller</b>"},
        failures_by_reason=(FailureGroup("404 task not found", "No such task", 2),),
        pending_rows=(
            JournalRow(TaskUpdate(9, "21", status="DONE"), attempts=2, cause=not_found("Later").error),
        ),
        skipped=3,
        runs=2,
    )
    texts = Page(as_html(report)).texts
    for text in (
        "status DISMISSED (1,494)",
        "https://us-7.api.gong.io",
        "close <q1>.csv",
        "Skipped",
        "Failures by reason",
    ):
        assert text in texts
    assert "Ana <b>Müller</b> (21)" in texts
    assert "404 task not found: Later" in texts
    assert any(text.endswith("2 runs") for text in texts)
