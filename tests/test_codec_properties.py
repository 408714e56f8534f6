from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gong_tasks_async import codec
from gong_tasks_async.codec import decode_answer, decode_tasks, encode_filter, encode_update, to_json
from gong_tasks_async.codec.converter import converter
from gong_tasks_async.codec.json_text import standard_dumps, standard_loads
from gong_tasks_async.codec.structure import Mismatch
from gong_tasks_async.errors import DecodeError
from gong_tasks_async.models import OpenEnum, Task, TaskFilter, TasksAnswer, TaskStatus, TaskType, TaskUpdate
from gong_tasks_async.models.base import Answered
from gong_tasks_async.simulator import full_task
from tests.json_libraries import LIBRARIES, json_library

Dumps = Callable[[object], bytes]

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
LEAVES = st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(autouse=True, scope="module", params=LIBRARIES)
def dumps(request: pytest.FixtureRequest) -> Iterator[Dumps]:
    loads, dumps = json_library(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "loads", loads)
        patch.setattr(codec, "dumps", dumps)
        yield dumps


def gong_names(kind: type) -> dict[str, str]:
    """Our names of a model's fields -> Gong's, by rules of this test's own."""
    return {
        a.name: "".join(part if i == 0 else part.title() for i, part in enumerate(a.name.split("_")))
        for a in attrs.fields(kind)
        if a.name != "extra"
    }


def aware(offset: timedelta) -> st.SearchStrategy[datetime]:
    naive = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29))  # noqa: DTZ001 - made aware below
    return naive.map(lambda moment: moment.replace(tzinfo=timezone(offset)))


MOMENTS = st.timedeltas(-timedelta(hours=23), timedelta(hours=23)).flatmap(aware)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of this type may hold."""
    if get_origin(kind) is tuple:
        return st.lists(values(get_args(kind)[0]), max_size=2).map(tuple)
    if get_origin(kind) is not None:
        return st.one_of([values(part) for part in get_args(kind)])
    if kind is type(None):
        return st.none()
    if issubclass(kind, Answered):
        return models(kind)
    if issubclass(kind, OpenEnum):
        return st.sampled_from(list(kind)) | TEXT.map(kind)
    return {str: TEXT, int: INT64, bool: st.booleans(), datetime: MOMENTS}[kind]


def models(kind: type[Answered]) -> st.SearchStrategy[Any]:
    """Any value of a model, with fields that Gong may have added."""
    hints = get_type_hints(kind, localns={"JsonValue": object, "Sequence": Sequence, "Mapping": Mapping})
    names = gong_names(kind)
    fields = {name: JSON if name == "value" else values(hints[name]) for name in names}
    known = set(names.values())
    return st.builds(
        kind, **fields, extra=st.dictionaries(TEXT.filter(lambda t: t not in known), JSON, max_size=2)
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(models(TasksAnswer))
def test_what_is_written_is_read_back_the_same(dumps: Dumps, answer: TasksAnswer) -> None:
    written = dumps(to_json(answer))
    assert decode_answer(written) == answer
    assert tuple(decode_tasks(written)) == answer.tasks


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(models(TasksAnswer))
def test_what_is_written_is_plain_json_in_gongs_spelling(answer: TasksAnswer) -> None:
    written = to_json(answer)
    assert json.loads(json.dumps(written)) == written
    assert set(written) <= {*gong_names(TasksAnswer).values(), *answer.extra}


def refusal(read: Callable[[], object]) -> DecodeError | None:
    """Why something cannot be read; anything but a value or a DecodeError is a failure of the test."""
    try:
        read()
    except DecodeError as error:
        return error
    return None


def either(read: Callable[[], object]) -> None:
    """A value, or a DecodeError that can be shown."""
    if error := refusal(read):
        assert error.path.startswith("$")
        assert error.expected
        assert error.found
        assert len(str(error)) < 2_000
        assert str(error).encode()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_value_or_a_decode_error(body: bytes) -> None:
    either(lambda: decode_answer(body))
    either(lambda: list(decode_tasks(body)))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*gong_names(TasksAnswer).values(), "new"]), JSON, max_size=4))
def test_any_json_object_is_a_value_or_a_decode_error(root: dict[str, Any]) -> None:
    body = json.dumps(root).encode()
    either(lambda: decode_answer(body))
    either(lambda: list(decode_tasks(body)))


def paths(value: Any) -> list[tuple[Any, ...]]:
    """The way to every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *rest) for key, part in inner for rest in paths(part))]


PLACES = [path for path in paths(full_task()) if path]
TEXTS_OF_JSON = JSON | st.sampled_from(
    ["false", "9" * 30, "-", "2018-02-17", "2018-02-17T25:00:00Z", "0001-01-01T00:00"]
)


def detailed(body: bytes) -> Any:
    """What the readers without generated code make of an answer, or the path at which they stop."""
    hook = converter().get_structure_hook(TasksAnswer)
    try:
        return hook(json.loads(body), None).tasks
    except Mismatch as mismatch:
        return f"${mismatch.path}"


