"""What can be read is read: one odd field costs that field alone, and nothing of what Gong sent is lost."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async.codec import Unreadable, decode_answer, decode_tasks, decode_users, to_json
from gong_tasks_async.codec.names import gong_name
from gong_tasks_async.codec.scan import SLICE_BYTES
from gong_tasks_async.errors import DecodeError
from gong_tasks_async.models import Task, TasksAnswer, TaskStatus
from gong_tasks_async.models.answers import ANSWERED, Records, UserAnswer, UsersAnswer, WorkspacesAnswer
from gong_tasks_async.models.date_times import parse_date_time
from gong_tasks_async.models.users import SpokenLanguage, User, UserSettings, Workspace
from gong_tasks_async.simulator import full_task
from tests.test_codec_generated import damaged_tasks

Json = Any

WRONG: list[Json] = [None, True, False, 0, 7, -1, 1.5, 2**70, "", "x", "2018-02-17", [], [None], {}]


def places(value: Json) -> list[tuple[Any, ...]]:
    """The way to every field in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *rest) for key, part in inner for rest in places(part))]


FIELDS = [place for place in places(full_task()) if place and isinstance(place[-1], str)]
ESSENTIAL = [("id",)]


def at(value: Json, place: tuple[Any, ...]) -> Json:
    for step in place:
        value = value[step]
    return value


def replaced(place: tuple[Any, ...], value: Json) -> dict[str, Json]:
    task = full_task()
    at(task, place[:-1])[place[-1]] = value
    return task


def without_nothing(value: Json) -> Json:
    """Plain JSON without what `to_json` leaves out: nulls, empty arrays, and "" for what is no text."""
    if isinstance(value, dict):
        return {k: v for k, part in value.items() if (v := without_nothing(part)) not in (None, [])}
    return [without_nothing(v) for v in value if v is not None] if isinstance(value, list) else value


def body_of(*tasks: Json) -> bytes:
    return json.dumps({"requestId": "r", "tasks": tasks}).encode()


def spelled(place: tuple[Any, ...]) -> str:
    return "$.tasks[0]" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)


def read(task: Json) -> tuple[Task, list[Unreadable]]:
    problems: list[Unreadable] = []
    [found] = decode_tasks(body_of(task), problems.append)
    again: list[Unreadable] = []
    assert decode_answer(body_of(task), again.append).tasks == (found,)
    assert again == problems
    return found, problems


def test_every_field_of_every_task_model_is_among_the_places() -> None:
    reached = {place[-1] for place in FIELDS}
    others = {UserAnswer, Workspace, WorkspacesAnswer}
    models = set(ANSWERED) - {TasksAnswer, User, UserSettings, SpokenLanguage, Records, UsersAnswer} - others
    assert {gong_name(a.name) for kind in models for a in attrs.fields(kind)} - {"extra"} == reached


@pytest.mark.parametrize("place", FIELDS, ids=spelled)
def test_one_odd_field_costs_that_field_alone_and_is_given_back(place: tuple[Any, ...]) -> None:
    for value in WRONG:
        raw = replaced(place, value)
        if place in ESSENTIAL and not (type(value) is int and abs(value) < 2**63):
            with pytest.raises(DecodeError) as caught:
                read(raw)
            assert caught.value.path == spelled(place)
            continue
        task, problems = read(copy.deepcopy(raw))
        assert all(problem.path.startswith(spelled(place)) for problem in problems)
        written, expected = to_json(task), without_nothing(raw)
        if problems:
            assert at(written, place) == value
        for tree in (written, expected):
            at(tree, place[:-1]).pop(place[-1], None)
        assert same(written, expected)


