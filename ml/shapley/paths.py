"""A tree as its leaves, each with the ranges that a customer must be in to end there.

Belongs here: what knows LightGBM's dump and how it decides. Does not belong here: values, tables.

LightGBM compares doubles; features are float32. A float32 is at or below a threshold exactly if it is at or below
the largest float32 that is, so ranges are closed and in float32.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ml.model import ModelFileError

INFINITY = np.float32(np.inf)


class Range(NamedTuple):
    """Values of a feature from ``low`` to ``high``, both included, and whether an unknown one belongs to them."""

    feature: int
    low: np.float32
    high: np.float32
    takes_unknown: bool

    def narrowed(self, other: Range) -> Range:
        """What lies in both."""
        takes_unknown = self.takes_unknown and other.takes_unknown
        return Range(self.feature, max(self.low, other.low), min(self.high, other.high), takes_unknown)


class Step(NamedTuple):
    """A split on the way to a leaf."""

    split: int
    """Number of the split in its tree, from the root on, left before right."""
    goes_left: bool
    inside: Range
    """Where a customer must be to go this way."""
    share: float
    """Of the training rows at the split, how many went this way."""


class Leaf(NamedTuple):
    value: float
    path: tuple[Step, ...]


def leaves(tree: dict[str, Any]) -> list[Leaf]:
    """Leaves of one entry of ``dump_model()["tree_info"]``, from left to right.

    Raises
    ------
    ModelFileError
        A split is none of "at or below a number": by category, or with zero as unknown. No training of ours makes one.
    """
    found, splits = [], 0
    open_nodes: list[tuple[dict[str, Any], tuple[Step, ...]]] = [(tree["tree_structure"], ())]
    while open_nodes:
        node, path = open_nodes.pop()
        if "split_feature" not in node:
            found.append(Leaf(float(node["leaf_value"]), path))
            continue
        left, right = _sides(node, splits)
        splits += 1
        open_nodes += [(node["right_child"], (*path, right)), (node["left_child"], (*path, left))]
    return found


def _sides(node: dict[str, Any], split: int) -> tuple[Step, Step]:
    feature, kind, missing = node["split_feature"], node["decision_type"], node["missing_type"]
    if kind != "<=" or missing == "Zero":
        raise ModelFileError(f"a tree splits feature {feature} by {kind!r}, missing {missing}; train again")
    threshold, rows = float(node["threshold"]), _rows(node)
    # Where training saw no unknown value LightGBM takes one for a 0.
    unknown_goes_left = bool(node["default_left"]) if missing == "NaN" else threshold >= 0
    high, above = _around(threshold)
    return (
        Step(split, True, Range(feature, -INFINITY, high, unknown_goes_left), _rows(node["left_child"]) / rows),
        Step(split, False, Range(feature, above, INFINITY, not unknown_goes_left), _rows(node["right_child"]) / rows),
    )


def _rows(node: dict[str, Any]) -> int:
    return int(node["internal_count"] if "split_feature" in node else node["leaf_count"])


def _around(threshold: float) -> tuple[np.float32, np.float32]:
    """The largest float32 that is not above, and the next one."""
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
        below = near if float(near) <= threshold else np.nextafter(near, -INFINITY)
        return below, np.nextafter(below, INFINITY)
