"""Which rows and columns of a listing are written: `--fields`, `--sort`, `--limit`, `--count`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import click
from attrs import frozen

from gong_tasks_async.cli.command import SectionOption
from gong_tasks_async.cli.output.layout import Column, Layout

T = TypeVar("T")
R = TypeVar("R")

SECTION: Final = "Rows and columns"


@frozen
class RowSelection:
    """What was asked for."""

    sort: str | None = None
    """A field; ``-`` before it for descending order."""
    limit: int | None = None
    fields: tuple[str, ...] = ()
    count: bool = False

    @property
    def waits_for_all(self) -> bool:
        """Whether nothing can be written before the last row is known."""
        return self.sort is not None or self.count

    def rows(self, layout: Layout[T], rows: Iterable[T]) -> list[T]:
        """The rows, sorted and limited; what has no value comes last."""
        found = list(rows)
        if self.sort is not None:
            cell = _columns(layout)[self.sort.removeprefix("-")].cell
            filled = [row for row in found if cell(row)]
            empty = [row for row in found if not cell(row)]
            found = (
                sorted(filled, key=lambda row: _order(cell(row)), reverse=self.sort.startswith("-")) + empty
            )
        return found if self.limit is None else found[: self.limit]

    def layout(self, layout: Layout[T]) -> Layout[T]:
        """The layout with the fields that were asked for, in their order, in each format."""
        if not self.fields:
            return layout
        columns = _columns(layout)
        chosen = [columns[name] for name in self.fields]
        return Layout(
            what=layout.what,
            to_json=lambda row: {column.title: column.cell(row) or None for column in chosen},
            csv=chosen,
            table=[Column(column.title, column.cell, least=8) for column in chosen],
        )


def _order(text: str | None) -> tuple[int, int, str]:
    """Numbers by their value, other texts without regard to case; ISO date-times of one zone sort as texts."""
    text = text or ""
    return (0, int(text), "") if text.isdecimal() else (1, 0, text.casefold())


def _columns(layout: Layout[T]) -> Mapping[str, Column[T]]:
    return {column.title: column for column in layout.csv}


def selection_options(layout: Layout[Any]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Give a command these options, and pass it ``selection`` as a keyword: a :class:`RowSelection`."""
    names = list(_columns(layout))

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(function)
        def with_selection(
            *args: Any,
            sort: str | None,
            limit: int | None,
            fields: tuple[str, ...],
            count: bool,
            **keywords: Any,
        ) -> R:
            return function(*args, selection=RowSelection(sort, limit, fields, count), **keywords)

        decorated: Callable[..., R] = with_selection
        for option in reversed(_options(names)):
            decorated = option(decorated)
        return decorated

    return decorate


def _options(names: Sequence[str]) -> tuple[Callable[[Any], Any], ...]:
    def add(*flags: str, **settings: Any) -> Callable[[Any], Any]:
        return click.option(*flags, cls=SectionOption, section=SECTION, **settings)

    return (
        add(
            "--sort",
            metavar="FIELD",
            callback=_field_of(names),
            help="Sort by this field; -FIELD: descending.",
        ),
        add("--limit", type=click.IntRange(min=1), metavar="N", help="Write at most N rows."),
        add("--fields", metavar="FIELD,...", callback=_fields_of(names), help=f"Of {', '.join(names)}."),
        add("--count", is_flag=True, help="Write only the number of rows."),
    )


def _field_of(names: Sequence[str]) -> Callable[..., str | None]:
    def read(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        if value is None:
            return None
        sign = "-" if value.startswith("-") else ""
        return sign + _known(value.removeprefix("-"), names)

    return read


def _fields_of(names: Sequence[str]) -> Callable[..., tuple[str, ...]]:
    def read(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
        parts = [part.strip() for part in (value or "").split(",")]
        return tuple(dict.fromkeys(_known(part, names) for part in parts if part))

    return read


def _known(name: str, names: Sequence[str]) -> str:
    """A field by its name, whatever the letters' case; `due` for `dueDate`.

    Raises:
        click.BadParameter: there is none of that name.
    """
    folded = {known.casefold(): known for known in names}
    found = folded.get(name.casefold()) or folded.get(f"{name.casefold()}date")
    if found:
        return found
    near = get_close_matches(name.casefold(), folded, 1)
    advice = f"did you mean {folded[near[0]]}?" if near else f"there are {', '.join(names)}"
    raise click.BadParameter(f"there is no field {name!r}; {advice}")
