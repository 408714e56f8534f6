from __future__ import annotations

import contextlib
import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import attrs
import pytest

from gong_tasks_async import models
from gong_tasks_async.codec import decode_answer, decode_tasks
from gong_tasks_async.credentials import MaskedText
from gong_tasks_async.errors import DeadlineExceeded, GongError, InvalidValueError
from gong_tasks_async.models import (
    Account,
    Contact,
    ContactData,
    CrmField,
    CrmObjectType,
    CrmType,
    Email,
    Flow,
    OpenEnum,
    Opportunity,
    PhoneNumber,
    Priority,
    Step,
    Task,
    TaskAction,
    TaskFilter,
    TasksAnswer,
    TaskStatus,
    TaskType,
    TaskUpdate,
    UserTasks,
)
from gong_tasks_async.models.checks import each_listed
from gong_tasks_async.models.requests import check_update

DUE = datetime(2026, 2, 17, 10, 30, tzinfo=timezone(timedelta(hours=2)))
SNOOZED = TaskStatus("SNOOZED")

TASK = Task(
    id=9067931441193858457,
    user_id="234599484848423",
    created=DUE,
    status=SNOOZED,
    type=TaskType.FLOW,
    actions=(TaskAction.CALL, TaskAction("EMAIL")),
    account=Account(crm_id="1", fields=(CrmField(name="n", value={"a": [1]}),)),
    opportunity=Opportunity(amount="1.5"),
    flow=Flow(id=1, step=Step(id=-1, step_number=2)),
    contact=Contact(type=CrmObjectType.LEAD, data=ContactData(emails=(Email(email="a@b"),))),
    additional_contacts=(Contact(data=ContactData(phone_numbers=(PhoneNumber(is_verified=False),))),),
    priority=Priority(name="high"),
    extra={"new": [1, None]},
)
VALUES = [
    TASK,
    TasksAnswer(request_id="r", tasks=(TASK,), crm_type=CrmType("OTHER")),
    TaskFilter("1", "2", statuses=["DONE", SNOOZED]),
    TaskUpdate(7, "1", SNOOZED, DUE, "MEDIUM"),
    TaskUpdate(7, "1", "done", DUE),
    UserTasks(TaskFilter("1"), (TASK,)),
    SNOOZED,
    TaskStatus.OPEN,
]
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301 - our own bytes
    "oldest pickle": lambda value: pickle.loads(pickle.dumps(value, 2)),  # noqa: S301 - our own bytes
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


