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

from ml.churn.speaking import customer_words, facts
from ml.churn.wording import GAP, THEMES, theme_of
from ml.evaluation import Floats

if TYPE_CHECKING:
    import pyarrow as pa

COUNT = 3
PLACES = 9
"""Of what a theme adds."""


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
    words: pa.StringArray

    @classmethod
    def of(cls, number: NDArray[np.integer], said: Sequence[str] | pa.StringArray) -> Spoken:
        """Of equal words one is kept."""
        import pyarrow as pa

        distinct = pa.array(said, pa.string()).dictionary_encode()
        return cls(np.append(distinct.indices.to_numpy(), np.int32(-1))[number], distinct.dictionary)

    def arrow(self, rank: int) -> pa.DictionaryArray:
        """One rank as a column, with the words that it uses."""
        import pyarrow as pa

        number = self.number[rank]
        is_used = np.bincount(number + 1, minlength=len(self.words) + 1)[1:] > 0
        words = self.words.take(pa.array(np.flatnonzero(is_used)))
        renumbered = np.append(np.cumsum(is_used, dtype=np.int32) - 1, np.int32(-1))[number]  # the last: none
        return pa.DictionaryArray.from_arrays(pa.array(renumbered, mask=number < 0), words)

    def text(self) -> NDArray[np.object_]:
        """(rows, 3), None for none."""
        return np.array([*self.words.to_pylist(), None], dtype=object)[self.number.T]


@dataclass(frozen=True)
class Reasons:
    """Fewer than three where fewer features moved the score."""

    name: Spoken
    """Feature with the sign of its push: ``+days_since_last_order`` raised the risk."""
    internal: Spoken
    customer: Spoken
    """None where the feature is not known: nothing is claimed then."""


def leaders(added: Floats, names: Sequence[str], *, is_compiled: bool = False) -> Leaders:
    """The three themes that moved each score most, by their strongest feature; ``added`` is (features, rows).

    At most one per theme: a theme's push is the sum of its features', its feature the strongest of them in that
    direction. Orders in 90 and in 180 days say one thing; as two reasons they would hide the second one. Pushes are
    rounded, so that equal ones are not ordered by the last bit of a sum. Compiled or not, the same are found.
    """
    owned, found = features_by_theme(tuple(names)), no_leaders(added.shape[1])
    if is_compiled:
        from ml.churn.compiled import fill_leaders

        ends = np.cumsum([len(own) for own in owned])
        fill_leaders(added, np.concatenate(owned), ends, 10.0**PLACES, found.feature, found.direction)
        return found
    push = theme_pushes(added, names)
    rows, size = np.arange(added.shape[1]), np.abs(push)
    theme = np.full((COUNT, len(rows)), -1, np.int8)
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
    return push.round(PLACES)


@cache
def features_by_theme(names: tuple[str, ...]) -> list[NDArray[np.intp]]:
    """Numbers of the features of each theme that has any."""
    owned = [[k for k, name in enumerate(names) if theme_of(name) == theme] for theme in THEMES]
    return [np.array(own) for own in owned if own]


def reasons(found: Leaders, X: NDArray[np.float32], names: Sequence[str]) -> Reasons:
    """Leaders in words; ``X`` is (rows, features)."""
    code = found.code
    value = np.take_along_axis(X, found.feature.T.astype(np.intp), axis=1).T
    return Reasons(
        name=Spoken.of(code, [sign + name for name in names for sign in "-+"]),
        internal=_internal(code, X, tuple(names)),
        customer=Spoken.of(
            np.where(np.isnan(value), np.int16(-1), code),
            [customer_words(name, raises=raises) for name in names for raises in (False, True)],
        ),
    )


def _internal(code: NDArray[np.int16], X: NDArray[np.float32], names: tuple[str, ...]) -> Spoken:
    """Words for colleagues."""
    is_said = code.ravel() >= 0
    said, customer = code.ravel()[is_said].astype(np.int64), np.tile(np.arange(len(X)), len(code))[is_said]
    gaps = X[:, names.index(GAP)] if GAP in names else np.full(len(X), np.nan, np.float32)
    number = np.full(code.size, -1, np.int64)
    number[is_said], words = facts(names, said, X[customer, said // 2], gaps[customer])
    return Spoken.of(number.reshape(code.shape), words)
