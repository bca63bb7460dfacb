"""The sum that orders candidates: its weights against a plain optimiser, what few lists teach, and its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from ml.booster import BINARY, Recipe, fit_trees
from ml.model import ModelFileError
from ml.recommender import linear
from ml.recommender.linear import Linear, learn_sum, terms, values
from ml.recommender.model import RecommenderModel
from ml.recommender.ranker import Ranker

FEATURES = ("ease", "ease_rank", "blend", "blend_rank", "popularity", "price", "customer_items")
RNG = np.random.default_rng(11)


def lists(count: int, length: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Candidates whose purchase follows the share of ``ease`` and a low price."""
    n = count * length
    ease = (RNG.random(n) ** 3).astype(np.float32)
    price = RNG.normal(3, 1, n).astype(np.float32)
    rank = np.tile(np.arange(1, length + 1), count)
    noise = RNG.random((n, 2)).astype(np.float32)
    X = np.column_stack([ease, rank, noise[:, 0], rank, noise[:, 1], price, np.full(n, 5)]).astype(np.float32)
    chance = 2 * np.log(ease + 1e-6) - price + RNG.gumbel(size=n)
    best = chance.reshape(count, length).argmax(axis=1)
    bought = rank - 1 == np.repeat(best, length)
    bought[:length] |= rank[:length] < 4  # a list with several
    return np.asfortranarray(X), bought, np.full(count, length)


def test_weights_are_those_of_a_plain_optimiser() -> None:
    X, bought, sizes = lists(300)
    found = learn_sum(X, bought, sizes, FEATURES)
    F = np.column_stack([values(X, term) for term in terms(FEATURES)]).astype(np.float64)
    spread = F.std(axis=0)
    F = (F - F.mean(axis=0)) / spread
    start = np.array(
        [spread[k] if FEATURES[c] == "blend" and form == "log" else 0 for k, (c, form) in enumerate(terms(FEATURES))]
    )

    def loss(weights: np.ndarray) -> float:
        chance = log_softmax((F @ weights).reshape(len(sizes), -1), axis=1)
        own = bought.reshape(len(sizes), -1)
        told = -(chance * own).sum(axis=1) / np.sqrt(own.sum(axis=1))
        return float(told.sum() + linear.RIDGE * ((weights - start) ** 2).sum())

    plain = minimize(loss, start, method="L-BFGS-B", options={"maxiter": 5000, "maxfun": 100_000}).x
    assert np.array(found.weights) * spread == pytest.approx(plain, abs=5e-3)
    assert found.by_term()["ease log"] > 0
    assert found.by_term()["price damped"] < 0


def test_where_nothing_tells_candidates_apart_the_sum_is_the_logarithm_of_the_blend() -> None:
    X, bought, sizes = lists(1)
    X[:, [0, 1, 3, 4, 5]] = 0.5
    found = learn_sum(X, bought, sizes, FEATURES).by_term()
    assert found["blend log"] == pytest.approx(1, abs=0.05)
    assert {name for name, weight in found.items() if weight} <= {"blend log", "blend root"}


def test_what_is_unknown_adds_nothing_and_nobody_s_margin_depends_on_who_stands_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, bought, sizes = lists(200)
    X[::7, 5] = np.nan
    assert learn_sum(X, bought, sizes, FEATURES).by_term()["price damped"] < 0
    found = Linear(FEATURES, tuple(RNG.normal(size=len(terms(FEATURES)))))
    whole = found.margin(X)
    plain = X.copy()
    plain[::7, 5] = 0
    assert (found.margin(plain) == whole).all()
    monkeypatch.setattr(linear, "BLOCK_ROWS", 100)
    assert (found.margin(X) == whole).all()
    assert (np.concatenate([found.margin(X[start : start + 37]) for start in range(0, len(X), 37)]) == whole).all()


def ranker(folder: Path, *, is_with_trees: bool = True) -> Ranker:
    X, bought, sizes = lists(100)
    trees = fit_trees(X, bought.astype(float), FEATURES, Recipe(rounds=3), seed=1, threads=1, objective=BINARY)
    made = Ranker(learn_sum(X, bought, sizes, FEATURES), trees if is_with_trees else None)
    made.save(folder)
    return made


@pytest.mark.parametrize("is_with_trees", [True, False])
def test_a_ranker_is_read_as_it_was_written_and_speaks_with_the_mean_of_both(
    tmp_path: Path, is_with_trees: bool
) -> None:
    made = ranker(tmp_path, is_with_trees=is_with_trees)
    assert (tmp_path / "ranker.txt").exists() is is_with_trees
    X = lists(20)[0]
    margins = [made.linear.margin(X), *([made.trees.margin(X, 1)] if made.trees else [])]
    again = Ranker.load(tmp_path, FEATURES)
    assert again.margin(X) == pytest.approx(np.mean(margins, axis=0), abs=1e-4)
    assert (again.margin(X) == made.margin(X)).all()
    assert ("few lists" in replace(RecommenderModel.untrained(), ranker=again).order) is not is_with_trees


def test_a_ranker_without_its_trees_is_refused(tmp_path: Path) -> None:
    ranker(tmp_path)
    (tmp_path / "ranker.txt").unlink()
    with pytest.raises(FileNotFoundError):
        Ranker.load(tmp_path, FEATURES)


@pytest.mark.parametrize("file", ["ranker.json", "ranker.txt"])
def test_a_ranker_whose_sum_or_trees_ask_for_other_features_is_refused(tmp_path: Path, file: str) -> None:
    ranker(tmp_path)
    part = tmp_path / file
    part.write_text(part.read_text().replace("price", "horoscope"))
    with pytest.raises(ModelFileError, match="features of another release"):
        Ranker.load(tmp_path, FEATURES)


def test_a_weight_of_zero_costs_no_term(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(linear, "values", lambda X, term: asked.append(term) or values(X, term))
    Linear(FEATURES, (0.0, 1.0, *[0.0] * (len(terms(FEATURES)) - 2))).margin(lists(5)[0])
    assert asked == [(0, "root")]
