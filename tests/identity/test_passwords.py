"""Which passwords will do, and how they are kept."""

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from infrastructure.errors import Overloaded
from infrastructure.identity.passwords import Passwords
from tests.identity.people import CHEAP, PASSWORD


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(CHEAP)
    yield passwords
    passwords.close()


async def test_a_password_matches_its_hash_and_no_other(passwords: Passwords) -> None:
    password_hash = await passwords.hash(PASSWORD)
    assert await passwords.verify(password_hash, PASSWORD)
    assert not await passwords.verify(password_hash, PASSWORD + " ")


async def test_one_password_has_many_hashes(passwords: Passwords) -> None:
    assert await passwords.hash(PASSWORD) != await passwords.hash(PASSWORD)


async def test_nobodys_hash_matches_nothing(passwords: Passwords) -> None:
    assert not await passwords.verify(None, PASSWORD)
    assert not await passwords.verify(None, "")


async def test_the_parameters_are_those_that_the_library_recommends() -> None:
    passwords = Passwords()
    parameters = extract_parameters(await passwords.hash(PASSWORD))
    passwords.close()
    assert parameters == RFC_9106_LOW_MEMORY
    assert parameters.type is Type.ID


async def test_a_hash_with_other_parameters_is_outdated(passwords: Passwords) -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, hash_len=16)
    assert passwords.outdated(weaker.hash(PASSWORD))
    assert not passwords.outdated(await passwords.hash(PASSWORD))


@pytest.mark.parametrize(
    ("kept", "typed"),
    [("cafe\u0301 tractor", "caf\u00e9 tractor"), ("violet \uff11\uff12 hymn", "violet 12 hymn")],
)
async def test_a_password_is_the_same_on_every_keyboard(
    passwords: Passwords, kept: str, typed: str
) -> None:
    assert await passwords.verify(await passwords.hash(kept), typed)


@pytest.mark.parametrize("password", ["\ud800 half of a pair", "with\0nul violet", "", "🎷" * 20])
async def test_any_text_can_be_hashed(passwords: Passwords, password: str) -> None:
    assert await passwords.verify(await passwords.hash(password), password)


@pytest.mark.parametrize(
    "password",
    ["violet tractor hymn", "correct horse battery", "kx8#Lq0v!d", "zażółć gęślą jaźń",
     "violet tractor hymn " * 50, "李小龙李小龙是我的英雄", "\ud800 lone half of a pair",
     "*)^&%$(#@!~?", "🎷🛹🚲🌈🍕🎸🌊🏄🎉🧶"],
)  # fmt: skip
async def test_a_password_needs_no_kinds_of_characters(passwords: Passwords, password: str) -> None:
    assert await passwords.problem(password, "ada@shop.test", "Ada Lovelace") is None


@pytest.mark.parametrize("password", ["", "kx8#Lq0v!", "\u00e9" * 9, "e\u0301" * 9])
async def test_a_password_has_at_least_10_characters(passwords: Passwords, password: str) -> None:
    assert await passwords.problem(password) == "Must have at least 10 characters."


async def test_a_password_has_at_most_1024_characters(passwords: Passwords) -> None:
    assert await passwords.problem(PASSWORD * 100) == "Must have at most 1,024 characters."


@pytest.mark.parametrize(
    "password",
    ["1234567890", "qwertyuiop", "password123", "Password123!", "passwordpassword", "P@ssw0rd1234",
     "aaaaaaaaaaaa", " " * 12, "!" * 12, "iloveyou12", "abcdefghijkl", "1q2w3e4r5t",
     "\uff11234567890"],
)  # fmt: skip
async def test_what_many_use_is_refused(passwords: Passwords, password: str) -> None:
    problem = await passwords.problem(password)
    assert problem is not None
    assert "easy to guess" in problem


@pytest.mark.parametrize(
    "password",
    ["ada.lovelace@shop.test", "Ada.Lovelace1", "AdaLovelace", "lovelace2024", "l0vel@ce12",
     "countess lovelace", "lovelace lovelace"],
)  # fmt: skip
async def test_what_is_made_of_name_and_address_is_refused(
    passwords: Passwords, password: str
) -> None:
    about = ("ada.lovelace@shop.test", "Ada Lovelace, Countess")
    assert await passwords.problem(password, *about)


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hurried_threads")
async def test_many_checks_at_once_do_not_mix_up_their_owners(passwords: Passwords) -> None:
    owners = [f"zyqx{number}vrblk" for number in range(40)]
    problems = await asyncio.gather(
        *(passwords.problem(owner[::-1], owner) for owner in owners),
        *(passwords.problem(owners[7][::-1], owner) for owner in owners if owner != owners[7]),
    )
    assert [problem is not None for problem in problems] == [True] * 40 + [False] * 39


async def test_the_event_loop_goes_on_while_passwords_are_hashed(passwords: Passwords) -> None:
    loop_thread = threading.get_ident()
    seen = await passwords._in_thread(threading.get_ident)
    assert seen != loop_thread


async def test_only_so_many_are_hashed_at_a_time() -> None:
    passwords = Passwords(CHEAP, threads=2)
    running = threading.Semaphore(2)

    def hash_one() -> bool:
        alone = running.acquire(blocking=False)
        threading.Event().wait(0.01)
        running.release()
        return alone

    assert all(await asyncio.gather(*(passwords._in_thread(hash_one) for _ in range(20))))
    passwords.close()


async def test_who_would_wait_too_long_is_sent_away() -> None:
    passwords = Passwords(CHEAP, threads=1, patience=0.05)
    release = threading.Event()
    busy = asyncio.get_running_loop().run_in_executor(passwords._threads, release.wait)
    with pytest.raises(Overloaded):
        await passwords.hash(PASSWORD)
    release.set()
    await busy
    passwords.close()
