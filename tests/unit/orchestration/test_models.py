"""Which version serves after a training, and which may speak of what the shop wants foretold."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from drift_world import LATER, OUTCOME, Drifting, drifting_shop, write_snapshots
from rich.console import Console

from ml import registry
from ml.promotion import Decision
from ml.registry import Version
from orchestration import churn, inputs
from orchestration.cli.runs import _needs_training
from orchestration.inputs import Inputs
from orchestration.models import AS_OF, Trained, champions, defence, registered, scorer, silenced, stranger, strangers
from orchestration.retraining import requests, spoken
from orchestration.shop import Churn
from orchestration.snapshots import snapshot_folder
from orchestration.workspace import Workspace


def trained(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    serving: str | None,
    as_of: str,
    foretold: dict[str, Any] | None = None,
) -> tuple[Trained, Decision]:
    """What a training as of a day ends with beside a champion as of another, and what reached the registry."""
    champion = Version("shop.churn", 4, folder, "hash", "run", {AS_OF: serving} if serving else {})
    reached: list[Decision] = []

    def register(_: Path, __: str, ___: Any, decision: Decision, **____: Any) -> Version:
        reached.append(decision)
        return Version("shop.churn", 5, folder, "hash", "run")

    monkeypatch.setattr(registry, "champion", lambda *_: champion)
    monkeypatch.setattr(registry, "foretold", lambda *_: foretold or {})
    monkeypatch.setattr(registry, "register", register)
    workspace: Any = SimpleNamespace(
        state=SimpleNamespace(mlflow=folder, temporary=folder), shop=SimpleNamespace(slug="shop", churn=Churn())
    )
    inputs: Any = SimpleNamespace(inputs_id="inputs", code="code", as_of_date=as_of)
    write: Any = lambda _, tags: SimpleNamespace(metrics={}, pictures={}, tags=tags)  # noqa: E731
    found = registered(workspace, inputs, "churn", Decision(True, ("better",)), write, began=0.0)
    return found, reached[0]


def test_training_on_a_past_day_replaces_nothing_that_serves_today(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found, decision = trained(monkeypatch, tmp_path, "2025-07-01", "2024-07-01")
    assert not decision.is_promoted
    assert not found.is_champion
    assert "shop.churn/4 serves and knows what happened up to 2025-07-01" in found.decision


@pytest.mark.parametrize("serving", ["2025-07-01", "2025-06-01", None])
def test_training_again_or_later_goes_by_the_gate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, serving: str | None
) -> None:
    found, decision = trained(monkeypatch, tmp_path, serving, "2025-07-01")
    assert decision.is_promoted
    assert found.decision == "promoted: better"


def test_training_on_a_past_day_replaces_what_foretells_another_outcome_and_serves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found, _ = trained(monkeypatch, tmp_path, "2025-07-01", "2024-07-01", {"horizon_days": 30})
    assert found.is_champion


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Drifting:
    """Its champion was trained for 30 days of silence in orders."""
    return drifting_shop(tmp_path_factory.mktemp("drifting"))[0]


@contextmanager
def wanted(workspace: Workspace, **changed: Any) -> Iterator[Workspace]:
    """The workspace after ``churn:`` of its shop.yml was edited."""
    before = workspace.shop
    workspace.__dict__["shop"] = before.model_copy(update={"churn": before.churn.model_copy(update=changed)})
    try:
        yield workspace
    finally:
        workspace.__dict__["shop"] = before


def pinned_later(workspace: Workspace) -> Inputs:
    serving = champions(workspace)
    pinned = inputs.pin(workspace.state, workspace.shop, LATER, training_dates=(), champions=serving)
    inputs.finish(workspace.state, pinned)
    return pinned


def trains(workspace: Workspace) -> bool:
    return _needs_training(workspace, LATER, Console(file=StringIO()))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"horizon_days": 180}, "horizon_days 30, now 180"),
        ({"mode": "subscription"}, "touchpoint orders, now subscriptions, active_days 365, now None"),
        ({"activity": "events"}, "touchpoint orders, now events"),
        ({"active_days": 100}, "active_days 365, now 100"),
    ],
)
def test_a_champion_of_another_outcome_neither_scores_nor_defends_its_place_and_a_run_trains(
    shop: Drifting, changed: dict[str, Any], said: str
) -> None:
    with wanted(shop.workspace, **changed) as workspace:
        pinned = pinned_later(workspace)
        assert scorer(workspace, pinned, "churn") is None
        why = f"foretells another outcome ({said})"
        assert silenced(workspace, pinned, "churn") == f"corner.churn/1 {why}"
        assert defence(workspace, pinned, "churn") == (None, f"it {why}")
        assert trains(workspace)
        assert spoken(requests(workspace, LATER)) == f"the churn model (corner.churn/1 {why})"


def test_value_is_of_the_same_horizon_and_lists_are_of_none(shop: Drifting, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"outcome": asdict(OUTCOME)}))
    version = Version("corner.value", 1, tmp_path, "hash", "run")
    with wanted(shop.workspace, horizon_days=60) as workspace:
        assert stranger(workspace, version) == "foretells another outcome (horizon_days 30, now 60)"
        assert stranger(workspace, replace(version, name="corner.recommender")) is None


@pytest.mark.parametrize("changed", [{}, {"label_delay_days": 12}, {"training_snapshots": 3}])
def test_when_an_outcome_is_known_and_how_much_is_learned_make_no_other_outcome(
    shop: Drifting, changed: dict[str, Any]
) -> None:
    with wanted(shop.workspace, **changed) as workspace:
        pinned = pinned_later(workspace)
        version = scorer(workspace, pinned, "churn")
        assert version is not None
        assert silenced(workspace, pinned, "churn") is None
        assert defence(workspace, pinned, "churn") == (version.folder, None)
        assert not trains(workspace)


def test_where_nothing_can_be_learned_of_the_new_outcome_no_run_trains_in_vain(
    shop: Drifting, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wanted(shop.workspace, horizon_days=180) as workspace:
        monkeypatch.setattr("orchestration.models.training_dates", lambda *_: ())
        assert strangers(workspace, LATER) == {}


def test_a_model_that_did_not_keep_its_outcome_is_taken_to_be_of_the_horizon_of_its_run(shop: Drifting) -> None:
    version = registry.champion(shop.workspace.state.mlflow, "corner")
    assert version is not None
    file = version.folder / "model.json"
    kept = file.read_text()
    file.write_text(json.dumps({name: one for name, one in json.loads(kept).items() if name != "outcome"}))
    try:
        with wanted(shop.workspace, horizon_days=180) as workspace:
            assert silenced(workspace, pinned_later(workspace), "churn") == (
                "corner.churn/1 foretells another outcome (horizon_days 30, now 180)"
            )
        with wanted(shop.workspace, mode="subscription") as workspace:
            assert silenced(workspace, pinned_later(workspace), "churn") is None
    finally:
        file.write_text(kept)


def test_the_fallback_speaks_for_it_and_says_why(shop: Drifting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(churn, "_lifetimes", lambda *_: None)
    with wanted(shop.workspace, horizon_days=180) as workspace:
        pinned = pinned_later(workspace)
        folder = snapshot_folder(workspace, pinned)
        write_snapshots(folder, [LATER], LATER)
        scored = churn.score(workspace, pinned)
        assert scored["model"].startswith("fallback:")
        assert scored["why this fallback"].startswith(
            "corner.churn/1 foretells another outcome (horizon_days 30, now 180); "
        )
        scores = pd.read_parquet(workspace.state.scores / pinned.inputs_id / "churn_scores.parquet")
        assert set(scores["status"]) == {"insufficient_data"}
