"""Signing up, and proving the address with the code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from psycopg.errors import CheckViolation

from infrastructure.identity.errors import (
    InvalidCode,
    InvalidCredentials,
    RateLimited,
    ValidationFailed,
)
from infrastructure.identity.sign_up import SignUp
from tests.identity.people import ADA, CLIENT, OTHER_PASSWORD, PASSWORD, People, text_of, wrong


async def fields_of(people: People, form: SignUp) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as refused:
        await people.identity.sign_up(form, CLIENT)
    return dict(refused.value.fields)


@asynccontextmanager
async def cut_off_before_the_code_is_spent(people: People) -> AsyncIterator[None]:
    """The database refuses to mark anybody as verified within the block, which ends with that."""
    async with people.pool.connection() as connection:
        await connection.execute("ALTER TABLE users ADD CONSTRAINT cut CHECK (NOT email_verified)")
        with pytest.raises(CheckViolation):
            yield
        await connection.execute("ALTER TABLE users DROP CONSTRAINT cut")


async def test_who_types_in_the_code_is_verified_and_has_an_account(people: People) -> None:
    await people.sign_up(deposit=5_00)
    made = await people.verify(await people.new_code())
    assert made.user.email_verified
    assert made.position == 1
    assert await people.events() == [("AccountOpened", made.user.account_id)]


async def test_the_account_is_opened_by_its_owner_with_the_opening_deposit(people: People) -> None:
    await people.sign_up(deposit=5_00)
    made = await people.verify(await people.new_code())
    async with people.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT convert_from(state, 'UTF8')::jsonb FROM stored_events"
        )
        row = await cursor.fetchone()
    assert row is not None
    assert row[0]["actor_id"] == str(made.user.user_id)
    assert row[0]["data"]["owner_id"] == str(made.user.user_id)
    assert row[0]["data"]["opening_deposit"] == 5_00


async def test_spaces_around_the_digits_do_not_matter(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    await people.verify(f" {code[:3]} {code[3:]} ")


async def test_nothing_is_opened_before_the_address_is_verified(people: People) -> None:
    await people.sign_up(deposit=5_00)
    assert await people.events() == []


@pytest.mark.parametrize(
    "typed",
    [
        "{0}-{1}",
        " {0}\u200b{1}\n",
        "{0}\u00ad{1}",
        "\ufeff{0}\u00a0{1}",
        "Your code: {0} {1}.",
        "\u202d{0}{1}\u202c",
    ],
)
async def test_a_code_is_taken_however_it_is_typed_or_pasted(people: People, typed: str) -> None:
    await people.sign_up()
    code = await people.new_code()
    pasted = typed.format(code[:3], code[3:])
    assert (await people.verify(pasted)).user.email_verified


@pytest.mark.parametrize("zero", "\uff10\u0660\u06f0\u0966\U0001d7ce")
async def test_a_code_is_taken_in_all_digits_that_there_are(people: People, zero: str) -> None:
    await people.sign_up()
    code = await people.new_code()
    pasted = "".join(chr(ord(zero) + int(digit)) for digit in code)
    assert (await people.verify(pasted)).user.email_verified


async def test_what_has_not_six_digits_costs_no_try(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    for none in ("", "12345", code + "0", "code", "\ud800", "1" * 5_000, " " * 5_000 + code):
        for _ in range(6):
            with pytest.raises(InvalidCode):
                await people.verify(none)
    assert (await people.verify(code)).user.email_verified


async def test_a_code_is_good_once(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    await people.verify(code)
    with pytest.raises(InvalidCode):
        await people.verify(code)


async def test_of_two_who_use_a_code_at_once_one_succeeds(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    outcomes = await asyncio.gather(
        *(people.verify(code) for _ in range(2)),
        return_exceptions=True,
    )
    assert sorted(isinstance(outcome, InvalidCode) for outcome in outcomes) == [False, True]
    assert len(await people.events()) == 1


async def test_whoever_was_cut_off_after_the_account_was_opened_asks_again_with_the_same_code(
    people: People,
) -> None:
    await people.sign_up(deposit=5_00)
    code = await people.new_code()
    async with cut_off_before_the_code_is_spent(people):
        await people.verify(code)
    assert len(await people.events()) == 1
    made = await people.verify(code)
    assert made.user.email_verified
    assert await people.events() == [("AccountOpened", made.user.account_id)]


async def test_a_code_dies_after_five_wrong_tries(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    for _ in range(5):
        with pytest.raises(InvalidCode):
            await people.verify(wrong(code))
    with pytest.raises(InvalidCode):
        await people.verify(code)


async def test_four_wrong_tries_leave_a_fifth(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    for _ in range(4):
        with pytest.raises(InvalidCode):
            await people.verify(wrong(code))
    await people.verify(code)


async def test_many_tries_at_once_are_five_all_the_same(people: People) -> None:
    await people.sign_up()
    code = int(await people.new_code())
    guesses = [f"{(code + distance) % 10**6:06}" for distance in range(1, 15)]
    outcomes = await asyncio.gather(
        *(people.verify(guess) for guess in guesses),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {InvalidCode}
    with pytest.raises(InvalidCode):
        await people.verify(f"{code:06}")


async def test_a_code_lives_15_minutes(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    people.clock.move(minutes=15)
    with pytest.raises(InvalidCode):
        await people.verify(code)


async def test_a_code_is_still_good_just_before_15_minutes(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    people.clock.move(minutes=14, seconds=59)
    await people.verify(code)


async def test_the_next_code_replaces_the_one_before(people: People) -> None:
    await people.sign_up()
    first = await people.new_code()
    await people.identity.request_verification_code(ADA, CLIENT)
    second = await people.new_code()
    if first != second:
        with pytest.raises(InvalidCode):
            await people.verify(first)
    await people.verify(second)


async def test_a_code_for_a_new_password_verifies_nothing(people: People) -> None:
    await people.sign_up()
    await people.new_code()
    await people.identity.request_password_reset(ADA, CLIENT)
    with pytest.raises(InvalidCode):
        await people.verify(await people.new_code())


async def test_a_code_is_good_for_its_own_address_only(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    await people.sign_up("bob@shop.test")
    with pytest.raises(InvalidCode):
        await people.verify(code, "bob@shop.test")


async def test_after_fifteen_wrong_codes_in_a_day_a_client_is_not_listened_to(
    people: People,
) -> None:
    await people.sign_up()
    code = await people.new_code()
    for _ in range(15):
        with pytest.raises(InvalidCode):
            await people.verify(wrong(code))
    with pytest.raises(RateLimited) as refused:
        await people.verify(wrong(code))
    assert refused.value.retry_after == 24 * 3600


async def test_a_code_that_nobody_was_sent_opens_nothing(people: People) -> None:
    for email in ("nobody@shop.test", "no address"):
        with pytest.raises(InvalidCode):
            await people.verify("123456", email)


@pytest.mark.parametrize(
    "code", ["", "12345", "\ud800", "\0", "1" * 10_000, "\uff11\uff12\uff13\uff14\uff15\uff16"]
)
async def test_what_is_no_code_is_a_wrong_one(people: People, code: str) -> None:
    await people.sign_up()
    await people.new_code()
    with pytest.raises(InvalidCode):
        await people.verify(code)


async def test_the_case_of_an_address_does_not_matter(people: People) -> None:
    await people.sign_up("Ada@Shop.Test")
    made = await people.verify(await people.new_code(), "aDA@sHOP.tEST")
    assert await people.identity.users.by_email("ADA@SHOP.TEST") == made.user


async def test_one_address_in_two_cases_is_one_user(people: People) -> None:
    await people.verified("ada@shop.test")
    await people.sign_up("ADA@shop.test")
    assert await people.rows("users") == 1


async def test_who_has_an_account_gets_a_mail_that_says_so_instead_of_a_code(
    people: People,
) -> None:
    await people.verified()
    await people.sign_up(password=OTHER_PASSWORD)
    [mail] = await people.new_mails()
    assert "already has an account" in text_of(mail)
    assert not any(line.isdigit() for line in text_of(mail).splitlines())


async def test_signing_up_with_a_known_address_changes_nothing(people: People) -> None:
    user = await people.verified()
    await people.sign_up(password=OTHER_PASSWORD, name="Mallory")
    assert await people.identity.users.by_email(ADA) == user
    await people.identity.sign_in(ADA, PASSWORD, CLIENT)


async def test_signing_up_again_before_verifying_counts_for_the_later_code(people: People) -> None:
    await people.sign_up(deposit=1_00)
    await people.new_mails()
    await people.sign_up(password=OTHER_PASSWORD, deposit=2_00)
    await people.verify(await people.new_code())
    await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)
    with pytest.raises(InvalidCredentials):
        await people.identity.sign_in(ADA, PASSWORD, CLIENT)


async def test_the_code_of_the_earlier_sign_up_does_not_verify_the_later(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    await people.sign_up(password=OTHER_PASSWORD)
    with pytest.raises(InvalidCode):
        await people.verify(code)


async def test_who_is_signed_up_again_by_somebody_else_is_warned(people: People) -> None:
    await people.sign_up()
    await people.new_mails()
    await people.sign_up(password=OTHER_PASSWORD)
    [mail] = await people.new_mails()
    assert "more than once" in text_of(mail)


async def test_an_account_that_was_opened_for_an_earlier_sign_up_does_not_stand_in_the_way(
    people: People,
) -> None:
    await people.sign_up(deposit=1_00)
    code = await people.new_code()
    async with cut_off_before_the_code_is_spent(people):
        await people.verify(code)
    await people.sign_up(deposit=2_00)
    made = await people.verify(await people.new_code())
    assert made.user.email_verified


async def test_who_needs_no_code_is_told_so(people: People) -> None:
    await people.verified()
    await people.identity.request_verification_code(ADA, CLIENT)
    [mail] = await people.new_mails()
    assert "verified already" in text_of(mail)


async def test_nobody_is_mailed_at_an_address_without_an_account(people: People) -> None:
    await people.identity.request_verification_code("nobody@shop.test", CLIENT)
    await people.identity.request_password_reset("nobody@shop.test", CLIENT)
    await people.identity.request_verification_code("no address", CLIENT)
    assert await people.new_mails() == []
    assert await people.rows("outbox_mails") == 0


async def test_all_that_is_wrong_is_reported_at_once(people: People) -> None:
    form = SignUp("no address", "short", " ", "ADMIN", "wrong", -1)
    assert set(await fields_of(people, form)) == {
        "email",
        "password",
        "name",
        "openingDeposit",
        "adminCode",
    }


async def test_what_the_caller_found_wrong_is_reported_with_the_rest(people: People) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await people.identity.sign_up(
            SignUp("no address", PASSWORD, "Ada"), CLIENT, [("openingDeposit", "Must be a number.")]
        )
    assert dict(refused.value.fields).keys() == {"email", "openingDeposit"}


async def test_a_field_that_the_caller_found_wrong_is_reported_once(people: People) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await people.identity.sign_up(
            SignUp(ADA, PASSWORD, " "), CLIENT, [("name", "Must not be blank.")]
        )
    assert refused.value.fields == (("name", "Must not be blank."),)


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@shop.test", "ada@shop", "ada shop@shop.test", "ada@shop..test",
     "ada@localhost", "Ada <ada@shop.test>", "ädä@shop.test", "ad\u0131@shop.test",
     "ada@shop.test\nBcc: bob@shop.test", "ada\0@shop.test", "\ud800@shop.test",
     "a@\ud800.test", "a" * 300 + "@shop.test", "ada@[127.0.0.1]", '"a b"@shop.test'],
)  # fmt: skip
async def test_what_is_no_address_is_refused(people: People, email: str) -> None:
    assert set(await fields_of(people, SignUp(email, PASSWORD, "Ada"))) == {"email"}


@pytest.mark.parametrize("name", ["", "  ", "\u200d", "Ada\0", "Ada\nL", "\ud800", "a" * 101])
async def test_a_name_is_one_line_of_printable_characters(people: People, name: str) -> None:
    assert set(await fields_of(people, SignUp(ADA, PASSWORD, name))) == {"name"}


@pytest.mark.parametrize(
    "name", ["Ada", "Ólafur Arnalds", "李小龙", "O'Brien; DROP TABLE", "👩‍👩‍👧"]
)
async def test_names_are_as_people_write_them(people: People, name: str) -> None:
    await people.sign_up(name=f" {name} ")
    user = await people.identity.users.by_email(ADA)
    assert user is not None
    assert user.name == name


async def test_an_administrator_brings_the_code(people: People) -> None:
    form = SignUp(ADA, PASSWORD, "Ada L", "ADMIN", "let me in")
    await people.identity.sign_up(form, CLIENT)
    made = await people.verify(await people.new_code())
    assert made.user.role == "ADMIN"


@pytest.mark.parametrize("code", [None, "", "let me", "let me in!", "\ud800"])
async def test_nobody_becomes_an_administrator_without_the_code(
    people: People, code: str | None
) -> None:
    form = SignUp(ADA, PASSWORD, "Ada L", "ADMIN", code)
    assert set(await fields_of(people, form)) == {"adminCode"}


async def test_the_administrators_code_cannot_be_guessed_without_end(people: People) -> None:
    for guess in range(60):
        form = SignUp(ADA, PASSWORD, "Ada L", "ADMIN", str(guess))
        assert set(await fields_of(people, form)) == {"adminCode"}
    with pytest.raises(RateLimited):
        await people.identity.sign_up(SignUp(ADA, PASSWORD, "Ada L", "ADMIN", "let me in"), CLIENT)


async def test_a_client_signs_up_60_times_an_hour(people: People) -> None:
    for number in range(60):
        await people.sign_up(f"user{number}@shop.test")
    with pytest.raises(RateLimited) as refused:
        await people.sign_up("one-more@shop.test")
    assert refused.value.retry_after == 3600
    await people.identity.sign_up(SignUp(ADA, PASSWORD, "Ada L"), "192.0.2.2")
    people.clock.move(hours=1)
    await people.sign_up("one-more@shop.test")


async def test_what_is_wrong_with_the_input_does_not_count_as_a_sign_up(people: People) -> None:
    for _ in range(61):
        await fields_of(people, SignUp("no address", PASSWORD, "Ada L"))
    await people.sign_up()


async def test_who_is_made_by_an_operator_is_verified_at_once(people: People) -> None:
    form = SignUp("root@shop.test", PASSWORD, "Root", "ADMIN", opening_deposit=1_000_00)
    made = await people.identity.create_user(form, uuid4())
    assert made.user.email_verified
    assert made.user.role == "ADMIN"
    assert await people.events() == [("AccountOpened", made.user.account_id)]
    await people.identity.sign_in("root@shop.test", PASSWORD, CLIENT)
    assert await people.new_mails() == []


async def test_an_operator_is_told_that_an_address_is_taken(people: People) -> None:
    await people.verified()
    with pytest.raises(ValidationFailed) as refused:
        await people.identity.create_user(SignUp(ADA, PASSWORD, "Ada L", "ADMIN"), uuid4())
    assert dict(refused.value.fields) == {"email": "Has an account already."}


async def test_an_operator_may_take_an_address_that_nobody_has_verified(people: People) -> None:
    await people.sign_up()
    form = SignUp(ADA, OTHER_PASSWORD, "Root", "ADMIN")
    assert (await people.identity.create_user(form, uuid4())).user.role == "ADMIN"
