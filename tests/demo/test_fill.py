"""Demo data: who and what is in a shop after `shop serve --demo`, however often."""

from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from api.demo.fill import fill
from api.demo_data import ADA, ADMIN, BUYERS, GRACE, PASSWORD, SKATEBOARDS
from api.startup import StartError
from infrastructure.settings import Settings
from tests.api.shop import Shop
from tests.cli.running import KEY, RunningShop, eventually
from tests.identity.people import CHEAP

COUNTS = "SELECT (SELECT count(*) FROM stored_events), (SELECT count(*) FROM users)"
KNOWN = (
    "SELECT email, role, opening_deposit FROM users"
    " WHERE opening_deposit > 0 OR role = 'ADMIN' ORDER BY email"
)


async def test_filling_twice_adds_nothing(database_url: str) -> None:
    settings = Settings(database_url=SecretStr(database_url), secret_key=SecretStr(KEY))
    with psycopg.connect(database_url, autocommit=True) as connection:
        await fill(settings, database_url, CHEAP)
        first = connection.execute(COUNTS).fetchone()
        await fill(settings, database_url, CHEAP)
        assert connection.execute(COUNTS).fetchone() == first
        assert connection.execute(KNOWN).fetchall() == [
            (ADA.email, "USER", 1_000_00),
            (ADMIN.email, "ADMIN", 0),
            (GRACE.email, "USER", 1_000_00),
        ]
    people = 3 + len(BUYERS)
    assert first == (people + len(SKATEBOARDS), people)  # an account each, and the boards


async def test_a_database_with_a_shop_that_is_no_demo_is_left_alone(database_url: str) -> None:
    settings = Settings(database_url=SecretStr(database_url), secret_key=SecretStr(KEY))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO users (user_id, email, email_key, name, role, password_hash, account_id,"
            " opening_deposit, created_at) VALUES (gen_random_uuid(), 'x@y.org', 'x@y.org', 'X',"
            " 'USER', '', gen_random_uuid(), 0, now())"
        )
        with pytest.raises(StartError, match="holds a shop already"):
            await fill(settings, database_url, CHEAP)
        assert connection.execute(COUNTS).fetchone() == (0, 1)


async def test_every_skateboard_has_a_picture_of_its_own(demo: Shop) -> None:
    page = await demo.visitor().ask("{ products { nodes { name imageUrl } } }")
    assert [node["name"] for node in page["nodes"]] == [board.name for board in SKATEBOARDS]
    pictures = set()
    async with httpx.AsyncClient(base_url=f"http://{demo.api.address}") as http:
        for node in page["nodes"]:
            picture = await http.get(node["imageUrl"])
            assert picture.headers["content-type"] == "image/svg+xml"
            title = ET.fromstring(picture.text).find("{http://www.w3.org/2000/svg}title")
            assert title is not None
            assert title.text == node["name"]
            pictures.add(picture.text)
    assert len(pictures) == 10


def test_the_demo_says_what_to_open_and_whom_to_sign_in_as(tmp_path: Path) -> None:
    shop = RunningShop(tmp_path, "serve", "--demo", SHOP_DATA_DIR=str(tmp_path / "data"))
    try:
        eventually(lambda: "Ctrl+C stops it." in shop.log, 60)
        address = f"http://127.0.0.1:{shop.port}"
        for said in (
            f"{address}/graphql",
            f"{address}/health/ready",
            f"demo --url {address}",
            f"{tmp_path}/data/mail/*.eml",
            PASSWORD,
            ADMIN.email,
            f"{ADA.email}     customer, 1,000.00 USD to begin with",
            GRACE.email,
            "warning  ] anybody may sign up as an administrator",
            "warning  ] this is a demo",
        ):
            assert said in shop.log
        form = {"email": "alan@example.com", "name": "Alan", "password": PASSWORD, "role": "ADMIN"}
        answer = shop.graphql(
            "mutation ($input: SignUpInput!) { signUp(input: $input) { __typename } }", input=form
        )
        assert answer["data"]["signUp"]["__typename"] == "SignUpPayload"
    finally:
        shop.terminate()
        shop.end()
