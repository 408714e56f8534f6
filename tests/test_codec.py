from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from gong_tasks_async import codec
from gong_tasks_async.codec import decode_answer, decode_tasks, to_json
from gong_tasks_async.codec.structure import shape_of
from gong_tasks_async.errors import DecodeError
from gong_tasks_async.models import Task
from gong_tasks_async.models.answers import Records, UserAnswer, UsersAnswer, WorkspacesAnswer
from gong_tasks_async.models.base import Answered
from gong_tasks_async.models.users import SpokenLanguage, User, UserSettings, Workspace
from gong_tasks_async.simulator import full_task
from tests.json_libraries import LIBRARIES, json_library

Json = Any
GREATEST = 2**63 - 1


@pytest.fixture(autouse=True, params=LIBRARIES)
def both_libraries(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    loads, dumps = json_library(request.param)
    monkeypatch.setattr(codec, "loads", loads)
    monkeypatch.setattr(codec, "dumps", dumps)


def answer(**fields: Json) -> bytes:
    return json.dumps({"requestId": "r", "tasks": [{"id": 1, **fields}]}).encode()


def decoded(**fields: Json) -> Task:
    [task] = decode_answer(answer(**fields)).tasks
    assert list(decode_tasks(answer(**fields))) == [task]
    return task


def refused(body: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode_answer(body)
    return caught.value


def at(path: str, value: Json) -> dict[str, Json]:
    """`at("flow.step.id", 1)` -> {"flow": {"step": {"id": 1}}}; `x[]` stands for an array of one."""
    for name in reversed(path.split(".")):
        value = {name.removesuffix("[]"): [value] if name.endswith("[]") else value}
    return dict(value)


def pluck(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = getattr(
            value, "".join(f"_{c.lower()}" if c.isupper() else c for c in name.removesuffix("[]"))
        )
        value = value[0] if name.endswith("[]") else value
    return value


TEXTS = [
    *(f"account.{name}" for name in ("crmId", "name", "crmUrl", "crmEntityType", "fields[].name")),
    *(f"opportunity.{name}" for name in ("crmId", "name", "crmUrl", "status", "stage", "amount", "probability",
                                         "closeDate", "crmEntityType", "fields[].name")),
    "flow.name", "flow.step.name", "contact.crmId", "title", "priority.name", "additionalContacts[].crmId",
    *(f"contact.data.{name}" for name in (
        "firstName", "lastName", "crmUrl", "companyName", "emails[].email", "title", "timezone", "city", "country",
        "state", "zipcode", "linkedinProfile", "optOutStatus", "phoneNumbers[].raw", "phoneNumbers[].extension",
        "phoneNumbers[].normalized", "phoneNumbers[].label")),
    "additionalContacts[].data.firstName",
]  # fmt: skip
INTEGERS = ["id", "flow.id", "flow.step.id", "flow.step.stepNumber", "priority.id", "priority.weight",
            "contact.data.phoneNumbers[].countryCode"]  # fmt: skip
WORDS = ["status", "type", "actions[]", "contact.type", "contact.data.affiliation",
         "contact.data.optOutChannels[]", "additionalContacts[].type"]  # fmt: skip
TRUTHS = ["contact.data.phoneNumbers[].isVerified"]
MOMENTS = ["created", "updated", "dueDate"]
OBJECTS = ["account", "opportunity", "flow", "flow.step", "contact", "contact.data", "priority"]
ARRAYS = ["account.fields", "opportunity.fields", "actions", "additionalContacts", "contact.data.emails",
          "contact.data.phoneNumbers", "contact.data.optOutChannels"]  # fmt: skip
PLAIN = ["account.fields[].value", "opportunity.fields[].value"]

WRONG: list[tuple[str, list[str], list[Json]]] = [
    ("text", TEXTS, [1, 1.5, True, ["a"], {"a": 1}, [], {}]),
    ("a whole number", INTEGERS, ["1.0", "", "-", "--1", "one", "٣", "1" * 21, " 1", "1_0", 3.7, 1.0, True, [1], {}]),
    ("one of ", WORDS, [1, 1.5, True, ["OPEN"], {}]),
    ("true or false", TRUTHS, ["false", "true", 0, 1, 1.0, [], {}]),
    ("an ISO-8601 date-time", MOMENTS, ["2018-02-17", "20180217", "2018-W07-6", "2018-02-17T", "10:30", "", "tomorrow",
                                        "2018-02-30T10:30:00Z", 1518863400, True, [], {}]),
    ("an object", OBJECTS, [[], "x", 1, True, [{}]]),
    ("an array", ARRAYS, [{}, "CALL", 1, True]),
    ("an id as text or whole number", ["userId"], [1.5, True, [], {}]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "path", "value"),
    [
        pytest.param(expected, path, value, id=f"{path}={value!r:.20}")
        for expected, paths, values in WRONG
        for path in paths
        for value in values
    ],
)
def test_nothing_is_coerced_and_the_error_names_the_place(expected: str, path: str, value: Json) -> None:
    spelled = "$.tasks[0]." + path.replace("[]", "[0]")
    for error in (refused(answer(**at(path, value))), lazily_refused(answer(**at(path, value)))):
        assert error.path == spelled
        assert error.expected.startswith(expected)
        assert error.found == shape_of(value)


def lazily_refused(body: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        list(decode_tasks(body))
    return caught.value


GOOD: list[tuple[list[str], list[tuple[Json, Any]]]] = [
    (TEXTS, [("é 📞", "é 📞"), ("", "")]),
    (
        INTEGERS,
        [
            (GREATEST, GREATEST),
            (str(GREATEST), GREATEST),
            ("-1", -1),
            (-1, -1),
            (2**53 + 1, 2**53 + 1),
            ("007", 7),
        ],
    ),
    (TRUTHS, [(True, True), (False, False)]),
    (WORDS, [("SNOOZED", "SNOOZED"), ("", "")]),
    (MOMENTS, [("2018-02-17T10:30:00Z", datetime(2018, 2, 17, 10, 30, tzinfo=UTC))]),
    (["userId"], [("9067931441193858457", "9067931441193858457"), (GREATEST, str(GREATEST)), (-1, "-1")]),
    (PLAIN, [(7, 7), ("a", "a"), (1.5, 1.5), ([1, None], [1, None]), ({"a": {}}, {"a": {}}), (False, False)]),
]


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        pytest.param(path, value, read, id=f"{path}={value!r:.20}")
        for paths, pairs in GOOD
        for path in paths
        for value, read in pairs
    ],
)
def test_every_field_of_both_references_is_read(path: str, value: Json, read: Any) -> None:
    task = decoded(**at(path, value))
    assert pluck(task, path) == read
    assert type(pluck(task, path)) is type(read) or path in WORDS
    assert extras(task) == []


OF_USERS = (User, UserSettings, SpokenLanguage, Records, UsersAnswer, UserAnswer, Workspace, WorkspacesAnswer)
"""Those have tests of their own."""


def test_the_tables_name_every_field_of_the_models() -> None:
    named = {*TEXTS, *INTEGERS, *WORDS, *TRUTHS, *MOMENTS, *OBJECTS, *ARRAYS, *PLAIN, "userId"}
    leaves = {path.replace("[]", "").rpartition(".")[2] for path in named}
    kinds = {kind for kind in below(Answered) if not issubclass(kind, OF_USERS)}
    fields = {codec_name(a.name) for kind in kinds for a in attrs.fields(kind)}
    assert fields - leaves == {"extra", "requestId", "tasks", "crmType"}


def below(kind: type[Answered]) -> set[type[Answered]]:
    return {kind}.union(*(below(child) for child in kind.__subclasses__()))


def codec_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def extras(value: Any) -> list[Any]:
    """What is in `extra`, at every level."""
    if isinstance(value, tuple):
        return [extra for part in value for extra in extras(part)]
    if not isinstance(value, Answered):
        return []
    parts = tuple(
        getattr(value, a.name) for a in attrs.fields(type(value)) if a.name not in {"extra", "value"}
    )
    return [*value.extra.items(), *extras(parts)]


@pytest.mark.parametrize("id", range(1, 2**62, 2**58))
def test_an_independent_reading_of_the_reference_leaves_nothing_over(id: int) -> None:
    raw = full_task(id)
    [task] = decode_answer(json.dumps({"tasks": [raw]}).encode()).tasks
    assert extras(task) == []
    assert task.contact is not None
    assert task.contact.data is not None
    assert None not in attrs.astuple(task.contact.data, recurse=False)
    again = decode_answer(json.dumps({"tasks": [to_json(task)]}).encode()).tasks
    assert again == (task,)
    assert to_json(task)["account"] == raw["account"]


@pytest.mark.parametrize("path", ["", "account", "flow.step", "contact.data.phoneNumbers[]", "priority"])
def test_unknown_fields_are_kept_and_written_back(path: str) -> None:
    new = {"newThing": {"a": [1, None, "x"]}, "nothing": None}
    raw = {**(at(path, new) if path else new), "id": 1, "userId": "2"}
    task = decoded(**raw)
    assert extras(task) == list(new.items())
    assert to_json(task) == raw


def test_unknown_fields_beside_the_tasks_are_kept_and_unknown_words_written_back() -> None:
    raw = {
        "requestId": "r",
        "crmType": "OTHER",
        "tasks": [{"id": 1, "userId": "2", "status": "SNOOZED"}],
        "page": 2,
    }
    read = decode_answer(json.dumps(raw).encode())
    assert (read.extra, read.crm_type, read.tasks[0].status) == ({"page": 2}, "OTHER", "SNOOZED")
    assert to_json(read) == raw


NULLED = sorted({*TEXTS, *INTEGERS, *WORDS, *TRUTHS, *MOMENTS, *OBJECTS, *ARRAYS, *PLAIN, "userId"} - {"id"})


@pytest.mark.parametrize("path", NULLED)
def test_null_is_as_good_as_missing_everywhere(path: str) -> None:
    parent = path.rpartition(".")[0]
    assert to_json(decoded(**at(path, None))) == to_json(decoded(**(at(parent, {}) if parent else {})))


def test_what_gong_left_out_is_left_out_when_written() -> None:
    assert to_json(decoded()) == {"id": 1}


def test_a_task_needs_an_id_and_nothing_else() -> None:
    assert decoded() == Task(id=1)
    for body in (b'{"tasks":[{"id":1},{}]}', b'{"tasks":[{"id":1},{"id":null}]}'):
        assert (refused(body).path, refused(body).found) == ("$.tasks[1].id", "nothing")
        found = decode_tasks(body)
        assert next(found) == Task(id=1)
        with pytest.raises(DecodeError, match="a value"):
            next(found)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"tasks":null}', b'{"tasks":[]}', b'{"tasks":[null]}', b' {"a":1}\n']
)
def test_an_answer_without_tasks_is_an_empty_one(body: bytes) -> None:
    assert decode_answer(body).tasks == tuple(decode_tasks(body)) == ()


