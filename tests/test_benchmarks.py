"""The parts of the benchmarks that could mislead: the hand-written client, the stub server, and the report."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

import benchmarks
import gong_tasks_async
from benchmarks import aims, planning, report, results, stub_server, tables
from benchmarks.measure import Comparison, Figure
from benchmarks.ratio_chart import ratio_chart
from benchmarks.raw_client import RawClient
from benchmarks.results import Found, Results, load
from benchmarks.scripts import SCRIPTS
from benchmarks.targets import DECODE, TARGETS, Finding, Target, findings


async def test_the_raw_client_reads_pages_of_any_length_over_one_connection() -> None:
    with stub_server.running("full") as base_url:
        client = RawClient(base_url, "Basic made-up")
        for count in (0, 1, 200):
            body = json.dumps({"filter": {"userId": str(count)}}).encode()
            page = json.loads(await client.request("POST", "/v2/tasks", body))
            assert [task["id"] for task in page["tasks"]] == list(
                range(stub_server.TASK_ID, stub_server.TASK_ID + count)
            )
        client.close()


async def test_the_stub_answers_a_change_with_the_task_that_was_named() -> None:
    with stub_server.running("typical") as base_url:
        client = RawClient(base_url, "Basic made-up")
        answer = await client.request("PATCH", f"/v2/tasks/{stub_server.TASK_ID + 7}", b"{}")
        client.close()
    assert json.loads(answer)["tasks"][0]["id"] == stub_server.TASK_ID + 7


@pytest.mark.parametrize(
    ("at_least", "value", "reached"), [(False, 1.0, True), (False, 1.01, False), (True, 0.99, False)]
)
def test_a_target_is_reached_on_its_side_only(at_least: bool, value: float, reached: bool) -> None:
    target = Target("it", 1.0, "decode", "ours", at_least=at_least)
    assert target.reached(Figure(value, value, value)) is reached


def test_what_a_noisy_run_found_is_marked_and_what_was_left_out_is_said() -> None:
    noisy = Comparison(
        DECODE, {"msgspec": [1.0], "msgspec again": [1.2], "pydantic": [4.0], "ours": [3.0]}, "msgspec"
    )
    verdicts = {found.target.what: found.verdict for found in findings([noisy]) if found.figure}
    assert verdicts == {
        "decode of a fully populated task over msgspec Struct": "reached (noisy)",
        "decode over pydantic v2": "reached (noisy)",
    }
    assert "not measured" in report.target_table([Finding(TARGETS[0], None)])


def test_the_pages_and_charts_are_those_that_the_kept_results_make() -> None:
    assert [path.name for path, _ in tables.outdated(load())] == []


def test_each_mark_of_a_page_is_of_a_table_that_a_run_makes() -> None:
    known = {"mutants", *SCRIPTS, *tables.PLANNED, *tables.parts(Results("full", scripts={}))}
    for path in tables.PAGES:
        page = path.read_text(encoding="utf-8")
        names = re.findall(r"<!-- (\w+) begin -->", page)
        assert names, path
        assert names == [found["name"] for found in tables.MARKED.finditer(page)]
        assert set(names) <= known


def test_a_part_is_replaced_and_nothing_around_it_nor_what_was_not_measured() -> None:
    about = {
        "date": "2026-11-21",
        "commit": "abc",
        "machine": "a warm one",
        "Python": "CPython",
        "packages": "x 1",
    }
    later = Found(about, [{"wait": "a first call", "median_ms": 2.5}])
    page = "before\n<!-- latency begin -->\nold\n<!-- latency end -->\n<!-- companies begin -->\nkept\n<!-- companies end -->\n"
    written = tables.written(page, Results("full", {"packages": "x 2"}, [], {"latency": later}))
    assert written.startswith(
        "before\n<!-- latency begin -->\n\ndate 2026-11-21; commit abc; machine a warm one;"
    )
    assert "packages x 1.\n" in written
    assert "| a first call | 2.50      |" in written
    assert "old" not in written
    assert written.endswith("<!-- latency end -->\n<!-- companies begin -->\nkept\n<!-- companies end -->\n")


def test_a_later_run_replaces_what_it_measured_and_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    comparison = Comparison("it", {"aiohttp": [1.0, 2.0], "ours": [1.23456, 3.0]}, "aiohttp")
    first = Results(
        "full", {"date": "1"}, [comparison], {"a": Found({"date": "1"}, []), "b": Found({"date": "1"}, [])}
    )
    first.replaced_by(Results("part", {"date": "2"}, [], {"b": Found({"date": "2"}, [{"x": 1}])})).save()
    kept = load()
    assert (kept.about, kept.comparisons[0].costs["ours"]) == ({"date": "1"}, [1.2346, 3.0])
    assert {name: one.about["date"] for name, one in kept.scripts.items()} == {"a": "1", "b": "2"}
    assert "[1.2346, 3.0]" in (tmp_path / "full" / "results.json").read_text()


def test_an_aim_is_reached_on_its_side_only() -> None:
    lanes = {"quota_lanes": {"waits": [{"most": 1.5}, {"most": 2.5}], "shares": []}}
    assert list(aims.aims_rows(lanes)) == [
        ("a person's wait behind 1,000 bulk calls, spacings, worst", "at most 2", "2.5", "**missed**")
    ]


def test_the_bars_are_as_many_as_the_contenders() -> None:
    comparison = Comparison(
        DECODE, {"msgspec": [1.0, 1.1], "pydantic": [40.0, 41.0], "ours": [3.0, 3.1]}, "msgspec"
    )
    drawn = ratio_chart([comparison])
    assert drawn.count('height="13"') == 3
    assert "logarithms" in drawn


def test_records_within_records_become_columns_of_one_table() -> None:
    (table,) = report.script_tables([{"pace": "fixed", "mean": {"our_calls": 1234, "used": 0.5}}])
    assert table.splitlines()[0].split("|")[1:-1] == [" pace  ", " our calls (mean) ", " used (mean) "]
    assert "1,234" in table


def test_the_modules_and_tests_of_the_planted_faults_exist() -> None:
    settings = tomllib.loads(Path(benchmarks.__path__[0], "mutants.toml").read_text(encoding="utf-8"))
    package, tests = Path(gong_tasks_async.__path__[0]), Path(__file__).parent
    for module, files in settings["tests"].items():
        assert (package / module).is_file(), module
        for name in files:
            assert (tests / name).exists(), name
    assert settings["equal"].keys() <= settings["tests"].keys()


def test_the_pages_that_help_to_plan_multiply_what_was_measured() -> None:
    quota = {
        "shared": [{"contender": "ours", "trips_a_turn": 1.0, "cpu_ms_a_turn": 0.3}],
        "turns": [{"contender": "ours", "server_us": 100.0}],
        "memory of a company": [{"bytes after one call": 2_600.0, "bytes after a full day": 5_100.0}],
    }
    *_, last = planning.companies_on_a_redis(quota).splitlines()
    assert [cell.strip() for cell in last.split("|")[1:-1]] == [
        "10,000",
        "51 MB",
        "12 % of a core",
        "300 % of a core",
    ]
    costs = [{"waiting_bytes": 200.0, "running_bytes": 360.0, "settled_bytes": 390.0, "scripts": 6.0}]
    *_, last = planning.jobs_in_a_redis(costs).splitlines()
    assert [cell.strip() for cell in last.split("|")[1:-1]] == ["10,000", "36 GB", "270 GB", "180,000"]


def test_the_reasons_of_worse_cells_are_counted() -> None:
    lines = [
        f"{'a rule':<24}{'loopback':<18}{who:<18}{'0.9 -> 0.8':<30}{why}"
        for who, why in (("none", "a; 70 % is regained"), ("1/s", "a; 80 % is regained"), ("1/s", "b"))
    ]
    found = planning.reasons(
        "\n".join(("something", "", "Worse than before (3 of 9 cells): used", "", *lines, ""))
    )
    assert found.startswith("3 cells are worse, 1 of them without a neighbour.")
    assert "| 2     | a" in found
