"""Split a long response into slices of tasks, so that only one slice is parsed at a time.

A cut between two tasks is guessed, and the parser proves or refutes it. The guess: what stands between the first
task and the second, such as ``},{"id"``, stands between the others too; so a slice ends at the last such place
in its size. The proof: ``[`` + slice + ``]`` is one whole array. Were the cut inside an object, an inner array or a
text, then something would be open there that ``]`` does not close; and were the end of the tasks in the slice, then
more would follow than one array. What the parser takes is therefore what it would have found there in the whole answer.

Where the guess is refuted, or there is none, brackets are counted. A regular expression steps from one to the next
over any texts between; that is exact in any JSON, and costs about as much as decoding. No byte is looked at
more than a few times, whatever the answer holds.

What stands around the tasks is parsed as well, with an empty array in their place, so that what is no JSON is refused
here as elsewhere; but only when the scan comes there, after the tasks before it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from gong_tasks_async.codec.structure import Mismatch

Loads = Callable[[bytes], Any]

SLICE_BYTES = 2**15
"""A dozen full tasks, decoded in half a millisecond. In longer slices each task takes longer, half as long again at
a megabyte, since what was parsed no longer fits the processor's cache; a shorter answer is not worth scanning."""

HEAD_BYTES = 2**20
"""Within which the tasks of a long response begin. Looking further, and parsing it in one go, would hold the event loop."""

MAX_TASK_BYTES = 2**20
"""The longest task: 400 full ones. A longer one would hold the event loop while it is parsed."""

TO_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:"(?:[^"\\]++|\\.)*+"[^"\[\]{}]*+)*+[\[\]{}]', re.DOTALL)
NAMED_TASKS = re.compile(rb'(?<!\\)"tasks"[ \t\n\r]*:[ \t\n\r]*\[\Z')
BETWEEN_TASKS = re.compile(rb'\}[ \t\n\r]{0,99},[ \t\n\r]{0,99}\{[ \t\n\r]{0,99}"[^"\\]{0,99}"')
AFTER_TASK = re.compile(rb"[ \t\n\r]*([,\]])")


def _brackets(body: bytes, position: int, stop: int = sys.maxsize) -> Iterator[tuple[int, int]]:
    """Yield each bracket outside of strings: its depth, relative to the start of the scan, and its end."""
    depth = 0
    while found := TO_BRACKET.match(body, position, stop):
        position = found.end()
        depth += 1 if body[position - 1] in b"[{" else -1
        yield depth, position


def array_start(body: bytes) -> int | None:
    """Find where the tasks begin: after the bracket of the root's first array named ``tasks``, unescaped.

    None where there is no such array, and the response must be read in one go to know what it is.

    Raises:
        Mismatch: the response is too long for that, and they do not begin near its start, as all of Gong's do.
    """
    before = 0
    for depth, end in _brackets(body, 0, HEAD_BYTES):
        if depth == 2 and NAMED_TASKS.search(body, before, end):  # noqa: PLR2004 - inside the root, inside the array
            return end
        before = end
    if len(body) > HEAD_BYTES:
        raise Mismatch("an array that begins near the start", None, shape="none there").below(".tasks")
    return None


def _counted_cut(body: bytes, position: int, least: int) -> int:
    """Find the end of the first task that ends at ``least`` or later, or the end of the tasks."""
    begins, longest = position, max(least, position) + MAX_TASK_BYTES
    for depth, end in _brackets(body, position, longest):
        if depth < 0:
            return end - 1
        if depth == 0 and end >= least:
            return end
        if depth == 0:
            begins = end
    if longest < len(body):
        shape = f"a longer one, at byte {begins:,}"
        raise Mismatch(f"a task of at most {MAX_TASK_BYTES:,} bytes", None, shape=shape).below(".tasks")
    raise ValueError("it ends among the tasks")


def _separator(body: bytes, start: int) -> bytes | None:
    """Return the bytes between the first task and the second."""
    found = BETWEEN_TASKS.match(body, _counted_cut(body, start, start) - 1)
    return found[0] if found else None


def _parsed(body: bytes, position: int, cut: int, loads: Loads) -> list[Any]:
    try:
        # In two arrays, as deep as it stands in the answer: parsers have a limit to that.
        [tasks] = loads(b"[[%b]]" % body[position:cut])
    except ValueError as error:  # also where the inner array is missing
        raise ValueError(f"{error}, counted from byte {position:,}") from None
    return tasks  # type: ignore[no-any-return]  # an array in this place


def _slice(
    body: bytes, position: int, size: int, separator: bytes | None, loads: Loads
) -> tuple[list[Any], int]:
    """Parse the next tasks; return them and where they end."""
    if separator and (guess := body.rfind(separator, position, position + size)) >= 0:
        try:
            return _parsed(body, position, guess + 1, loads), guess + 1
        except ValueError:
            pass  # somewhere deeper it looked the same
    cut = _counted_cut(body, position, position + size)
    return _parsed(body, position, cut, loads), cut


def slices(body: bytes, start: int, loads: Loads, size: int) -> Iterator[list[Any]]:
    """Yield the raw tasks of a response, about ``size`` bytes at a time.

    Raises:
        ValueError: while iterating, where it is no JSON.
        Mismatch: at a task of more than ``MAX_TASK_BYTES``, and at the end, where ``tasks`` is named again. The plain decoder takes the last one; here those of
            the first are gone by then.
    """
    loads(body[:start] + b"]}")
    separator = _separator(body, start)
    position, more = start, True
    while more:
        tasks, cut = _slice(body, position, size, separator, loads)
        if not tasks and position > start:
            raise ValueError(f"no task after the comma before byte {position:,}")
        yield tasks
        del tasks  # before the next ones are parsed
        after = AFTER_TASK.match(body, cut)
        if after is None:
            raise ValueError(f"neither a comma nor the end of the tasks at byte {cut:,}")
        position, more = after.end(), after[1] == b","
    if "tasks" in loads(b'{"":[]' + body[position:]):
        raise Mismatch("one array", None, shape="a second value").below(".tasks")
