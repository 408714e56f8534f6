from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gong_tasks_async import (
    AccessKey,
    BadRequestError,
    DecodeError,
    GongTasksClient,
    MissingScopeError,
    SpokenLanguage,
    TaskNotFoundError,
    Unlimited,
    User,
    UserSettings,
)
from gong_tasks_async.codec import decode_users
from gong_tasks_async.simulator import Engine, SecondLimit, make_app, memory_session
from tests.conftest import Connect, credentials_of
from tests.fakes import ScriptedClient, ScriptedTransport, answer

USER = {
    "id": "234599484848423",
    "emailAddress": "ann@example.com",
    "created": "2018-02-18T02:30:00-07:00",
    "active": True,
    "firstName": "Ann",
    "lastName": "Lee",
    "title": "Seller",
    "managerId": 234599484848424,
    "emailAliases": ["ann.old@example.com"],
    "trustedEmailAddress": "ann@sso.example.com",
    "phoneNumber": "+1 555",
    "extension": "7",
    "personalMeetingUrls": ["https://zoom.us/j/7"],
    "settings": {"emailsImported": True, "gongConnectEnabled": False},
    "meetingConsentPageUrl": "https://join.gong.io/ann",
    "conferencingProviders": ["zoom"],
    "spokenLanguages": [{"language": "en-US", "primary": True}],
}


def company(**settings: Any) -> Engine:
    usual: dict[str, Any] = {
        "second_limit": SecondLimit.NONE,
        "users": 25,
        "tasks_per_user": 4,
        "page_size": 10,
    }
    return Engine(**usual | settings)


def page(*ids: str, cursor: str | None = None) -> dict[str, Any]:
    records = {"totalRecords": 9, "cursor": cursor} if cursor else {"totalRecords": 9}
    return {"requestId": "r", "records": records, "users": [{"id": number} for number in ids]}


def scripted(transport: ScriptedTransport) -> ScriptedClient:
    client = ScriptedClient(AccessKey("k", "s"), quota=Unlimited())
    client.transport = transport
    return client


def test_every_field_of_a_user_is_read() -> None:
    found = decode_users(
        answer(200, {"requestId": "r", "records": {"totalRecords": 1}, "users": [USER]}).body
    )
    assert found.users == (
        User(
            id="234599484848423",
            email_address="ann@example.com",
            created=datetime(2018, 2, 18, 9, 30, tzinfo=UTC),
            active=True,
            first_name="Ann",
            last_name="Lee",
            title="Seller",
            manager_id="234599484848424",
            email_aliases=("ann.old@example.com",),
            trusted_email_address="ann@sso.example.com",
            phone_number="+1 555",
            extension="7",
            personal_meeting_urls=("https://zoom.us/j/7",),
            settings=UserSettings(emails_imported=True, gong_connect_enabled=False),
            meeting_consent_page_url="https://join.gong.io/ann",
            conferencing_providers=["zoom"],
            spoken_languages=(SpokenLanguage(language="en-US", primary=True),),
        ),
    )
    assert found.users[0].name == "Ann Lee"
    assert found.records is not None
    assert (found.records.total_records, found.records.cursor) == (1, None)


