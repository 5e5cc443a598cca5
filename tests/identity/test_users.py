"""Looking users up."""

from infrastructure.identity.users import parse_address
from infrastructure.ids import new_id
from tests.identity.people import ADA, People


async def test_users_are_found_by_id_and_by_address(people: People) -> None:
    user = await people.verified()
    assert await people.identity.users.by_id(user.user_id) == user
    assert await people.identity.users.by_email(f" {ADA.upper()} ") == user


async def test_somebody_who_is_not_there_is_not_found(people: People) -> None:
    assert await people.identity.users.by_id(new_id()) is None
    assert await people.identity.users.by_email("nobody@shop.test") is None
    assert await people.identity.users.by_email("no address") is None


async def test_many_are_found_at_once(people: People) -> None:
    made = [await people.verified(f"user{number}@shop.test") for number in range(3)]
    ids = [user.user_id for user in made]
    assert await people.identity.users.by_ids([*ids, new_id()]) == dict(zip(ids, made, strict=True))


async def test_all_are_listed_in_pages_in_the_order_of_their_signing_up(people: People) -> None:
    for number in range(5):
        await people.sign_up(f"user{number}@shop.test")
    users = people.identity.users
    page = await users.page(first=3)
    rest = await users.page(first=3, after=page[-1].user_id)
    assert [user.email for user in page + rest] == [f"user{n}@shop.test" for n in range(5)]


async def test_the_address_is_shown_as_it_was_written(people: People) -> None:
    user = await people.verified("Ada.L@Shop.test")
    assert user.email == "Ada.L@shop.test"


def test_an_international_domain_is_compared_in_ascii() -> None:
    address = parse_address("Ada@ŁÓDŹ.pl")
    assert address.shown == "Ada@łódź.pl"
    assert address.key == "ada@xn--d-uga0v4h.pl"
    assert parse_address("ada@xn--d-uga0v4h.pl").key == address.key
