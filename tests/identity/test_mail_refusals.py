"""What a mail server may say, at every stage, and what becomes of the mail."""

from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from tests.identity.people import ADA, CLIENT, People, code_in
from tests.identity.test_courier import outbox

OF_ALL_MAILS = ("greeting", "EHLO", "AUTH", "MAIL FROM")
OF_ONE_MAIL = ("RCPT TO", "DATA")
STAGES = (*OF_ALL_MAILS, *OF_ONE_MAIL)


def refuse(people: People, stage: str, reply: str) -> None:
    """Have the mail server say this at that stage, from now on."""
    people.server.refusals[stage] = reply
    if stage == "AUTH":

        def no(*_: object) -> AuthResult:
            return AuthResult(success=False, handled=False, message=reply)

        people.server.authenticator = no
        people.server.user = "shop:hush@"


def accept(people: People) -> None:
    people.server.refusals.clear()
    people.server.authenticator = None
    people.server.user = ""


async def tried_for_a_day(people: People) -> int:
    """How often the mail server was reached meanwhile."""
    before = people.server.connections
    for _ in range(24):
        await people.courier().deliver()
        people.clock.move(hours=1)
    return people.server.connections - before


async def stage_of(people: People) -> Any:
    async with people.pool.connection() as connection:
        cursor = await connection.execute("SELECT stage FROM outbox_mails")
        [(stage,)] = await cursor.fetchall()
    return stage


@pytest.mark.parametrize("stage", STAGES)
async def test_what_is_refused_for_good_is_tried_once_and_kept_with_the_reason(
    people: People, stage: str
) -> None:
    refuse(people, stage, "554 5.7.1 not from you")
    await people.sign_up()
    assert await tried_for_a_day(people) == 1
    [(kind, attempts, error, given_up)] = await outbox(people)
    assert (kind, attempts, given_up) == ("SIGN_UP", 1, True)
    assert error.startswith("554 ")
    assert await stage_of(people) == stage


@pytest.mark.parametrize("stage", STAGES)
async def test_what_is_refused_for_now_is_tried_again(people: People, stage: str) -> None:
    refuse(people, stage, "451 4.3.2 later")
    await people.sign_up()
    await people.courier().deliver()
    [(_, attempts, error, given_up)] = await outbox(people)
    assert (attempts, given_up) == (1, False)
    assert error.startswith("451 ")
    accept(people)
    people.clock.move(minutes=1)
    await people.verify(await people.new_code())


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "DATA"])
@pytest.mark.parametrize("status", [451, 550])
async def test_the_code_that_is_out_stays_good_until_another_mail_can_leave(
    people: People, stage: str, status: int
) -> None:
    await people.sign_up()
    code = await people.new_code()
    await people.identity.request_verification_code(ADA, CLIENT)
    refuse(people, stage, f"{status} no")
    assert await people.new_mails() == []
    await people.verify(code)


@pytest.mark.parametrize("stage", STAGES)
async def test_what_concerns_all_mails_is_an_error_and_what_concerns_one_a_warning(
    people: People, stage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    refuse(
        people, stage, f"550 5.7.1 nothing for {ADA}" if stage in OF_ONE_MAIL else "550 5.7.1 no"
    )
    await people.sign_up()
    await people.courier().deliver()
    logged = capfd.readouterr().out
    assert ("takes no mails of ours" in logged) == (stage in OF_ALL_MAILS)
    assert ("mail given up" in logged) == (stage in OF_ONE_MAIL)
    assert stage in logged
    assert ADA not in logged


async def test_a_connection_that_breaks_is_tried_again(people: People) -> None:
    people.server.refusals["greeting"] = ""  # a line that is no greeting
    await people.sign_up()
    await people.courier().deliver()
    [(_, _, _, given_up)] = await outbox(people)
    assert not given_up
    assert await stage_of(people) == "connection"
    accept(people)
    people.clock.move(minutes=1)
    [mail] = await people.new_mails()
    await people.verify(code_in(mail))
