"""`python -m gong_tasks_async` is the command `gong-tasks`."""

from gong_tasks_async.cli import main

main()
