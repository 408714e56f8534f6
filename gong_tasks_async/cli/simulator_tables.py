"""Tables of tasks, and of what a simulator received."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text

from gong_tasks_async import Task
from gong_tasks_async.cli.output.task_rows import person, reason
from gong_tasks_async.simulator import Ledger


def tasks_table(tasks: Iterable[Task], title: str) -> Table:
    """One line for each task: whose it is, whom to call, why, until when."""
    table = Table("User", "Call", "Task", "Due", title=title, title_justify="left")
    for task in tasks:
        # Text, since rich would take square brackets in plain strings for markup.
        table.add_row(*map(Text, (task.user_id, person(task), reason(task), _day(task.due_date))))
    return table


def _day(due_date: datetime | None) -> str:
    return due_date.date().isoformat() if due_date else ""


def ledger_table(ledger: Ledger, title: str) -> Table:
    """What a simulator saw of its clients."""
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    seconds = _span(ledger)
    table.add_row("Calls made", f"{ledger.calls:,}")
    table.add_row("Rate-limited (429)", f"{ledger.refused:,}")
    table.add_row("Busiest second", f"{ledger.most_in_window()} calls")
    table.add_row("Rate held", f"{(ledger.calls - 1) / seconds:.2f} calls a second" if seconds else "-")
    table.add_row("From the first call to the last", f"{seconds:,.1f} s")
    return table


def _span(ledger: Ledger) -> float:
    if not ledger.entries:
        return 0.0
    return ledger.entries[-1].arrived - ledger.entries[0].arrived
