"""The report as one HTML page that needs no other file, no network and no script to be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from html import escape
from string import Template

from gong_tasks_async.bulk.outcomes import Failed, JournalRow, RowCounts
from gong_tasks_async.bulk.render.format import (
    duration,
    error_label,
    format_utc,
    gong_message,
    one_line,
    request_id,
    worst_first,
)
from gong_tasks_async.bulk.render.page_look import POLICY, SCRIPT, STYLE
from gong_tasks_async.bulk.render.timeline_plot import timeline_plot
from gong_tasks_async.bulk.report import BulkReport

STATES = ("updated", "unchanged", "skipped", "failed", "pending")

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header><h1>$title</h1><p>$subtitle</p></header>
$sections
<script>$script</script>
</body>
</html>
""")

TABLE = Template("""<section id="$name">
<h2>$title</h2>
<label hidden><span><input type="search" placeholder="Filter" aria-label="$title: filter"></span><output></output></label>
<div class="wide"><table><thead><tr>$head</tr></thead><tbody>
$rows
</tbody></table></div>
</section>""")


def as_html(report: BulkReport) -> str:
    """Write the page. All that comes from outside is escaped, and the page's own policy lets nothing else run."""
    sections = (
        _ending(report),
        _summary(report),
        _about(report),
        _timeline(report),
        _reasons(report),
        _failures(report),
        _pending(report),
        _users(report),
    )
    return PAGE.substitute(
        policy=POLICY,
        style=STYLE,
        script=SCRIPT,
        title=_safe(report.job or "Bulk run"),
        subtitle=_subtitle(report),
        sections="\n".join(filter(None, sections)),
    )


def _safe(text: object) -> str:
    return escape(one_line(str(text)))


def _subtitle(report: BulkReport) -> str:
    started = "" if report.started_at is None else f"Started {format_utc(report.started_at)} · "
    runs = f" · {report.runs:,} runs" if report.runs > 1 else ""
    return f"{started}{report.total:,} rows · took {duration(report.elapsed)}{runs}"


def _ending(report: BulkReport) -> str:
    title, state = _verdict(report)
    lines = [f"<h2>{title}</h2>"]
    if report.stopped_because is not None:
        lines.append(f"<p>{_safe(report.stopped_because)}</p>")
    if report.resume_after is not None:
        lines.append(f"<p><strong>Resume after {format_utc(report.resume_after)}.</strong></p>")
    return f'<section id="ending" class="ending {state}">{"".join(lines)}</section>'


def _verdict(report: BulkReport) -> tuple[str, str]:
    if report.stopped_because is not None:
        return f"Stopped early, {report.pending:,} rows pending", "pending"
    if report.pending:
        return f"Not finished, {report.pending:,} rows pending", "pending"
    if report.failed:
        return f"Complete, but {report.failed:,} rows failed", "failed"
    return "Complete", "updated"


def _summary(report: BulkReport) -> str:
    counts = "".join(
        f'<div><dt class="{state}">{state.capitalize()}</dt><dd>{getattr(report, state):,}</dd></div>'
        for state in STATES
    )
    named = {
        "Calls": f"{report.calls:,}",
        "Rate-limited (429)": f"{report.rate_limited:,}",
        "Took": duration(report.elapsed),
        "Calls a second": f"{report.rate:.2f}",
    }
    costs = "".join(
        f'<div><dt>{name}</dt><dd class="small">{value}</dd></div>' for name, value in named.items()
    )
    return f'<section id="summary"><h2>Summary</h2>{_share(report)}<dl>{counts}{costs}</dl></section>'


def _about(report: BulkReport) -> str:
    """What was changed, for which company, and where the rows came from."""
    facts = {
        "Changes": ", ".join(report.changes),
        "Company": report.company,
        "Source": report.source,
        "Profile": report.profile,
        "Sent unguarded": f"{report.unguarded:,} rows" if report.unguarded else None,
    }
    lines = "".join(
        f"<div><dt>{name}</dt><dd class='small'>{_safe(text)}</dd></div>"
        for name, text in facts.items()
        if text
    )
    return f'<section id="job"><h2>Job</h2><dl>{lines}</dl></section>' if lines else ""


