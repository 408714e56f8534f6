"""Record a terminal session against the simulator as an animated SVG: `python docs/record.py`.

The commands are real, and so is what they print; only the waits between two screens are shortened.
"""

from __future__ import annotations

import html
import os
import pty
import select
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from fcntl import ioctl
from itertools import pairwise
from pathlib import Path
from termios import TIOCSWINSZ

import pyte
from attrs import frozen

from gong_tasks_async.simulator import Engine, SecondLimit, SimulatorThread

COLUMNS, ROWS = 96, 24
CELL, LINE, MARGIN = 8.4, 18, 14
"""Pixels of a letter, a line, and around them."""
PAUSE_AT_THE_END = 6.0
LONGEST_FRAME = 1.5
"""Seconds; nobody wants to watch a terminal in which nothing moves."""
COMMANDS = (
    "gong-tasks bulk plan dismiss.csv",
    "gong-tasks bulk run dismiss.csv --yes --name dismiss",
    "gong-tasks bulk status",
)
COLOURS = {
    "default": "#d8dee9",
    "black": "#4c566a",
    "red": "#ff7b86",
    "green": "#a3d977",
    "brown": "#ebcb8b",
    "yellow": "#ebcb8b",
    "blue": "#81a1ff",
    "magenta": "#d3a4e8",
    "cyan": "#7fd1e0",
    "white": "#e5e9f0",
}
HERE = Path(__file__).parent


@frozen
class Frame:
    """A screen, and when it stood there."""

    at: float
    lines: tuple[str, ...]


def record(folder: Path, gong: SimulatorThread) -> list[Frame]:
    """Run the commands one after another on one screen."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    frames: list[Frame] = []
    for command in COMMANDS:
        stream.feed(f"\x1b[32m$\x1b[0m {command}\r\n".encode())
        for chunk in _output(command, folder, gong):
            stream.feed(chunk)
            _add(frames, screen)
        stream.feed(b"\r\n")
    return frames


def _output(command: str, folder: Path, gong: SimulatorThread) -> Iterator[bytes]:
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {
            "PATH": path,
            "HOME": str(folder),
            "TERM": "xterm-256color",
            "GONG_ACCESS_KEY": gong.access_key,
            "GONG_ACCESS_KEY_SECRET": gong.access_key_secret,
            "GONG_BASE_URL": gong.base_url,
            "GONG_TASKS_STATE": str(folder / "state"),
        }
        os.execvpe("sh", ["sh", "-c", command], environment)  # noqa: S606, S607 - the commands above
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    while select.select([terminal], [], [], 60)[0]:
        try:
            yield os.read(terminal, 65_536)
        except OSError:  # the other end is closed
            break
    os.close(terminal)
    os.waitpid(process, 0)


def _add(frames: list[Frame], screen: pyte.Screen) -> None:
    lines = tuple(_line(screen, row) for row in range(ROWS))
    if not frames or frames[-1].lines != lines:
        frames.append(Frame(time.monotonic(), lines))


def _line(screen: pyte.Screen, row: int) -> str:
    """A line of the screen as SVG spans, one for each run of equal colour."""
    spans, text, colour = [], "", "default"
    for column in range(COLUMNS):
        cell = screen.buffer[row][column]
        if cell.fg != colour:
            spans.append(_span(text, colour))
            text, colour = "", cell.fg
        text += cell.data
    return "".join([*spans, _span(text.rstrip(), colour)])


def _span(text: str, colour: str) -> str:
    if not text:
        return ""
    fill = COLOURS.get(colour, f"#{colour}" if len(colour) == 6 else COLOURS["default"])
    return f'<tspan fill="{fill}">{html.escape(text)}</tspan>'


def draw(frames: list[Frame]) -> str:
    """One SVG in which the frames follow each other for ever."""
    lengths = [min(LONGEST_FRAME, later.at - frame.at) for frame, later in pairwise(frames)]
    lengths.append(PAUSE_AT_THE_END)
    total, begun, groups, rules = sum(lengths), 0.0, [], []
    for number, (frame, length) in enumerate(zip(frames, lengths, strict=True)):
        first, last = 100 * begun / total, 100 * (begun + length) / total
        rules.append(
            f"@keyframes f{number}{{0%,{first:.3f}%{{visibility:hidden}}{first + 0.001:.3f}%,{last:.3f}%{{visibility:visible}}"
            f"{min(100.0, last + 0.001):.3f}%,100%{{visibility:{'visible' if number == len(frames) - 1 else 'hidden'}}}}}"
            f"#f{number}{{animation:f{number} {total:.1f}s step-end infinite}}"
        )
        groups.append(f'<g id="f{number}">{_texts(frame)}</g>')
        begun += length
    width, height = COLUMNS * CELL + 2 * MARGIN, ROWS * LINE + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img">'
        "<title>A bulk run in a terminal</title><style>"
        "g{visibility:hidden;font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}"
        f"{''.join(rules)}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="#20242e"/>{"".join(groups)}</svg>\n'
    )


def _texts(frame: Frame) -> str:
    return "".join(
        f'<text xml:space="preserve" x="{MARGIN}" y="{MARGIN + LINE * (row + 0.75):.1f}">{line}</text>'
        for row, line in enumerate(frame.lines)
        if line
    )


def main() -> None:
    """Write the recording beside the pages."""
    engine = Engine(users=4, tasks_per_user=12, second_limit=SecondLimit.SLIDING)
    with SimulatorThread(engine) as gong, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks = list(engine.tasks.values())[:36]
        rows = "".join(f"{task['id']},{task['userId']},DISMISSED\n" for task in tasks)
        (folder / "dismiss.csv").write_text(f"taskId,userId,status\n{rows}", encoding="utf-8")
        frames = record(folder, gong)
    (HERE / "_static" / "recording.svg").write_text(draw(frames), encoding="utf-8")


if __name__ == "__main__":
    main()
