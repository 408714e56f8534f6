"""Names of people beside ids: in a plan that a person reads, and in reports; and what they cost."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from gong_tasks_async.cli.owners import price_of_names
from tests.cli.company import Company, Found, journals


def calls(company: Company) -> Counter[str]:
    return Counter(
        entry.method if entry.method != "GET" else "names" for entry in company.gong.ledger.entries
    )


def name_of(company: Company, place: int) -> str:
    person = company.engine.people[place]
    return f"{person['firstName']} {person['lastName']}"


def plan_of(company: Company, *options: str) -> str:
    return company.invoke("bulk", "plan", company.rows(20), *options, "--output", "table").stdout


def test_a_plan_that_was_looked_at_names_the_owners_of_its_sample(company: Company) -> None:
    shown = plan_of(company, "--skip-unchanged")
    lines = [line for line in shown.splitlines() if "->" in line]
    assert len(lines) == 5
    assert all(name_of(company, 0) in line for line in lines)
    assert calls(company) == {"POST": 2, "names": 2}


def test_a_plan_of_a_file_without_a_look_costs_no_call(company: Company) -> None:
    assert "20 tasks" in plan_of(company)
    assert calls(company) == {}


@pytest.mark.parametrize("scopes", [{"api:tasks:read", "api:tasks:write"}])
def test_a_name_is_worth_no_error(scopes: set[str], company: Company) -> None:
    company.engine.scopes = scopes
    assert f"user {company.engine.user_ids[0]}" in plan_of(company, "--skip-unchanged")


def test_nobody_reads_the_sample_of_a_small_run_with_yes_so_it_costs_no_call_for_names(
    company: Company,
) -> None:
    assert company.invoke("bulk", "run", company.rows(20), "--yes").exit_code == 0
    assert calls(company)["names"] == 0


def test_a_large_job_has_names_in_its_report(found: Found) -> None:
    company = found(users=2, tasks_per_user=110)
    assert company.invoke("bulk", "run", company.rows(220), "--yes", "--name", "big").exit_code == 0
    assert calls(company)["names"] == 2
    company.invoke("bulk", "report", "big", "--output", str(company.folder / "big.html"))
    page = (company.folder / "big.html").read_text(encoding="utf-8")
    assert name_of(company, 0) in page
    assert company.engine.user_ids[0] in page
    assert "close.csv" in page
    assert company.gong.base_url in page


def test_the_names_of_many_owners_cost_a_page_of_users(found: Found) -> None:
    company = found(users=12, tasks_per_user=3)
    company.engine.people = [evolve_name(person, place) for place, person in enumerate(company.engine.people)]
    path = company.rows(36)
    shown = company.invoke("bulk", "plan", path, "--skip-unchanged", "--output", "table").stdout
    assert re.search("Person [0-9]+ X", shown)
    assert calls(company) == {"POST": 12, "names": 1}
    assert [price_of_names(owners) for owners in (0, 3, 4, 19, 20, 212)] == [0, 3, 1, 1, 2, 21]


def evolve_name(person: dict[str, object], place: int) -> dict[str, object]:
    return {**person, "firstName": f"Person {place}", "lastName": "X"}


def test_an_undo_shows_what_it_restores_with_the_job_s_names(found: Found) -> None:
    company = found(users=2, tasks_per_user=110)
    company.invoke("bulk", "run", company.rows(220), "--yes", "--name", "big")
    shown = company.invoke("bulk", "undo", "big", "--dry-run", "--output", "table").stdout
    lines = [line for line in shown.splitlines() if "->" in line]
    assert len(lines) == 5
    assert all("DONE -> " in line and name_of(company, 0) in line for line in lines)
    company.invoke("bulk", "undo", "big", "--yes")
    page = company.invoke("bulk", "report", "big-undo", "--output", "json").stdout
    assert '"source": "undo of big"' in page
    assert len(journals(company)) == 2


def test_the_status_of_a_job_names_people_and_says_why_it_stopped(found: Found) -> None:
    company = found(users=2, tasks_per_user=110)
    company.configure(per_day=110, interactive_reserve=0)
    assert company.invoke("bulk", "run", company.rows(220), "--yes", "--name", "big").exit_code == 4
    status = company.invoke("bulk", "status", "big", "--output", "table")
    assert re.search(f"{company.engine.user_ids[0]} +{name_of(company, 0)}", status.stdout)
    assert "Stopped: " in status.stderr
    assert "Resume after " in status.stderr
    printed = json.loads(company.invoke("bulk", "status", "big").stdout)
    assert printed["users"][company.engine.user_ids[0]] == name_of(company, 0)
    assert printed["resume_after"]
    assert "day" in printed["stopped_because"]
    assert set(next(iter(printed["by_user"].values()))) == {
        "pending",
        "failed",
        "updated",
        "unchanged",
        "skipped",
    }
