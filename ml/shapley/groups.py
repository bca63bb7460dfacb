"""Which leaves of a tree share a table, and the questions that tell a customer's place in it.

Belongs here: grouping. Does not belong here: what stands in a table (``tables``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from ml.shapley.paths import INFINITY, Leaf, Range

RANGES = 9
"""Most ranges of a table that several leaves share: its columns (4 kB) stay in the processor's nearest cache."""


class Group(NamedTuple):
    """Neighbouring leaves that share a table; bit k of a position in it says whether a customer is in ``ranges[k]``."""

    ranges: tuple[Range, ...]
    leaves: tuple[Leaf, ...]
    answers: tuple[tuple[tuple[int, int, bool], ...], ...]
    """By leaf, what ends there: (feature, bit, answer) of each question."""

    @property
    def features(self) -> list[int]:
        return sorted({one.feature for one in self.ranges})

    @property
    def bytes(self) -> int:
        return 8 * (len(self.features) + 1) << len(self.ranges)


def grouped(ordered: Sequence[Leaf]) -> list[Group]:
    """From left to right as many leaves to a group as ``RANGES`` allows, at least one."""
    found, first = [], 0
    while first < len(ordered):
        group = _group(ordered[first : first + 1])
        for end in range(first + 2, len(ordered) + 1):
            larger = _group(ordered[first:end])
            if len(larger.ranges) > RANGES:
                break
            group = larger
        found.append(group)
        first += len(group.leaves)
    return found


def _group(some: Sequence[Leaf]) -> Group:
    """The way that all share counts as one range per feature; from there on each split is a question."""
    shared = _shared(some)
    common: dict[int, Range] = {}
    for step in some[0].path[:shared]:
        feature = step.inside.feature
        common[feature] = common[feature].narrowed(step.inside) if feature in common else step.inside
    ranges = list(common.values())
    asked: dict[int, tuple[int, bool]] = {}
    answers = []
    for leaf in some:
        own = [(feature, bit, True) for bit, feature in enumerate(common)]
        for step in leaf.path[shared:]:
            if step.split not in asked:
                asked[step.split] = len(ranges), step.goes_left
                ranges.append(step.inside)
            bit, side = asked[step.split]
            own.append((step.inside.feature, bit, step.goes_left == side))
        answers.append(tuple(own))
    return Group(tuple(ranges or [EVERYBODY]), tuple(some), tuple(answers))


EVERYBODY = Range(0, -INFINITY, INFINITY, True)
"""The one question of a tree that never splits."""


def _shared(some: Sequence[Leaf]) -> int:
    """How many steps the outermost, and so all of the leaves have in common."""
    pairs = zip(some[0].path, some[-1].path, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
