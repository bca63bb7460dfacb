"""What a shop asks of its recommender, as the training is told."""

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from worlds import corner_shop

from ml import registry
from ml.recommender.model import RecommenderModel
from ml.registry import Version
from orchestration import inputs
from orchestration.cli.runs import _needs_training
from orchestration.recommendations import serving, training_plan, unreadable_champion

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


@pytest.mark.parametrize(("asked", "served"), [("auto", "repeat"), ("discovery", "discovery")])
def test_a_champion_makes_lists_as_the_shop_asks_for_them_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, served: str
) -> None:
    workspace = corner_shop(tmp_path, ORDERS, recommendations={"mode": asked}).workspace
    folder = RecommenderModel.untrained("repeat").save(tmp_path / "model")
    champion = Version("corner.recommender", 3, folder, "hash", "run")
    monkeypatch.setattr("orchestration.recommendations.scorer", lambda *_: champion)
    model, version = serving(workspace, None, None)  # type: ignore[arg-type]
    assert (model.mode, version) == (served, "corner.recommender/3")


def test_a_champion_that_cannot_be_read_asks_for_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = corner_shop(tmp_path, ORDERS).workspace
    champion = Version("corner.recommender", 3, RecommenderModel.untrained().save(tmp_path / "model"), "hash", "run")
    monkeypatch.setattr(registry, "champion", lambda *_: None)
    assert unreadable_champion(workspace) is None
    monkeypatch.setattr(registry, "champion", lambda *_: champion)
    assert unreadable_champion(workspace) is None
    (champion.folder / "model.json").unlink()
    assert "corner.recommender/3 is of another release" in str(unreadable_champion(workspace))
    monkeypatch.setattr("orchestration.models.champions", lambda _: {"churn": "corner.churn/1"})
    said = StringIO()
    assert _needs_training(workspace, date(2025, 7, 1), Console(file=said))
    assert said.getvalue().startswith("Trains again: corner.recommender/3 is of another release")
