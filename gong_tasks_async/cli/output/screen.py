"""rich's console, set up for this command."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from gong_tasks_async.cli.output.visible import visible


class Screen(Console):
    """A console that draws no text as anything but text, and leaves a closed pipe to the command."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render with control characters made visible: of every renderable, the bar and tables included.

        Colours are styles of a segment and cursor movements are control segments, so plain text needs neither.
        """
        for segment in super().render(renderable, options):
            shown = segment.text if segment.control else visible(segment.text)
            yield segment if shown == segment.text else Segment(shown, segment.style)

    def on_broken_pipe(self) -> None:
        """Raise it again, where rich would end the program with 1; the command has an exit code for it."""
        raise  # noqa: PLE0704 - rich calls this while it handles the BrokenPipeError
