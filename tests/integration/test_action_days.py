"""Actions over several days and runs of one shop: what is published stands, and every run replays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from worlds import Deployment, corner_shop, folder_for_a_server

from orchestration.publishing.files import current_generation

HEAD = "order_id,line_number,ordered_at,account_id,product_id,quantity,unit_price,exported_at\n"
FIRST, SECOND = date(2025, 6, 28), date(2025, 6, 29)
PLAYS = {
    "global_holdout": 0.1,
    "caps": [{"contacts": 1, "days": 7}],
    "plays": {
        "call": {
            "eligible": "orders_count >= 1",
            "channel": "agent_task",
            "purpose": "service",
            "cost": 1,
            "margin": "5",
            "template": "call",
            "reason": "We should like to hear from you.",
            "cooldown_days": 30,
            "expires_hours": 72,
            "success": {"metric": "order", "within_days": 30},
            "stop": {"contacts": 2},
        },
    },
}


def orders(accounts: range, day: date) -> str:
    """Three for each account, known two hours after each."""
    days = {back: day - timedelta(back) for back in (5, 40, 75)}
    return HEAD + "".join(
        f"o{n}-{back},1,{on}T10:00:00Z,A{n:03},P{n % 7},1,{10 + n},{on}T12:00:00Z\n"
        for n in accounts for back, on in days.items()
    )  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Iterator[Deployment]:
    with folder_for_a_server() as folder:
        deployment = corner_shop(
            folder, orders(range(40), FIRST),
            touchpoints={"orders": {"files": "orders*.csv", "known_at": "exported_at"}},
        )  # fmt: skip
        (folder / "shops" / "corner" / "plays.yml").write_text(yaml.safe_dump(PLAYS))
        yield deployment


def ran(shop: Deployment, day: date, command: str = "run") -> str:
    options = ["--from", str(day), "--to", str(day)] if command == "backfill" else ["--as-of", str(day), "--no-train"]
    done = shop.run(command, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def actions(shop: Deployment) -> dict[str, str]:
    """Action id: account, as readers see them now."""
    generation = current_generation(shop.workspace.state.published)
    assert generation is not None
    select = "select action_id, external_id from read_parquet(?)"
    return dict(duckdb.execute(select, [str(generation.file("next_best_actions"))]).fetchall())


def everything_written(shop: Deployment) -> dict[str, str]:
    """SHA-256 of each content file of every generation that is here."""
    files = sorted(Path(shop.workspace.state.published).glob("2*/*.parquet"))
    return {f"{file.parent.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.slow
def test_days_runs_and_replays(shop: Deployment) -> None:
    assert "the same generic list for everybody" in ran(shop, FIRST)
    first, written = actions(shop), everything_written(shop)
    assert 25 < len(first) < 40
    ran(shop, FIRST)
    assert everything_written(shop) == written, "the same day on the same inputs"

    ran(shop, SECOND)
    assert actions(shop) == first, "nobody has sent them yet, and they have not expired"
    written = everything_written(shop)
    ran(shop, SECOND, "backfill")
    assert everything_written(shop) == written, "a backfill of what was published"

    (shop.workspace.landing_folder / "orders-late.csv").write_text(orders(range(40, 60), FIRST))
    ran(shop, SECOND)
    anew = actions(shop)
    assert anew.items() > first.items(), "the day once more, on what has landed since: what was published stands"
    assert set(anew.values()) - set(first.values()) <= {f"A{n:03}" for n in range(40, 60)}

    output = ran(shop, FIRST)
    assert "Not published" in output
    assert "is of a later as-of; only rollback goes back" in output
    assert actions(shop) == anew

    ran(shop, FIRST + timedelta(4))
    assert not set(actions(shop)) & set(first), "they have expired"
