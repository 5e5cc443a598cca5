"""`shop audit`: every invariant of the whole shop."""

import re
from typing import Annotated

import typer

from api.cli.projections import compare_one
from api.cli.terminal import AsJson, Shop, open_shop, plain, progress, say, say_json, strong
from infrastructure.operations.audit import Audited, Finding
from infrastructure.operations.audit import audit as auditing
from infrastructure.read_models.rebuild import Progress
from infrastructure.text import escaped
from projections import PROJECTIONS

# What of a balance is money, by its name in JSON.
AMOUNTS = {
    "moneyIn": "money_in",
    "moneyOut": "money_out",
    "inAccounts": "in_accounts",
    "spent": "spent",
    "held": "held",
}


def _digest(text: str) -> tuple[int, str]:
    """`POSITION:DIGEST`. Raises typer.BadParameter."""
    found = re.fullmatch(r"(\d+):([0-9a-f]{64})", text.strip())
    if found is None:
        raise typer.BadParameter("A digest is POSITION:DIGEST, as an audit prints it")
    return int(found[1]), found[2]


def audit(
    expect: Annotated[
        str | None,
        typer.Option(
            metavar="POSITION:DIGEST",
            help="What an earlier audit or an export printed: the log must still begin with it.",
        ),
    ] = None,
    log_only: Annotated[
        bool, typer.Option("--log-only", help="Leave out the read models.")
    ] = False,
    limit: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Print at most so many findings of a kind; 0 is all."
        ),
    ] = 100,
    as_json: AsJson = False,
) -> None:
    """Check every rule of the shop from the log alone, then the read models against it.

    Exit status 1 where anything is found.
    """
    expected = None if expect is None else _digest(expect)
    with open_shop("audit") as shop:
        good = _audit_log(shop, expected, limit, as_json)
        if not log_only:
            equal = [
                compare_one(shop, projection, limit, as_json, deployed=True)
                for projection in PROJECTIONS
            ]
            good = good and all(equal)
    if not good:
        raise typer.Exit(1)


def _audit_log(shop: Shop, expect: tuple[int, str] | None, limit: int, as_json: bool) -> bool:
    said: dict[str, int] = {}
    with shop.connections() as on, progress("Auditing the log") as advance:
        for step in auditing(on, expect):
            match step:
                case Progress():
                    advance(step.position, step.goal)
                case Finding():
                    said[step.check] = said.get(step.check, 0) + 1
                    if not limit or said[step.check] <= limit:
                        _say_finding(step, as_json)
                case Audited():
                    _say_audited(shop, step, as_json)
                    return step.findings == 0
    raise AssertionError("an audit ends with its result")


def _say_finding(finding: Finding, as_json: bool) -> None:
    if as_json:
        say_json(finding)
        return
    where = "" if finding.position is None else f" {finding.position}"
    stream = "" if finding.stream_id is None else f" ({finding.stream_id})"
    say(strong(f"{finding.check}{where}:"), escaped(finding.text) + stream)


def _say_audited(shop: Shop, result: Audited, as_json: bool) -> None:
    money, balance = shop.currency.money, result.balance
    if as_json:
        amounts = {name: plain(money(getattr(balance, field))) for name, field in AMOUNTS.items()}
        say_json({**plain(result), "balance": {**plain(balance), **amounts}})
        return
    say(f"Money: {money(balance.money_in)} came in, {money(balance.money_out)} went out;")
    say(
        f"  {money(balance.in_accounts)} are in accounts, {money(balance.spent)} were spent,"
        f" {money(balance.held)} are held by executions."
    )
    say(
        f"Things: {balance.received:,} received; {balance.on_hand:,} on hand, of them"
        f" {balance.reserved:,} reserved; {balance.shipped:,} shipped."
    )
    say(f"Snapshots: {result.snapshots:,} equal what their events lead to.")
    say(f"Digest: {result.events}:{result.digest}")
    findings = f"{result.findings:,} findings" if result.findings else "nothing found"
    say(f"log: {result.events:,} events: {findings}.")
