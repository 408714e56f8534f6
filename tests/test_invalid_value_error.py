"""What is refused before any call: every problem as data, and one text for developers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from gong_tasks_async import QuotaLimits, RetryPolicy, TaskFilter, TaskUpdate
from gong_tasks_async.errors import InvalidValueError


@pytest.mark.parametrize(
    ("make", "subject", "problems"),
    [
        (lambda: TaskUpdate(2**63, ""), "TaskUpdate", 3),
        (lambda: TaskFilter("", types=()), "TaskFilter", 2),
        (lambda: QuotaLimits(per_second=0, headroom=2), "QuotaLimits", 2),
        (lambda: RetryPolicy(attempts=0, max_wait=-1), "RetryPolicy", 2),
    ],
)
def test_names_every_problem(make: Callable[[], object], subject: str, problems: int) -> None:
    with pytest.raises(ValueError, match=f"^{subject} refused: ") as caught:
        make()
    error = caught.value
    assert isinstance(error, InvalidValueError)
    assert (error.subject, len(error.problems)) == (subject, problems)
    for same in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert (str(same), same.problems) == (str(error), error.problems)
