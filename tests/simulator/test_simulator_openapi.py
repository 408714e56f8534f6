from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator

from gong_tasks_async.simulator import FOREIGN, Account, Engine, Fault, Request, Response, openapi_document
from tests.simulator.simulator_calls import AUTHORIZED, EVERYTHING

DOCUMENT = openapi_document()
ENGINE = Engine(tasks_per_user=10, second_limit="none")
READABLE = set(Fault) - {Fault.RESET_BEFORE, Fault.GARBLED, Fault.ORIGIN_AWAY, *FOREIGN}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = DOCUMENT
    for name in node["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolve(found)


def check(schema: dict[str, Any], value: Any) -> None:
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def accepts(schema: str, value: Any) -> bool:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    return bool(Draft202012Validator(whole).is_valid(value))


def conform(request: Request, response: Response) -> None:
    path = re.sub(r"^/v2/tasks/.+", "/v2/tasks/{taskId}", request.path)
    described = resolve(DOCUMENT["paths"][path][request.method.lower()]["responses"][str(response.status)])
    media_type = response.headers["Content-Type"].partition(";")[0]
    body = response.json() if media_type == "application/json" else response.body.decode()
    check(described["content"][media_type]["schema"], body)
    for name, header in described["headers"].items():
        if resolve(header).get("required") or name in response.headers:
            check(resolve(header)["schema"], response.headers[name])
    assert (response.status == 429 and media_type == "application/json") <= (
        "Retry-After" in response.headers
    )


def some_of(*values: str) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from([*values, "OTHER"]), max_size=3) | json_values


user_ids = st.sampled_from([*ENGINE.user_ids, "1"]) | json_values
filters = st.fixed_dictionaries(
    {"userId": user_ids},
    optional={
        "types": some_of("FLOW", "MANUAL"),
        "taskAction": some_of("CALL"),
        "status": some_of("OPEN", "DONE", "DISMISSED"),
        "workspaceId": st.sampled_from(ENGINE.workspace_ids) | json_values,
    },
)
changes = st.fixed_dictionaries(
    {"userId": user_ids},
    optional={
        "status": st.sampled_from(["OPEN", "DONE", "DISMISSED"]) | json_values,
        "dueDate": st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
        | json_values,
        "priority": json_values,
        "other": json_values,
    },
)
bodies = filters.map(lambda inner: {"filter": {**EVERYTHING, **inner}}) | changes | json_values
task_paths = st.sampled_from([*ENGINE.tasks, 1, 0, 2**63]).map(
    lambda task_id: ("PATCH", f"/v2/tasks/{task_id}")
)
routes = task_paths | st.just(("POST", "/v2/tasks")) | st.just(("GET", "/v2/users"))
headers = st.sampled_from([AUTHORIZED | {"Content-Type": "application/json"}] * 6 + [AUTHORIZED, {}])


@settings(max_examples=400, deadline=None)
@given(
    routes,
    bodies,
    headers,
    st.none() | st.sampled_from(sorted(READABLE)),
    st.sampled_from([0, 0, 0, 0, 10**6]),
)
def test_every_answer_is_as_described(
    route: tuple[str, str], body: Any, headers: dict[str, str], fault: Fault | None, spent: int
) -> None:
    engine = Engine(tasks_per_user=10, per_day=1) if spent else ENGINE
    request = Request(*route, {}, headers, json.dumps(body).encode())
    if spent:
        engine.answer(Request("GET", "/v2/users", {}, AUTHORIZED), 0)
    if fault is not None:
        engine.inject_fault(fault)
    conform(request, engine.answer(request, 0))


def test_other_accounts_and_readings_are_as_described_too() -> None:
    for account in Account:
        for empty_as in ("list", "missing", "not_found"):
            engine = Engine(account=account, empty_as=empty_as, second_limit="none")
            for user_id in ("1", engine.user_ids[0]):
                body = json.dumps({"filter": {"userId": user_id, **EVERYTHING}}).encode()
                request = Request(
                    "POST", "/v2/tasks", {}, AUTHORIZED | {"Content-Type": "application/json"}, body
                )
                conform(request, engine.answer(request, 0))


@settings(max_examples=400, deadline=None)
@given(bodies)
def test_the_engine_takes_exactly_the_bodies_that_are_described(body: Any) -> None:
    text = json.dumps(body).encode()
    json_headers = AUTHORIZED | {"Content-Type": "application/json"}
    listed = ENGINE.answer(Request("POST", "/v2/tasks", {}, json_headers, text), 0)
    assert (listed.status == 200) == accepts("ListTasks", body)
    changed = ENGINE.answer(Request("PATCH", "/v2/tasks/1", {}, json_headers, text), 0)
    assert (changed.status == 404) == accepts("UpdateTask", body)


def test_every_operation_and_every_schema_is_used() -> None:
    text = json.dumps(DOCUMENT)
    assert all(f'"#/components/schemas/{name}"' in text for name in DOCUMENT["components"]["schemas"])
    for name in DOCUMENT["components"]["schemas"]:
        Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])
