import numpy as np
import pytest

from ml.evaluation import expit, logit
from ml.promotion import decide

RNG = np.random.default_rng(8)
TRUTH = expit(RNG.normal(0, 1.2, 3000))
Y = (RNG.random(3000) < TRUTH).astype(float)
NOISY = expit(logit(TRUTH) + RNG.normal(0, 1.5, 3000))


def judge(model, y=Y, **others):
    return decide(y, {"model": model, **others}, seed=1)


def test_the_first_sane_model_is_promoted():
    decision = judge(TRUTH)
    assert decision.is_promoted
    assert decision.words == "promoted: there is no champion yet"
    assert "no champion yet; auc +" in (words := judge(TRUTH, recency=NOISY).words)
    assert words.endswith("against recency")


def test_an_equal_model_is_promoted_and_the_numbers_are_told():
    decision = judge(TRUTH, champion=TRUTH)
    assert decision.is_promoted
    assert decision.differences["auc"].value == 0
    assert "auc +0.0000" in decision.words


def test_a_better_model_is_promoted_over_a_worse_champion():
    assert judge(TRUTH, champion=NOISY).is_promoted


def test_a_model_worse_beyond_noise_is_refused_on_ranking_and_on_log_loss():
    decision = judge(NOISY, champion=TRUTH)
    assert not decision.is_promoted
    assert len([r for r in decision.reasons if "worse than that of the champion" in r]) == 2


def test_better_for_most_is_no_excuse_for_worse_for_some():
    some = np.arange(3000) < 600
    model, champion = np.where(some, NOISY, TRUTH), np.where(some, TRUTH, NOISY)
    told = {"model": model, "champion": champion}
    assert decide(Y, told, seed=1).is_promoted
    decision = decide(
        Y, told, seed=1, segments={"new customers": some, "the rest": ~some, "nobody": np.zeros(3000, bool)}
    )
    assert not decision.is_promoted
    assert "the champion among new customers" in decision.words
    assert "the rest" not in decision.words
    unlucky = expit(logit(TRUTH) + np.where(some, RNG.normal(0, 0.15, 3000), 0))
    assert decide(Y, {"model": unlucky, "champion": TRUTH}, seed=1, segments={"new customers": some}).is_promoted


def test_a_worse_mean_within_noise_is_not_held_against_it():
    few = slice(0, 60)
    slightly = expit(logit(TRUTH) + RNG.normal(0, 0.3, 3000))
    assert judge(slightly[few], y=Y[few], champion=TRUTH[few]).is_promoted


def test_a_loss_beyond_noise_is_refused_however_small_it_is():
    """Or each of thirty challengers could lose it anew."""
    exact = np.repeat([0.3, 0.4, 0.5, 0.6, 0.7], 2000)
    y = (np.tile(np.arange(2000), 5) < 2000 * exact).astype(float)
    decision = judge(exact + 0.03, y=y, champion=exact)
    assert 0 < decision.differences["log_loss"].low < decision.differences["log_loss"].value < 0.003
    assert not decision.is_promoted


def test_what_is_lost_by_rounding_is_no_loss():
    decision = judge(TRUTH - 1e-9 * (Y - 0.5), champion=TRUTH)
    assert 0 < decision.differences["log_loss"].low < 1e-6
    assert decision.is_promoted


def test_without_a_champion_it_is_held_against_what_would_serve_instead():
    worse = expit(0.69 * (logit(TRUTH) + np.random.default_rng(2).normal(0, 0.8, 3000)))
    assert judge(worse, recency=NOISY).is_promoted
    decision = judge(worse, recency=NOISY, fallback=TRUTH)
    assert not decision.is_promoted
    assert "auc is worse than that of the fallback, which would serve instead, beyond noise" in decision.words
    assert judge(TRUTH, fallback=TRUTH).is_promoted
    assert judge(worse, champion=worse, fallback=TRUTH).is_promoted, "that would not serve"
    unfit = decide(Y, {"model": worse, "fallback": TRUTH}, seed=1, champion_unfit="missing orders_90d")
    assert not unfit.is_promoted


@pytest.mark.parametrize("other", ["recency", "fallback"])
def test_probabilities_that_cost_more_than_those_of_a_simpler_one_are_refused(other):
    """It ranks better, and its level is off by no more than a season may move it; one of a third is luck."""
    simple = expit(0.7 * (logit(TRUTH) + RNG.normal(0, 0.9, 3000)))
    decision = judge(expit(logit(TRUTH) + 0.95), **{other: simple})
    assert [reason.split()[0] for reason in decision.reasons] == ["log_loss"]
    assert judge(expit(logit(TRUTH) + 0.3), **{other: TRUTH}).is_promoted


def test_a_model_that_recency_alone_beats_is_refused_even_without_a_champion():
    decision = judge(NOISY, recency=TRUTH)
    assert not decision.is_promoted
    assert "recency alone" in decision.words


@pytest.mark.parametrize("factor", [4.0, 1.9, 0.55, 0.2])
def test_probabilities_far_too_extreme_or_too_timid_are_refused(factor):
    decision = judge(expit(factor * logit(TRUTH)))
    assert not decision.is_promoted
    assert "calibration slope" in decision.words


@pytest.mark.parametrize("factor", [1.3, 0.77])
def test_a_slope_that_seasons_move_is_no_ground(factor):
    assert judge(expit(factor * logit(TRUTH))).is_promoted


@pytest.mark.parametrize(("moved", "is_promoted"), [(-1.4, False), (1.4, False), (-0.9, True), (0.9, True)])
def test_a_level_that_is_far_off_is_refused_even_without_a_champion(moved, is_promoted):
    decision = judge(expit(logit(TRUTH) + moved))
    assert decision.is_promoted == is_promoted
    assert is_promoted or "in the mean, and" in decision.words


@pytest.mark.parametrize("told", [1e-4, 0.0])
def test_a_level_at_the_end_of_the_scale_is_far_off(told):
    assert "in the mean, and" in judge(np.full(3000, told)).words


def test_a_level_that_few_rows_tell_of_is_no_ground():
    y, p = np.array([1.0, 1, 1, 1, 0, 1, 1, 0]), np.array([0.3, 0.35, 0.3, 0.4, 0.2, 0.3, 0.35, 0.25])
    assert "in the mean" not in judge(p, y=y).words
    assert "in the mean" in judge(np.tile(p, 100), y=np.tile(y, 100)).words


def test_what_is_no_number_is_refused_and_counted():
    broken = TRUTH.copy()
    broken[:3] = np.nan
    assert judge(broken).words == "refused: 3 of 3000 probabilities are not numbers"


def test_one_class_is_refused():
    assert "one class" in judge(TRUTH, y=np.ones(3000)).words


def test_a_constant_is_refused():
    assert not judge(np.full(3000, 0.5)).is_promoted


def test_a_champion_that_cannot_be_scored_cannot_defend_its_place():
    decision = decide(Y, {"model": TRUTH}, seed=1, champion_unfit="missing orders_90d")
    assert decision.is_promoted
    assert "missing orders_90d" in decision.words


def test_the_same_seed_gives_the_same_decision():
    assert judge(NOISY, champion=TRUTH) == judge(NOISY, champion=TRUTH)
