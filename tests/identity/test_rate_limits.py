"""How often is too often."""

import asyncio
from datetime import timedelta

import pytest
from psycopg_pool import AsyncConnectionPool

from infrastructure.identity.errors import RateLimited
from infrastructure.identity.rate_limits import Limit, RateLimits, TokenBuckets, client_of
from tests.identity.people import MovableClock, People

THREE_A_MINUTE = Limit("tests", 3, timedelta(minutes=1))


async def take(people: People, subject: str = "", client: str = "") -> int:
    limits = RateLimits(clock=people.clock)
    async with people.pool.connection() as connection:
        return await limits.take(connection, THREE_A_MINUTE, subject=subject, client=client)


async def test_so_many_are_let_through_and_no_more(people: People) -> None:
    assert [await take(people) for _ in range(4)] == [0, 0, 0, 60]


async def test_the_wait_is_until_the_oldest_counts_no_more(people: People) -> None:
    for _ in range(3):
        await take(people)
        people.clock.move(seconds=10)
    assert await take(people) == 30


async def test_the_window_slides(people: People) -> None:
    for _ in range(3):
        await take(people)
        people.clock.move(seconds=10)
    people.clock.move(seconds=30)
    assert await take(people) == 0
    assert await take(people) == 10


async def test_what_was_refused_does_not_count(people: People) -> None:
    for _ in range(10):
        await take(people)
    people.clock.move(minutes=1)
    assert [await take(people) for _ in range(4)] == [0, 0, 0, 60]


async def test_subjects_and_clients_are_counted_apart(people: People) -> None:
    for _ in range(3):
        await take(people, "ada", "here")
    assert await take(people, "ada", "there") == 0
    assert await take(people, "bob", "here") == 0
    assert await take(people, "ada", "here") == 60


async def test_of_many_at_once_no_more_are_let_through(people: People) -> None:
    waits = await asyncio.gather(*(take(people) for _ in range(30)))
    assert waits.count(0) == 3


async def test_it_holds_over_processes_and_restarts(people: People) -> None:
    for _ in range(3):
        await take(people)
    async with (
        AsyncConnectionPool(people.url, min_size=1, open=False) as pool,
        pool.connection() as connection,
    ):
        assert await RateLimits(clock=people.clock).take(connection, THREE_A_MINUTE) == 60


async def test_looking_does_not_count(people: People) -> None:
    limits = RateLimits(clock=people.clock)
    async with people.pool.connection() as connection:
        for _ in range(5):
            assert await limits.wait(connection, THREE_A_MINUTE) == 0
        for _ in range(3):
            await limits.take(connection, THREE_A_MINUTE)
        assert await limits.wait(connection, THREE_A_MINUTE) == 60


async def test_a_subject_can_be_forgotten(people: People) -> None:
    for _ in range(3):
        await take(people, "ada", "here")
    async with people.pool.connection() as connection:
        await RateLimits().forget(connection, THREE_A_MINUTE, subject="ada")
    assert await take(people, "ada", "here") == 0


async def test_the_table_does_not_grow_with_what_is_refused(people: People) -> None:
    for _ in range(20):
        await take(people)
    async with people.pool.connection() as connection:
        cursor = await connection.execute("SELECT cardinality(hits) FROM rate_limits")
        assert await cursor.fetchall() == [(3,)]


async def test_where_limits_are_off_nothing_is_counted(people: People) -> None:
    limits = RateLimits(enabled=False)
    async with people.pool.connection() as connection:
        assert [await limits.take(connection, THREE_A_MINUTE) for _ in range(5)] == [0] * 5
    assert await people.rows("rate_limits") == 0


class Seconds:
    """A clock for buckets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def fill(buckets: TokenBuckets, key: str) -> int:
    """How many can be taken."""
    taken = 0
    while True:
        try:
            buckets.take(key)
        except RateLimited:
            return taken
        taken += 1


def test_a_bucket_holds_a_minutes_worth() -> None:
    assert fill(TokenBuckets(600, clock=Seconds()), "ada") == 600


def test_a_bucket_fills_up_again_evenly() -> None:
    seconds = Seconds()
    buckets = TokenBuckets(600, clock=seconds)
    fill(buckets, "ada")
    seconds.now += 1
    assert fill(buckets, "ada") == 10
    seconds.now += 600
    assert fill(buckets, "ada") == 600


def test_an_empty_bucket_says_when_there_is_more() -> None:
    buckets = TokenBuckets(6, clock=Seconds())
    fill(buckets, "ada")
    with pytest.raises(RateLimited) as refused:
        buckets.take("ada")
    assert refused.value.retry_after == 10


def test_everybody_has_a_bucket_of_their_own() -> None:
    buckets = TokenBuckets(10, clock=Seconds())
    fill(buckets, "ada")
    assert fill(buckets, "bob") == 10


def test_no_more_buckets_are_kept_than_that() -> None:
    buckets = TokenBuckets(10, most_keys=100, clock=Seconds())
    for number in range(1_000):
        buckets.take(number)
    assert len(buckets._full_at) == 100


def test_the_bucket_that_is_in_use_is_kept() -> None:
    buckets = TokenBuckets(10, most_keys=100, clock=Seconds())
    for number in range(1_000):
        if number % 100 == 0 and number < 1_000:
            buckets.take("ada")
        buckets.take(number)
        if number % 50 == 49:
            buckets._full_at.move_to_end("ada")
    with pytest.raises(RateLimited):
        buckets.take("ada")


def test_where_limits_are_off_a_bucket_is_never_empty() -> None:
    buckets = TokenBuckets(1, enabled=False, clock=Seconds())
    for _ in range(100):
        buckets.take("ada")


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("/run/shop.sock", "/run/shop.sock"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_a_network(address: str, client: str) -> None:
    assert client_of(address) == client


def test_the_clock_is_movable(clock: MovableClock) -> None:
    before = clock()
    clock.move(minutes=1)
    assert clock() - before == timedelta(minutes=1)
