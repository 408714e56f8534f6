"""rich's console, as this command wants it."""

from __future__ import annotations

from rich.console import Console


class Screen(Console):
    """A console that leaves a closed pipe to the command, which has an exit code for it."""

    def on_broken_pipe(self) -> None:
        """Raise it again, where rich would end the program with 1."""
        raise  # noqa: PLE0704 - rich calls this while it handles the BrokenPipeError
