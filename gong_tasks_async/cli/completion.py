"""`gong-tasks completion`: the shell completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.output.console import emit

EXAMPLES = """
gong-tasks completion bash >> ~/.bashrc
gong-tasks completion zsh >> ~/.zshrc
gong-tasks completion fish > ~/.config/fish/completions/gong-tasks.fish
"""


@click.command("completion", cls=Command, examples=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the shell completion script."""
    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101 - click has all three
    # The names are those by which click recognizes that a shell is asking.
    script = completion(context.find_root().command, {}, "gong-tasks", "_GONG_TASKS_COMPLETE")
    emit(script.source_template % script.source_vars())
