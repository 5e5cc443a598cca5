"""The clients that people use, as their documentation says and without a workaround.

Each file beside this one is run by Node against a shop of its own.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from api.graphql.schema.build import sdl
from infrastructure.identity.tokens import ACCESS_TOKEN_LIFETIME, AccessTokens
from tests.api.mutations import create, place
from tests.api.shop import KEY, Api, Client, Shop, settings_for, until, whole_shop
from tests.conftest import copy_of
from tests.docs.markdown import ROOT, blocks, titles

HERE = Path(__file__).parent
NODE = HERE.parents[1] / "web" / "node.sh"
CLIENTS = ROOT / "docs" / "clients.md"
TESTS = sorted(path.name for path in HERE.glob("*.test.mjs"))


@pytest.fixture(scope="module")
def shop(postgres_server: str, migrated_template: str) -> Iterator[Shop]:
    with copy_of(migrated_template, postgres_server) as url, whole_shop(url) as shop:
        yield shop


def environment(address: str, **more: str) -> dict[str, str]:
    return {**os.environ, "SHOP_HTTP": f"http://{address}/graphql", "NO_COLOR": "1", **more}


def run(arguments: list[str], env: Mapping[str, str] | None = None, cwd: Path = HERE) -> str:
    """What is printed. Fails with it where the command does."""
    done = subprocess.run(
        [str(NODE), *arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def short_token(client: Client) -> str:
    """One that is good for some seconds more."""
    earlier = datetime.now(UTC) - ACCESS_TOKEN_LIFETIME + timedelta(seconds=4)
    issuer = AccessTokens([KEY], clock=lambda: earlier)
    return issuer.issue(client.user_id, "USER", client.session_id)[0]


@pytest.mark.parametrize("file", TESTS)
async def test_a_client_works_as_its_documentation_says(shop: Shop, file: str) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    settings = environment(
        shop.api.address,
        SHOP_TOKEN=str(ada.token),
        SHOP_OTHER_TOKEN=str(bob.token),
        SHOP_SHORT_TOKEN=short_token(ada),
        SHOP_PRODUCT=await shop.product(),
    )
    run(["node", "--test", "--test-reporter=spec", file], settings)


def sleeping(env: Mapping[str, str]) -> "subprocess.Popen[str]":
    """Node itself, which is the process that gets the signals."""
    command = [str(NODE), "node", "sleeper.mjs", "slept"]
    return subprocess.Popen(command, cwd=HERE, env=env, stdout=subprocess.PIPE, text=True)


async def test_a_client_that_slept_comes_back(shop: Shop) -> None:
    """A laptop whose lid was closed: its system answers nothing for a while."""
    ada, board = await shop.customer(), await shop.product()
    impatient = Api(settings_for(shop.url), ws_ping_interval=0.5, ws_ping_timeout=0.5)
    with impatient.running():
        env = environment(impatient.address, SHOP_TOKEN=str(ada.token))
        with sleeping(env) as sleeper:
            assert sleeper.stdout is not None
            assert sleeper.stdout.readline() == "connected\n"
            await until(lambda: impatient.services.subscriptions.total == 1)
            sleeper.send_signal(signal.SIGSTOP)
            await until(lambda: impatient.services.connections.total == 0)
            sleeper.send_signal(signal.SIGCONT)
            await place(ada, await create(ada, "10.00", {board: 1}), "slept")
            assert sleeper.stdout.read() == "closed 4499\nconnected\nCOMPLETED\nclosed 1000\n"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a client's author has one: the schema, documents, and the packages."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "schema.graphql").write_text(sdl())
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    (folder / "src" / "__generated__").mkdir(parents=True)
    for source in (HERE / "documents").iterdir():
        (folder / "src" / source.name).write_text(source.read_text())
    for name in ("codegen.json", "relay.config.json"):
        (folder / name).write_text((HERE / name).read_text())
    return folder


async def test_graphql_codegen_compiles_documents_that_the_shop_then_answers(
    shop: Shop, workplace: Path
) -> None:
    run(["node", "node_modules/.bin/graphql-codegen", "--config", "codegen.json"], cwd=workplace)
    manifest = workplace / "src" / "gql" / "persisted-documents.json"
    documents = orjson.loads(manifest.read_bytes())
    ada = await shop.customer()
    with Api(settings_for(shop.url, documents=manifest)).running() as api:
        ada.address = api.address
        for document_id, text in documents.items():
            if "subscription" not in text:
                answer = (await ada.post({"documentId": document_id})).json()
                assert "errors" not in answer, answer
        refused = (await ada.post({"query": "{ __typename }"})).json()
    assert len(documents) >= 2
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_relay_compiles_the_schema(workplace: Path) -> None:
    said = run(["node", "node_modules/relay-compiler/cli.js", "relay.config.json"], cwd=workplace)
    assert "Compilation completed" in said


@pytest.mark.parametrize("example", blocks(CLIENTS, "js"), ids=titles(CLIENTS, "js"))
async def test_the_example_in_the_documentation_works(shop: Shop, example: str) -> None:
    ada, board = await shop.customer(), await shop.product()
    await place(ada, await create(ada, "10.00", {board: 1}), "my first boards")
    file = HERE / f".example-{uuid4().hex}.mjs"  # beside the packages that it imports
    file.write_text(example.replace("127.0.0.1:8000", shop.api.address))
    try:
        said = run(["node", file.name], {**os.environ, "TOKEN": str(ada.token)})
    finally:
        file.unlink()
    assert said in {"Ada\n", "COMPLETED\n"}
