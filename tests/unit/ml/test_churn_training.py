"""A tiny shop whose customers churn by a known rule, seen at several as-ofs."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.booster import Recipe
from ml.churn.model import ChurnModel
from ml.churn.recipe import Trainer
from ml.churn.training import Sources, TooLittleData, TrainingPlan, TrainingResult, by_date, train
from ml.defender import judged_champion
from ml.drift.reference import Reference
from ml.drift.stability import distribution, odds_around_level
from ml.engine import Engine
from ml.evaluation import auc
from ml.model import FeatureMismatchError, ModelFileError
from ml.snapshots import known_snapshots, read_snapshots
from ml.splits import Outcome

OUTCOME = Outcome(horizon_days=30, label_delay_days=5)
AS_OF = date(2024, 12, 1)
NAMES = ("days_since_last_order", "orders_90d", "spend_90d", "noise", "never_known")
PLAN = TrainingPlan(AS_OF, OUTCOME, recipe=Recipe(rounds=40), seed=3)
ENGINE = Engine(threads=1)


def write_world(folder: Path, *, customers: int = 300, snapshots: int = 6, churn: float | None = None) -> Path:
    """P(churn) = expit(recency / 30 - orders), at ``snapshots`` as-ofs whose outcome is known and at the as-of."""
    rng = np.random.default_rng(1)
    newest = AS_OF - timedelta(OUTCOME.known_after_days)
    dates = [newest - timedelta(30 * k) for k in range(snapshots)] + [AS_OF]
    parts = []
    for day in sorted(dates):
        recency, orders = rng.integers(1, 120, customers), rng.poisson(2.0, customers)
        p = 1 / (1 + np.exp(-(recency / 30 - orders))) if churn is None else np.full(customers, churn)
        frame = pd.DataFrame({
            "as_of_date": day, "customer_id": [f"c_{n:05d}" for n in range(customers)],
            "days_since_last_order": recency, "orders_90d": orders.astype(float),
            "spend_90d": np.where(orders, orders * 20.0, np.nan), "noise": rng.normal(size=customers),
            "never_known": np.nan, "has_churned": rng.random(customers) < p, "p": p,
        })  # fmt: skip
        frame["has_churned"] = frame["has_churned"].astype("boolean").mask(np.full(customers, day == AS_OF))
        parts.append(frame)
    world = pd.concat(parts).assign(is_eligible=True, is_profiled=True)
    folder.mkdir(parents=True, exist_ok=True)
    world[["as_of_date", "customer_id", *NAMES]].to_parquet(folder / "features.parquet", index=False)
    label_columns = ["as_of_date", "customer_id", "is_eligible", "has_churned", "is_profiled"]
    world[label_columns].to_parquet(folder / "labels.parquet", index=False)
    return folder


def files(folder: Path, labels: Path | None = None) -> Sources:
    return Sources(folder / "features.parquet", (labels or folder) / "labels.parquet")


def train_in(folder: Path, plan: TrainingPlan = PLAN, **kwargs: object) -> TrainingResult | TooLittleData:
    return train(files(folder), plan, ENGINE, **kwargs)  # type: ignore[arg-type]


def predict(model: ChurnModel, X: np.ndarray) -> np.ndarray:
    return model.predict(X, NAMES, model.level(X, AS_OF))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def result(world):
    return train_in(world)


def newest(folder: Path) -> tuple[np.ndarray, pd.DataFrame]:
    features = pd.read_parquet(folder / "features.parquet").query("as_of_date == @AS_OF")
    return features[list(NAMES)].to_numpy(np.float32), features


def test_the_model_finds_the_rule_and_beats_recency_alone(result):
    metrics = result.backtest.metrics
    assert result.backtest.kind == "time"
    assert metrics["model"].auc > metrics["recency"].auc + 0.05
    assert {"model", "logistic", "recency"} == set(metrics)


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
    right = trainer.model_at(data).weights
    late = np.isin(data.day, np.unique(data.day)[-2:])
    turned = replace(data, Y=np.where(late[:, None], 1 - data.Y, data.Y))
    assert sum(trainer.model_at(turned).weights) < 0.5 * sum(right), "what was right became wrong"


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
    for file in ("model.json", "trees.txt", "reference.json", f"{backtest}/model.json", f"{backtest}/trees.txt"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()


def test_the_order_of_rows_in_the_files_does_not_matter(world, tmp_path, result):
    for file in ("features.parquet", "labels.parquet"):
        pd.read_parquet(world / file).sample(frac=1, random_state=1).to_parquet(tmp_path / file, index=False)
    assert train_in(tmp_path).data_hash == result.data_hash


def test_a_saved_model_scores_the_same_to_the_last_bit(world, result, tmp_path):
    X, _ = newest(world)
    loaded = ChurnModel.load(result.model.save(tmp_path / "model"))
    assert np.array_equal(predict(loaded, X), predict(result.model, X))
    assert {p.name for p in (tmp_path / "model").iterdir()} == {"model.json", "trees.txt"}


def test_no_customer_is_named_in_the_files_of_a_model(result, tmp_path):
    files = (p for p in result.save(tmp_path).rglob("*") if p.is_file())
    assert not any("c_0" in p.read_text() for p in files)


def test_reordered_renamed_and_missing_features_are_refused_by_name(world, result):
    X, _ = newest(world)
    swapped = (NAMES[1], NAMES[0], *NAMES[2:])
    with pytest.raises(FeatureMismatchError, match="another order, first at 0: orders_90d"):
        result.model.predict(X, swapped, 0.0)
    with pytest.raises(FeatureMismatchError, match=r"missing orders_90d \(renamed to orders_90_d\?\)"):
        result.model.predict(X, (NAMES[0], "orders_90_d", *NAMES[2:]), 0.0)


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
    text = (folder / "model.json").read_text().replace('"format": 2', '"format": 9')
    (folder / "model.json").write_text(text)
    with pytest.raises(ModelFileError, match="format 9"):
        ChurnModel.load(folder)


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
    assert 0 < model.predict(X, names, 0.0)[0] < 1
