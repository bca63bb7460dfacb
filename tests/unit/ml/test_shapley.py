"""Exact Shapley values of trees: against the definition, against LightGBM's own, and one way against the other."""

from itertools import combinations
from math import factorial

import lightgbm
import numpy as np
import pytest

from ml.booster import Trees
from ml.model import ModelFileError
from ml.shapley import compiled, groups, interpreted, tables
from ml.shapley.tables import tabulate

PARAMETERS = {"objective": "binary", "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1, "learning_rate": 0.3}
TINY = {
    "split_feature": 0, "threshold": 10.0, "decision_type": "<=", "missing_type": "None", "default_left": True,
    "internal_count": 10, "left_child": {"leaf_value": 1.0, "leaf_count": 4},
    "right_child": {
        "split_feature": 1, "threshold": 0.5, "decision_type": "<=", "missing_type": "NaN", "default_left": False,
        "internal_count": 6, "left_child": {"leaf_value": 2.0, "leaf_count": 3},
        "right_child": {
            "split_feature": 0, "threshold": 20.0, "decision_type": "<=", "missing_type": "None", "default_left": True,
            "internal_count": 3, "left_child": {"leaf_value": 4.0, "leaf_count": 1},
            "right_child": {"leaf_value": 8.0, "leaf_count": 2},
        },
    },
}  # fmt: skip
"""Three splits on two of three features; a customer of (30, 1) ends at 8."""


def explained(way, trees, X):
    """(features + 1, rows) of rows as customers have them."""
    total = np.zeros((trees.features + 1, len(X)))
    way.add_to(total, trees, np.ascontiguousarray(X.T))
    return total


def fit(X, y, *, rounds=30, leaves=15, **settings):
    data = lightgbm.Dataset(X, label=y, **settings.pop("data", {}))
    booster = lightgbm.train({**PARAMETERS, "num_leaves": leaves, **settings}, data, num_boost_round=rounds)
    return Trees(booster.model_to_string())


@pytest.fixture(scope="module")
def matrix():
    """Counts, gains and losses, a share that is often unknown, few values, always the same one, never a known one."""
    rng, n = np.random.default_rng(5), 3000
    share = np.where(rng.random(n) < 0.4, np.nan, rng.random(n))
    columns = [rng.poisson(2, n), rng.normal(0, 30, n), share, rng.integers(0, 3, n)]
    return np.column_stack([*columns, np.full(n, 7), np.full(n, np.nan)]).astype(np.float32)


@pytest.fixture(scope="module")
def trees(matrix):
    rng = np.random.default_rng(6)
    z = matrix[:, 0] - 2 + np.where(np.isnan(matrix[:, 2]), 1, matrix[:, 2] * matrix[:, 3]) - matrix[:, 1] / 30
    return fit(matrix, (rng.random(len(matrix)) < 1 / (1 + np.exp(-z))).astype(float))


def awkward(trees, X):
    """Unknowns, infinities, denormals, zeros of both signs, and every threshold met exactly and just missed."""
    rows, rng = X[:400].copy(), np.random.default_rng(7)
    for value in (np.nan, np.inf, -np.inf, 1e-40, -1e-40, 0.0, -0.0, 3e38, -3e38):
        rows[rng.random(rows.shape) < 0.04] = value
    feature, threshold = [], []
    nodes = [tree["tree_structure"] for tree in trees.booster.dump_model()["tree_info"]]
    while nodes:
        node = nodes.pop()
        if "split_feature" in node:
            feature.append(node["split_feature"])
            threshold.append(np.float32(min(node["threshold"], 3e38)))
            nodes += [node["left_child"], node["right_child"]]
    at = np.repeat(rows[:1], 3 * len(feature), axis=0)
    for k, towards in enumerate((-np.inf, None, np.inf)):
        own = np.array(threshold) if towards is None else np.nextafter(np.array(threshold), np.float32(towards))
        at[np.arange(len(feature)) * 3 + k, feature] = own
    return np.concatenate([rows, at])


@pytest.mark.parametrize("way", [interpreted, compiled])
def test_margins_have_the_bits_of_lightgbm_and_values_are_its_own(trees, matrix, way):
    rows = awkward(trees, matrix)
    found = explained(way, trees.tables, rows)
    assert np.array_equal(found[-1], trees.margin(rows, 1))
    expected = trees.booster.predict(rows, pred_contrib=True)[:, :-1]
    assert np.abs(found[:-1].T - expected).max() < 1e-12


def test_both_ways_give_the_same_bits(trees, matrix):
    rows = awkward(trees, matrix)
    assert np.array_equal(explained(interpreted, trees.tables, rows), explained(compiled, trees.tables, rows))


def expectation(node, x, known):
    """Value of a tree where only the features in ``known`` are: elsewhere the training rows decide by their number."""
    if "leaf_value" in node:
        return node["leaf_value"]
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return expectation(left if x[node["split_feature"]] <= node["threshold"] else right, x, known)
    count = [child.get("leaf_count", child.get("internal_count")) for child in (left, right)]
    return (count[0] * expectation(left, x, known) + count[1] * expectation(right, x, known)) / sum(count)


@pytest.mark.parametrize("x", [(5, 0, 0), (15, 1, 0), (30, 0, 3), (30, 1, 3), (20, np.nan, 1)])
def test_values_are_those_of_the_definition(x):
    """Shapley 1953: the mean over all orders of what a feature adds to those before it."""
    found = explained(interpreted, tabulate([{"tree_structure": TINY}], 3), np.array([x], np.float32))[:, 0]
    for k in range(3):
        others, value = {0, 1, 2} - {k}, 0.0
        for size in range(3):
            weight = factorial(size) * factorial(2 - size) / factorial(3)
            for before in map(set, combinations(others, size)):
                value += weight * (expectation(TINY, x, before | {k}) - expectation(TINY, x, before))
        assert found[k] == pytest.approx(value, abs=1e-15)
    assert found[-1] == expectation(TINY, x, {0, 1, 2})


def one_after_the_other(features):
    """Trees that ask feature after feature, since what counts is how many of the first ones a customer has."""
    X = (np.random.default_rng(8).random((20_000, features)) < 0.75).astype(np.float32)
    return fit(X, X.cumprod(axis=1).sum(axis=1), rounds=2, leaves=31, objective="regression"), X[:500]


def test_a_path_of_more_features_than_a_shared_table_has_room_for_is_exact_too():
    trees, X = one_after_the_other(13)
    assert np.diff(np.flatnonzero(trees.tables.questions.bit == 1)).max() > groups.RANGES
    found = explained(interpreted, trees.tables, X)
    assert np.array_equal(found[-1], trees.margin(X, 1))
    assert np.abs(found[:-1].T - trees.booster.predict(X, pred_contrib=True)[:, :-1]).max() < 1e-12


def test_a_position_of_more_than_sixteen_answers_is_held_whole():
    trees, X = one_after_the_other(18)
    assert max(trees.margins.questions.bit) >= 1 << 16
    assert np.array_equal(trees.margin(X, 1, is_compiled=True), trees.margin(X, 1))


def test_where_tables_would_be_too_large_lightgbm_answers_itself(trees, matrix, monkeypatch):
    monkeypatch.setattr(tables, "LARGEST", 0)
    slow = Trees(trees.text)
    assert slow.tables is None
    columns, (one, other) = np.ascontiguousarray(matrix[:50].T), np.zeros((2, 7, 50))
    slow.add_explained(one, columns)
    trees.add_explained(other, columns)
    assert np.abs(one - other).max() < 1e-12
    assert np.array_equal(one[-1], other[-1])


@pytest.mark.parametrize("way", [interpreted, compiled])
def test_a_tree_that_never_splits_adds_its_value_to_everybody(matrix, way):
    trees = fit(
        matrix, np.random.default_rng(9).random(len(matrix)), rounds=1, objective="regression", min_data_in_leaf=3000
    )
    found = explained(way, trees.tables, matrix[:20])
    assert np.array_equal(found[-1], trees.margin(matrix[:20], 1))
    assert found[-1].any()
    assert not found[:-1].any()


@pytest.mark.parametrize("settings", [{"data": {"categorical_feature": [3]}}, {"zero_as_missing": True}])
def test_splits_that_are_not_by_number_are_refused(matrix, settings):
    trees = fit(matrix, (matrix[:, 3] == 1).astype(float), min_data_per_group=1, **settings)
    with pytest.raises(ModelFileError, match="train again"):
        trees.add_explained(np.zeros((7, len(matrix))), matrix.T)


def test_margins_alone_have_the_same_bits_on_any_number_of_threads(trees, matrix, monkeypatch):
    monkeypatch.setattr("ml.booster.BLOCK_ROWS", 100)
    rows = awkward(trees, matrix)
    for threads in (1, 2):
        assert np.array_equal(trees.margin(rows, threads, is_compiled=True), trees.margin(rows, 1))
