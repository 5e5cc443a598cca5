"""Dashboard, alert rules and compose profile: valid, and about metrics that there are."""

import json
import re
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.api.mutations import buy
from tests.api.shop import Shop, whole_shop
from tests.faults.waiting import until
from tests.infrastructure.test_poison import POISON

ROOT = Path(__file__).parents[2]
FILES = ROOT / "infrastructure" / "observability"
# What is no metric in an expression: functions, words and what stands in braces or brackets.
METRIC = re.compile(r"\b(?:shop|process)_\w+")


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def alerts() -> list[dict[str, Any]]:
    return [rule for group in load(FILES / "alerts.yml")["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        (FILES / "grafana" / "dashboards" / "shop.json").read_text()
    )["panels"]
    return found


def named(expressions: list[str]) -> set[str]:
    """The metrics that they are about."""
    bare = [re.sub(r"\{[^}]*\}|\[[^]]*\]", "", expression) for expression in expressions]
    return {name for expression in bare for name in METRIC.findall(expression)}


async def told(shop: Shop) -> set[str]:
    """The names of all samples that Prometheus gets."""
    text = (await shop.visitor().get({}, "/metrics")).text
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {re.split(r"[{ ]", line)[0] for line in lines}


async def test_all_that_is_asked_for_is_told(database_url: str) -> None:
    expressions = [rule["expr"] for rule in alerts()]
    expressions += [target["expr"] for panel in panels() for target in panel["targets"]]
    asked = named(expressions)
    assert len(asked) > 20
    with whole_shop(database_url) as shop:
        board, ada = await shop.product(), await shop.customer()
        await buy(ada, "first", "10.00", {board: 1})
        with psycopg.connect(shop.url, autocommit=True) as connection:
            connection.execute(POISON, [board])

        async def all_are_told() -> bool:
            return asked <= await told(shop)

        try:
            await until(all_are_told, 10)
        except TimeoutError:
            raise AssertionError(asked - await told(shop)) from None


def test_every_alert_says_what_is_the_matter_and_how_urgent_it_is() -> None:
    for rule in alerts():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
    assert len({rule["alert"] for rule in alerts()}) == len(alerts())


def test_every_panel_has_its_place() -> None:
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels()}
    assert len(places) == len({p["title"] for p in panels()}) == len(panels())


def test_the_profile_loads_these_files() -> None:
    compose = load(ROOT / "docker-compose.yml")
    services = {
        name: service
        for name, service in compose["services"].items()
        if service.get("profiles") == ["observability"]
    }
    assert set(services) == {"prometheus", "grafana", "jaeger"}
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    assert mounted
    assert all((ROOT / path).exists() for path in mounted)
    prometheus = load(FILES / "prometheus.yml")
    assert all((FILES / rules).exists() for rules in prometheus["rule_files"])
    [scraped] = prometheus["scrape_configs"]
    [target] = scraped["static_configs"][0]["targets"]
    assert target.split(":")[0] in compose["services"]
    for path in FILES.rglob("*.yml"):
        assert load(path), path
