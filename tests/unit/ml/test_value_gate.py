import numpy as np
import pytest

from ml.value.gate import decide

RNG = np.random.default_rng(8)
TRUTH = RNG.gamma(0.7, 50.0, 3000)
Y = TRUTH * RNG.gamma(1.0, 1.0, 3000) * (RNG.random(3000) < 0.6)
NOISY = TRUTH * np.exp(RNG.normal(0, 1.5, 3000))


def judge(model, y=Y, **others):
    return decide(y, {"model": model, **others}, seed=1)


def test_the_first_sane_model_is_promoted_and_its_margin_is_told():
    decision = judge(TRUTH, historical_average=NOISY)
    assert decision.is_promoted
    assert decision.words.startswith("promoted: there is no champion yet; gini +")


def test_a_model_that_the_historical_average_beats_is_refused():
    decision = judge(NOISY, historical_average=TRUTH)
    assert not decision.is_promoted
    assert "worse than that of the historical average" in decision.words


def test_a_model_worse_than_the_champion_is_refused_and_an_equal_one_is_not():
    assert "worse than that of the champion" in judge(NOISY, champion=TRUTH).words
    assert judge(TRUTH, champion=TRUTH).is_promoted


def test_a_loss_beyond_noise_is_refused_however_small_it_is():
    rng = np.random.default_rng(3)
    truth = rng.gamma(0.7, 50.0, 40_000)
    y = truth * rng.gamma(1.0, 1.0, 40_000) * (rng.random(40_000) < 0.6)
    decision = judge(truth * np.exp(rng.normal(0, 0.12, 40_000)), y=y, champion=truth)
    assert -0.003 < decision.differences["champion"].value < decision.differences["champion"].high < 0
    assert not decision.is_promoted


def test_without_a_champion_it_is_held_against_what_would_serve_instead():
    assert "worse than that of the fallback" in judge(NOISY, fallback=TRUTH).words
    assert judge(TRUTH, fallback=TRUTH).words == "promoted: there is no champion yet"
    assert judge(NOISY / 4, champion=NOISY, fallback=TRUTH).is_promoted, "that would not serve"


def test_better_for_most_is_no_excuse_for_worse_for_some():
    some = np.arange(3000) < 600
    told = {"model": np.where(some, NOISY, TRUTH), "champion": np.where(some, TRUTH, NOISY)}
    assert decide(Y, told, seed=1).is_promoted
    decision = decide(Y, told, seed=1, segments={"new customers": some, "the rest": ~some})
    assert not decision.is_promoted
    assert "the champion among new customers" in decision.words
    assert "the rest" not in decision.words


def test_a_worse_mean_within_noise_is_not_held_against_it():
    few = slice(0, 60)
    slightly = TRUTH * np.exp(RNG.normal(0, 0.1, 3000))
    assert judge(slightly[few], y=Y[few], champion=TRUTH[few], historical_average=TRUTH[few]).is_promoted


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_what_is_no_amount_is_refused_and_counted(value):
    broken = TRUTH.copy()
    broken[:3] = value
    assert judge(broken).words == "refused: 3 of 3000 predictions are not amounts"


@pytest.mark.parametrize("factor", [4.0, 0.1])
def test_a_total_that_no_season_explains_is_refused(factor):
    assert "times what was spent" in judge(factor * TRUTH).words


def test_where_nobody_spent_nothing_can_be_compared():
    assert "nobody spent" in judge(TRUTH, y=np.zeros(3000)).words


def test_a_champion_that_cannot_be_scored_cannot_defend_its_place():
    decision = decide(Y, {"model": TRUTH}, seed=1, champion_unfit="missing spend_90d")
    assert decision.is_promoted
    assert "missing spend_90d" in decision.words


def test_the_same_seed_gives_the_same_decision():
    assert judge(NOISY, champion=TRUTH) == judge(NOISY, champion=TRUTH)
