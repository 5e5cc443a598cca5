"""What an operator sees: figures, what is late or stuck, and why a runner cannot work."""

from collections.abc import Iterator

import psycopg
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from infrastructure.ids import execution_id
from tests.api.mutations import buy, create, place
from tests.api.shop import Shop, whole_shop
from tests.faults.waiting import until
from tests.infrastructure.test_poison import POISON

OTHER_CODE = "UPDATE projections SET fingerprint = %s WHERE name = 'orders' RETURNING fingerprint"


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    with whole_shop(database_url) as shop:
        yield shop


async def figures(shop: Shop) -> dict[str, float]:
    """The value of each sample, by its name and labels."""
    text = (await shop.visitor().get({}, "/metrics")).text
    found: dict[str, float] = {}
    for metric in text_string_to_metric_families(text):
        for sample in metric.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert name not in found, f"{name} is told twice"
            found[name] = sample.value
    return found


async def test_orders_are_counted_by_what_became_of_them(shop: Shop) -> None:
    board = await shop.product(price=10_00, quantity=2)
    ada = await shop.customer(money=25_00)
    for name, total, lines in (
        ("good", "10.00", {board: 1}),
        ("wrong", "9.00", {board: 1}),
        ("short", "20.00", {board: 2}),
    ):
        await buy(ada, name, total, lines)

    ends = ("completed", "wrong_order_price", "products_unavailable")
    expected = {
        **{f"shop_orders_total{{outcome={end}}}": 1.0 for end in ends},
        "shop_placed_to_result_seconds_count": 3.0,
        "shop_consumer_lag_events{consumer=process-manager}": 0.0,
        "shop_executions_unfinished": 0.0,
        "shop_runner_failing{runner=projector}": 0.0,
    }

    async def counted() -> bool:
        return expected.items() <= (await figures(shop)).items()

    await until(counted)


async def test_what_is_parked_and_what_waits_is_told(shop: Shop) -> None:
    bad = await shop.product()
    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute(POISON, [bad])
    ada = await shop.customer()
    order = await create(ada, "10.00", {bad: 1})
    with structlog.testing.capture_logs() as lines:
        await place(ada, order, "bad")
        await until(lambda: any(line["event"] == "execution parked" for line in lines))
    [parked] = [line for line in lines if line["event"] == "execution parked"]
    assert parked["correlation_id"] == str(execution_id(ada.user_id, "bad"))

    async def told() -> bool:
        found = await figures(shop)
        return (
            found.get("shop_parked_failed_events{consumer=process-manager}") == 1
            and found.get("shop_executions_unfinished") == 1
            and found.get("shop_oldest_execution_seconds", 0) > 0
        )

    await until(told)


async def test_a_runner_that_cannot_work_says_why_and_the_shop_is_not_ready(
    database_url: str,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT fingerprint FROM projections WHERE name = 'orders'"
        ).fetchone()
        assert row
        connection.execute(OTHER_CODE, ["another"])
        with whole_shop(database_url) as shop:

            async def problem() -> str:
                answer = (await shop.visitor().get({}, "/health/ready")).json()
                return str(answer.get("problems", {}).get("projector"))

            async def told() -> bool:
                return "made by other code" in await problem()

            await until(told)

            async def shown(value: float) -> bool:
                return (await figures(shop)).get("shop_runner_failing{runner=projector}") == value

            await until(lambda: shown(1))
            connection.execute(OTHER_CODE, row)

            async def is_ready() -> bool:
                return (await shop.visitor().get({}, "/health/ready")).is_success

            await until(is_ready)
            await until(lambda: shown(0))
