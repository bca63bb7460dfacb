"""The churn model as it is kept and served: files, features, reference, contributions, level."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_world import AS_OF, NAMES, PLAN, newest, predict, train_in, write_world

from ml.churn.calibration import Level
from ml.churn.model import ChurnModel
from ml.churn.training import by_date
from ml.drift.reference import Reference
from ml.drift.stability import distribution, odds_around_level
from ml.evaluation import auc
from ml.model import FeatureMismatchError, ModelFileError


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def result(world):
    return train_in(world)


def test_a_saved_model_scores_the_same_to_the_last_bit(world, result, tmp_path):
    X, _ = newest(world)
    loaded = ChurnModel.load(result.model.save(tmp_path / "model"))
    assert np.array_equal(predict(loaded, X), predict(result.model, X))
    assert loaded.outcome == PLAN.outcome
    assert {p.name for p in (tmp_path / "model").iterdir()} == {"model.json", "trees.txt"}


def test_no_customer_is_named_in_the_files_of_a_model(result, tmp_path):
    files = (p for p in result.save(tmp_path).rglob("*") if p.is_file())
    assert not any("c_0" in p.read_text() for p in files)


def test_reordered_renamed_and_missing_features_are_refused_by_name(world, result):
    X, _ = newest(world)
    swapped = (NAMES[1], NAMES[0], *NAMES[2:])
    with pytest.raises(FeatureMismatchError, match="another order, first at 0: orders_90d"):
        result.model.predict(X, swapped, Level())
    with pytest.raises(FeatureMismatchError, match=r"missing orders_90d \(renamed to orders_90_d\?\)"):
        result.model.predict(X, (NAMES[0], "orders_90_d", *NAMES[2:]), Level())


def test_whom_it_learned_from_last_and_how_it_was_judged_stands_beside_the_model(world, result, tmp_path):
    reference = Reference.load(result.save(tmp_path))
    assert (reference.as_of, reference.snapshots) == (AS_OF, result.snapshots[-3:])
    newest_date = result.backtest.dates[-1]
    assert reference.backtest_date == newest_date
    assert reference.backtest.ranking == pytest.approx(by_date(result.backtest, 0)[newest_date]["model"].auc, abs=1e-6)
    assert {(one.customers, len(one.shares)) for one in reference.features.values()} >= {(300, 2), (300, 9)}
    assert reference.features["never_known"].shares == (1.0, 0.0)
    assert reference.gains["orders_90d"] > 0.2
    X, _ = newest(world)
    assert not any(shift.is_beyond for shift in reference.shifts(X).values())
    X[:, NAMES.index("noise")] += 2
    assert [name for name, shift in reference.shifts(X).items() if shift.is_beyond] == ["noise"]


def test_its_scores_are_compared_with_those_that_it_gave_itself(world, result):
    """Not with those of the backtest, which another model gave."""
    day = result.backtest.dates[-1]
    X = pd.read_parquet(world / "features.parquet").query("as_of_date == @day")[list(NAMES)].to_numpy(np.float32)
    p = result.model.predict(X, NAMES, result.model.level(X, day))
    assert result.reference.score == distribution(odds_around_level(p), 300)


def test_a_model_without_its_reference_says_so(result, tmp_path):
    folder = result.save(tmp_path)
    (folder / "reference.json").unlink()
    with pytest.raises(ModelFileError, match=r"no reference\.json"):
        Reference.load(folder)


def test_what_features_add_is_the_score_but_for_what_is_usual(world, result):
    X, _ = newest(world)
    added = np.empty((len(NAMES) + 1, len(X)))
    result.model.explain(added, np.ascontiguousarray(X.T))
    assert np.array_equal(added[-1], result.model.margin(X, threads=1))
    assert np.ptp(added[-1] - added[:-1].sum(axis=0)) < 1e-9


def test_an_unreadable_or_foreign_model_folder_is_refused(tmp_path, result):
    with pytest.raises(ModelFileError, match="no whole churn model"):
        ChurnModel.load(tmp_path)
    folder = result.model.save(tmp_path / "m")
    text = (folder / "model.json").read_text().replace('"format": 4', '"format": 9')
    (folder / "model.json").write_text(text)
    with pytest.raises(ModelFileError, match="format 9"):
        ChurnModel.load(folder)


def test_probabilities_rank_what_then_happens(world, result):
    X, features = newest(world)
    p = predict(result.model, X)
    truth = features["days_since_last_order"] / 30 - features["orders_90d"]
    assert auc((truth > 0).to_numpy(float), p) > 0.9


def with_expectation(folder: Path, world: Path, swing: dict[int, float]) -> Path:
    """The same world with an expectation that knows each date's level: P(churn) moved by what is planted there."""
    folder.mkdir(parents=True, exist_ok=True)
    features, labels = (pd.read_parquet(world / f"{name}.parquet") for name in ("features", "labels"))
    rng, order = np.random.default_rng(5), sorted(features["as_of_date"].unique())
    level = features["as_of_date"].map({day: swing.get(k, 0.0) for k, day in enumerate(order)}).to_numpy(float)
    risk = features["days_since_last_order"].to_numpy() / 30 - features["orders_90d"].to_numpy() + level
    p = 1 / (1 + np.exp(-risk))
    labels["has_churned"] = pd.array(rng.random(len(p)) < p, "boolean")
    labels.loc[labels["as_of_date"] == AS_OF, "has_churned"] = pd.NA
    blurred = risk + rng.normal(0, 1.0, len(p))
    features["expected_churn"] = 1 / (1 + np.exp(-blurred))
    features.to_parquet(folder / "features.parquet", index=False)
    labels.to_parquet(folder / "labels.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def seasonal(world, tmp_path_factory):
    """The scored date is far riskier than any that taught."""
    return with_expectation(tmp_path_factory.mktemp("seasonal"), world, {6: 2.0})


def test_the_level_of_a_date_is_that_of_its_expectation(seasonal):
    names = (*NAMES, "expected_churn")
    features = pd.read_parquet(seasonal / "features.parquet").query("as_of_date == @AS_OF")
    X = features[list(names)].to_numpy(np.float32)
    taught = {}
    for expectation in ("expected_churn", None):
        model = train_in(seasonal, replace(PLAN, expectation=expectation)).model
        taught[expectation] = model.predict(X, names, model.level(X, AS_OF)).mean()
        explained = np.empty((len(names) + 1, len(X)))
        model.explain(explained, np.ascontiguousarray(X.T))
        assert np.array_equal(explained[-1], model.margin(X, threads=1))
        assert np.ptp(explained[-1] - explained[:-1].sum(axis=0)) < 1e-9, "contributions add up"
    assert taught["expected_churn"] == pytest.approx(features["expected_churn"].mean(), abs=0.03)
    assert taught["expected_churn"] > features["expected_churn"].mean() - 0.03 > taught[None]


def test_a_customer_without_an_expectation_is_taken_for_a_usual_one(seasonal):
    names = (*NAMES, "expected_churn")
    model = train_in(seasonal, replace(PLAN, expectation="expected_churn")).model
    X = np.array([[30, 2, 40, 0, np.nan, np.nan]], np.float32)
    assert model.expected(X)[0] == model.usual
    assert 0 < model.predict(X, names, Level())[0] < 1