def same(one: Json, other: Json) -> bool:
    """Equal, where a date-time may be written in another of its spellings."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str) and isinstance(other, str) and one != other:
        return parse_date_time(one) == parse_date_time(other) is not None
    return str(one) == str(other)  # ids are written as text


@settings(max_examples=200, deadline=None)
@given(damaged_tasks())
def test_what_strict_reading_accepts_lenient_reading_reads_alike(task: Json) -> None:
    try:
        strict = list(decode_tasks(body_of(task)))
    except DecodeError:
        return
    problems: list[Unreadable] = []
    assert list(decode_tasks(body_of(task), problems.append)) == strict
    assert not problems


@pytest.mark.parametrize("value", [1518863400, 1518863400.0, 1518863400000, 1518863400000.0])
def test_a_number_is_a_date_time_in_seconds_or_milliseconds(value: float) -> None:
    task, problems = read({"id": 1, "created": value, "updated": value, "dueDate": value})
    assert task.created == task.updated == task.due_date == datetime.fromtimestamp(1518863400, UTC)
    assert not problems


@pytest.mark.parametrize("value", [1e300, -1e17, 2**62, 9e14])
def test_a_number_beyond_the_calendar_is_left_in_extra(value: float) -> None:
    task, [problem] = read({"id": 1, "dueDate": value})
    assert (task.due_date, task.extra["dueDate"], problem.path) == (None, value, "$.tasks[0].dueDate")


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        (0.0, 0),
        (49.0, 49),
        (-1.0, -1),
        ("49", 49),
        (2.0**53, 2**53),
        (-(2.0**53), -(2**53)),
        (2.0**53 + 2, None),  # beyond it a float may stand for another number
        (-(2.0**53) - 2, None),
        (49.5, None),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
    ],
)
def test_a_float_is_a_whole_number_where_it_can_stand_for_no_other(sent: Json, read_as: int | None) -> None:
    phone = {"phoneNumbers": [{"countryCode": sent}]}
    task, problems = read({"id": 1, "contact": {"data": phone}})
    assert task.contact is not None
    assert task.contact.data is not None
    [number] = task.contact.data.phone_numbers
    assert number.country_code == read_as
    assert [problem.path for problem in problems] == (
        [] if read_as is not None else ["$.tasks[0].contact.data.phoneNumbers[0].countryCode"]
    )


@pytest.mark.parametrize("name", ["created", "dueDate"])
def test_an_empty_text_is_no_date_time(name: str) -> None:
    task, problems = read({"id": 1, name: ""})
    assert (task.created, task.due_date, dict(task.extra), problems) == (None, None, {}, [])


NO_DATE_TIMES = ["20260302203000Z", "20260302203000", "1711110812345", "2018-02-17", "10:30", "2018-02-17T", "20180217",
                 "2018-W07-6", "2018-02-17T10:30:070Z", "2018-02-17T1030003Z", "2018-02-17X10:30:00Z",
                 "2018-02-17T10:30:31.816562T-02:00", "2018-02-30T10:30:00Z", "٢٠١٨-02-17T10:30:00Z"]  # fmt: skip


@pytest.mark.parametrize("text", NO_DATE_TIMES)
def test_text_that_is_no_iso_date_time_is_never_read_as_one(text: str) -> None:
    assert parse_date_time(text) is None
    task, [problem] = read({"id": 1, "created": text})
    assert (task.created, task.extra["created"], problem.found) == (
        None,
        text,
        f"text of {len(text)} characters",
    )
    with pytest.raises(DecodeError):
        list(decode_tasks(body_of({"id": 1, "created": text})))


@pytest.mark.parametrize(
    "text",
    ["2018-02-17T10:30:00Z", "2018-02-17 10:30Z", "20180217T103000Z", "2018-02-17T10:30:00+00:00", "2018-W07-6T10:30Z",
     "2018-02-17t10:30:00z", "2018-02-17T10:30:00.000000000Z", "2018-02-17T12:30:00+02:00", "2018-02-17T10:30:00,0Z"],
)  # fmt: skip
def test_each_iso_form_is_read(text: str) -> None:
    assert read({"id": 1, "created": text})[0].created == datetime(2018, 2, 17, 10, 30, tzinfo=UTC)


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(st.integers(0, 34), st.sampled_from("0123456789-:T.,ZW+ x"), st.booleans()), max_size=3
    ),
    st.sampled_from(["2018-02-17T10:30:00Z", "2018-02-17T10:30:31.816562+02:00", "20180217T103000Z"]),
)
def test_whatever_the_quick_reader_takes_for_a_date_time_is_one(
    slips: list[tuple[int, str, bool]], text: str
) -> None:
    for position, letter, insert in slips:
        text = text[:position] + letter + text[position + (not insert) :]
    moment = parse_date_time(text)
    [task] = decode_tasks(body_of({"id": 1, "created": text}), lambda _: None)
    assert task.created == (moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)))


def test_a_place_is_reported_once_in_a_response() -> None:
    problems: list[Unreadable] = []
    tasks = list(
        decode_tasks(
            body_of(*({"id": n, "dueDate": "soon", "flow": 5} for n in range(1, 9))), problems.append
        )
    )
    assert [task.extra["dueDate"] for task in tasks] == ["soon"] * 8
    assert [problem.path for problem in problems] == ["$.tasks[0].dueDate", "$.tasks[0].flow"]


def test_an_odd_item_costs_that_item_alone() -> None:
    task, [problem] = read({"id": 1, "actions": ["CALL", 7]})
    assert (task.actions, task.extra["actions"]) == (("CALL",), ["CALL", 7])
    assert problem.path == "$.tasks[0].actions[1]"


def test_what_was_odd_once_is_read_again_from_what_is_given_back() -> None:
    task, _ = read(replaced(("contact", "data", "emails", 0), 7))
    assert read(to_json(task))[0] == task
    assert task.status is TaskStatus.OPEN


WITHOUT_ID: list[object] = [7, "text", [], {"title": "x"}, {"id": None}, {"id": "none"}, {"id": 2.5}]


@pytest.mark.parametrize("odd", WITHOUT_ID, ids=str)
@pytest.mark.parametrize("padding", [0, 3_000], ids=["whole", "in slices"])
def test_one_task_without_an_id_loses_no_other(odd: object, padding: int) -> None:
    whole = [{"id": number, "title": "x" * padding} for number in range(1, 31)]
    body = json.dumps({"tasks": [*whole[:10], odd, *whole[10:]]}).encode()
    problems: list[Unreadable] = []
    assert [task.id for task in decode_tasks(body, problems.append)] == list(range(1, 31))
    assert {problem.path.removesuffix(".id") for problem in problems} == {"$.tasks[10]"}
    with pytest.raises(DecodeError):
        list(decode_tasks(body))


def test_a_task_that_would_hold_the_event_loop_is_refused_before_it_is_parsed() -> None:
    huge = json.dumps({"tasks": [{"id": 1}, {"id": 2, "title": "x" * 3 * 2**20}, {"id": 3}]}).encode()
    read: list[int] = []
    with pytest.raises(DecodeError, match=r"a task of at most 1,048,576 bytes.* a longer one, at byte 2\d"):
        read.extend(task.id for task in decode_tasks(huge, lambda _: None))
    large = json.dumps({"tasks": [{"id": 1}, {"id": 2, "title": "x" * 900_000}, {"id": 3}]}).encode()
    assert [task.id for task in decode_tasks(large)] == [1, 2, 3]


@pytest.mark.parametrize(
    "body", [b'{"tasks": {}}', b'{"tasks": [7]}', b'{"tasks": [{"id": null}]}', b"[]", b"x"]
)
def test_tasks_that_cannot_be_counted_are_an_error(body: bytes) -> None:
    for decode in (decode_answer, lambda *given: list(decode_tasks(*given))):
        with pytest.raises(DecodeError):
            decode(body, lambda _: None)


@pytest.mark.parametrize(
    "odd", [{"users": {}}, {"records": []}, {"records": {"cursor": 5}}], ids=lambda odd: next(iter(odd))
)
def test_a_listing_of_users_never_ends_early_over_an_odd_cursor(odd: Json) -> None:
    with pytest.raises(DecodeError):
        decode_users(json.dumps(odd).encode(), lambda _: None)


def test_an_odd_user_is_read_as_far_as_can_be() -> None:
    problems: list[Unreadable] = []
    page = decode_users(
        b'{"users": [{"id": "1", "active": "yes"}, {"id": {}}, 7, {"id": "2"}]}', problems.append
    )
    assert [user.id for user in page.users] == ["1", "", "2"]
    assert [problem.path for problem in problems] == ["$.users[0].active", "$.users[1].id", "$.users[2]"]


def test_no_report_and_no_error_quotes_the_text_of_a_response() -> None:
    name = "Zaphod Beeblebrox"
    for body in (f'{{"tasks": [{{"id": 1, "title": ["{name}"], "flow": "{name}"}}]}}', f'{{"tasks": [{{"id": "{name}"}}]}}',
                 f'{{"tasks": "{name}"}}', f'{{"tasks": [{{"id": 1, "title": "{name}', f'{{"tasks": ["{name}"]}}'):  # fmt: skip
        problems: list[Unreadable] = []
        for decode in (decode_answer, lambda *given: list(decode_tasks(*given))):
            error = error_of(partial(decode, body.encode(), problems.append))
            assert name not in str([*problems, error])


def error_of(decode: Callable[[], object]) -> DecodeError | None:
    try:
        decode()
    except DecodeError as error:
        return error
    return None


ODD_TEXT: dict[str, tuple[bytes, str | None]] = {
    "half of a surrogate pair": (b'"a\\ud83d"', "a?"),
    "a byte that is not UTF-8": (b'"a\xe9"', "a\ufffd"),
    "a raw control character": (b'"a\tb"', "a\tb"),
    "not a number": (b"NaN", "NaN"),
    "a number beyond a double": (b"1e999", "1e999"),
    "a whole number of 400 digits": (b"9" * 400, "9" * 400),
    "levels that no parser takes": (b'["]",' * 100_000 + b"0" + b"]" * 100_000, None),
}


@pytest.mark.parametrize("size", [0, 2 * SLICE_BYTES], ids=["short", "in slices"])
@pytest.mark.parametrize("title", ODD_TEXT)
def test_an_odd_number_or_character_costs_that_field_alone(title: str, size: int) -> None:
    raw, expected = ODD_TEXT[title]
    large = str(2**62 + 1).encode()
    body = b'{"tasks":[{"id":%b},{"id":2,"title":%b},{"id":3,"x":"%b"},{"id":4}]}' % (large, raw, b"x" * size)
    with pytest.raises(DecodeError):
        list(decode_tasks(body))
    found: list[Unreadable] = []
    tasks = list(decode_tasks(body, found.append))
    assert [(task.id, task.title) for task in tasks] == [
        (2**62 + 1, None),
        (2, expected),
        (3, None),
        (4, None),
    ]
    assert "$" in {field.path for field in found}
    for task in tasks:
        to_json(task)
        json.dumps(to_json(task), allow_nan=False).encode()


def test_a_byte_order_mark_loses_no_answer() -> None:
    found: list[Unreadable] = []
    assert [task.id for task in decode_tasks(b'\xef\xbb\xbf{"tasks":[{"id":7}]}', found.append)] == [7]
    assert [field.path for field in found] == ["$"]
