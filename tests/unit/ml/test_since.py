"""Settings that were chosen by later outcomes grow no model of an earlier date."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from drift_world import ENGINE, OUTCOME, write_snapshots
from value_world import AS_OF as VALUE_AS_OF
from value_world import OUTCOME as VALUE_OUTCOME
from value_world import train_value, write_value_world

from ml.booster import Recipe
from ml.churn.training import Sources, TrainingPlan, TrainingResult, train
from ml.since import recipe_parameters, usual_dates
from ml.value.training import TrainingPlan as ValuePlan

TUNED = Recipe(rounds=3, leaves=4)
DAYS = [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)]


def churn(folder: Path, recipe: Recipe, since: date | None) -> TrainingResult:
    as_of = date(2025, 3, 1)
    days = [as_of - timedelta(OUTCOME.known_after_days) - timedelta(30 * k) for k in range(8)][::-1]
    if not (folder / "customer_features.parquet").exists():
        write_snapshots(folder, [*days, as_of], as_of)
    plan = TrainingPlan(as_of, OUTCOME, recipe=recipe, recipe_since=since, backtest_dates=2)
    files = Sources(folder / "customer_features.parquet", folder / "customer_labels.parquet")
    found = train(files, plan, ENGINE)
    assert isinstance(found, TrainingResult)
    return found


def test_churn_is_judged_by_the_defaults_before_the_settings_could_be_known(tmp_path: Path) -> None:
    tuned, usual = churn(tmp_path, TUNED, None), churn(tmp_path, Recipe(), None)
    early, late = tuned.backtest.dates
    both = churn(tmp_path, TUNED, late)
    assert both.backtest_models[early].trees.text == usual.backtest_models[early].trees.text
    assert both.backtest_models[late].trees.text == tuned.backtest_models[late].trees.text
    assert both.backtest_models[late].trees.text != usual.backtest_models[late].trees.text
    assert both.model.trees.text == tuned.model.trees.text
    assert churn(tmp_path, TUNED, early).backtest_models[early].trees.text == tuned.backtest_models[early].trees.text


def test_value_is_judged_by_the_defaults_before_the_settings_could_be_known(tmp_path: Path) -> None:
    write_value_world(tmp_path, customers=300, snapshots=8)

    def trained(recipe: Recipe, since: date | None):
        return train_value(
            tmp_path, ValuePlan(VALUE_AS_OF, VALUE_OUTCOME, recipe=recipe, recipe_since=since, backtest_dates=2)
        )

    tuned, usual = trained(TUNED, None), trained(Recipe(), None)
    early, late = tuned.backtest.dates
    both = trained(TUNED, late)
    assert both.backtest_models[early].spend.trees.text == usual.backtest_models[early].spend.trees.text
    assert both.backtest_models[late].spend.trees.text == tuned.backtest_models[late].spend.trees.text
    assert both.model.spend.trees.text == tuned.model.spend.trees.text


@pytest.mark.parametrize(
    ("recipe", "since", "expected"),
    [(TUNED, DAYS[1], DAYS[:1]), (TUNED, None, []), (Recipe(), DAYS[1], []), (TUNED, DAYS[0], [])],
)
def test_dates_of_the_defaults_are_told(recipe: Recipe, since: date | None, expected: list[date]) -> None:
    assert list(usual_dates(DAYS, recipe, since)) == expected
    assert recipe_parameters(recipe, since, DAYS).get("defaults_on", "") == ", ".join(map(str, expected))
