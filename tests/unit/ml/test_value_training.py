"""Value learned in a world whose rule is known."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from value_world import AS_OF, ENGINE, NAMES, OUTCOME, season, train_value, write_value_world

from ml.booster import Recipe
from ml.defender import judged_champion
from ml.drift.reference import Reference
from ml.engine import Engine
from ml.model import FeatureMismatchError, ModelFileError
from ml.value.backtest import by_date
from ml.value.model import ValueModel
from ml.value.record import interval_metrics, metrics
from ml.value.training import TooLittleData, TrainingPlan, train

PLAN = TrainingPlan(AS_OF, OUTCOME, recipe=Recipe(rounds=40), seed=3)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_value_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def result(world):
    return train_value(world, PLAN)


def newest(folder):
    features = pd.read_parquet(folder / "features.parquet").query("as_of_date == @AS_OF")
    return features[list(NAMES)].to_numpy(np.float32)


def test_the_model_finds_what_no_average_knows(result):
    found = result.backtest.metrics
    assert result.backtest.kind == "time"
    assert found["model"].gini > found["historical_average"].gini + 0.05
    assert found["model"].gini > found["frequency_x_value"].gini + 0.02
    assert found["model"].gini > found["fallback"].gini + 0.05


def test_the_level_of_the_season_is_met_at_a_date_that_no_step_has_seen(result, world):
    features = pd.read_parquet(world / "features.parquet").query("as_of_date == @AS_OF")
    prediction = result.model.predict(newest(world), NAMES, AS_OF)
    parts = result.model.parts(newest(world), NAMES)
    worth = (features["spend_365d"] / features["orders_365d"].clip(lower=1)).to_numpy()
    told = features["orders_365d"].to_numpy() > 0
    expected = (0.9 * season(AS_OF) * features["visits"].to_numpy() / 4 * worth)[told].sum()
    assert prediction.factor > 1.2, "December is not the average month"
    assert abs(prediction.spend[told].sum() / expected - 1) < 0.2 < abs(parts.spend[told].sum() / expected - 1)


def test_the_interval_covers_about_eight_of_ten_at_a_date_that_it_has_not_seen(result):
    assert 0.72 < result.backtest.coverage < 0.9
    found = interval_metrics(result.backtest)
    assert [name for name in found if "decile" in name] == [f"interval_coverage/decile_{k}" for k in range(1, 11)]
    losses = result.backtest.interval_losses
    assert found["interval_score"] == losses["model"].mean()
    assert found["historical_quantiles/interval_score"] == losses["historical_quantiles"].mean()


def test_orders_and_returns_are_learned_too(result):
    assert result.backtest.orders.gini > 0.3
    assert result.model.returned_share == pytest.approx(0.1, abs=1e-6)


def test_the_backtest_learns_from_no_outcome_that_was_unknown_at_its_date(result):
    known_after = timedelta(OUTCOME.known_after_days)
    assert len(result.backtest.dates) == 3
    for day, model in result.backtest_models.items():
        assert max(model.snapshots) + known_after <= day
    assert max(result.model.snapshots) == result.backtest.dates[-1]


def test_outcomes_changed_after_the_backtest_date_change_the_judgement_but_not_the_judged(world, tmp_path, result):
    labels = pd.read_parquet(world / "labels.parquet")
    last = result.backtest.dates[-1]
    test = labels["as_of_date"] == last
    labels.loc[test, "net_spend_within_horizon"] = labels.loc[test, "net_spend_within_horizon"].to_numpy()[::-1]
    labels.to_parquet(tmp_path / "labels.parquet", index=False)
    changed = train(world / "features.parquet", tmp_path / "labels.parquet", PLAN, ENGINE)
    assert np.array_equal(changed.backtest.predictions["model"], result.backtest.predictions["model"])
    assert by_date(changed.backtest)[last]["model"].gini < 0.2 < by_date(result.backtest)[last]["model"].gini


def test_one_thread_and_two_give_the_same_bytes_in_any_order_of_rows(world, tmp_path):
    for name in ("features", "labels"):
        frame = pd.read_parquet(world / f"{name}.parquet").sample(frac=1, random_state=1)
        frame.to_parquet(tmp_path / f"{name}.parquet", index=False)
    quick = TrainingPlan(AS_OF, OUTCOME, recipe=Recipe(rounds=5), seed=3)
    train_value(world, quick).save(tmp_path / "1")
    train(tmp_path / "features.parquet", tmp_path / "labels.parquet", quick, Engine(threads=2)).save(tmp_path / "2")
    files = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*.*"))
    assert len([file for file in files if file.parts[0] == "backtest"]) == 3 * 3
    assert [str(file) for file in files if file.parts[0] != "backtest"] == [
        "model.json", "orders_trees.txt", "reference.json", "spend_trees.txt",
    ]  # fmt: skip
    for file in files:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes(), file


def test_a_saved_model_predicts_the_same_to_the_last_bit_and_names_no_customer(world, result, tmp_path):
    loaded = ValueModel.load(result.save(tmp_path))
    ours, theirs = (model.predict(newest(world), NAMES, AS_OF) for model in (result.model, loaded))
    for name in ("spend", "orders", "low", "high"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert loaded.outcome == OUTCOME
    assert not any("c_0" in path.read_text() for path in tmp_path.rglob("*.*"))


def test_reordered_features_and_foreign_folders_are_refused(world, result, tmp_path):
    with pytest.raises(FeatureMismatchError, match="another order"):
        result.model.predict(newest(world), (NAMES[1], NAMES[0], *NAMES[2:]), AS_OF)
    with pytest.raises(ModelFileError, match="no whole value model"):
        ValueModel.load(tmp_path)


def test_nobody_is_expected_to_bring_more_than_anybody_ever_did(result):
    giant = np.full((1, len(NAMES)), 1e9, np.float32)
    most = np.exp(result.model.spend.ceiling) * result.model.spend.scale
    assert result.model.spend.own(giant, NAMES, 1)[0] <= most * 1.001


def test_the_champion_is_judged_by_the_model_that_could_not_have_known(world, result, tmp_path):
    folder = result.save(tmp_path)
    for day, model in result.backtest_models.items():
        assert judged_champion(folder, day, OUTCOME, ValueModel.load).snapshots == model.snapshots
    again = train_value(world, PLAN, champion_folder=folder)
    assert np.array_equal(again.backtest.predictions["champion"], again.backtest.predictions["model"])


def test_in_a_young_shop_the_champion_is_judged_on_the_customers_that_its_backtest_left_out(tmp_path):
    world, quick = write_value_world(tmp_path / "world", snapshots=2), replace(PLAN, recipe=Recipe(rounds=5))
    folder = train_value(world, quick).save(tmp_path / "champion")
    again = train_value(world, quick, champion_folder=folder).backtest
    assert again.kind == "customers"
    assert np.array_equal(again.predictions["champion"], again.predictions["model"])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"customers": 60}, "60 customers"),
        ({"spends": False}, "only 0 of"),
        ({"snapshots": 0}, "no snapshot has a finished outcome"),
    ],
)
def test_too_little_data_says_why_instead_of_training(tmp_path, settings, reason):
    refused = train_value(write_value_world(tmp_path, **settings), PLAN)
    assert isinstance(refused, TooLittleData)
    assert reason in refused.reason


@pytest.mark.parametrize("snapshots", [1, 3])
def test_little_history_still_gives_a_model_at_its_own_level(tmp_path, snapshots):
    result = train_value(write_value_world(tmp_path, snapshots=snapshots), PLAN)
    assert result.backtest.kind == ("customers" if snapshots < 3 else "time")
    assert set(result.backtest.factors.values()) == {1.0}


def test_whom_it_learned_from_last_and_how_it_was_judged_stands_beside_the_model(result, tmp_path):
    reference = Reference.load(result.save(tmp_path))
    assert (reference.as_of, reference.snapshots) == (AS_OF, result.model.snapshots[-3:])
    newest = by_date(result.backtest)[result.backtest.dates[-1]]["model"]
    assert reference.backtest.ranking == pytest.approx(newest.gini, abs=1e-6)
    assert 0 < reference.backtest.ranking_error < 0.1
    assert reference.score.customers == newest.customers
    assert sum(reference.gains.values()) == pytest.approx(1, abs=1e-4)


def test_what_is_written_down_compares_with_churn_at_a_glance(result):
    found = metrics(result)
    assert {"rows", "snapshots", "customers", "gini", "total_bias", "decile_mape", "interval_coverage"} <= set(found)
    assert {"historical_average/gini", "frequency_x_value/gini", "orders/total_bias"} <= set(found)


def test_an_expectation_of_orders_tells_the_level_of_a_season_that_no_snapshot_has_seen(tmp_path):
    """Half a year of snapshots before December: the trees know its average month, the expectation knows December."""
    plain, expecting = (
        train_value(write_value_world(tmp_path / str(told), snapshots=7, is_expected=told), PLAN)
        for told in (False, True)
    )
    bias = {name: abs(one.backtest.metrics["model"].total_bias) for name, one in (("p", plain), ("e", expecting))}
    assert bias["e"] < 0.15 < bias["p"]
    found = expecting.backtest.metrics
    assert found["model"].gini > found["historical_average"].gini + 0.05, "the trees still correct it"
    loaded = ValueModel.load(expecting.save(tmp_path / "saved"))
    features = pd.read_parquet(tmp_path / "True" / "features.parquet").query("as_of_date == @AS_OF")
    X = features[list(expecting.model.names)].to_numpy(np.float32)
    ours, theirs = (model.predict(X, model.names, AS_OF) for model in (expecting.model, loaded))
    assert np.array_equal(ours.spend, theirs.spend)
    assert np.isfinite(ours.spend).all(), "those of whom nothing is expected are valued too"
