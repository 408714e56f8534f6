"""The library's log on standard error, where an operator asks for it: ``--verbose``, ``--debug``, ``GONG_TASKS_LOG``."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from typing import Final

from gong_tasks_async.cli.invocation import global_option
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.visible import visible_line

VARIABLE: Final = "GONG_TASKS_LOG"
LIBRARY: Final = "gong_tasks_async"
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class NoteHandler(logging.Handler):
    """Writes each record as a note, which leaves bars and data alone."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        at = datetime.fromtimestamp(record.created).astimezone()
        note(f"{at:%H:%M:%S} {record.levelname.lower()}: {visible_line(self.format(record))}")


def start_logging() -> None:
    """Log what was asked for; nothing otherwise, where Python would write warnings meant for services."""
    logger = logging.getLogger(LIBRARY)
    for handler in [one for one in logger.handlers if isinstance(one, NoteHandler | logging.NullHandler)]:
        logger.removeHandler(handler)
    level = _level()
    logger.addHandler(logging.NullHandler() if level is None else NoteHandler())
    logger.setLevel(logging.NOTSET if level is None else level)


def _level() -> int | None:
    if global_option("debug"):
        return logging.DEBUG
    named = LEVELS.get(os.environ.get(VARIABLE, "").strip().lower())
    return named or (logging.INFO if global_option("verbose") else None)
