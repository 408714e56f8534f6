"""The generated readers and the detailed ones are two ways to the same values and the same refusals."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import chain, combinations
from textwrap import dedent
from typing import Any

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given, settings, strategies as st

from gong_tasks_async.codec import generate
from gong_tasks_async.codec.converter import converter
from gong_tasks_async.codec.generate import quick_readers, source_of
from gong_tasks_async.codec.structure import Mismatch
from gong_tasks_async.models import Contact, CrmField, Email, Step, Task, TasksAnswer
from gong_tasks_async.models.answers import ANSWERED
from gong_tasks_async.models.base import Answered
from gong_tasks_async.simulator import Engine, full_task


def detailed_reader(kind: type[Answered]) -> Callable[[object], Any]:
    hook = converter().get_structure_hook(kind)
    return lambda raw: hook(raw, kind)


QUICK = quick_readers()
DETAILED = {kind: detailed_reader(kind) for kind in ANSWERED}

junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just("2018-02-17T10:30:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def damaged_tasks(draw: st.DrawFn) -> dict[str, Any]:
    """A full task in which a few values, somewhere, have become something else, or have gone."""
    task = full_task(draw(st.integers(1, 2**63 - 1)))
    for _ in range(draw(st.integers(0, 3))):
        place: Any = task
        while True:
            steps = list(place) if isinstance(place, dict) else list(range(len(place)))
            step = draw(st.sampled_from(steps))
            if isinstance(place[step], dict | list) and place[step] and draw(st.booleans()):
                place = place[step]
                continue
            if isinstance(place, dict) and draw(st.booleans()):
                del place[step]
            else:
                place[step] = draw(junk)
            break
        if draw(st.booleans()):
            task[draw(st.text(max_size=8))] = draw(junk)
        if not task:
            break
    return task


def null_in_array(raw: object) -> bool:
    """Whether the quick readers leave it to the detailed ones, which read it well."""
    if isinstance(raw, dict):
        return any(null_in_array(part) for part in raw.values())
    return isinstance(raw, list) and any(part is None or null_in_array(part) for part in raw)


def read(reader: Any, raw: object) -> Answered | None:
    try:
        return reader(raw)  # type: ignore[no-any-return]  # both kinds of reader are untyped inside
    except Exception:  # noqa: BLE001 - whatever it stumbled over
        return None


@settings(max_examples=500, deadline=None)
@given(raw=damaged_tasks())
def test_what_the_quick_reader_reads_is_what_the_detailed_one_reads(raw: dict[str, Any]) -> None:
    quick, detailed = read(QUICK[Task], raw), read(DETAILED[Task], raw)
    if quick is None:
        assert detailed is None or null_in_array(raw)
    else:
        assert detailed is not None
        assert quick == detailed
        assert quick.extra == detailed.extra
        assert repr(quick) == repr(detailed)


@pytest.mark.parametrize("kind", ANSWERED, ids=lambda kind: kind.__name__)
@given(raw=junk | st.dictionaries(st.sampled_from(["id", "name", "value", "email", "tasks", "x"]), junk))
def test_each_class_is_read_alike_both_ways(kind: type[Answered], raw: object) -> None:
    quick, detailed = read(QUICK[kind], raw), read(DETAILED[kind], raw)
    assert quick == detailed or (quick is None and null_in_array(raw))


def test_the_quick_reader_reads_everything_that_the_fake_gong_says_by_itself() -> None:
    for task in Engine(users=2, tasks_per_user=100).tasks.values():
        assert QUICK[Task](task) == DETAILED[Task](task)


def test_what_gong_added_and_what_it_left_out_are_read_without_the_detailed_reader() -> None:
    assert QUICK[Email]({"emails": "a"}) == Email(
        extra={"emails": "a"}
    )  # as many fields as known, but another
    assert QUICK[Step]({"id": 1, "x": 2}) == Step(id=1, extra={"x": 2})
    assert QUICK[Step]({"a": 1, "id": 1, "b": 2, "c": None}) == Step(id=1, extra={"a": 1, "b": 2, "c": None})
    assert QUICK[Step]({}) == Step()
    raw = {**full_task(), "new": 1}
    del raw["title"]
    assert QUICK[Task](raw) == DETAILED[Task](raw)


def test_whatever_fields_are_absent_and_added_a_task_is_read_alike_both_ways() -> None:
    fields = ("flow", "additionalContacts", "title", "status")
    for gone in chain.from_iterable(combinations(fields, size) for size in range(len(fields) + 1)):
        for added in ({}, {"new": 1}, {"new": None, "newer": [2]}):
            raw = {key: value for key, value in full_task().items() if key not in gone} | added
            quick, detailed = QUICK[Task](raw), DETAILED[Task](raw)
            assert quick == detailed
            assert quick.extra == detailed.extra == added


def test_what_is_read_is_left_as_it_was() -> None:
    raw = {"id": 1, "flow": {"name": "x"}, "new": 1}
    QUICK[Task](raw)
    assert raw == {"id": 1, "flow": {"name": "x"}, "new": 1}


def test_what_comes_out_is_frozen_and_of_the_class_itself_all_the_way_down() -> None:
    task: Any = QUICK[Task](full_task())
    parts = [task, task.contact, task.contact.data.emails[0], task.flow.step, task.account.fields[0]]
    assert [type(part) for part in parts] == [Task, Contact, Email, Step, CrmField]
    for value in parts:
        with pytest.raises(FrozenInstanceError):
            value.extra = {}
    assert pickle.loads(pickle.dumps(task)) == task  # noqa: S301 - our own


def test_the_shared_empty_extra_cannot_be_filled_and_survives_pickling() -> None:
    first, second = QUICK[Email]({"email": "a"}), QUICK[Email]({})
    with pytest.raises(TypeError):
        first.extra["x"] = 1
    assert pickle.loads(pickle.dumps(second)).extra is first.extra  # noqa: S301 - our own


def test_the_detailed_reader_says_where_the_quick_one_stumbled() -> None:
    raw = full_task()
    raw["contact"]["data"]["emails"] = {}
    with pytest.raises(Mismatch) as mismatch:
        converter().structure({"tasks": [raw]}, TasksAnswer)
    assert mismatch.value.path == ".tasks[0].contact.data.emails"


def test_the_generated_source_reads_as_the_module_says() -> None:
    _, _, shown = (generate.__doc__ or "").partition("reads like this::")
    shown, _, _ = shown.partition("Each field is taken")
    assert source_of(Email) == dedent(shown).strip()
