"""The learner on top, in a shop where one feature says what the models cannot know."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from btyd_world import TRUTHS, live

from ml.amounts import poisson_deviance, spearman
from ml.booster import Recipe
from ml.btyd.boosted import Average, BoostedBtyd, Past
from ml.model import FeatureMismatchError

NAMES = ("loyal", "noise")
HORIZON = 120.0
RECIPE = Recipe(leaves=4, rounds=100, learning_rate=0.1, feature_share=1.0)
"""With two features all of them are asked each time."""


def past(days: float, seed: int, *, customers: int = 2000) -> Past:
    """From the as-of on who is loyal buys half as often again as the models think, the others half as often."""
    life = live(TRUTHS[1], customers, days, seed=seed)
    rng = np.random.default_rng(seed)
    loyal = rng.random(customers) < 0.5
    expected = TRUTHS[1].expected_purchases(life.stats, days) * np.where(loyal, 1.5, 0.5)
    X = np.column_stack([loyal, rng.random(customers)]).astype(np.float32)
    return Past(life.stats, X, rng.poisson(expected).astype(float), days)


PASTS = [past(60, 1), past(30, 2)]
TODAY = past(HORIZON, 3)


def fit(pasts: list[Past], **given: int) -> BoostedBtyd:
    return BoostedBtyd.fit(pasts, TODAY.stats, TODAY.X, NAMES, horizon_days=HORIZON, recipe=RECIPE, **given)


@pytest.fixture(scope="module")
def model() -> BoostedBtyd:
    return fit(PASTS)


def test_what_short_horizons_taught_holds_over_a_long_one(model: BoostedBtyd) -> None:
    loyal = TODAY.X[:, 0] > 0
    factor = model.expected_purchases(TODAY.stats, TODAY.X, NAMES) / np.exp(
        model.average.log_expected(TODAY.stats, HORIZON)
    )
    assert np.median(factor[loyal]) / np.median(factor[~loyal]) == pytest.approx(3, rel=0.2)


def test_it_beats_each_model_that_it_stands_on(model: BoostedBtyd) -> None:
    ours = model.expected_purchases(TODAY.stats, TODAY.X, NAMES)
    for one in model.average.models:
        theirs = one.expected_purchases(TODAY.stats, HORIZON)
        assert poisson_deviance(TODAY.purchases, ours) < poisson_deviance(TODAY.purchases, theirs) - 0.05
        assert spearman(TODAY.purchases, ours) > spearman(TODAY.purchases, theirs) + 0.02


def test_the_sum_is_that_of_the_models_whatever_the_past_weeks_were_like() -> None:
    sale = [replace(one, purchases=one.purchases * 3) for one in PASTS]
    model = fit(sale)
    of_the_models = np.exp(Average.fit(TODAY.stats).log_expected(TODAY.stats, HORIZON)).sum()
    assert model.expected_purchases(TODAY.stats, TODAY.X, NAMES).sum() == pytest.approx(of_the_models)
    usual = fit(PASTS).past_errors
    assert model.past_errors == pytest.approx([error - np.log(3) for error in usual]), "and it is told how far off"


def test_batches_expect_what_all_expect_at_once(model: BoostedBtyd) -> None:
    whole = model.expected_purchases(TODAY.stats, TODAY.X, NAMES)
    first, rest = np.arange(1000), np.arange(1000, 2000)
    parts = [model.expected_purchases(TODAY.stats.rows(own), TODAY.X[own], NAMES) for own in (first, rest)]
    assert (np.concatenate(parts) == whole).all()


def test_the_thread_count_changes_no_bit(model: BoostedBtyd) -> None:
    assert json.dumps(fit(PASTS, threads=2).to_json()) == json.dumps(model.to_json())


def test_what_is_written_expects_the_same(model: BoostedBtyd) -> None:
    read = BoostedBtyd.from_json(json.loads(json.dumps(model.to_json())))
    assert (
        read.expected_purchases(TODAY.stats, TODAY.X, NAMES) == model.expected_purchases(TODAY.stats, TODAY.X, NAMES)
    ).all()


def test_features_in_another_order_are_refused(model: BoostedBtyd) -> None:
    with pytest.raises(FeatureMismatchError):
        model.expected_purchases(TODAY.stats, TODAY.X, NAMES[::-1])


def test_without_a_past_in_which_somebody_bought_there_is_nothing_to_learn() -> None:
    nothing = replace(PASTS[0], purchases=np.zeros(2000))
    for pasts in ([], [nothing, PASTS[1]]):
        with pytest.raises(ValueError, match="earlier as-ofs"):
            fit(pasts)
