"""`gong-tasks quota simulate` in this process: its numbers, its table, its picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve

from gong_tasks_async import QuotaLimits
from gong_tasks_async.cli.quota import forecast_text, simulate
from gong_tasks_async.cli.quota.forecast_plot import forecast_svg
from gong_tasks_async.cli.quota.forecast_text import bars, facts
from gong_tasks_async.simulation import Forecast, Scenario, Sharing, Slice, scenario
from gong_tasks_async.simulator import SecondLimit
from tests.cli.company import Company, python

SVG = "{http://www.w3.org/2000/svg}"
SCENARIO = Scenario(rows=1_000, calls_a_minute=20, neighbours=(0.5,))
FORECAST = Forecast(
    seconds=120.0,
    rows=1_000,
    settled=1_000,
    runs=1,
    calls=1_100,
    rate_limited=11,
    neighbour_calls=60,
    neighbour_rate_limited=6,
    waits=(0.0, 0.25, 0.5, 20.0),
    unanswered=0,
    most_in_a_second=3,
    used=0.914,
    day_used=1_160,
    slices=(
        Slice(starts=0.0, bulk=8, interactive=1),
        Slice(starts=60.0, bulk=1, rate_limited=2, longest_wait=20.0),
    ),
)


def simulated(company: Company, line: str) -> dict[str, Any]:
    got = company.invoke("quota", "simulate", *line.split(), "--output", "jsonl")
    assert got.exit_code == 0, got.stderr
    found: dict[str, Any] = json.loads(got.stdout)
    return found


def test_nothing_is_sent_and_the_numbers_are_those_of_the_limits(company: Company) -> None:
    found = simulated(company, "--rows 60 --per-second 2 --latency 1")
    assert company.gong.ledger.calls == 0
    assert (found["finished"], found["settled"], found["rate_limited"]) == (True, 60, 0)
    assert found["seconds"] == pytest.approx(60 / 2 * 1.03, rel=0.05)
    assert found["most_in_a_second"] == 2
    assert sum(part["bulk"] for part in found["timeline"]) == 60


def test_it_needs_no_credentials(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = {name: value for name, value in company.environment.items() if "ACCESS" not in name}
    monkeypatch.setattr(Company, "environment", bare)
    assert simulated(company, "--rows 3")["finished"]


def test_a_profile_that_is_named_has_to_exist(company: Company) -> None:
    got = company.invoke("quota", "simulate", "--rows", "3", "--profile", "nowhere")
    assert (got.exit_code, got.stdout) == (2, "")
    assert "nowhere" in got.stderr


def test_the_same_seed_makes_the_same_forecast(company: Company) -> None:
    line = "--rows 40 --calls 30 --neighbour 0.5"
    assert simulated(company, line) == simulated(company, line)
    assert simulated(company, line) != simulated(company, f"{line} --seed 2")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", "give --rows N or --calls N"),
        ("--rows 3 --per-day 5 --reserve 6", "leaves nothing of per_day 5"),
        ("--calls 1000", "--calls"),
        ("--rows 3 --processes 0", "--processes"),
        ("--rows 3 --latency 9-1", "--latency"),
        ("--rows 3 --svg nowhere/forecast.svg", "no folder nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused(line: str, expected: str, company: Company) -> None:
    got = company.invoke("quota", "simulate", *line.split())
    assert (got.exit_code, got.stdout) == (2, "")
    assert expected in got.stderr


def test_its_choices_and_bounds_are_those_of_the_simulation() -> None:
    assert set(simulate.SHARING) == set(Sharing)
    assert set(simulate.RULES) == set(SecondLimit)
    for name in ("MOST_ROWS", "MOST_PROCESSES", "MOST_CALLS_A_MINUTE", "MOST_HOURS"):
        assert getattr(simulate, name) == getattr(scenario, name)


def test_its_help_needs_no_network_library() -> None:
    lines = "import sys; from gong_tasks_async.cli.quota import simulate; print('aiohttp' in sys.modules)"
    assert python("-c", lines).stdout == "False\n"


def test_options_of_the_group_are_refused_before_its_commands(company: Company) -> None:
    got = company.invoke("quota", "--reopen", "simulate", "--rows", "3")
    assert (got.exit_code, got.stdout) == (2, "")
    assert "--reopen is not for 'simulate'" in got.stderr


def test_the_table_says_what_becomes_of_all(company: Company) -> None:
    got = company.invoke(
        "quota", "simulate", *["--rows", "30", "--calls", "60", "--neighbour", "0.5", "--output", "table"]
    )
    assert got.exit_code == 0
    for label in ("Bulk job", "Interactive", "429s", "Neighbours", "Limit", "Day", "Bulk calls"):
        assert f"\n{label} " in f"\n{got.stdout}"


def test_the_facts() -> None:
    assert facts(FORECAST, SCENARIO) == {
        "Bulk job": "1,000 rows done in 2 min",
        "Interactive": "4 calls; wait 0.2 s median, 20 s for 99 %, 20 s longest",
        "429s": "11 of 1,100 calls (10.0 of 1,000)",
        "Neighbours": "6 of 60 calls (100.0 of 1,000) were 429s",
        "Limit": "91% of 3 calls a second; at most 3 of ours in any second",
        "Day": "1,160 of 10,000 calls count at the end",
    }


def test_the_facts_of_a_job_that_does_not_end_in_one_run() -> None:
    unfinished = evolve(FORECAST, settled=400, runs=2, waits=(), unanswered=3)
    found = facts(unfinished, evolve(SCENARIO, limits=QuotaLimits(per_day=None), neighbours=()))
    assert found["Bulk job"] == "400 of 1,000 rows done after 2 min, in 2 runs"
    assert found["Interactive"] == "3 calls; 3 failed"
    assert found["Day"] == "1,160 calls count at the end"
    assert "Neighbours" not in found


def test_bars_show_a_single_call_and_leave_out_what_never_came(monkeypatch: pytest.MonkeyPatch) -> None:
    for blocks, expected in ((True, "█▁"), (False, "@.")):
        monkeypatch.setattr(forecast_text, "_has_blocks", lambda blocks=blocks: blocks)
        assert bars(FORECAST)["Bulk calls"] == f"{expected} up to 8 in 1 min"
    assert list(bars(FORECAST)) == ["Bulk calls", "Interactive calls", "429s over time"]


def test_the_picture_is_well_formed_and_as_high_as_its_numbers(tmp_path: Path, company: Company) -> None:
    drawn = tmp_path / "forecast.svg"
    got = company.invoke("quota", "simulate", "--rows", "9", "--svg", str(drawn))
    assert (got.exit_code, got.stderr) == (0, f"Picture: {drawn}\n")
    assert ET.parse(drawn).getroot().tag == f"{SVG}svg"  # noqa: S314 - our own
    root = ET.fromstring(forecast_svg(FORECAST, evolve(SCENARIO, limits=QuotaLimits(per_second=0.1))))  # noqa: S314
    tall = {
        (bar.get("class"), bar.get("x")): float(bar.get("height", ""))
        for bar in root.iter(f"{SVG}rect")
        if list(bar)
    }
    bulk, later = sorted(height for (kind, _), height in tall.items() if kind == "bulk")[::-1]
    assert bulk == pytest.approx(8 * later, rel=0.01)
    assert max(height for (kind, _), height in tall.items() if kind == "wait") == 60.0
