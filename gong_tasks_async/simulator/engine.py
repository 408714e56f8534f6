"""The fake Gong as a pure machine: a request and the time in, a response out.

Where Gong's reference is silent the engine makes a choice, listed here:

- Checks come in this order: route, credentials, company, scope, limits, Engage, validity, existence. Hence neither a 401
  nor an unknown route counts against the limits, while a 400, a 404 and the 500 of a company without Engage do.
- The token endpoint has neither limits nor the company's state: it is another host, `app.gong.io`.
- A task of another user is as unknown as one that does not exist: 404.
- Faults of Gong itself (SERVER_ERROR, TOO_MANY) count against the limits; those of the network and the proxy do not
  reach them. A fault comes before every check.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from http import HTTPStatus
from random import Random
from typing import Any, Final

import attrs

from gong_tasks_async.simulator import access, calls, data, oauth, paging, validation
from gong_tasks_async.simulator.access import Account
from gong_tasks_async.simulator.calls import EmptyAs
from gong_tasks_async.simulator.faults import Fault, FaultQueue, InjectedFault
from gong_tasks_async.simulator.ledger import Ledger
from gong_tasks_async.simulator.limits import DayLimit, Limits, SecondLimit, day_rule, second_rule
from gong_tasks_async.simulator.oauth import TokenArguments, Tokens
from gong_tasks_async.simulator.paging import CursorFlaw, Cursors
from gong_tasks_async.simulator.responses import ResponseWriter, refuse_too_many, with_fault
from gong_tasks_async.simulator.wire import RefusedError, Request, Response

Json = dict[str, Any]

SCOPES: Final = ("api:tasks:read", "api:tasks:write", "api:users:read", "api:workspaces:read")

_TASK_PATH = re.compile(r"/v2/tasks/([^/]+)")
_USER_PATH = re.compile(r"/v2/users/([^/]+)")
_COUNTED: Final = (Fault.SERVER_ERROR, Fault.TOO_MANY)


@attrs.define(kw_only=True, eq=False)
class Engine:
    """One company's Gong. All settings may be changed later, but for the seed, the sizes and the limits.

    Attributes:
        users: how many users the company has.
        inactive_users: how many of them are inactive, the last ones; None leaves it to chance.
        tasks_per_user: tasks of each user at the start.
        seed: of all made-up data and of chance.
        ids_as_text: the share of tasks whose ids are JSON strings.
        second_limit: by which rule the second is counted.
        per_second: calls a second.
        day_limit: by which rule the day is counted.
        per_day: calls a day.
        day_seconds: length of a day.
        count_rate_limited: whether a refused call counts against the day.
        account: whether the company is active and has Engage.
        scopes: what the credentials may do.
        access_key: the key that is accepted.
        access_key_secret: its secret.
        access_token: a bearer token that no time ends; empty for none.
        client_id: the OAuth app.
        client_secret: its secret.
        refresh_token: the only one that is taken; each use replaces it.
        authorization_code: the only one that is taken, once.
        token_lifetime: how many seconds an issued access token is taken.
        token_arguments: where the arguments of a refresh are accepted.
        api_base_url: the `api_base_url_for_customer` of the token endpoint; None is the address that it was asked
            at.
        fault_rates: the chance of each fault, from 0 to 1.
        token_fault_rates: the same for the token endpoint.
        slow_seconds: how long a SLOW answer takes in all.
        empty_as: how a listing without tasks is answered.
        page_size: users on one page.
        cursor_lifetime: how many seconds a cursor is taken after it was given.
        expired_cursor_status: with which status an expired cursor is refused.
        cursor_flaw: a mistake in the listing of users.
        crm_type: `crmType` of both task calls; None for the older answers without it.
        workspace_ids: the company's workspaces.
        tasks: the live tasks by id, in Gong's spelling.
        people: the live users, in Gong's spelling.
        ledger: everything that arrived.
    """

    users: int = 3
    inactive_users: int | None = None
    tasks_per_user: int = 100
    seed: int = 1
    ids_as_text: float = 0.25
    second_limit: SecondLimit = attrs.field(default=SecondLimit.SLIDING, converter=SecondLimit)
    per_second: float = 3.0
    day_limit: DayLimit = attrs.field(default=DayLimit.ROLLING, converter=DayLimit)
    per_day: int = 10_000
    day_seconds: float = 86_400.0
    count_rate_limited: bool = False
    account: Account = attrs.field(default=Account.ACTIVE, converter=Account)
    scopes: Collection[str] = SCOPES
    access_key: str = "SIMULATEDACCESSKEY"
    access_key_secret: str = "simulated-access-key-secret"  # noqa: S105 - made up
    access_token: str = "simulated-access-token"  # noqa: S105 - made up
    client_id: str = "simulated-client"
    client_secret: str = "simulated-client-secret"  # noqa: S105 - made up
    refresh_token: str = "simulated-refresh-token"  # noqa: S105 - made up
    authorization_code: str = "simulated-authorization-code"
    token_lifetime: float = 86_400.0
    token_arguments: TokenArguments = attrs.field(default=TokenArguments.QUERY, converter=TokenArguments)
    api_base_url: str | None = None
    fault_rates: Mapping[Fault, float] = attrs.field(factory=dict[Fault, float])
    token_fault_rates: Mapping[Fault, float] = attrs.field(factory=dict[Fault, float])
    slow_seconds: float = 5.0
    empty_as: EmptyAs = attrs.field(default=EmptyAs.LIST, converter=EmptyAs)
    page_size: int = 100
    cursor_lifetime: float = math.inf
    expired_cursor_status: HTTPStatus = attrs.field(default=HTTPStatus.BAD_REQUEST, converter=HTTPStatus)
    cursor_flaw: CursorFlaw = attrs.field(default=CursorFlaw.NONE, converter=CursorFlaw)
    crm_type: str | None = "SALESFORCE"
    workspace_ids: tuple[str, ...] = ("623457276584334", "6234572765843341")

    tasks: dict[int, Json] = attrs.field(init=False)
    people: list[Json] = attrs.field(init=False)
    ledger: Ledger = attrs.field(init=False, factory=Ledger)
    _limits: Limits = attrs.field(init=False)
    _faults: FaultQueue = attrs.field(init=False)
    _token_faults: FaultQueue = attrs.field(init=False)
    _tokens: Tokens = attrs.field(init=False)
    _walks: Cursors = attrs.field(init=False, factory=Cursors)
    _responses: ResponseWriter = attrs.field(init=False)
    _changes: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        random = Random(self.seed)  # noqa: S311 - made-up data, no cryptography
        self.people = data.make_users(random, self.users, self.inactive_users)
        self.tasks = data.make_tasks(random, self.user_ids, self.tasks_per_user, self.ids_as_text)
        self._faults = FaultQueue(Random(f"faults of {self.seed}"))  # noqa: S311 - no cryptography
        self._token_faults = FaultQueue(Random(f"token faults of {self.seed}"))  # noqa: S311 - as above
        self._tokens = Tokens(Random(f"tokens of {self.seed}"))  # noqa: S311 - made-up tokens
        self._responses = ResponseWriter(random)
        self._limits = Limits(
            second_rule(self.second_limit, self.per_second),
            day_rule(self.day_limit, self.per_day, self.day_seconds),
            self.count_rate_limited,
        )

    @property
    def user_ids(self) -> list[str]:
        """The users' ids, as requests spell them."""
        return [user["id"] for user in self.people]

    def inject_fault(self, fault: Fault, times: int = 1, retry_after: str | None = None) -> None:
        """Inject a fault into the next `times` requests; `retry_after` is the header's text of a TOO_MANY.

        Args:
            fault: what goes wrong.
            times: for how many requests.
            retry_after: the header's text of a TOO_MANY.
        """
        self._faults.ordered.extend([InjectedFault(fault, retry_after)] * times)

    def inject_token_fault(self, fault: Fault, times: int = 1, retry_after: str | None = None) -> None:
        """Inject a fault into the next `times` requests to the token endpoint.

        Args:
            fault: what goes wrong.
            times: for how many requests.
            retry_after: the header's text of a TOO_MANY.
        """
        self._token_faults.ordered.extend([InjectedFault(fault, retry_after)] * times)

    def issue_token(self, now: float) -> str:
        """Issue an access token at `now`, the time of the loop that serves; no refresh token is used up.

        Args:
            now: the time of the event loop that serves, in seconds.
        """
        return self._tokens.issue(now + self.token_lifetime)

    def expire_tokens(self) -> None:
        """End all access tokens at once; access key and refresh token stay good."""
        self._tokens.expire()
        self.access_token = ""

    def expire_cursors(self) -> None:
        """Let all cursors expire at once."""
        self._walks.expire()

    def answer(self, request: Request, now: float) -> Response:
        """Answer a request that has arrived at `now`, in seconds of any clock that does not go back.

        Args:
            request: the request.
            now: the time of the event loop that serves, in seconds.
        """
        injected = self._next_fault(request)
        response = (
            self._faulty_response(request, now, injected) if injected else self._proper_response(request, now)
        )
        self.ledger.record(request, response, now, is_token_request=request.path == oauth.PATH)
        return response

    def _next_fault(self, request: Request) -> InjectedFault | None:
        if request.path == oauth.PATH:
            return self._token_faults.next(self.token_fault_rates)
        return self._faults.next(self.fault_rates)

    def _faulty_response(self, request: Request, now: float, injected: InjectedFault) -> Response:
        if injected.fault in _COUNTED and request.path != oauth.PATH:
            self._limits.count(now)
        fault_response = self._responses.fault_response(injected)
        return fault_response or with_fault(self._proper_response(request, now), injected.fault)

    def _proper_response(self, request: Request, now: float) -> Response:
        try:
            return self._responses.ok(self._serve(request, now))
        except RefusedError as refused:
            return self._responses.refusal(refused)

    def _serve(self, request: Request, now: float) -> Json:
        match request.method, request.path:
            case "POST", "/v2/tasks":
                self._admit(request, "api:tasks:read", now)
                return self._list(request)
            case "PATCH", path if found := _TASK_PATH.fullmatch(path):
                self._admit(request, "api:tasks:write", now)
                return self._update(found[1], request, now)
            case "GET", "/v2/users":
                self._admit(request, "api:users:read", now)
                return self._list_users(request.query.get("cursor"), now)
            case "GET", path if found := _USER_PATH.fullmatch(path):
                self._admit(request, "api:users:read", now)
                return {"user": calls.user(self.people, found[1])}
            case "GET", "/v2/workspaces":
                self._admit(request, "api:workspaces:read", now)
                return {"workspaces": [calls.workspace(one) for one in self.workspace_ids]}
            case "POST", oauth.PATH:
                return self._refresh(request, now)
            case _:
                raise RefusedError(HTTPStatus.NOT_FOUND, f"No such call: {request.method} {request.path}")

    def _admit(self, request: Request, scope: str, now: float) -> None:
        tokens = filter(None, [self.access_token, *self._tokens.alive(now)])
        keys = access.basic(self.access_key, self.access_key_secret)
        access.check_credentials(request, (keys, *(f"Bearer {token}" for token in tokens)))
        access.check_account(self.account)
        access.check_scope(scope, self.scopes)
        wait = self._limits.refuse(now)
        if wait is not None:
            raise refuse_too_many(str(wait))

    def _list(self, request: Request) -> Json:
        access.check_engage(self.account)
        wanted = validation.read_filter(request)
        found = calls.matching(self.tasks, wanted, self.workspace_ids)
        return self._with_crm_type(calls.listing(found, self.empty_as))

    def _update(self, task_id: str, request: Request, now: float) -> Json:
        access.check_engage(self.account)
        wanted = validation.read_change(request)
        task = calls.change(self.tasks, validation.read_task_id(task_id), wanted, self._stamp(now))
        return self._with_crm_type({"tasks": [task]})

    def _list_users(self, cursor: str | None, now: float) -> Json:
        place = self._walks.place(cursor, now - self.cursor_lifetime, self.expired_cursor_status)
        answer = paging.page_at(place, self.people, self.page_size)
        following = paging.next_place(place, len(self.people), self.page_size, self.cursor_flaw)
        if following is not None:
            answer["records"]["cursor"] = self._walks.give(following, now)
        return answer

    def _refresh(self, request: Request, now: float) -> Json:
        oauth.check_client(request, self.client_id, self.client_secret)
        grant_type, given = oauth.read_grant(request, self.token_arguments)
        if grant_type == "authorization_code":
            oauth.check_code(given, self.authorization_code)
            self.authorization_code = ""
        else:
            oauth.check_refresh_token(given, self.refresh_token)
        self.refresh_token = self._tokens.text("refresh")
        granted = self.issue_token(now), self.refresh_token, self.token_lifetime
        return oauth.grant(*granted, self.scopes, self.api_base_url or access.asked_at(request))

    def _stamp(self, now: float) -> str:
        self._changes += 1
        return data.spell(data.BEGINNING + timedelta(seconds=now, microseconds=self._changes), 3)

    def _with_crm_type(self, body: Json) -> Json:
        return body if self.crm_type is None else {"crmType": self.crm_type, **body}
