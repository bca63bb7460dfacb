"""Three months in the life of a small shop: trained, scored, judged by what then happened, trained again on request."""

import json
import random
from datetime import date, timedelta
from typing import Any

import pytest
from worlds import Deployment, corner_shop, folder_for_a_server

pytestmark = pytest.mark.slow
TRAINED, LATER = date(2025, 3, 1), date(2025, 6, 1)


def orders(customers: int, *, seed: int = 5) -> str:
    """Every other customer stays; the rest stop on some day of the two years."""
    draw = random.Random(seed)
    rows = ["order_id,line_number,ordered_at,account_id,product_id,quantity,unit_price,status"]
    for customer in range(customers):
        day = date(2023, 9, 1) + timedelta(draw.randrange(60))
        last = date(2023, 11, 1) + timedelta(draw.randrange(600)) if customer % 2 else LATER + timedelta(20)
        while day <= last:
            price = draw.randrange(199, 9_000) / 100
            rows.append(f"o{len(rows)},1,{day}T10:00:00Z,a{customer},p{draw.randrange(20)},1,{price},placed")
            day += timedelta(draw.randrange(5, 60))
    return "\n".join([*rows, ""])


def ran(shop: Deployment, as_of: date) -> str:
    done = shop.run("run", "--as-of", as_of.isoformat(), timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def judged_so_far(shop: Deployment, model: str) -> list[dict[str, Any]]:
    kept = (shop.workspace.state.reports / "drift" / f"{model}.json").read_text()
    return list(json.loads(kept)["realised"])


def test_a_run_after_ninety_days_asks_for_training_and_the_next_run_trains() -> None:
    with folder_for_a_server() as folder:
        shop = corner_shop(folder, orders(250), churn={"horizon_days": 30, "training_snapshots": 8})

        assert "The next run trains" not in ran(shop, TRAINED)

        later = ran(shop, LATER)
        assert "✓ churn model" not in later, "it scores with the champion of March"
        assert "The next run trains: the churn model (it was trained 92 days ago" in later
        steps = ("publish Postgres", "churn drift", "report")
        assert sorted(steps, key=lambda step: later.index(f"✓ {step}")) == list(steps), "readers wait for no watch"
        for model in ("churn", "value"):
            (judged,) = judged_so_far(shop, model)
            assert judged["as_of"] == TRAINED.isoformat()
            assert judged["version"] == f"corner.{model}/1"
            assert 0.5 < judged["ranking"] < 1

        again = ran(shop, LATER + timedelta(1))
        assert "Trains again: the churn model (it was trained 92 days ago" in again
        assert "✓ churn model" in again
        assert "The next run trains" not in again
