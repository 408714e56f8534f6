"""The tables and charts of the pages, written from the kept results: each between a mark that begins it and one that ends it.

The kept results are `results/full/results.json`, of the comparisons and scripts, and `results/scale.json`, of how costs
grow; two scripts print text, which is kept as it is. `python -m benchmarks --write` measures anew and then does this.

    python -m benchmarks.tables              # write them
    python -m benchmarks.tables --check      # fail where a page has other ones than the results make
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import mutant_table, planning, scale
from benchmarks.aims import aims_rows
from benchmarks.ratio_chart import ratio_chart
from benchmarks.report import README, about_line, markdown, number, script_tables, section, table
from benchmarks.results import FOLDER, KEPT, Found, Results, load
from benchmarks.stub_server import PROJECT

DOCS = ("shared-quota.md", "distributed-jobs.md", "developers/events.md")
PAGES = (README, *(PROJECT / "docs" / name for name in DOCS))
PRINTED = {"quota_grid": "\nDifference of use", "quota_changes": ""}
"""Scripts that print text, and where of a long one the part ends that a page shows."""
MARKED = re.compile(r"<!-- (?P<name>\w+) begin -->.*?<!-- (?P=name) end -->", re.DOTALL)


def parts(results: Results) -> dict[str, Callable[[], str]]:
    """What stands between the marks, by their name: of each script that was run, and what is put together from several."""
    packages = results.about.get("packages", "")
    scripts = {name: lambda one=one: section(one, packages) for name, one in results.scripts.items()}
    return {
        **scripts,
        "comparisons": lambda: markdown(results),
        "aims": lambda: aims(results),
        "before": lambda: before_and_after(results),
        "growth": growth,
        "reasons": lambda: planning.reasons(printed_file("quota_grid").read_text(encoding="utf-8")),
        **{
            name: partial(_planned, make, results.scripts[script])
            for name, (script, make) in PLANNED.items()
            if script in results.scripts
        },
        **({"mutants": mutant_table.markdown} if mutant_table.KEPT.exists() else {}),
        **{name: partial(as_printed, name) for name in PRINTED},
    }


PLANNED: dict[str, tuple[str, Callable[[Any], str]]] = {
    "companies_on_a_redis": ("redis_quota", planning.companies_on_a_redis),
    "jobs_in_a_redis": ("jobs_cost", planning.jobs_in_a_redis),
}
"""What is calculated from what a script has found."""


def _planned(make: Callable[[Any], str], one: Found) -> str:
    return f"{about_line(one.about)}\n\n{make(one.found)}"


def aims(results: Results) -> str:
    """The figures that have to be reached, of all scripts."""
    found = {name: one.found for name, one in results.scripts.items()}
    return table(("aim", "must be", "measured", ""), aims_rows(found))


BEFORE = {
    "PATCH, ours": 898_491,
    "PATCH, bare aiohttp": 513_184,
    "a permit": 110_322,
    "an update, made and encoded": 43_360,
}
"""Instructions, by the same script on the same machine, on 2026-11-26 before they were first measured: commit 593d7ba."""


def before_and_after(results: Results) -> str:
    """What became of the instructions that were first measured."""
    counts = {one["unit"]: one for one in results.scripts["instructions"].found["instructions"]}
    rows = [
        (
            name,
            number(before),
            number(counts[name]["instructions"]),
            counts[name]["at most"] and number(counts[name]["at most"]),
        )
        for name, before in BEFORE.items()
        if name in counts
    ]
    return table(("instructions", "commit 593d7ba", "now", "at most"), rows)


def growth() -> str:
    """How costs grow: the chart, the table, and when each kind of work was measured."""
    curves, abouts = scale.kept()
    records = [
        {**record, "measured": f"{about['date']}, {about['commit']}"}
        for record, about in zip(scale.records(curves), abouts, strict=True)
    ]
    chart = "![How time and memory grow with the size](results/full/scale.svg)"
    about = {key: value for key, value in abouts[-1].items() if key not in {"date", "commit"}}
    return "\n\n".join((about_line(about), chart, *script_tables(records)))


def as_printed(name: str) -> str:
    """The text of a script, after a line that has what it was measured on."""
    about, _, text = printed_file(name).read_text(encoding="utf-8").partition("\n")
    shown = text.partition(PRINTED[name])[0] if PRINTED[name] else text
    return f"{about}\n\n```text\n{shown.strip()}\n```"


def printed_file(name: str) -> Path:
    """Where the text of a script is kept."""
    return FOLDER / KEPT / f"{name}.txt"


def charts(results: Results) -> Iterator[tuple[Path, str]]:
    """Each picture and its file."""
    yield FOLDER / KEPT / "ratios.svg", ratio_chart(results.comparisons)
    yield FOLDER / KEPT / "scale.svg", scale.chart(scale.kept()[0])


def written(page: str, results: Results) -> str:
    """The page with its parts as these results make them; what was not measured stays."""
    makers = parts(results)

    def replaced(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in makers:
            return found[0]
        return f"<!-- {name} begin -->\n\n{makers[name]()}\n\n<!-- {name} end -->"

    return MARKED.sub(replaced, page)


def outdated(results: Results) -> Iterator[tuple[Path, str]]:
    """The pages and charts that are not as the results make them, and how they should be."""
    pages = ((path, written(path.read_text(encoding="utf-8"), results)) for path in PAGES)
    for path, text in (*pages, *charts(results)):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path, text


def write(results: Results) -> None:
    """Write what is outdated."""
    for path, text in outdated(results):
        path.write_text(text, encoding="utf-8")
        print(f"written: {path.relative_to(PROJECT)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        write(load())
        return
    if names := [str(path.relative_to(PROJECT)) for path, _ in outdated(load())]:
        sys.exit(f"not as the results make them: {', '.join(names)}")


if __name__ == "__main__":
    main()
