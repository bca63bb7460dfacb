"""Training and backtest of churn: what may teach at which date, and what stays the same whatever the machine."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from churn_world import AS_OF, ENGINE, NAMES, OUTCOME, PLAN, files, train_in, write_world

from ml.booster import Recipe
from ml.churn.model import ChurnModel
from ml.churn.recipe import Trainer
from ml.churn.training import TooLittleData, by_date, train
from ml.defender import judged_champion
from ml.engine import Engine
from ml.evaluation import expit, logit
from ml.model import ModelFileError
from ml.promotion import decide
from ml.snapshots import known_snapshots, read_snapshots


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def result(world):
    return train_in(world)


def test_the_model_finds_the_rule_and_beats_recency_alone(result):
    metrics = result.backtest.metrics
    assert result.backtest.kind == "time"
    assert metrics["model"].auc > metrics["recency"].auc + 0.05
    assert {"model", "logistic", "recency", "fallback"} == set(metrics)


def test_the_backtest_learns_from_no_outcome_that_was_unknown_at_its_date(result):
    known_after = timedelta(OUTCOME.known_after_days)
    assert result.backtest.dates == result.snapshots[-3:]
    for day, model in result.backtest_models.items():
        assert model.snapshots == tuple(s for s in result.snapshots if s + known_after <= day)
    assert result.model.snapshots == result.snapshots


def test_outcomes_flipped_on_a_date_change_its_judgement_but_not_what_was_said_of_it(world, tmp_path, result):
    newest_date = result.backtest.dates[-1]
    labels = pd.read_parquet(world / "labels.parquet")
    test = labels["as_of_date"] == newest_date
    labels.loc[test, "has_churned"] = ~labels.loc[test, "has_churned"]
    labels.to_parquet(tmp_path / "labels.parquet", index=False)
    flipped = train(files(world, tmp_path), PLAN, ENGINE)
    assert np.array_equal(flipped.backtest.probabilities["model"], result.backtest.probabilities["model"])
    before, after = (by_date(one.backtest, 0)[newest_date]["model"].auc for one in (result, flipped))
    assert after == pytest.approx(1 - before)


def test_what_weighs_the_parts_was_unknown_to_the_parts_that_it_weighs(world):
    """Outcomes of the weighing dates, flipped, turn the weights; the parts that are weighed stay as they were."""
    dates = tuple(known_snapshots(world / "labels.parquet", ENGINE))
    data = read_snapshots(world / "features.parquet", world / "labels.parquet", NAMES, dates, ENGINE, max_rows=10**6)
    trainer = Trainer(OUTCOME, PLAN.recipe, seed=1, threads=1)
    right = trainer.model_at(data, AS_OF).weights
    late = np.isin(data.day, np.unique(data.day)[-2:])
    turned = replace(data, Y=np.where(late[:, None], 1 - data.Y, data.Y))
    assert sum(trainer.model_at(turned, AS_OF).weights) < 0.5 * sum(right), "what was right became wrong"


def test_a_snapshot_whose_outcome_is_not_yet_due_teaches_nothing(world, tmp_path, result):
    labels = pd.read_parquet(world / "labels.parquet")
    labels["has_churned"] = labels["has_churned"].fillna(False)
    labels.to_parquet(tmp_path / "labels.parquet", index=False)
    early = train(files(world, tmp_path), PLAN, ENGINE)
    assert AS_OF not in early.snapshots
    assert early.data_hash == result.data_hash


def test_one_thread_and_two_give_the_same_bytes(world, tmp_path):
    quick = replace(PLAN, recipe=Recipe(rounds=5))
    for threads in (1, 2):
        trained = train(files(world), quick, Engine(threads=threads))
        trained.save(tmp_path / str(threads))
    backtest = f"backtest/{trained.backtest.dates[-1]}"
    own = ("model.json", "trees.txt")
    for file in (*own, "reference.json", "standing.json", *(f"{backtest}/{name}" for name in own)):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()


def test_where_no_play_was_decided_a_training_is_the_same_to_the_byte(world, tmp_path):
    """Recorded that nothing was done, and that some were held out of it, or not recorded at all."""
    quick = replace(PLAN, recipe=Recipe(rounds=5))
    train(files(world), quick, ENGINE).save(tmp_path / "unrecorded")
    labels = pd.read_parquet(world / "labels.parquet")
    labels = labels.assign(untreated_propensity=np.nan, is_held_out=labels["customer_id"] < "c_00040")
    for name in ("first_play", "treated_play"):
        labels[name] = pd.Series(None, index=labels.index, dtype="string")
    labels.to_parquet(tmp_path / "labels.parquet", index=False)
    recorded = train(files(world, tmp_path), quick, ENGINE)
    recorded.save(tmp_path / "recorded")
    assert recorded.plays is None
    kept = [path.relative_to(tmp_path / "recorded") for path in (tmp_path / "recorded").rglob("*") if path.is_file()]
    assert len(kept) == 4 + 3 * 2
    for file in kept:
        assert (tmp_path / "recorded" / file).read_bytes() == (tmp_path / "unrecorded" / file).read_bytes()


def test_the_order_of_rows_in_the_files_does_not_matter(world, tmp_path, result):
    for file in ("features.parquet", "labels.parquet"):
        pd.read_parquet(world / file).sample(frac=1, random_state=1).to_parquet(tmp_path / file, index=False)
    assert train_in(tmp_path).data_hash == result.data_hash


def test_who_objected_to_profiling_or_is_not_eligible_does_not_teach(world, tmp_path):
    labels = pd.read_parquet(world / "labels.parquet")
    labels.loc[labels["customer_id"] == "c_00000", "is_profiled"] = False
    labels.loc[labels["customer_id"] == "c_00001", "is_eligible"] = False
    labels.to_parquet(tmp_path / "labels.parquet", index=False)
    dates = tuple(known_snapshots(tmp_path / "labels.parquet", ENGINE))
    data = read_snapshots(world / "features.parquet", tmp_path / "labels.parquet", NAMES, dates, ENGINE, max_rows=10**6)
    assert data.customers == 298


def test_above_the_cap_the_same_customers_stay_in_every_snapshot(world):
    dates = tuple(known_snapshots(world / "labels.parquet", ENGINE))
    data = read_snapshots(world / "features.parquet", world / "labels.parquet", NAMES, dates, ENGINE, max_rows=600)
    assert 400 < len(data) < 800
    assert len(data) == data.customers * len(dates)


@pytest.mark.parametrize(
    ("world_settings", "reason"),
    [
        ({"customers": 60}, "60 customers"),
        ({"churn": 1.0}, "only 0 of 1800 outcomes differ"),
        ({"snapshots": 0}, "no snapshot has a finished outcome"),
    ],
)
def test_too_little_data_says_why_instead_of_training(tmp_path, world_settings, reason):
    refused = train_in(write_world(tmp_path, **world_settings))
    assert isinstance(refused, TooLittleData)
    assert reason in refused.reason


@pytest.mark.parametrize("snapshots", [1, 2, 3])
def test_little_history_still_gives_a_model_judged_on_other_customers(tmp_path, snapshots):
    result = train_in(write_world(tmp_path, customers=600, snapshots=snapshots))
    assert result.backtest.kind == ("customers" if snapshots < 3 else "time")
    assert result.backtest.metrics["model"].auc > 0.7


def test_in_a_young_shop_the_champion_is_judged_on_the_customers_that_its_backtest_left_out(tmp_path):
    """A newer snapshot does not change who they are."""
    world = write_world(tmp_path / "world", customers=600, snapshots=2)
    first = train_in(world)
    folder = first.save(tmp_path / "champion")
    again = train_in(world, champion_folder=folder).backtest
    assert np.array_equal(again.probabilities["champion"], again.probabilities["model"]), "not the one that knows them"
    worse = expit(logit(again.probabilities["model"]) + np.random.default_rng(0).normal(0, 1.1, len(again.y)))
    decision = decide(
        again.y, {**again.probabilities, "model": worse}, seed=1, customers=again.judged.customers,
        champion_unfit=again.champion_unfit,
    )  # fmt: skip
    assert "worse than that of the champion" in decision.words
    earlier = judged_champion(folder, AS_OF, OUTCOME, ChurnModel.load, is_of_others=True)
    assert earlier.snapshots == first.model.snapshots, "an old champion speaks itself"


def test_a_champion_judged_by_time_left_nobody_out(result, tmp_path):
    folder, too_early = result.save(tmp_path), result.backtest.dates[0] - timedelta(30)
    with pytest.raises(ModelFileError, match="knows outcomes after"):
        judged_champion(folder, too_early, OUTCOME, ChurnModel.load, is_of_others=True)


def test_the_champion_is_judged_by_the_model_that_could_not_have_known(result, tmp_path):
    folder = result.save(tmp_path)
    for day, model in result.backtest_models.items():
        assert judged_champion(folder, day, OUTCOME, ChurnModel.load).snapshots == model.snapshots
    much_later = judged_champion(folder, result.backtest.dates[-1] + timedelta(60), OUTCOME, ChurnModel.load)
    assert much_later.snapshots == result.model.snapshots
    with pytest.raises(ModelFileError, match="knows outcomes after"):
        judged_champion(folder, result.backtest.dates[0] - timedelta(30), OUTCOME, ChurnModel.load)


def test_the_champion_is_scored_on_the_same_customers_or_named_unfit(world, result, tmp_path):
    folder = result.save(tmp_path / "champion")
    again = train_in(world, champion_folder=folder)
    assert np.array_equal(again.backtest.probabilities["champion"], again.backtest.probabilities["model"])
    features = pd.read_parquet(world / "features.parquet").rename(columns={"noise": "whisper"})
    features.to_parquet(tmp_path / "features.parquet", index=False)
    renamed = train(files(tmp_path, world), PLAN, ENGINE, champion_folder=folder)
    assert "champion" not in renamed.backtest.probabilities
    assert "missing noise" in renamed.backtest.champion_unfit
