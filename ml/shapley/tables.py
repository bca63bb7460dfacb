"""Shapley values as tables: what a few neighbouring leaves add, by the answers to a few questions.

Belongs here: which leaves share a table, what stands in it. Does not belong here: looking it up
(``interpreted``, ``compiled``).

What a leaf adds to a customer's Shapley values depends only on which features of its path the customer satisfies.
With k ranges to be inside of there are 2^k answers, and a table has a value for each: for a customer nothing remains
but comparisons and additions. Sources: Yang, "Fast TreeSHAP", 2021 (a table per leaf); here neighbours share one.
Values come from the integral of a leaf's polynomial by Gauss and Legendre, exact and without cancellation:
Wettenstein, Mitchell, Yu, "Quadrature-TreeSHAP", 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.shapley.groups import Group, grouped
from ml.shapley.paths import Leaf, leaves

LARGEST = 512 * 2**20
"""Bytes of all tables; trees of 31 leaves on 80 features need 20 MB."""


class Questions(NamedTuple):
    """Is the customer's feature within the range? One entry per question, by tree and slot."""

    ends: NDArray[np.int64]
    """By tree, where its questions end."""
    slot: NDArray[np.int64]
    """Which table of the tree asks."""
    bit: NDArray[np.unsignedinteger]
    """What a yes adds to the position in the table; 1 for the first question of each."""
    feature: NDArray[np.int64]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    takes_unknown: NDArray[np.bool_]


class Columns(NamedTuple):
    """What a table adds to one feature. One entry per column, by tree, feature and slot."""

    ends: NDArray[np.int64]
    feature: NDArray[np.int64]
    """The one after the last is the margin."""
    slot: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    """Where its values are."""


@dataclass(frozen=True)
class Tables:
    """All trees of a model over features (features, rows): the totals they add up to are (features + 1, rows)."""

    features: int
    slots: int
    """Most tables of a tree."""
    questions: Questions
    columns: Columns
    values: Floats


def tabulate(trees: Sequence[dict[str, Any]], features: int, *, is_explained: bool = True) -> Tables | None:
    """Tables of ``dump_model()["tree_info"]``; None where they would be too large (paths of very many features).

    ``is_explained`` False: the margin alone, of which the totals are (1, rows).
    """
    features = features if is_explained else 0
    groups = [grouped(leaves(tree)) for tree in trees]
    if sum(group.bytes for tree in groups for group in tree) > LARGEST:
        return None
    asked: list[tuple[Any, ...]] = []
    columns: list[tuple[int, ...]] = []
    values = [np.empty(0)]
    ends, start = [], 0
    for tree in groups:
        own = []
        for slot, group in enumerate(tree):
            asked += [(slot, 1 << k, *one) for k, one in enumerate(group.ranges)]
            whose = (*group.features, features) if is_explained else (features,)
            for feature, column in zip(whose, _table(group) if is_explained else [_margin(group)], strict=True):
                own.append((feature, slot, start, start + len(column)))
                values.append(column)
                start += len(column)
        columns += sorted(own)
        ends.append((len(asked), len(columns)))
    return Tables(
        features=features,
        slots=max(map(len, groups)),
        questions=Questions(np.array([end for end, _ in ends]), *_typed(asked)),
        columns=Columns(np.array([end for _, end in ends]), *map(np.array, zip(*columns, strict=True))),
        values=np.concatenate(values),
    )


def _typed(asked: Sequence[tuple[Any, ...]]) -> Iterator[NDArray[Any]]:
    """Fields of the questions; bits as short as the largest allows, since every row's position is kept."""
    slot, bit, *rest = zip(*asked, strict=True)
    kinds = (np.int64, np.uint16 if max(bit) < 1 << 16 else np.uint32, np.int64, np.float32, np.float32, np.bool_)
    return (np.array(part, kind) for part, kind in zip((slot, bit, *rest), kinds, strict=True))


def _margin(group: Group) -> Floats:
    """(answers,): the value of the leaf that is reached, 0 where it is of another group."""
    positions = np.arange(1 << len(group.ranges))
    total = np.zeros(len(positions))
    for leaf, answers in zip(group.leaves, group.answers, strict=True):
        asked = sum(1 << bit for _, bit, _ in answers)
        wanted = sum(1 << bit for _, bit, is_inside in answers if is_inside)
        total += leaf.value * ((positions & asked) == wanted)
    return total


def _table(group: Group) -> Floats:
    """(features + 1, answers): what the group adds to the Shapley value of each of its features, and to the margin."""
    positions = np.arange(1 << len(group.ranges))
    total = np.zeros((len(group.features), len(positions)))
    for leaf, answers in zip(group.leaves, group.answers, strict=True):
        asked, yes = {feature: 0 for feature, _, _ in answers}, {feature: 0 for feature, _, _ in answers}
        for feature, bit, wanted in answers:
            asked[feature] |= 1 << bit
            yes[feature] |= wanted << bit
        features = list(asked)
        satisfied = (positions & np.array([*asked.values()], np.int64)[:, None]) == np.array([*yes.values()])[:, None]
        case = (satisfied << np.arange(len(features))[:, None]).sum(axis=0)
        total[[group.features.index(feature) for feature in features]] += _leaf_values(leaf, features)[:, case]
    return np.vstack([total, _margin(group)])


def _leaf_values(leaf: Leaf, features: Sequence[int]) -> Floats:
    """What a leaf adds to the Shapley value of each feature of its path, by which of them are satisfied; (k, 2^k).

    A feature left out lets through the share of training rows that passed its splits. If every feature is taken in
    with probability t, the leaf is reached with the product over features of ``share + t (satisfied - share)``; a
    feature's value is the integral over t from 0 to 1 of that product without it, times what it changes.
    """
    share = np.ones((len(features), 1))
    for step in leaf.path:
        share[features.index(step.inside.feature)] *= step.share
    satisfied = np.arange(1 << len(features)) >> np.arange(len(features))[:, None] & 1
    change = satisfied - share
    nodes, weights = _quadrature(len(features))
    reach = share[:, :, None] + change[:, :, None] * nodes
    product = reach.prod(axis=0) * (weights * leaf.value)
    return change * (product / reach).sum(axis=2)


@cache
def _quadrature(features: int) -> tuple[Floats, Floats]:
    """Nodes and weights on [0, 1], exact for polynomials of a degree below ``features``."""
    nodes, weights = np.polynomial.legendre.leggauss(max((features + 1) // 2, 1))
    return (nodes + 1) / 2, weights / 2
