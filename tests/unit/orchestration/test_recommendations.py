"""What a shop asks of its recommender, as the training is told."""

from datetime import date
from pathlib import Path

import pytest
from worlds import corner_shop

from orchestration import inputs
from orchestration.recommendations import training_plan

ORDERS = "order_id,customer_id,ordered_at,product_id,quantity,unit_price\n1,a,2024-01-05T10:00:00Z,p,1,2.00\n"


@pytest.mark.parametrize(
    ("settings", "mode", "time_budget", "horizon_days"),
    [
        ({}, None, None, 30),
        ({"mode": "repeat", "time_budget_seconds": 20, "horizon_days": 14}, "repeat", 20.0, 14),
    ],
)
def test_the_settings_of_a_shop_reach_the_training(
    tmp_path: Path, settings: dict[str, object], mode: str | None, time_budget: float | None, horizon_days: int
) -> None:
    workspace = corner_shop(tmp_path, ORDERS, recommendations=settings).workspace
    workspace.state.prepare()
    trains = {"training_dates": (date(2025, 1, 1),), "champions": {}}
    pinned = inputs.pin(workspace.state, workspace.shop, date(2025, 7, 1), **trains)  # type: ignore[arg-type]
    plan = training_plan(workspace, pinned)
    assert plan is not None
    assert (plan.mode, plan.time_budget, plan.horizon_days) == (mode, time_budget, horizon_days)
    assert plan.judged_at < plan.as_of


def test_a_run_that_does_not_train_has_no_plan(tmp_path: Path) -> None:
    workspace = corner_shop(tmp_path, ORDERS).workspace
    workspace.state.prepare()
    pinned = inputs.pin(workspace.state, workspace.shop, date(2025, 7, 1), training_dates=(), champions={})
    assert training_plan(workspace, pinned) is None