def _share(counts: BulkReport | RowCounts) -> str:
    """One bar, divided as the rows are; it stretches to the room that it has."""
    numbers = {state: getattr(counts, state) for state in STATES}
    total, left = sum(numbers.values()) or 1, 0.0
    parts: list[str] = []
    for state, count in numbers.items():
        width = 100 * count / total
        if count:
            parts.append(f'<rect class="{state}" x="{left:.2f}" width="{width:.2f}" height="1"/>')
        left += width
    drawn = "".join(parts)
    return (
        f'<svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
    )


def _timeline(report: BulkReport) -> str:
    if not report.timeline:
        return ""
    return f'<section id="timeline"><h2>Timeline</h2>{timeline_plot(report.timeline)}</section>'


def _reasons(report: BulkReport) -> str:
    if not report.failures_by_reason:
        return ""
    columns = {"Reason": "id", "Message": "message", "Rows": "number"}
    rows = (
        (_safe(group.label), _safe(group.message), f"{group.count:,}") for group in report.failures_by_reason
    )
    return _table("reasons", "Failures by reason", columns, rows)


def _pending(report: BulkReport) -> str:
    if not report.pending_rows:
        return ""
    shown = len(report.pending_rows)
    columns = {"Task": "id", "User": "id", "Attempts": "number", "Last error": "message"}
    return _table(
        "pending",
        f"Pending rows with an error ({shown:,})",
        columns,
        map(partial(_tried, report), report.pending_rows),
    )


def _tried(report: BulkReport, row: JournalRow) -> Iterator[str]:
    yield _safe(row.update.task_id)
    yield _owner(report, row.update.user_id)
    yield f"{row.attempts:,}"
    yield _safe("" if row.cause is None else f"{error_label(row.cause)}: {gong_message(row.cause)}")


def _owner(report: BulkReport, user_id: str) -> str:
    """A user's name beside the id, where it is known."""
    name = report.users.get(user_id)
    return _safe(f"{name} ({user_id})" if name else user_id)


def _failures(report: BulkReport) -> str:
    if not report.failures:
        return ""
    kept = len(report.failures)
    title = f"Failures, the first {kept:,} of {report.failed:,}" if report.failed > kept else "Failures"
    columns = {
        "Task": "id",
        "User": "id",
        "Update": "wanted",
        "Error": "id",
        "Message": "message",
        "Request id": "",
    }
    return _table("failures", title, columns, map(partial(_failure, report), report.failures))


def _failure(report: BulkReport, failed: Failed) -> Iterator[str]:
    update, error = failed.update, failed.error
    due = f"due {format_utc(update.due_date)}" if update.due_date else None
    changes = (update.status, due, update.priority)
    yield _safe(update.task_id)
    yield _owner(report, update.user_id)
    yield _safe(", ".join(filter(None, changes)))
    yield _safe(error_label(error))
    yield _safe(gong_message(error))
    yield _safe(request_id(error) or "")


def _users(report: BulkReport) -> str:
    if not report.by_user:
        return ""
    columns = {"User": "id", "Share": "share"} | {state.capitalize(): "number" for state in STATES}
    rows = (_user(_owner(report, user), counts) for user, counts in worst_first(report.by_user))
    return _table("users", f"Users ({len(report.by_user):,})", columns, rows)


def _user(owner: str, counts: RowCounts) -> Iterator[str]:
    yield owner
    yield _share(counts)
    for state in STATES:
        yield f"{getattr(counts, state):,}"


def _table(name: str, title: str, columns: dict[str, str], rows: Iterable[Iterable[str]]) -> str:
    """A table from cells that are safe already; ``columns`` maps their titles to their classes."""
    # The label stands beside each cell where the screen is too narrow for columns.
    opening = [f'<td class="{look}" data-label="{label}">' for label, look in columns.items()]
    return TABLE.substitute(
        name=name,
        title=title,
        head="".join(f'<th class="{look}" scope="col">{label}</th>' for label, look in columns.items()),
        rows="\n".join(_row(opening, cells) for cells in rows),
    )


def _row(opening: Iterable[str], cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'{tag}{cell}</td>' for tag, cell in zip(opening, cells, strict=True))}</tr>"
