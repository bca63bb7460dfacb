"""What judges settings: the project's own backtest, on dates whose outcome the gate's dates have no part in."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from drift_world import ENGINE, OUTCOME, write_snapshots
from value_world import AS_OF as VALUE_AS_OF
from value_world import OUTCOME as VALUE_OUTCOME
from value_world import train_value, write_value_world

from ml.amounts import gini
from ml.booster import Recipe
from ml.churn.training import Sources, TrainingPlan, train
from ml.evaluation import log_loss
from ml.tuning.task import DATES, TooLittleHistoryError, churn_task, value_task
from ml.value.training import TrainingPlan as ValuePlan

AS_OF = date(2025, 3, 1)
QUICK = Recipe(rounds=10)
PLAN = TrainingPlan(AS_OF, OUTCOME)
NEWEST = AS_OF - timedelta(OUTCOME.known_after_days)
DAYS = [NEWEST - timedelta(30 * k) for k in range(14)][::-1]


def files(folder):
    return Sources(folder / "customer_features.parquet", folder / "customer_labels.parquet")


def losses(task, recipe=QUICK):
    at = task.learner(recipe)
    judged = (*task.searched, task.confirming)
    return [task.loss(task.happened(origin.test), at(origin)) for origin in judged]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("churn")
    write_snapshots(folder, [*DAYS, AS_OF], AS_OF)
    return folder


@pytest.fixture(scope="module")
def task(world):
    return churn_task(files(world), PLAN, ENGINE)


@pytest.fixture(scope="module")
def gate(world):
    """The dates that the gate of a training judges on."""
    return train(files(world), replace(PLAN, recipe=QUICK), ENGINE).backtest.dates


def test_every_outcome_that_settings_see_was_known_at_the_first_date_of_the_gate(task, gate):
    judged = [origin.date for origin in (*task.searched, task.confirming)]
    assert len(judged) == DATES
    assert judged == sorted(judged)
    for day in judged:
        assert day + timedelta(OUTCOME.known_after_days) <= gate[0]
    for origin in (*task.searched, task.confirming):
        assert all(day + timedelta(OUTCOME.known_after_days) <= origin.date for day in origin.known.dates)


def test_outcomes_turned_round_on_the_dates_of_the_gate_change_no_loss_and_no_study(task, gate, tmp_path):
    write_snapshots(tmp_path, [*DAYS, AS_OF], AS_OF)
    labels = pd.read_parquet(tmp_path / "customer_labels.parquet")
    unknown = [day for day in DAYS if day + timedelta(OUTCOME.known_after_days) > gate[0]]
    assert set(gate) < set(unknown), "a date just before the gate's looks into them"
    late = labels["as_of_date"].isin(unknown)
    labels.loc[late, "has_churned"] = ~labels.loc[late, "has_churned"]
    labels.to_parquet(tmp_path / "customer_labels.parquet", index=False)
    turned = churn_task(files(tmp_path), PLAN, ENGINE)
    assert turned.data_hash == task.data_hash
    assert losses(turned) == losses(task)


def test_an_outcome_changed_among_what_is_seen_is_another_study(task, tmp_path):
    write_snapshots(tmp_path, [*DAYS, AS_OF], AS_OF)
    labels = pd.read_parquet(tmp_path / "customer_labels.parquet")
    row = labels.index[labels["as_of_date"] == task.searched[0].date][0]
    labels.loc[row, "has_churned"] = not labels.loc[row, "has_churned"]
    labels.to_parquet(tmp_path / "customer_labels.parquet", index=False)
    assert churn_task(files(tmp_path), PLAN, ENGINE).data_hash != task.data_hash


def test_settings_are_judged_by_the_very_backtest_of_a_training(world, task):
    """A training that has the task's dates as its newest says of them what the task says."""
    newest = max(origin.date for origin in (*task.searched, task.confirming))
    plan = replace(PLAN, as_of=newest + timedelta(OUTCOME.known_after_days), backtest_dates=DATES, recipe=QUICK)
    backtest = train(files(world), plan, ENGINE).backtest
    by_date = [backtest.judged.at(day) for day in backtest.dates]
    assert losses(task) == [log_loss(rows.y, rows.said["model"]) for rows in by_date]


def test_value_is_judged_by_the_gini_of_its_own_backtest(tmp_path):
    folder = write_value_world(tmp_path, customers=400, snapshots=12)
    plan = ValuePlan(VALUE_AS_OF, VALUE_OUTCOME, recipe=QUICK)
    task = value_task(folder / "features.parquet", folder / "labels.parquet", plan, ENGINE)
    newest = task.confirming.date
    same = replace(plan, as_of=newest + timedelta(VALUE_OUTCOME.known_after_days), backtest_dates=DATES)
    backtest = train_value(folder, same).backtest
    by_date = [backtest.judged.at(day) for day in backtest.dates]
    assert losses(task) == [1 - gini(rows.y, rows.said["model"]) for rows in by_date]
    said = [task.learner(recipe)(task.confirming) for recipe in (QUICK, Recipe(rounds=1, learning_rate=1e-4))]
    assert task.difference((task.confirming,), said[:1], said[1:]).value < 0, "a gain of Gini is a loss less"


def test_settings_change_the_trees_and_nothing_that_stands_beside_them(task):
    few, many = (task.learner(Recipe(rounds=rounds))(task.searched[-1]) for rounds in (1, 60))
    assert not np.array_equal(few, many)
    assert np.array_equal(task.learner(Recipe(rounds=1))(task.searched[-1]), few), "whatever was tried in between"


def test_too_little_history_before_the_gate_is_said(tmp_path):
    write_snapshots(tmp_path, [*DAYS[-6:], AS_OF], AS_OF)
    with pytest.raises(TooLittleHistoryError, match=r"2 are needed: the defaults stay"):
        churn_task(files(tmp_path), PLAN, ENGINE)
