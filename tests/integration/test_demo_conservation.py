"""The files of both simulated shops through the front door: every row is accounted for as the simulator knows it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from ml.simulator import WorldConfig, simulate
from orchestration.landing import land
from orchestration.shop import load_shop
from orchestration.state import State

SHOPS = Path(__file__).resolve().parents[2] / "shops"
WORLD = WorldConfig(
    seed=3,
    customers=300,
    products=48,
    start=date(2025, 1, 15),
    end=date(2025, 4, 15),
    dirty_share=0.03,
    duplicate_share=0.03,
)


WORLDS = {"demo": WORLD, "demo_subscription": replace(WORLD, world="subscription")}


@pytest.mark.parametrize("shop", WORLDS)
def test_landing_accounts_for_every_row_of_every_file_as_the_truth_counts_it(tmp_path: Path, shop: str) -> None:
    simulate(WORLDS[shop], tmp_path / "landing", tmp_path / "truth")
    state = State(tmp_path / "data", tmp_path / "keys", shop)
    state.prepare()
    report = land(
        load_shop(SHOPS, shop),
        state,
        tmp_path / "landing",
        now=datetime(2025, 6, 1, tzinfo=UTC),
        settle_seconds=0,
        connect=duckdb.connect,
    )
    found = {}
    for batch in report.landed:
        rules: Counter[str] = Counter()
        for rule in batch.rules:
            rules[rule.rule] += rule.rows
        content = {"rows": batch.rows_in, "duplicates": batch.duplicates, "dirty": dict(rules)}
        found[batch.file] = {"touchpoint": batch.touchpoint, **content}
    assert found == json.loads((tmp_path / "truth" / "dirty_rows.json").read_text(encoding="utf-8"))