class Nowhere(tzinfo):
    """A time zone that does not know its offset, so that its moments are naive all the same."""

    def utcoffset(self, _: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


FILTERS: list[tuple[str, dict[str, Any], str]] = [
    ("empty user", {"user_id": ""}, "user_id is empty: it must name the tasks' owner"),
    ("blank user", {"user_id": " \t"}, "user_id is empty"),
    ("number as user", {"user_id": 234}, "user_id must be text such as '234599484848423', not int 234"),
    ("no user", {"user_id": None}, "user_id must be text such as '234599484848423', not NoneType None"),
    ("bytes as user", {"user_id": b"1"}, "user_id must be text such as '234599484848423', not bytes b'1'"),
    ("blank before", {"user_id": " 1"}, "user_id ' 1' has blanks around it"),
    ("line break", {"user_id": "1\n2"}, "characters that cannot be shown: strip them"),
    ("lone surrogate", {"user_id": "1\ud800"}, "characters that cannot be shown"),
    ("empty workspace", {"workspace_id": ""}, "workspace_id is empty"),
    ("number as workspace", {"workspace_id": 5}, "workspace_id must be text"),
    ("no types", {"types": []}, "types is empty: name at least one of FLOW, MANUAL, or leave it out"),
    ("no actions", {"actions": ()}, "actions is empty: name at least one of CALL, or leave it out"),
    ("no statuses", {"statuses": iter(())}, "statuses is empty: name at least one of OPEN, DONE, DISMISSED"),
    ("unknown type", {"types": ["FLOOW"]}, "types 'FLOOW' is not one of FLOW, MANUAL"),
    ("typo", {"statuses": "oepn"}, "statuses 'oepn' is not one of OPEN, DONE, DISMISSED: did you mean OPEN?"),
    ("a name as user", {"user_id": "someone"}, "user_id 'someone' is not a user's id, which has digits only"),
    (
        "an address as user",
        {"user_id": "a@b.c"},
        "user_id 'a@b.c' is an e-mail address: find the user's id first",
    ),
    ("a task as user", {"user_id": TASK}, "user_id must be text such as '234599484848423', not Task"),
    ("21 digits", {"user_id": "1" * 21}, "is not a user's id"),
    ("digits of another script", {"user_id": "٣"}, "is not a user's id"),
    ("empty word", {"actions": ""}, "actions '' is not one of CALL"),
    ("None as list", {"types": None}, "types None is not one of FLOW, MANUAL"),
    ("a number", {"statuses": 3}, "statuses 3 is not one of"),
    ("another vocabulary", {"types": [TaskStatus.OPEN]}, "types <TaskStatus.OPEN: 'OPEN'> is not one of"),
    ("a list in the list", {"types": [["FLOW"]]}, "types ['FLOW'] is not one of"),
]
UPDATES: list[tuple[str, dict[str, Any], str]] = [
    ("nothing changes", {"status": None}, "it changes nothing: give a status, a due_date or a priority"),
    ("id past int64", {"task_id": 2**63}, "task_id 9223372036854775808 has more than 64 bits"),
    ("id below int64", {"task_id": -(2**63) - 1}, "has more than 64 bits"),
    ("id as text", {"task_id": "7"}, "task_id must be an int, not str '7'"),
    ("id as truth", {"task_id": True}, "task_id must be an int, not bool True"),
    ("id as float", {"task_id": 7.0}, "task_id must be an int, not float 7.0"),
    ("no id", {"task_id": None}, "task_id must be an int, not NoneType None"),
    ("empty user", {"user_id": ""}, "user_id is empty"),
    ("unknown status", {"status": "CLOSED"}, "status 'CLOSED' is not one of OPEN, DONE, DISMISSED"),
    ("status of another kind", {"status": 1}, "status 1 is not one of"),
    ("list as status", {"status": ["DONE"]}, "status ['DONE'] is not one of"),
    ("naive date", {"due_date": datetime(2026, 1, 1)}, "due_date 2026-01-01T00:00:00 has no time zone: add one"),  # noqa: DTZ001
    ("zone of no offset", {"due_date": datetime(2026, 1, 1, tzinfo=Nowhere())}, "has no time zone"),
    ("date as text", {"due_date": "2026-01-01"}, "due_date must be a datetime with a time zone, not str '2026-01-01'"),
    ("date alone", {"due_date": DUE.date()}, "due_date must be a datetime with a time zone"),
    ("empty priority", {"priority": ""}, "priority is empty"),
    ("number as priority", {"priority": 3}, "priority must be text"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "says"), [pytest.param(*row, id=name) for name, *row in FILTERS])
def test_a_filter_that_gong_would_refuse_is_not_born(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=r"^TaskFilter refused: ") as caught:
        TaskFilter(**{"user_id": "1", **wrong})
    assert says in str(caught.value)
    assert ";" not in str(caught.value)


@pytest.mark.parametrize(("wrong", "says"), [pytest.param(*row, id=name) for name, *row in UPDATES])
def test_an_update_that_gong_would_refuse_is_not_born(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=r"^TaskUpdate refused: ") as caught:
        TaskUpdate(**{"task_id": 7, "user_id": "1", "status": "DONE", **wrong})
    assert says in str(caught.value)
    assert ";" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"workspace_id": ""}, {"workspace_id": 5}], ids=str)
def test_what_is_said_about_a_workspace_is_about_workspaces(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="workspace_id") as caught:
        TaskFilter("1", **wrong)
    assert "whose tasks" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["", 3], ids=repr)
def test_what_is_said_about_a_priority_is_about_priorities(wrong: Any) -> None:
    with pytest.raises(ValueError, match="priority") as caught:
        TaskUpdate(7, "1", priority=wrong)
    assert "whose tasks" not in str(caught.value)
    assert "2345" not in str(caught.value)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="TaskFilter") as of_filter:
        TaskFilter("", "", types=[], actions=["RUN"], statuses=["A", "B"])
    assert str(of_filter.value).count("; ") == 5
    with pytest.raises(ValueError, match="TaskUpdate") as of_update:
        TaskUpdate(2**63, "", due_date=datetime(2026, 1, 1), status="NO", priority=" ")  # noqa: DTZ001
    assert str(of_update.value).count("; ") == 4


def test_an_undocumented_text_is_refused_and_an_undocumented_member_is_taken() -> None:
    with pytest.raises(ValueError, match="SNOOZED"):
        TaskFilter("1", statuses=["SNOOZED"])
    assert TaskFilter("1", statuses=[SNOOZED]).statuses == (SNOOZED,)
    assert TaskUpdate(7, "1", SNOOZED).status == "SNOOZED"


