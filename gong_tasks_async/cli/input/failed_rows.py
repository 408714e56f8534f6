"""Which failed rows of a job are meant, by the reason that a person has typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.output.console import note

if TYPE_CHECKING:
    from gong_tasks_async.bulk import JournalRow

reason_option = click.option(
    "--reason", metavar="STATUS|NAME", help="Only rows that failed so, such as 404; by default all."
)


def choose_failed(job: str, rows: Iterable[JournalRow], reason: str | None) -> tuple[set[str], str] | None:
    """The kinds of errors that are meant, and the question; None where no row failed, which is noted.

    Args:
        job: its name.
        rows: its failed rows.
        reason: an HTTP status, the name of an error, or both as they are shown; None for all.

    Raises:
        click.UsageError: rows failed, and none for this reason.
    """
    from gong_tasks_async.bulk.render.format import counted  # noqa: PLC0415 - help need not load it

    failed = list(rows)
    if not failed:
        note(f"No row of the job {job} has failed: there is nothing to retry.")
        return None
    kinds = {row.error_kind for row in failed if reason is None or reason.casefold() in _names(row)}
    meant = [row for row in failed if row.error_kind in kinds]
    if not meant:
        reasons = _listed(Counter(map(_reason, failed)))
        raise click.UsageError(f"no row failed with {reason!r}; the reasons are {reasons}")
    reasons = _listed(Counter(map(_reason, meant)))
    question = f"Retry {counted(len(meant), 'failed row')} of the job {job}: {reasons}?"
    return {kind for kind in kinds if kind}, question


def _names(row: JournalRow) -> set[str]:
    return {str(row.status), (row.error_kind or "").casefold(), _reason(row).casefold()}


def _reason(row: JournalRow) -> str:
    from gong_tasks_async.cli.messages import error_code  # noqa: PLC0415 - as above

    name = "unknown" if row.cause is None else error_code(type(row.cause)).replace("_", " ")
    return f"{row.status or ''} {name}".strip()


def _listed(reasons: Counter[str]) -> str:
    return ", ".join(f"{count:,} x {reason}" for reason, count in reasons.most_common(10))
