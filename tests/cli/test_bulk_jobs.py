"""The job folder: whose jobs there are, how they stand, and what became of them."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import click
import pytest

from gong_tasks_async import TaskUpdate
from gong_tasks_async.bulk.job_name import checked_job_name
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.cli.bulk import report
from gong_tasks_async.cli.bulk.job_folder import JobFolder
from gong_tasks_async.cli.input.source import name_from
from tests.cli.company import Company, Found, journals


class TestOtherCompanies:
    def test_a_job_is_never_gone_on_with_at_another_company(self, found: Found) -> None:
        one, two = found("one"), found("two")
        one.configure(per_day=12, interactive_reserve=2)
        assert one.invoke("bulk", "run", one.rows(20), "--yes", "--name", "mine").exit_code == 4
        (one.folder / "state").rename(two.folder / "state")
        result = two.invoke("bulk", "resume", "mine")
        assert (result.exit_code, two.gong.ledger.calls) == (2, 0)
        assert "the job 'mine' changes tasks of" in result.stderr
        assert "--profile" in result.stderr

    @pytest.mark.parametrize("flag", ["--profile", "--base-url"])
    def test_what_to_type_to_go_on_names_the_company_again(self, flag: str, company: Company) -> None:
        company.configure(per_day=12, interactive_reserve=2)
        chosen = [flag, "simulated" if flag == "--profile" else company.gong.base_url]
        result = company.invoke("bulk", "run", company.rows(20), "--yes", "--name", "mine", *chosen)
        assert f"\n  gong-tasks bulk resume mine {' '.join(chosen)}\n" in result.stderr

    def test_jobs_of_one_name_are_told_apart_by_their_company(self, found: Found) -> None:
        one, two = found("one"), found("two")
        one.invoke("bulk", "run", one.rows(1), "--yes", "--name", "mine")
        (one.folder / "state").rename(two.folder / "state")
        two.invoke("bulk", "run", two.rows(2), "--yes", "--name", "mine")
        result = two.invoke("bulk", "status", "mine")
        assert (result.exit_code, "several companies have a job 'mine'" in result.stderr) == (2, True)
        names = [f"{path.parent.name}/{path.stem}" for path in journals(two)]
        totals = [json.loads(two.invoke("bulk", "status", name).stdout)["total"] for name in names]
        assert sorted(totals) == [1, 2]
        assert two.invoke("bulk", "resume", "mine").exit_code == 0


class TestStatus:
    def test_lists_all_jobs_the_latest_first(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(5), "--yes", "--no-guard", "--name", "first")
        company.configure(access_key="WRONG")
        company.invoke("bulk", "run", company.rows(6), "--yes", "--no-guard", "--name", "second")
        jobs = [json.loads(line) for line in company.invoke("bulk", "status").stdout.splitlines()]
        assert [(job["job"], job["state"]) for job in jobs] == [
            ("second", "unfinished"),
            ("first", "finished"),
        ]
        assert (jobs[0]["pending"], jobs[1]["updated"]) == (6, 5)

    def test_needs_no_credentials_and_no_jobs(self, company: Company) -> None:
        (company.folder / "config.toml").unlink()
        result = company.invoke("bulk", "status")
        assert (result.exit_code, result.stdout) == (0, "")

    def test_counts_by_user(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard", "--name", "mine")
        printed = json.loads(company.invoke("bulk", "status", "mine.gong").stdout)
        assert (printed["total"], set(printed["by_user"])) == (20, set(company.engine.user_ids))
        assert all(counts["updated"] == 10 for counts in printed["by_user"].values())

    def test_csv_has_a_line_for_each_job_or_user(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(20), "--yes", "--no-guard", "--name", "mine")
        (job,) = csv.DictReader(company.invoke("bulk", "status", "--output", "csv").stdout.splitlines())
        users = list(
            csv.DictReader(company.invoke("bulk", "status", "mine", "-o", "csv").stdout.splitlines())
        )
        assert (job["Job"], job["State"], job["Updated"]) == ("mine", "finished", "20")
        assert [(user["User"], user["Updated"]) for user in users] == [
            (user, "10") for user in sorted(company.engine.user_ids)
        ]

    def test_a_running_job_is_seen_and_cannot_be_run_twice(self, company: Company) -> None:
        company.configure(access_key="WRONG")
        company.invoke("bulk", "run", company.rows(5), "--yes", "--no-guard", "--name", "mine")
        (path,) = journals(company)
        with Journal.create_or_open(path, None):
            assert json.loads(company.invoke("bulk", "status", "mine").stdout)["state"] == "running"
            result = company.invoke("bulk", "resume", "mine")
            assert (result.exit_code, "the job mine is running in another process" in result.stderr) == (
                1,
                True,
            )
        assert json.loads(company.invoke("bulk", "status", "mine").stdout)["state"] == "unfinished"

    def test_a_file_that_is_no_journal_does_not_hide_the_others(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(5), "--yes")
        journals(company)[0].with_name("broken.gong").write_text("no journal at all")
        jobs = [json.loads(line) for line in company.invoke("bulk", "status").stdout.splitlines()]
        assert {job["state"] for job in jobs} == {"finished", "unreadable"}
        assert "not a journal" in next(job["trouble"] for job in jobs if job["trouble"])

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_whatever_has_the_name_of_a_journal_or_of_its_lock_hides_none(self, company: Company) -> None:
        company.invoke("bulk", "run", company.rows(5), "--yes", "--name", "mine")
        folder = journals(company)[0].parent
        (folder / "nowhere.gong").symlink_to("/nonexistent/journal")
        (folder / "loop.gong").symlink_to(folder / "loop.gong")
        (folder / "folder.gong").mkdir()
        os.mkfifo(folder / "pipe.gong")
        (folder / "pipe.gong-lock").mkdir()
        (folder / "mine.gong-lock").unlink()
        os.mkfifo(folder / "mine.gong-lock")
        done = company.invoke("bulk", "status")
        jobs = {job["job"]: job["state"] for job in map(json.loads, done.stdout.splitlines())}
        assert done.exit_code == 0
        assert jobs == {"mine": "finished"} | dict.fromkeys(
            ("nowhere", "loop", "folder", "pipe"), "unreadable"
        )


class TestReport:
    @pytest.fixture
    def printed(self, company: Company) -> Company:
        path = Path(company.rows(4))
        path.write_text(path.read_text() + "77,5,DONE\n")
        company.invoke("bulk", "run", str(path), "--yes", "--name", "mine")
        return company

    def test_json_tells_the_whole_job(self, printed: Company) -> None:
        report = json.loads(printed.invoke("bulk", "report", "mine").stdout)
        assert (report["updated"], report["failed"], report["calls"], report["job"]) == (4, 1, 5, "mine")
        (failure,) = report["failures"]
        assert (failure["task_id"], failure["error"]["kind"]) == ("77", "TaskNotFoundError")
        assert sum(moment["updated"] for moment in report["timeline"]) == 4

    def test_csv_goes_to_a_file_or_to_standard_output(self, printed: Company) -> None:
        path = printed.folder / "rows.csv"
        result = printed.invoke("bulk", "report", "mine", "--csv", str(path))
        piped = printed.invoke("bulk", "report", "mine", "--csv", "-")
        assert (result.stdout, f"Written: {path}" in result.stderr) == ("", True)
        with path.open(newline="", encoding="utf-8") as file:
            assert [row["state"] for row in csv.DictReader(file)] == ["updated"] * 4 + ["failed"]
        assert piped.stdout.splitlines() == path.read_text(encoding="utf-8").splitlines()

    def test_a_page_stands_beside_the_journal_or_where_it_is_wanted(
        self, printed: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        launched: list[str] = []

        def launch(page: str) -> int:
            launched.append(page)
            return 0

        monkeypatch.setattr(click, "launch", launch)
        path = printed.folder / "page.html"
        assert printed.invoke("bulk", "report", "mine", "--html", "--open").exit_code == 0
        assert printed.invoke("bulk", "report", "mine", "--html", str(path)).exit_code == 0
        page = journals(printed)[0].with_suffix(".html").read_text(encoding="utf-8")
        assert page == path.read_text(encoding="utf-8")
        assert "404 task not found" in page
        assert "<title>mine</title>" in page
        assert launched == []  # nobody watches a pipe
        monkeypatch.setattr(report, "is_terminal", lambda: True)
        printed.invoke("bulk", "report", "mine", "--html", "--open")
        assert launched == [str(journals(printed)[0].with_suffix(".html"))]

    def test_a_job_that_has_only_begun(self, company: Company) -> None:
        company.configure(access_key="WRONG")
        company.invoke("bulk", "run", company.rows(5), "--yes", "--no-guard", "--name", "mine")
        printed = json.loads(company.invoke("bulk", "report", "mine").stdout)
        assert (printed["pending"], printed["timeline"]) == (5, [])
        assert printed["stopped_because"]["kind"] == "AuthenticationError"


class TestJobNames:
    @pytest.mark.parametrize("name", ["", ".gong", "../x", "a/b", "-x", ".x", "a b", "ä", "x" * 81, "con\n"])
    def test_bad_ones_are_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="cannot be a job's name"):
            checked_job_name(name)

    @pytest.mark.parametrize(
        ("text", "name"),
        [("März, offen", "M-rz-offen"), ("...", "job"), ("a" * 99, "a" * 60), ("x.y", "x.y")],
    )
    def test_any_text_makes_a_good_one(self, text: str, name: str) -> None:
        assert name_from(text) == name == checked_job_name(name)

    def test_names_that_only_begin_alike_are_other_jobs(self, tmp_path: Path) -> None:
        folder = JobFolder(tmp_path, "acme")
        rows = [TaskUpdate(1, "2", status="DONE")]
        folder.path("x").parent.mkdir()
        Journal.create_or_open(folder.path("close-march-2026-01-01"), rows).close()
        assert folder.unfinished("close", "a line") is None
        assert folder.unfinished("close-march", "a line") == "close-march-2026-01-01"
        assert folder.new("close-march-2026-01-01").stem == "close-march-2026-01-01-2"