@pytest.mark.parametrize("word", ["finished", " done", "DISMISED", "Done!", "OPENN", ""])
def test_a_member_that_is_no_word_of_gong_s_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="is not one of OPEN, DONE, DISMISSED"):
        TaskUpdate(7, "1", TaskStatus(word))
    with pytest.raises(ValueError, match="is not one of OPEN, DONE, DISMISSED"):
        TaskFilter("1", statuses=[TaskStatus(word)])


def test_texts_become_members_once_each_in_their_order() -> None:
    wanted = TaskFilter("1", types="MANUAL", statuses=["DONE", TaskStatus.OPEN, "DONE"])
    assert wanted.types == (TaskType.MANUAL,)
    assert wanted.statuses == (TaskStatus.DONE, TaskStatus.OPEN)
    assert all(type(status) is TaskStatus for status in wanted.statuses)
    assert type(TaskUpdate(7, "1", "DONE").status) is TaskStatus


def test_the_defaults_are_every_type_of_open_call() -> None:
    wanted = TaskFilter("1")
    assert (wanted.types, wanted.actions, wanted.statuses) == (tuple(TaskType), ("CALL",), ("OPEN",))
    assert wanted.workspace_id is None


@pytest.mark.parametrize("task_id", [1, 2**53 + 1, 2**63 - 1, 0, -1, -(2**63)])
def test_whatever_gong_sends_as_a_task_id_is_good_for_its_update(task_id: int) -> None:
    [task] = decode_tasks(b'{"tasks": [{"id": %d, "userId": -1}]}' % task_id)
    update = task.update(status="DONE")
    assert (update.task_id, update.user_id) == (task_id, "-1")


@pytest.mark.parametrize("kind", OpenEnum.__subclasses__(), ids=lambda kind: kind.__name__)
def test_letters_case_never_makes_an_undocumented_word(kind: type[OpenEnum]) -> None:
    for word in kind:
        for text in (word.value, word.lower(), word.upper(), word.title(), word.swapcase()):
            assert kind(text) is word
            assert each_listed(kind, [text, word]) == (word,)


def test_an_update_takes_its_words_in_any_case() -> None:
    update = TaskUpdate(7, "1", status="done", priority="high")
    assert update == TaskUpdate(7, "1", TaskStatus.DONE, priority="HIGH")
    assert TaskFilter("1", statuses=["done", "Open"], types="flow") == TaskFilter(
        "1", statuses=["DONE", "OPEN"], types="FLOW"
    )


@pytest.mark.parametrize("odd", [TASK, None, 234, "1"], ids=lambda odd: type(odd).__name__)
def test_anything_but_an_update_is_refused_in_words(odd: object) -> None:
    with pytest.raises(ValueError, match=f"must be a TaskUpdate, not {type(odd).__name__}: make one with"):
        check_update(odd)


@pytest.mark.parametrize("word", ["SNOOZED", "opened", "", "é 📞", "__class__", "name"])
def test_an_unknown_word_is_carried_through_unharmed(word: str) -> None:
    value = TaskStatus(word)
    assert isinstance(value, TaskStatus)
    assert (value.value, value.name, str(value)) == (word, word, word)
    assert value == word == TaskStatus(word)
    assert {value: 1}[TaskStatus(word)] == {word: 1}[value] == 1
    assert not value.is_documented
    assert word not in TaskStatus.__members__
    assert [status.value for status in TaskStatus] == ["OPEN", "DONE", "DISMISSED"]


def test_documented_words_are_the_listed_members() -> None:
    vocabularies = OpenEnum.__subclasses__()
    assert len(vocabularies) == 7
    for vocabulary in vocabularies:
        for value in vocabulary:
            assert vocabulary(value.value) is value
            assert value.is_documented
            assert hash(value) == hash(str(value))


@pytest.mark.parametrize("value", [None, 1, b"OPEN", ("OPEN",)], ids=repr)
def test_what_is_no_text_is_no_word(value: Any) -> None:
    with pytest.raises(ValueError, match="TaskStatus"):
        TaskStatus(value)


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_every_value_survives_copying_and_pickling(value: object, copied: Callable[[Any], Any]) -> None:
    duplicate = copied(value)
    assert duplicate == value
    assert type(duplicate) is type(value)
    assert hash(duplicate) == hash(value)
    assert repr(duplicate) == repr(value)


def test_a_copied_task_keeps_its_unknown_words_and_fields() -> None:
    duplicate = pickle.loads(pickle.dumps(TASK))  # noqa: S301 - our own bytes
    assert type(duplicate.status) is TaskStatus
    assert not duplicate.status.is_documented
    assert duplicate.extra == {"new": [1, None]}


