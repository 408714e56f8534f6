"""Refusals of enough rows to stop the run."""

from __future__ import annotations

from attrs import define

from gong_tasks_async.errors.base import GongError
from gong_tasks_async.errors.meaning import Meaning


@define(slots=False, eq=False, repr=False, kw_only=True)
class RefusedAlikeError(GongError):
    """Many rows in a row were refused for one reason, so the reason is probably not the rows'. They stay pending.

    Attributes:
        count: how many rows were refused alike, with no success between.
        rows: how many rows the run had tried.
        status: HTTP status of the last refusal.
        label: HTTP status and class of the error.
        message: Gong's message for the last of them.
        request_id: Gong's reference for the last refusal.
    """

    meaning = Meaning.RUN

    count: int
    rows: int
    status: int | None = None
    label: str = ""
    message: str = ""
    request_id: str | None = None

    @property
    def advice(self) -> str:
        """What to do now."""
        question = {
            403: "May these credentials change tasks, and from this address?",
            404: "Is user_id of these rows the owner of the tasks?",
        }.get(self.status or 0, "Compare the values of these rows with Gong's reference.")
        return f"{question} Then resume; to record them as failed, resume with accept_refusals=True."

    def _text(self) -> str:
        return f"{self.count:,} of {self.rows:,} rows were refused alike: {self.label}, {self.message}. {self.advice}"
