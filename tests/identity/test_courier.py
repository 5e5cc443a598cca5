"""The outbox and the courier who empties it."""

import asyncio
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from infrastructure.identity.errors import InvalidCode
from infrastructure.identity.mailer import LEASE, MOST_ATTEMPTS, TAKE
from infrastructure.mail.transports import MailFolder, Smtp
from tests.identity.people import ADA, AT_LAST, CLIENT, People, code_in, text_of, until


async def outbox(people: People) -> list[tuple[Any, ...]]:
    """(kind, attempts, last_error, given up) of each row."""
    async with people.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT kind, attempts, last_error, given_up_at IS NOT NULL FROM outbox_mails"
            " ORDER BY mail_id"
        )
        return await cursor.fetchall()


async def test_a_mail_leaves_and_nothing_of_it_is_kept(people: People) -> None:
    await people.sign_up()
    [mail] = await people.new_mails()
    assert mail["To"] == ADA
    assert mail["From"] == "Shop <shop@shop.test>"
    assert await people.rows("outbox_mails") == 0


async def test_no_code_stands_in_the_database(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    async with people.pool.connection() as connection:
        cursor = await connection.execute("SELECT mail_codes::text FROM mail_codes")
        [(row,)] = await cursor.fetchall()
    assert code not in row


async def test_a_mail_server_that_is_down_costs_nobody_a_sign_up(people: People) -> None:
    await people.sign_up("before@shop.test")
    await people.new_mails()
    server = people.server
    people.server = type(server)()
    people.server._port = 1  # nobody listens there
    await people.sign_up()
    await people.courier().deliver()
    [(kind, attempts, error, given_up)] = await outbox(people)
    assert (kind, attempts, given_up) == ("SIGN_UP", 1, False)
    assert "SMTPConnectError" in error
    people.server = server
    people.clock.move(minutes=1)
    assert await people.verify(await people.new_code()) is not None


async def test_a_code_lives_15_minutes_from_when_it_was_sent(people: People) -> None:
    await people.sign_up()
    people.clock.move(hours=3)
    assert await people.verify(await people.new_code()) is not None


async def test_each_failure_makes_the_pause_longer(people: People) -> None:
    people.server.refusals["DATA"] = "451 later"
    await people.sign_up()
    pauses = []
    for _ in range(8):
        await people.courier().deliver()
        async with people.pool.connection() as connection:
            cursor = await connection.execute("SELECT due_at FROM outbox_mails")
            [(due_at,)] = await cursor.fetchall()
        pauses.append((due_at - people.clock()).total_seconds())
        people.clock.now = due_at
    for number, pause in enumerate(pauses):
        assert 2.5 * 2**number <= pause <= 7.5 * 2**number


async def test_a_mail_is_not_tried_before_it_is_due(people: People) -> None:
    people.server.refusals["DATA"] = "451 later"
    await people.sign_up()
    assert await people.courier().deliver() == 1
    assert await people.courier().deliver() == 0


async def test_a_mail_that_never_gets_through_is_given_up_and_kept(people: People) -> None:
    people.server.refusals["DATA"] = "451 later"
    await people.sign_up()
    for _ in range(MOST_ATTEMPTS):
        assert await people.courier().deliver() == 1
        people.clock.move(hours=1)
    assert await people.courier().deliver() == 0
    assert await outbox(people) == [("SIGN_UP", MOST_ATTEMPTS, "451 later", True)]


async def test_one_that_fails_does_not_hold_up_the_others(people: People) -> None:
    await people.sign_up("first@shop.test")
    async with people.pool.connection() as connection:
        await connection.execute("UPDATE users SET email = 'no address'")
    await people.sign_up("second@shop.test")
    [mail] = await people.new_mails()
    assert mail["To"] == "second@shop.test"
    assert [(row[1], row[2]) for row in await outbox(people)] == [
        (1, "ValueError: Must be an e-mail address.")
    ]


async def test_two_couriers_send_a_mail_once(people: People) -> None:
    for number in range(20):
        await people.sign_up(f"user{number}@shop.test")
    couriers = [people.courier() for _ in range(4)]
    while any(await asyncio.gather(*(courier.deliver() for courier in couriers))):
        pass
    assert len(people.server.mails) == 20
    assert len({mail["To"] for mail in people.server.mails}) == 20


async def test_a_courier_does_not_wait_for_what_another_is_taking(people: People) -> None:
    await people.sign_up()
    taking = {"now": people.clock(), "lease": LEASE, "batch": 1}
    async with people.pool.connection() as connection, connection.transaction():
        await connection.execute(TAKE, taking)
        async with asyncio.timeout(AT_LAST):
            assert await people.courier().deliver() == 0


async def test_what_a_courier_died_with_is_sent_two_minutes_later(people: People) -> None:
    await people.sign_up()
    people.server.silent = True
    dying = asyncio.create_task(people.courier().deliver())
    await people.server.reached.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    people.server.silent = False
    assert await people.new_mails() == []
    people.clock.move(minutes=2)
    assert len(await people.new_mails()) == 1


async def test_of_two_codes_that_wait_only_the_later_is_sent(people: People) -> None:
    await people.sign_up()
    await people.identity.request_verification_code(ADA, CLIENT)
    await people.verify(await people.new_code())
    assert await people.new_mails() == []


async def test_codes_for_two_purposes_are_both_sent(people: People) -> None:
    await people.sign_up()
    await people.identity.request_password_reset(ADA, CLIENT)
    assert len(await people.new_mails()) == 2


async def test_a_running_courier_is_woken_by_a_sign_up_and_stops_when_told(people: People) -> None:
    stop = asyncio.Event()
    courier = people.courier()
    courier._poll = 60
    running = asyncio.create_task(courier.run(stop))
    await until(lambda: listens(people))
    await people.sign_up()
    await until(lambda: has_mail(people))
    stop.set()
    await people.sign_up("bob@shop.test")  # wakes it, so that it sees that it should stop
    async with asyncio.timeout(AT_LAST):
        await running


async def has_mail(people: People) -> bool:
    return bool(people.server.mails)


async def listens(people: People) -> bool:
    async with people.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT FROM pg_stat_activity WHERE application_name = 'shop courier'"
            " AND datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'"
        )
        return cursor.rowcount == 1


