"""The parts of the benchmarks that could mislead: the hand-written client, the stub server, and the report."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

import benchmarks
import gong_tasks_async
from benchmarks import report, stub_server
from benchmarks.measure import Comparison, Figure
from benchmarks.raw_client import RawClient
from benchmarks.results import Results
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


def test_the_report_replaces_the_last_one_and_nothing_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path / "README.md"
    begins, ends = "<!-- results begin -->", "<!-- results end -->"
    readme.write_text(f"before\n{begins}\nold\n{ends}\nafter\n")
    monkeypatch.setattr(report, "README", readme)
    comparison = Comparison("it", {"aiohttp": [1.0], "ours": [1.234]}, "aiohttp")
    report.write_readme(Results("quick", {"date": "2026-11-21"}, [comparison]))
    written = readme.read_text()
    assert written.startswith(f"before\n{begins}\n\n## Results of 2026-11-21, the quick form")
    assert "| ours    | 1.23" in written
    assert "old" not in written
    assert written.endswith(f"{ends}\nafter\n")


def test_counts_stand_in_a_part_of_their_own_with_the_machine_they_are_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- counts begin -->\nold\n<!-- counts end -->\nafter\n")
    monkeypatch.setattr(report, "README", readme)
    scripts = {"scale": {"scale": [{"work": "plan", "exponent of time": 1.01}], "points": [{"size": 1}]}}
    report.write_readme(Results("part", {"date": "2026-11-21", "machine": "a warm one"}, [], scripts))
    written = readme.read_text()
    assert "date: 2026-11-21; machine: a warm one." in written
    assert "| plan | 1.01             |" in written
    assert "old" not in written
    assert written.startswith("before\n<!-- counts begin -->")
    assert written.endswith("<!-- counts end -->\nafter\n")


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