@pytest.mark.parametrize(
    ("user", "path"),
    [
        ({**USER, "active": "yes"}, "$.users[0].active"),
        ({**USER, "emailAddress": 7}, "$.users[0].emailAddress"),
        ("Ann", "$.users[0]"),
    ],
)
def test_a_user_that_cannot_be_read_is_named(user: object, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_users(answer(200, {"users": [user]}).body)
    assert caught.value.path == path


@pytest.mark.both_ways
class TestBothWays:
    async def test_everybody_comes_once_a_page_a_call(self, connect: Connect) -> None:
        gong = company()
        client = await connect(gong, quota=Unlimited())
        users = [user async for user in client.iter_users()]
        assert [user.id for user in users] == list(gong.user_ids)
        assert all(user.email_address and user.name for user in users)
        assert gong.ledger.calls == 3

    async def test_the_tasks_of_everybody_active_take_one_line(self, connect: Connect) -> None:
        gong = company(inactive_users=5)
        client = await connect(gong, quota=Unlimited())
        listed = [one async for one in client.list_many(u.id async for u in client.iter_users() if u.active)]
        assert {one.filter.user_id for one in listed} == set(gong.user_ids[:20])
        assert all(one.error is None for one in listed)

    async def test_people_are_found_by_their_address_in_any_case(self, connect: Connect) -> None:
        gong = company()
        client = await connect(gong, quota=Unlimited())
        first = str(gong.people[0]["emailAddress"])
        found = await client.find_users([first.upper(), f" {first}", "nobody@example.com"])
        assert {address: user.id for address, user in found.items()} == {
            first.upper(): gong.user_ids[0],
            f" {first}": gong.user_ids[0],
        }

    async def test_a_missing_scope_is_named(self, connect: Connect) -> None:
        gong = company(scopes={"api:tasks:read"})
        client = await connect(gong, quota=Unlimited())
        with pytest.raises(MissingScopeError) as caught:
            await client.find_users(["ann@example.com"])
        assert caught.value.scope == "api:users:read"


@pytest.mark.virtual
class TestCursors:
    async def test_looking_somebody_up_reads_no_further_than_it_must(self, connect: Connect) -> None:
        gong = company()
        client = await connect(gong, quota=Unlimited())
        await client.find_users([str(gong.people[12]["emailAddress"])])
        assert gong.ledger.calls == 2
        assert await client.find_users([]) == {}
        assert gong.ledger.calls == 2

    @pytest.mark.parametrize(("flaw", "calls"), [("repeats", 2), ("cycles", 3)])
    async def test_a_cursor_that_repeats_is_an_error_and_no_loop(
        self, connect: Connect, flaw: str, calls: int
    ) -> None:
        gong = company(cursor_flaw=flaw)
        client = await connect(gong, quota=Unlimited())
        with pytest.raises(DecodeError) as caught:
            [user async for user in client.iter_users()]
        assert caught.value.path == "$.records.cursor"
        assert caught.value.url.endswith("/v2/users")
        assert gong.ledger.calls <= calls + 1

    @pytest.mark.parametrize("users", [(), ("1", "2")])
    async def test_ever_new_cursors_without_another_user_are_an_error_and_no_loop(
        self, users: tuple[str, ...]
    ) -> None:
        pages = [answer(200, page(*users, cursor=f"c{number}")) for number in range(50)]
        transport = ScriptedTransport(*pages)
        async with scripted(transport) as client:
            with pytest.raises(DecodeError, match="never end"):
                [user async for user in client.iter_users()]
        assert len(transport.sent) <= 11

    @pytest.mark.parametrize("status", [400, 404])
    async def test_a_cursor_that_expired_begins_anew_and_yields_nobody_twice(
        self, connect: Connect, status: int
    ) -> None:
        gong = company(expired_cursor_status=status)
        client = await connect(gong, quota=Unlimited())
        ids = []
        async for user in client.iter_users():
            ids.append(user.id)
            if len(ids) == 15:
                gong.expire_cursors()
        assert ids == list(gong.user_ids)

    async def test_a_cursor_that_never_lasts_is_given_up(self, connect: Connect) -> None:
        gong = company(cursor_lifetime=0.0)
        client = await connect(gong, quota=Unlimited())
        with pytest.raises(BadRequestError):
            [user async for user in client.iter_users()]
        assert gong.ledger.calls == 8

    async def test_a_refusal_of_the_first_page_is_no_expired_cursor(self) -> None:
        transport = ScriptedTransport(answer(404))
        async with scripted(transport) as client:
            with pytest.raises(TaskNotFoundError):
                [user async for user in client.iter_users()]
        assert len(transport.sent) == 1

    async def test_who_moves_to_a_later_page_while_one_reads_comes_once(self) -> None:
        transport = ScriptedTransport(answer(200, page("1", "2", cursor="c")), answer(200, page("2", "3")))
        async with scripted(transport) as client:
            assert [user.id async for user in client.iter_users()] == ["1", "2", "3"]
        assert [dict(request.query) for _, request in transport.sent] == [{}, {"cursor": "c"}]

    async def test_users_without_an_id_are_not_taken_for_one_another(self) -> None:
        people = [{"emailAddress": "ann@example.com"}, {"emailAddress": "bob@example.com"}]
        async with scripted(ScriptedTransport(answer(200, {"users": people}))) as client:
            assert len([user async for user in client.iter_users()]) == 2

    @pytest.mark.parametrize("blank", ["", "  "])
    async def test_a_blank_address_finds_nobody(self, blank: str) -> None:
        async with scripted(ScriptedTransport(answer(200, page("1")))) as client:
            assert await client.find_users([blank]) == {}

    async def test_one_address_is_not_taken_letter_by_letter(self) -> None:
        async with scripted(ScriptedTransport(answer(200, {"users": [USER]}))) as client:
            assert list(await client.find_users("ann@example.com")) == ["ann@example.com"]


def person(number: int, address: str | None, **fields: Any) -> dict[str, Any]:
    return {"id": str(number), "emailAddress": address, "active": True, **fields}


async def found(people: list[dict[str, Any]], *addresses: str) -> dict[str, str]:
    gong = company()
    gong.people[:] = people
    async with memory_session(make_app(gong)) as session:
        settings: Any = {"session": session, "quota": Unlimited(), "base_url": "http://localhost"}
        async with GongTasksClient(credentials_of(gong), **settings) as client:
            return {address: user.id for address, user in (await client.find_users(addresses)).items()}


@pytest.mark.parametrize("order", [1, -1], ids=["first", "last"])
async def test_an_active_user_comes_before_an_inactive_one(order: int) -> None:
    people = [person(1, "a@x.example", active=False), person(2, "a@x.example")][::order]
    assert await found(people, "A@x.example") == {"A@x.example": "2"}
    assert await found(people[:1], "a@x.example") == {"a@x.example": people[0]["id"]}


@pytest.mark.parametrize("order", [1, -1], ids=["first", "last"])
async def test_an_own_address_comes_before_an_alias(order: int) -> None:
    people = [person(1, "b@x.example", emailAliases=["a@x.example"]), person(2, "a@x.example")][::order]
    assert await found(people, "a@x.example") == {"a@x.example": "2"}


async def test_a_user_is_found_by_each_address() -> None:
    other = {"emailAliases": ["Old@x.example", "older@x.example"], "trustedEmailAddress": "a@sso.example"}
    wanted = ["a@x.example", "old@x.example", "OLDER@x.example", "a@sso.example"]
    assert await found([person(1, "a@x.example", **other)], *wanted) == dict.fromkeys(wanted, "1")


@pytest.mark.parametrize(
    ("one", "other"), [("stra\u00dfe", "strasse"), ("\ufb01sh", "fish"), ("a\u030a", "a")]
)
async def test_two_mailboxes_are_two_addresses(one: str, other: str) -> None:
    assert await found([person(1, f"{one}@x.example")], f"{other}@x.example") == {}
    assert await found([person(1, f"{other}@x.example")], f"{one}@x.example") == {}


async def test_one_mailbox_is_found_in_any_spelling() -> None:
    spellings = ["Jos\u00e9@x.example", "JOSE\u0301@X.example", " jos\u00e9@x.example"]
    assert await found([person(1, "jos\u00e9@x.example")], *spellings) == dict.fromkeys(spellings, "1")