def kinds(value: Any) -> set[type]:
    inner = value if isinstance(value, tuple) else ()
    if isinstance(value, Answered):
        inner = tuple(getattr(value, name) for name in gong_names(type(value)))
    return {type(value)}.union(*(kinds(part) for part in inner))


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(PLACES), TEXTS_OF_JSON)
def test_anything_anywhere_in_a_full_task_is_a_value_or_an_error_at_that_place(
    dumps: Dumps, path: tuple[Any, ...], intruder: Any
) -> None:
    task = full_task()
    place: Any = task
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = intruder
    spelled = "$.tasks[0]" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    body = json.dumps({"tasks": [task]}).encode()
    if error := refusal(lambda: decode_answer(body)):
        assert error.path.startswith(spelled)
        assert error.path == detailed(body)
        return
    [read] = decode_answer(body).tasks
    assert (read,) == detailed(body)
    assert not {kind for kind in kinds(read) if kind.__name__.endswith("Draft")}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        read.title = "other"  # type: ignore[misc]  # refused by the type checker as well
    again = dumps({"tasks": [to_json(read)]})
    assert decode_answer(again).tasks == (read,)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ['"\\ud83d"', '"\\ud83d\\udcde"', "1e999", "-1e999", "1e-999", "18446744073709551616"]
        )
    )
)
def test_what_was_read_can_always_be_written(dumps: Dumps, odd: list[str]) -> None:
    body = b'{"tasks":[{"id":1,"new":[%s]}]}' % ",".join(odd).encode()
    try:
        [task] = decode_answer(body).tasks
    except DecodeError:
        return
    assert decode_answer(dumps({"tasks": [to_json(task)]})).tasks == (task,)


USERS = st.integers(1, 10**20 - 1).map(str)
DUE = st.none() | MOMENTS


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 2**63 - 1), USERS, st.none() | st.sampled_from(TaskStatus), DUE, st.none() | st.just("LOW")
)
def test_an_update_is_written_with_just_what_it_changes(
    task_id: int, user: str, status: TaskStatus | None, due: datetime | None, priority: str | None
) -> None:
    if status is None and due is None and priority is None:
        return
    body = json.loads(encode_update(TaskUpdate(task_id, user, status, due, priority)))
    moment = body.pop("dueDate", None)
    assert body == {
        key: value for key, value in {"userId": user, "status": status, "priority": priority}.items() if value
    }
    assert (None if moment is None else datetime.fromisoformat(moment)) == due
    assert moment is None or (moment[-6] in "+-" and moment[-3] == ":")


@given(
    USERS,
    st.none() | USERS,
    st.lists(st.sampled_from(TaskType), min_size=1),
    st.lists(st.sampled_from(TaskStatus), min_size=1),
)
def test_a_filter_is_written_whole_and_inside_filter(
    user: str, workspace: str | None, types: list[TaskType], statuses: list[TaskStatus]
) -> None:
    body = json.loads(encode_filter(TaskFilter(user, workspace, types=types, statuses=statuses)))
    assert body.keys() == {"filter"}
    assert body["filter"].pop("workspaceId", None) == workspace
    assert body["filter"] == {
        "userId": user,
        "types": list(dict.fromkeys(types)),
        "taskAction": ["CALL"],
        "status": list(dict.fromkeys(statuses)),
    }


def test_utc_moments_stay_in_utc() -> None:
    assert encode_update(TaskUpdate(1, "1", due_date=datetime(2026, 1, 1, tzinfo=UTC))).endswith(b'+00:00"}')


BERLIN = timezone(timedelta(hours=2))


def due(text: str) -> Task:
    [task] = decode_answer(json.dumps({"tasks": [{"id": 1, "dueDate": text}]}).encode()).tasks
    return task


MOMENTS_SEEN: list[tuple[str, datetime]] = [
    ("2018-02-17T10:30:31+02:00", datetime(2018, 2, 17, 10, 30, 31, tzinfo=BERLIN)),
    ("2018-02-17T10:30:31.828+02:00", datetime(2018, 2, 17, 10, 30, 31, 828_000, tzinfo=BERLIN)),
    ("2018-02-17T10:30:31.816562+02:00", datetime(2018, 2, 17, 10, 30, 31, 816_562, tzinfo=BERLIN)),
    ("2018-02-17T10:30:31.8165629Z", datetime(2018, 2, 17, 10, 30, 31, 816_562, tzinfo=UTC)),
    ("2018-02-17T10:30:31+0200", datetime(2018, 2, 17, 10, 30, 31, tzinfo=BERLIN)),
    ("2018-02-17T10:30:00", datetime(2018, 2, 17, 10, 30, tzinfo=UTC)),
    ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
]


@pytest.mark.parametrize(("text", "moment"), MOMENTS_SEEN)
def test_each_shape_of_date_time_is_read_aware(text: str, moment: datetime) -> None:
    read = due(text).due_date
    assert read is not None
    assert (read, read.utcoffset()) == (moment, moment.utcoffset())
    assert datetime.fromisoformat(str(to_json(Task(id=1, due_date=read))["dueDate"])) == moment


def test_a_moment_at_the_edge_of_time_is_refused_or_written_but_does_not_overflow() -> None:
    try:
        task = due("0001-01-01T00:00:00+01:00:30")
    except DecodeError:
        return
    assert "dueDate" in to_json(task)


def test_a_fallback_is_there_and_writes_what_orjson_writes() -> None:
    value: Any = {"é": [1, -1.5, True, None, "📞\n", {"a": []}], "status": TaskStatus("X")}
    _, orjson_dumps = json_library("orjson")
    assert standard_dumps(value) == orjson_dumps(value)
    assert standard_loads(orjson_dumps(value)) == value
