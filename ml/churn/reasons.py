"""The three features that moved a customer's own score most, by name and in words.

Belongs here: from contributions to reasons. Does not belong here: contributions (the model), words (``wording``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.churn.wording import GAP, THEMES, customer_words, internal_words, theme_of
from ml.evaluation import Floats

COUNT = 3


@dataclass(frozen=True)
class Reasons:
    """Per customer and rank, (rows, 3): None where fewer than three features moved the score."""

    name: NDArray[np.object_]
    """Feature with the sign of its push: ``+days_since_last_order`` raised the risk."""
    internal: NDArray[np.object_]
    customer: NDArray[np.object_]


def top_reasons(contributions: Floats, X: NDArray[np.float32], names: Sequence[str]) -> Reasons:
    """At most one reason per theme: a theme's push is the sum of its features', its feature the strongest of them.

    Orders in 90 and in 180 days say one thing; as two reasons they would hide the second one.
    """
    feature, push = _theme_leaders(contributions, names)
    order = np.argsort(-np.abs(push), axis=1, kind="stable")[:, :COUNT]
    chosen = np.take_along_axis(feature, order, axis=1)
    pushed = np.take_along_axis(push, order, axis=1)
    out = [np.full((len(X), COUNT), None, dtype=object) for _ in range(3)]
    gap = X[:, names.index(GAP)] if GAP in names else np.full(len(X), np.nan, np.float32)
    for rank in range(chosen.shape[1]):
        for k in np.unique(chosen[:, rank]):
            for raises in (True, False):
                rows = np.flatnonzero((chosen[:, rank] == k) & (pushed[:, rank] > 0 if raises else pushed[:, rank] < 0))
                out[0][rows, rank] = ("+" if raises else "-") + names[k]
                out[1][rows, rank] = _internal(names[k], X[rows, k], gap[rows], raises=raises)
                out[2][rows, rank] = customer_words(names[k], raises=raises)
    return Reasons(*out)


def _theme_leaders(contributions: Floats, names: Sequence[str]) -> tuple[NDArray[np.intp], Floats]:
    """Per customer and theme the feature that pushed hardest in the theme's direction, and the theme's push."""
    themes = [theme for theme in THEMES if any(theme_of(name) == theme for name in names)]
    feature = np.zeros((len(contributions), len(themes)), np.intp)
    push = np.zeros((len(contributions), len(themes)))
    for t, theme in enumerate(themes):
        own = np.array([k for k, name in enumerate(names) if theme_of(name) == theme])
        push[:, t] = contributions[:, own].sum(axis=1).round(9)
        feature[:, t] = own[np.argmax(contributions[:, own] * np.sign(push[:, [t]]), axis=1)]
    return feature, push


def _internal(
    name: str, values: NDArray[np.float32], gaps: NDArray[np.float32], *, raises: bool
) -> NDArray[np.object_]:
    """Words of each row; each distinct value is spoken once."""
    pairs, inverse = np.unique(np.column_stack([values, gaps]), axis=0, return_inverse=True)
    spoken = np.array([internal_words(name, float(v), float(g), raises=raises) for v, g in pairs], dtype=object)
    return spoken[inverse.reshape(-1)] if len(spoken) else np.empty(0, dtype=object)
