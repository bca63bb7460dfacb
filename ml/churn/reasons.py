"""The three features that moved a customer's own score most, by name and in words.

Belongs here: from what each feature adds to reasons. Does not belong here: what a feature adds (the model), how it
is said (``speaking``, ``wording``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.churn.speaking import customer_words, facts, mentions_gap, spoken_alike
from ml.churn.wording import GAP, THEMES, theme_of
from ml.evaluation import Floats

if TYPE_CHECKING:
    import pyarrow as pa

COUNT = 3


@dataclass(frozen=True)
class Leaders:
    """By rank and customer, (3, rows): the feature's number, and how it moved the score: 1 up, -1 down, 0 not."""

    feature: NDArray[np.int16]
    direction: NDArray[np.int8]

    @property
    def code(self) -> NDArray[np.int16]:
        """Feature and direction in one number, -1 for none."""
        return np.where(self.direction == 0, np.int16(-1), 2 * self.feature + (self.direction > 0))


@dataclass(frozen=True)
class Spoken:
    """By rank and customer, (3, rows): a number into the words, -1 for none. What is said twice stands there once."""

    number: NDArray[np.int32]
    words: list[str]

    def arrow(self, rank: int) -> pa.DictionaryArray:
        """One rank as a column, with the words that it uses."""
        import pyarrow as pa

        number = self.number[rank]
        is_used = np.bincount(number + 1, minlength=len(self.words) + 1)[1:] > 0
        words = pa.array([self.words[k] for k in np.flatnonzero(is_used)], pa.string())
        renumbered = np.append(np.cumsum(is_used, dtype=np.int32) - 1, np.int32(-1))[number]  # the last: none
        return pa.DictionaryArray.from_arrays(pa.array(renumbered, mask=number < 0), words)

    def text(self) -> NDArray[np.object_]:
        """(rows, 3), None for none."""
        return np.array([*self.words, None], dtype=object)[self.number.T]


@dataclass(frozen=True)
class Reasons:
    """Fewer than three where fewer features moved the score."""

    name: Spoken
    """Feature with the sign of its push: ``+days_since_last_order`` raised the risk."""
    internal: Spoken
    customer: Spoken


def leaders(added: Floats, names: Sequence[str]) -> Leaders:
    """The three themes that moved each score most, by their strongest feature; ``added`` is (features, rows).

    At most one per theme: a theme's push is the sum of its features', its feature the strongest of them in that
    direction. Orders in 90 and in 180 days say one thing; as two reasons they would hide the second one. Pushes are
    rounded, so that equal ones are not ordered by the last bit of a sum.
    """
    owned, push = features_by_theme(tuple(names)), theme_pushes(added, names)
    rows, size = np.arange(added.shape[1]), np.abs(push)
    theme, found = np.full((COUNT, len(rows)), -1, np.int8), no_leaders(len(rows))
    for rank in range(min(COUNT, len(push))):
        most = size.argmax(axis=0)
        theme[rank], found.direction[rank] = most, np.sign(push[most, rows])
        size[most, rows] = -1
    feature, direction, row = found.feature.ravel(), found.direction.ravel(), np.tile(rows, COUNT)
    for t, own in enumerate(owned):
        at = np.flatnonzero(theme.ravel() == t)
        towards = added[own].take(row[at], axis=1) * direction[at]
        feature[at] = own[towards.argmax(axis=0)]
    return found


def no_leaders(rows: int) -> Leaders:
    return Leaders(np.zeros((COUNT, rows), np.int16), np.zeros((COUNT, rows), np.int8))


def theme_pushes(added: Floats, names: Sequence[str]) -> Floats:
    """What the features of each theme add together, (themes, rows)."""
    owned = features_by_theme(tuple(names))
    push = np.zeros((len(owned), added.shape[1]))
    for t, own in enumerate(owned):
        added[own].sum(axis=0, out=push[t])
    return push.round(9)


@cache
def features_by_theme(names: tuple[str, ...]) -> list[NDArray[np.intp]]:
    """Numbers of the features of each theme that has any."""
    owned = [[k for k, name in enumerate(names) if theme_of(name) == theme] for theme in THEMES]
    return [np.array(own) for own in owned if own]


def reasons(found: Leaders, X: NDArray[np.float32], names: Sequence[str]) -> Reasons:
    """Leaders in words; ``X`` is (rows, features)."""
    code = found.code
    return Reasons(
        name=_spoken(code, [sign + name for name in names for sign in "-+"]),
        internal=_internal(code, X, names),
        customer=_spoken(code, [customer_words(name, raises=raises) for name in names for raises in (False, True)]),
    )


def _spoken(number: NDArray[np.integer], said: list[str]) -> Spoken:
    """Of equal words one is kept."""
    at = {words: k for k, words in enumerate(dict.fromkeys(said))}
    renumbered = np.array([*map(at.__getitem__, said), -1], np.int32)
    return Spoken(renumbered[number], list(at))


def _internal(code: NDArray[np.int16], X: NDArray[np.float32], names: Sequence[str]) -> Spoken:
    """Words for colleagues; of the values that are spoken alike one is spoken."""
    flat = code.ravel()
    by_code = np.split(np.argsort(flat, kind="stable"), np.cumsum(np.bincount(flat + 1, minlength=2 * len(names) + 1)))
    number, words = np.full(flat.shape, -1, np.int32), list[str]()
    gaps = X[:, names.index(GAP)] if GAP in names else np.full(len(X), np.nan, np.float32)
    for one, at in enumerate(by_code[1:-1]):
        name, customer = names[one // 2], at % len(X)
        values, gap = X[customer, one // 2], gaps[customer]
        first, number[at] = _distinct(name, values, gap, len(words))
        words += facts(name, values[first].tolist(), gap[first].tolist(), raises=one % 2 == 1)
    return _spoken(number.reshape(code.shape), words)


def _distinct(
    name: str, values: NDArray[np.float32], gaps: NDArray[np.float32], offset: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first row of each kind of words, and by row the number of its kind, counted from ``offset``."""
    _, kind = np.unique(spoken_alike(name, values), return_inverse=True)
    if mentions_gap(name):
        usual, gap_kind = np.unique(spoken_alike(GAP, gaps), return_inverse=True)
        kind = kind * len(usual) + gap_kind
    _, first, kind = np.unique(kind, return_index=True, return_inverse=True)
    return first, kind + offset
