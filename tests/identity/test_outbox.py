"""What operators see of mails that have not left, and do about it."""

import asyncio
import json
import subprocess
from typing import Any

from infrastructure.identity.outbox import mails_unsent
from tests.cli.forked import SHOP
from tests.cli.running import KEY, environment
from tests.identity.people import ADA, People, code_in

BOB = "bob@shop.test"


async def mails(people: People, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`shop mails` with these arguments, in a process of its own."""
    return await asyncio.to_thread(
        subprocess.run,
        [*SHOP, "mails", *arguments],
        env=environment(SHOP_DATABASE_URL=people.url, SHOP_SECRET_KEY=KEY),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def told(people: People, *arguments: str) -> list[dict[str, Any]]:
    done = await mails(people, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


async def given_up(people: People) -> None:
    """Bob's mail waits; Ada's is refused, because the sender is wrong."""
    people.server.refusals["MAIL FROM"] = "550 5.7.1 not from there"
    await people.sign_up()
    await people.courier().deliver()
    await people.sign_up(BOB)


async def test_what_was_given_up_is_listed_with_what_the_mail_server_said(people: People) -> None:
    await given_up(people)
    everything = await told(people, "list")
    assert [(mail["email"], mail["givenUpAt"] is None) for mail in everything] == [
        (ADA, False),
        (BOB, True),
    ]
    [mail] = await told(people, "list", "--given-up")
    assert (mail["stage"], mail["error"]) == ("MAIL FROM", "550 5.7.1 not from there")
    table = (await mails(people, "list")).stdout
    assert "550 5.7.1 not from there" in table


async def test_what_was_given_up_is_sent_again_when_an_operator_says_so(people: People) -> None:
    await given_up(people)
    people.server.refusals.clear()
    done = await mails(people, "retry", "--all")
    assert (done.returncode, done.stdout.count("is sent again")) == (0, 1)
    sent = {mail["To"]: mail for mail in await people.new_mails()}
    assert sent.keys() == {ADA, BOB}
    await people.verify(code_in(sent[ADA]))


async def test_what_was_given_up_is_dropped_when_an_operator_says_so(people: People) -> None:
    await given_up(people)
    [mail] = await told(people, "list", "--given-up")
    assert (await mails(people, "drop", mail["mailId"])).returncode == 2  # nobody can be asked
    assert await told(people, "drop", mail["mailId"], "--yes") == [mail]
    assert (await mails(people, "list", "--given-up")).stdout == "No mail was given up.\n"
    assert (await mails(people, "drop", mail["mailId"], "--yes")).returncode == 1
    assert (await mails(people, "retry")).returncode == 2


async def test_what_has_not_left_is_counted(people: People) -> None:
    await given_up(people)
    async with people.pool.connection() as connection:
        await connection.execute(
            "UPDATE outbox_mails SET created_at = clock_timestamp() - interval '5 minutes'"
        )
        unsent = await mails_unsent(connection)
    assert (unsent.waiting, unsent.given_up) == (1, [("MAIL FROM", 1)])
    assert 300 <= unsent.oldest < 400
