"""Results as Markdown, which a terminal reads as well as a browser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import TRUSTED, Comparison, Figure
from benchmarks.results import Found, Results
from benchmarks.targets import Finding, findings

README = Path(__file__).parent / "README.md"
SHORT = ("date", "commit", "machine", "Python", "load")
"""What stands above each script's tables; the releases of the packages stand above the comparisons."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns are lined up."""
    lines = [head, *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def number(value: float) -> str:
    """With as many digits as mean something."""
    if value == int(value) and abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def interval(figure: Figure) -> str:
    return f"{number(figure.low)}-{number(figure.high)}"


def comparison_table(comparison: Comparison) -> str:
    """Cheapest first."""
    figures = {name: comparison.figure(name) for name in comparison.costs}
    head = (comparison.name, f"over {comparison.base}" if comparison.base else comparison.unit, "95 %")
    cheapest = sorted(figures.items(), key=lambda item: item[1].value)
    rows = [(name, number(figure.value), interval(figure)) for name, figure in cheapest]
    return table(head, rows) + (f"\n\n{noise(comparison)}" if comparison.noisy else "")


def noise(comparison: Comparison) -> str:
    return f"NOISY: {comparison.base} over itself is not within {TRUSTED[0]}-{TRUSTED[1]}; measure again."


def target_table(found: Iterable[Finding]) -> str:
    """Must and is."""
    return table(("what", "must be", "measured", "95 %", ""), [_target_row(finding) for finding in found])


def _target_row(finding: Finding) -> tuple[str, str, str, str, str]:
    target, figure = finding.target, finding.figure
    side = "at least" if target.at_least else "at most"
    bound = "" if target.bound is None else f"{side} {target.bound:g}"
    if figure is None:
        return target.what, bound, "not measured", "", ""
    return target.what, bound, number(figure.value), interval(figure), finding.verdict


def script_tables(found: Any) -> Iterator[str]:
    """What a script printed as JSON: records, or several lists of them by name."""
    if isinstance(found, dict):
        for name, records in found.items():
            yield f"{name}:\n\n" + _records_table(records)
    else:
        yield _records_table(found)


def _records_table(records: list[dict[str, Any]]) -> str:
    flat = [_flat(record) for record in records]
    return table(list(flat[0]), [list(record.values()) for record in flat])


def _flat(record: dict[str, Any], inside: str = "") -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in record.items():
        title = f"{name.replace('_', ' ')}{inside}"
        if isinstance(value, dict):
            cells |= _flat(value, f" ({title})")
        else:
            cells[title] = number(value) if isinstance(value, float) else _plain(value)
    return cells


def _plain(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def markdown(results: Results) -> str:
    """The comparisons, against their targets and in full."""
    noisy = f"Noisy: {'; '.join(results.noisy)}." if results.noisy else "No comparison was noisy."
    return "\n\n".join(
        [
            "\n".join(f"- {name}: {about}" for name, about in results.about.items()),
            target_table(findings(results.comparisons)),
            noisy,
            "![The ratios as bars](results/full/ratios.svg)",
            *(comparison_table(comparison) for comparison in results.comparisons),
        ]
    )


def section(one: Found, packages: str = "") -> str:
    """What a script printed, with what it was measured on; packages are named where they are others than these."""
    return "\n\n".join((about_line(one.about, packages), *script_tables(one.found)))


def about_line(about: Mapping[str, str], packages: str = "") -> str:
    """When and on what something was measured."""
    names = [*SHORT, *(["packages"] if about.get("packages", packages) != packages else [])]
    return "; ".join(f"{name} {about[name]}" for name in names if about.get(name)) + "."
