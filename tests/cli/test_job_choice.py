"""Which job a command line means, by the one function that `bulk run` and `jobs submit` ask."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from gong_tasks_async.cli.input.job_choice import KnownJob, Standing, choose_job, line_of
from gong_tasks_async.cli.input.options import source_options
from gong_tasks_async.cli.input.source import Source, parsed
from tests.cli.bulk_tables import HEAD

LINE, OTHER = "a" * 32, "b" * 32


def known(*jobs: tuple[str, Standing, str | None]) -> list[KnownJob]:
    return [KnownJob(*job) for job in jobs]


class TestTheAnswer:
    @pytest.mark.parametrize("standing", [Standing.RUNNING, Standing.UNFINISHED, Standing.FINISHED])
    def test_is_that_of_the_job_with_the_same_line(self, standing: Standing) -> None:
        jobs = known(("other", Standing.RUNNING, OTHER), ("of the line", standing, LINE))
        choice = choose_job(jobs, LINE)
        assert (choice.standing, choice.job, choice.other_line) == (standing, jobs[1], False)

    def test_is_new_where_no_job_has_the_line(self) -> None:
        jobs = known(
            ("a", Standing.UNFINISHED, OTHER),
            ("b", Standing.UNREADABLE, None),
            ("c", Standing.FINISHED, None),
        )
        assert choose_job(jobs, LINE).standing is Standing.NEW

    def test_of_several_jobs_the_running_one_is_meant_then_an_unfinished_then_the_latest(self) -> None:
        jobs = known(
            ("finished, late", Standing.FINISHED, LINE),
            ("finished, early", Standing.FINISHED, LINE),
            ("unfinished", Standing.UNFINISHED, LINE),
            ("running", Standing.RUNNING, LINE),
        )
        for expected in ("running", "unfinished", "finished, late"):
            choice = choose_job(jobs, LINE)
            assert choice.job is not None
            assert choice.job.name == expected
            jobs = [job for job in jobs if job.name != expected]

    @pytest.mark.parametrize("standing", [each for each in Standing if each is not Standing.NEW])
    def test_by_name_is_about_that_job_alone(self, standing: Standing) -> None:
        jobs = known(("of the line", Standing.RUNNING, LINE), ("named", standing, OTHER))
        choice = choose_job(jobs, LINE, "named")
        assert (choice.standing, choice.other_line) == (standing, True)
        assert choose_job(jobs, LINE, "free").standing is Standing.NEW

    @given(st.lists(st.sampled_from([Standing.UNREADABLE, Standing.FINISHED, Standing.UNFINISHED])))
    def test_jobs_of_other_lines_never_matter(self, standings: list[Standing]) -> None:
        others = [KnownJob(str(number), standing, OTHER) for number, standing in enumerate(standings)]
        wanted_job = KnownJob("of the line", Standing.FINISHED, LINE)
        assert choose_job([*others, wanted_job], LINE).job == wanted_job


def source_of(*arguments: str) -> Source:
    import click

    caught: list[Source] = []

    @click.command()
    @source_options
    def command(source: Source, **_: Any) -> None:
        caught.append(source)

    command.main(list(arguments), standalone_mode=False)
    return caught[0]


class TestTheLine:
    def test_a_relative_date_counts_as_typed(self) -> None:
        first, second = (source_of("--user", "1", "--set-due", "+7d") for _ in range(2))
        assert line_of(first, None) == line_of(second, None)
        assert line_of(first, None) != line_of(source_of("--user", "1", "--set-due", "+8d"), None)

    def test_the_order_of_a_repeated_option_does_not_count(self) -> None:
        change = ("--set-status", "DONE")
        first = source_of("--user", "1", "--user", "2", "--status", "OPEN", "--status", "DONE", *change)
        second = source_of("--status", "done", "--user", "2", *change, "--user", "1", "--status", "open")
        assert line_of(first, None) == line_of(second, None)
        assert first.label == second.label

    @pytest.mark.parametrize(
        "more",
        [
            ("--set-status", "DONE"), ("--zone", "UTC"), ("--flow", "x"), ("--due-before", "today"), ("--keep-time",),
            ("--user", "2"), ("--type", "FLOW"), ("--status", "DONE"), ("--title", "x"), ("--account", "x"),
            ("--workspace", "1"), ("--priority", "HIGH"), ("--set-priority", "LOW"), ("--due", "today"),
            ("--due-after", "today"), ("--date-format", "%d.%m.%Y"),
        ],
    )  # fmt: skip
    def test_every_option_that_says_what_to_change_makes_another_job(self, more: tuple[str, ...]) -> None:
        line = ("--user", "1", "--set-due", "+7d")
        assert line_of(source_of(*line), None) != line_of(source_of(*line, *more), None)

    def test_a_files_rows_count_in_any_order_and_its_name_does_not(self) -> None:
        def line(name: str, *rows: str) -> str:
            source = Source(file=name)
            return line_of(source, parsed((HEAD + "".join(rows)).encode(), source))

        one, two = "1,2,DONE\n", "2,2,OPEN\n"
        assert line("a.csv", one, two) == line("b.csv", two, one)
        assert line("a.csv", one, two) != line("a.csv", one)
        assert line("a.csv", one) != line("a.csv", "1,2,OPEN\n")

    def test_the_spelling_of_a_cell_does_not_count(self) -> None:
        def line(row: str) -> str:
            source = Source(file="a.csv")
            return line_of(source, parsed((HEAD + row).encode(), source))

        assert line('="1",\'2,done\n') == line(" 1 ,2,DONE\n")
