"""The parameters of the literature on the classic sample of CDNOW, 39 weeks, time in weeks.

BG/NBD and Pareto/NBD: Fader, Hardie, Lee, Marketing Science 24, 2005, tables 2 and 3 and its spreadsheet. Gamma-gamma:
Fader, Hardie, "The gamma-gamma model of monetary value", 2013. MBG/NBD: the R package BTYDplus, as ``lifetimes`` quotes
it. Log-likelihoods: the same, and the tests of the R package CLVTools.
"""

from __future__ import annotations

import numpy as np
import pytest
from cdnow_world import classic_sample, needs_cdnow

from ml.btyd.bg_nbd import BgNbd
from ml.btyd.gamma_gamma import GammaGamma
from ml.btyd.mbg_nbd import MbgNbd
from ml.btyd.model import BtydModel
from ml.btyd.pareto_nbd import ParetoNbd
from ml.btyd.statistics import Statistics

pytestmark = needs_cdnow
WEEK = 7.0
BG = BgNbd(r=0.2426, alpha=4.4136 * WEEK, a=0.7929, b=2.4259)
PUBLISHED = [
    (BG, -9582.43),
    (MbgNbd(r=0.525, alpha=6.183 * WEEK, a=0.891, b=1.614), None),
    (ParetoNbd(r=0.5533, alpha=10.5776 * WEEK, s=0.6062, beta=11.6687 * WEEK), -9594.98),
]


@pytest.fixture(scope="module")
def sample() -> dict[str, np.ndarray]:
    table = classic_sample()
    return {name: table[name].to_numpy() for name in table.column_names}


@pytest.fixture(scope="module")
def stats(sample: dict[str, np.ndarray]) -> Statistics:
    return Statistics(sample["frequency"], sample["recency"], sample["age"])


@pytest.mark.parametrize(("published", "log_likelihood"), PUBLISHED, ids=[one.name for one, _ in PUBLISHED])
def test_the_published_parameters_are_found(
    published: BtydModel, log_likelihood: float | None, stats: Statistics
) -> None:
    found = type(published).fit(stats, prior_weight=0).to_json()
    assert {name: value for name, value in found.items() if name != "model"} == pytest.approx(vars(published), rel=1e-3)
    if log_likelihood:
        at = np.array([found[name] for name in vars(published)])
        in_weeks = type(published).log_likelihood(at, stats)[0].sum() + stats.frequency.sum() * np.log(WEEK)
        assert in_weeks == pytest.approx(log_likelihood, abs=0.01)


def test_the_prior_moves_them_by_less_than_their_standard_errors(stats: Statistics) -> None:
    """Those of Pareto/NBD as CLVTools reports them."""
    found = ParetoNbd.fit(stats)
    errors = {"r": 0.0476, "alpha": 0.8427 * WEEK, "s": 0.1873, "beta": 6.2105 * WEEK}
    published = vars(PUBLISHED[2][0])
    assert all(abs(vars(found)[name] - published[name]) < errors[name] / 10 for name in errors)


def test_a_customer_is_expected_to_buy_as_often_as_in_the_papers_spreadsheet() -> None:
    customer = Statistics(np.array([2.0]), np.array([30.43 * WEEK]), np.array([38.86 * WEEK]))
    assert BG.expected_purchases(customer, 39 * WEEK) == pytest.approx([1.226], abs=5e-4)


def test_the_sample_is_that_of_the_literature(stats: Statistics) -> None:
    assert len(stats) == 2357
    assert (stats.frequency > 0).sum() == 946
    assert (stats.frequency[0], stats.recency[0], stats.age[0]) == (2, 213, 272)


def test_the_published_spend_is_found(sample: dict[str, np.ndarray], stats: Statistics) -> None:
    repeats = stats.frequency
    found = GammaGamma.fit(repeats, sample["repeated"] / np.maximum(repeats, 1), prior_weight=0)
    assert (found.p, found.q, found.gamma) == pytest.approx((6.25, 3.74, 15.44), abs=0.006)