def test_a_null_in_an_array_is_left_out_and_does_not_move_the_path() -> None:
    assert decoded(actions=["CALL", None]).actions == ("CALL",)
    assert refused(answer(additionalContacts=[None, None, 7])).path == "$.tasks[0].additionalContacts[2]"
    assert lazily_refused(b'{"tasks":[null,7]}').path == "$.tasks[1]"


BODIES: list[tuple[bytes, str, str]] = [
    (b"", "JSON", "an empty response"),
    (b"<html>" + b"x" * 500, "JSON", "506 bytes"),
    (b'{"tasks":[', "JSON", "10 bytes"),
    (b'{"a":NaN}', "JSON", "9 bytes"),
    (b'{"a":-Infinity}', "JSON", "15 bytes"),
    (b'{"a":01}', "JSON", "8 bytes"),
    (b'{"a":1}x', "JSON", "8 bytes"),
    (b'{"a":"\x01"}', "JSON", "9 bytes"),
    (b"\xef\xbb\xbf{}", "JSON", "5 bytes"),
    (b"\xff{}", "JSON", "3 bytes"),
    ("{}".encode("utf-16"), "JSON", "6 bytes"),
    (b"[" * 100_000, "JSON", "100,000 bytes"),
    (b'{"a":"\\ud800"}', "JSON", "14 bytes"),
    (b'{"a":1e400}', "JSON", "11 bytes"),
    (b"[]", "an object", "an array of 0"),
    (b"null", "an object", "nothing"),
    (b'"text"', "an object", "text of 4 characters"),
    (b"7", "an object", "7"),
]


@pytest.mark.parametrize(("body", "expected", "found"), BODIES, ids=lambda value: repr(value)[:20])
def test_what_is_no_json_object_is_refused_and_not_quoted(body: bytes, expected: str, found: str) -> None:
    for error in (refused(body), lazily_refused(body)):
        assert (error.path, error.expected) == ("$", expected)
        assert found in error.found
        assert len(error.found) < 400
        assert expected != "JSON" or "xxx" not in error.found
        assert error.__cause__ is None


@pytest.mark.parametrize("value", ["x" * 10**6, ["x"] * 10**5, {str(i): i for i in range(10**4)}], ids=type)
def test_what_stood_there_is_shown_shortened(value: Json) -> None:
    assert len(refused(answer(flow={"id": value})).found) < 200


@pytest.mark.parametrize("id", [2**63, 2**64, "9223372036854775808", "-9999999999999999999"], ids=str)
def test_an_id_past_int64_is_refused_alike_by_both_libraries(id: Json) -> None:
    assert refused(answer(id=id)).path == "$.tasks[0].id"
