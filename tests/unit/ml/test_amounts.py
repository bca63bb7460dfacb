import numpy as np
import pytest

from ml.amounts import (
    coverage,
    decile_mape,
    deciles,
    evaluate,
    gini,
    interval_loss,
    poisson_deviance,
    rmse,
    spearman,
    total_bias,
)
from ml.bootstrap import paired_metric, paired_spearman

Y = np.array([0.0, 0.0, 10.0, 90.0])


def test_the_perfect_ranking_is_1_the_reverse_is_minus_1_and_a_constant_is_0():
    assert gini(Y, Y * 3 + 1) == pytest.approx(1)
    assert gini(Y, -Y) == pytest.approx(-1)
    assert gini(Y, np.ones(4)) == pytest.approx(0)


def test_the_order_of_rows_does_not_matter_even_with_ties():
    p, turned = np.array([1.0, 1.0, 1.0, 2.0]), np.array([3, 1, 0, 2])
    assert gini(Y, p) == pytest.approx(gini(Y[turned], p[turned]))


def test_a_row_drawn_twice_weighs_as_much_as_two():
    p = np.array([3.0, 1.0, 2.0, 4.0])
    twice = np.array([0, 1, 1, 2, 3])
    assert gini(Y, p, np.array([1.0, 2, 1, 1])) == pytest.approx(gini(Y[twice], p[twice]))


def test_ranks_agree_with_scipy_where_there_are_ties():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    y, p = rng.poisson(1.0, 200).astype(float), rng.poisson(2.0, 200).astype(float)
    assert spearman(y, p) == pytest.approx(spearmanr(y, p).statistic)


def test_the_total_is_off_by_what_was_predicted_too_much():
    assert total_bias(Y, Y * 1.2) == pytest.approx(0.2)
    assert np.isnan(total_bias(np.zeros(3), np.ones(3)))


def test_deciles_are_equal_groups_and_a_common_factor_is_their_error():
    y = np.arange(1.0, 101.0)
    happened, expected, size = deciles(y, y / 2)
    assert size.tolist() == [10.0] * 10
    assert (expected == happened / 2).all()
    assert decile_mape(y, y / 2) == pytest.approx(0.5)


def test_deviance_is_twice_the_log_likelihood_that_perfect_knowledge_would_gain():
    from scipy.stats import poisson

    y, p = np.array([0.0, 1.0, 4.0]), np.array([0.5, 2.0, 4.0])
    gain = poisson.logpmf(y, np.maximum(y, 1e-12)) - poisson.logpmf(y, p)
    assert poisson_deviance(y, p) == pytest.approx(2 * gain.mean())
    assert poisson_deviance(y, np.maximum(y, 1e-12)) == pytest.approx(0)


def test_all_zeros_win_no_deviance_though_they_win_the_absolute_error():
    y = np.array([0.0, 0, 0, 0, 10])
    assert poisson_deviance(y, np.full(5, 2.0)) < poisson_deviance(y, np.full(5, 0.01))
    assert rmse(y, np.full(5, 2.0)) == 4.0


def test_the_interval_of_a_difference_holds_it_and_narrows_with_customers():
    rng = np.random.default_rng(0)
    widths = []
    for customers in (100, 10_000):
        y = rng.poisson(1.0, customers).astype(float)
        found = paired_metric(rmse, y, np.ones(customers), np.full(customers, 2.0), seed=0, draws=200)
        assert found.low < found.value < found.high < 0
        assert found.value == rmse(y, np.ones(customers)) - rmse(y, np.full(customers, 2.0))
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 5


def test_ranks_are_compared_by_customer_with_all_dates_of_one_drawn_together():
    """Beside a bootstrap that really copies rows; who copies dates instead of bringing customers learns nothing."""
    rng = np.random.default_rng(0)
    y, p = (rng.poisson(mean, 300).astype(float) for mean in (1.0, 3.0))
    p += 2 * y
    worse = p + rng.normal(0, 3, 300)
    found = paired_spearman(y, p, worse, seed=0)
    copied = paired_metric(spearman, y, p, worse, seed=1)
    assert found.value == copied.value == spearman(y, p) - spearman(y, worse)
    assert (found.low, found.high) == pytest.approx((copied.low, copied.high), abs=0.1 * (copied.high - copied.low))
    nine = [np.tile(part, 9) for part in (y, p, worse)]
    dates = paired_spearman(*nine, seed=0, customers=np.tile(np.arange(300), 9))
    assert (dates.low, dates.high) == pytest.approx((found.low, found.high))
    rows = paired_spearman(*nine, seed=0)
    assert rows.high - rows.low < 0.5 * (dates.high - dates.low)


def test_the_ends_of_an_interval_belong_to_it():
    assert coverage(Y, np.zeros(4), np.array([0.0, -1, 10, 89])) == 0.5


def test_nobody_and_nothing_give_no_number_rather_than_an_error():
    assert np.isnan(evaluate(np.empty(0), np.empty(0)).gini)
    assert np.isnan(evaluate(np.zeros(5), np.ones(5)).gini)


def test_an_interval_pays_for_its_width_and_ten_times_for_what_lies_outside():
    low, high = np.array([0.0, 2, 2, 4]), np.array([10.0, 4, 4, 4])
    assert interval_loss(np.array([5.0, 1, 7, 4]), low, high, covered=0.8).tolist() == pytest.approx([10, 12, 32, 0])


def test_no_other_ends_have_a_better_score_than_the_true_quantiles():
    y = np.random.default_rng(0).gamma(2.0, 10.0, 50_000)

    def score(below: float, above: float) -> float:
        low, high = (np.full(len(y), np.quantile(y, share)) for share in (below, above))
        return float(interval_loss(y, low, high, covered=0.8).mean())

    assert score(0.1, 0.9) < min(score(0.05, 0.95), score(0.15, 0.85), score(0.0, 0.8), score(0.3, 0.95))