@pytest.mark.parametrize("value", VALUES[:6], ids=lambda value: type(value).__name__)
def test_values_are_frozen_without_room_for_slips(value: Any) -> None:
    name = attrs.fields(type(value))[-1].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, name, None)
    with pytest.raises(AttributeError):
        value.slip = 1


def test_every_model_is_frozen_and_on_show() -> None:
    classes = [getattr(models, name) for name in models.__all__]
    modelled = [kind for kind in classes if isinstance(kind, type) and attrs.has(kind)]
    assert len(modelled) == 22
    assert all(kind.__attrs_attrs__ is not None and "__slots__" in vars(kind) for kind in modelled)


def test_a_task_is_named_readably_and_without_what_gong_added() -> None:
    shown = repr(Task(id=7, user_id="1", status=TaskStatus.OPEN, extra={"noise": 1}))
    assert shown.startswith("Task(id=7, user_id='1'")
    assert "<TaskStatus.OPEN: 'OPEN'>" in shown
    assert "noise" not in shown
    assert "SNOOZED" in repr(SNOOZED)


def test_extra_fields_count_when_tasks_are_compared() -> None:
    assert Task(id=7) != Task(id=7, extra={"new": 1})
    assert Task(id=7) == Task(id=7, extra={})


def test_a_task_builds_its_own_update() -> None:
    assert TASK.update(status="DONE") == TaskUpdate(TASK.id, TASK.user_id, TaskStatus.DONE)
    assert TASK.update(due_date=DUE, priority="LOW") == TaskUpdate(TASK.id, TASK.user_id, None, DUE, "LOW")
    with pytest.raises(ValueError, match="changes nothing"):
        TASK.update()
    with pytest.raises(ValueError, match="user_id is empty"):
        Task(id=7).update(status="DONE")


class NotedUpdate(TaskUpdate):
    """As a user may derive it; attrs makes it, with all checks."""


@attrs.frozen
class NamedUpdate(TaskUpdate):
    """The same with a field of its own."""

    name: str = ""


SPELLINGS: dict[str, list[Any]] = {
    "task_id": [7, -(2**63), 2**63 - 1, 2**63, True, "7", None],
    "user_id": ["1", "-1", "1" * 20, "1" * 21, "\u0661", "", " 1", "ana@example.com", 1, MaskedText("1")],
    "status": ["DONE", "done", "Done", "DOEN", "SNOOZED", TaskStatus.DONE, SNOOZED, TaskType.FLOW, [], None],
    "due_date": [DUE, DUE.replace(tzinfo=None), datetime.max.replace(tzinfo=UTC), "2026-01-01", None],
    "priority": ["low", "", " low", MaskedText("low"), 1, None],
}


def made(kind: type[TaskUpdate], fields: dict[str, Any]) -> object:
    """The fields of an update, or what it is refused for."""
    try:
        return repr(attrs.astuple(kind(**fields))[:5])
    except InvalidValueError as refusal:
        return refusal.problems


@pytest.mark.parametrize("kind", [NotedUpdate, NamedUpdate])
@pytest.mark.parametrize("field", SPELLINGS)
def test_an_update_is_the_same_however_it_is_made(kind: type[TaskUpdate], field: str) -> None:
    for usual in ({"status": "DONE"}, {"due_date": DUE}, {}):
        for value in SPELLINGS[field]:
            fields = {"task_id": 7, "user_id": "1", **usual, field: value}
            assert made(TaskUpdate, fields) == made(kind, fields)


def test_user_tasks_give_the_tasks_or_raise_their_error() -> None:
    assert UserTasks(TaskFilter("1"), (TASK,)).unwrap() == (TASK,)
    error = DeadlineExceeded(reason="late")
    with pytest.raises(GongError) as caught:
        UserTasks(TaskFilter("1"), error=error).unwrap()
    assert caught.value is error


@pytest.mark.parametrize("fill", ["__setitem__", "setdefault", "update", "__ior__"])
def test_what_is_empty_in_all_answers_cannot_be_filled_through_one(fill: str) -> None:
    task = decode_answer(b'{"tasks":[{"id":1}]}').tasks[0]
    arguments: tuple[Any, ...] = ("k", 1) if fill in {"__setitem__", "setdefault"} else ({"k": 1},)
    with contextlib.suppress(TypeError, AttributeError):
        getattr(task.extra, fill)(*arguments)
    filled = decode_answer(b'{"tasks":[{"id":2}]}').tasks[0].extra == {"k": 1}
    with contextlib.suppress(TypeError, AttributeError):
        getattr(task.extra, "pop")("k", None)  # noqa: B009 - a Mapping has none; other tests share the mapping
    assert not filled