async def test_a_courier_outlives_its_connection(people: People) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(people.courier().run(stop))
    await until(lambda: listens(people))
    async with people.pool.connection() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'shop courier' AND datname = current_database()"
        )
    await people.sign_up()
    await until(lambda: has_mail(people))
    stop.set()
    async with asyncio.timeout(AT_LAST):
        await running


async def test_without_a_mail_server_mails_are_files(people: People, tmp_path: Path) -> None:
    courier = people.courier()
    courier._transport = MailFolder(tmp_path / "mail")
    await people.sign_up()
    await courier.deliver()
    [file] = (tmp_path / "mail").iterdir()
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o077 == 0
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert mail["To"] == ADA
    assert await people.verify(code_in(mail)) is not None


async def test_an_international_domain_is_mailed_to_in_ascii(people: People) -> None:
    await people.sign_up("ada@sklep-łódź.pl")
    [mail] = await people.new_mails()
    assert mail["To"] == "ada@xn--sklep-d-t0a8ow2g.pl" or str(mail["To"]).startswith("ada@xn--")


async def test_nothing_that_somebody_typed_in_is_mailed_to_others(people: People) -> None:
    await people.sign_up(name="Buy now at https://evil.test")
    [mail] = await people.new_mails()
    assert "evil" not in mail.as_string()


async def test_a_dead_code_is_dead_though_a_new_mail_waits(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    await people.sign_up()
    with pytest.raises(InvalidCode):
        await people.verify(code)
    [mail] = await people.new_mails()
    assert "code" in text_of(mail)


async def test_a_mail_server_that_wants_a_password_gets_it(people: People) -> None:
    asked = []

    def check(
        _server: object, _session: object, _envelope: object, _how: str, data: object
    ) -> object:
        asked.append(data)
        return AuthResult(success=True)

    people.server.authenticator = check
    people.server.user = "me:p%40ss@"
    await people.sign_up()
    assert len(await people.new_mails()) == 1
    assert asked == [LoginPassword(b"me", b"p@ss")]


@pytest.mark.parametrize(("scheme", "query"), [("smtps", ""), ("smtp", "?starttls")])
async def test_what_should_be_encrypted_is_not_sent_in_the_clear(
    people: People, scheme: str, query: str
) -> None:
    courier = people.courier()
    courier._transport = Smtp.parse(people.server.url.replace("smtp", scheme) + query)
    await people.sign_up()
    await courier.deliver()
    assert people.server.mails == []
    assert [row[1] for row in await outbox(people)] == [1]
