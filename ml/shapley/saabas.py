"""What each feature adds by the path that a customer takes: quick and rough, kept to be compared with.

Belongs here: this one method. Does not belong here: what is published (exact, ``tables``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats

if TYPE_CHECKING:
    import lightgbm


def along_paths(booster: lightgbm.Booster, X: NDArray[np.float32], threads: int) -> Floats:
    """(features, rows): each split's step in the expected value belongs to the feature that splits.

    It favours splits near the leaves and can point the wrong way. Source: A. Saabas, "Interpreting random forests",
    2014; compare Lundberg et al. 2020.
    """
    total = np.zeros((len(X), X.shape[1]))
    leaves = np.asarray(booster.predict(X, pred_leaf=True, num_threads=threads), dtype=np.intp).reshape(len(X), -1)
    for tree, reached in zip(booster.dump_model()["tree_info"], leaves.T, strict=True):
        total += _by_leaf(tree, X.shape[1])[reached]
    return total.T


def _by_leaf(tree: dict[str, Any], count: int) -> Floats:
    """(leaves, features)."""
    paths = np.zeros((max(tree["num_leaves"], 1), count))
    open_nodes = [(tree["tree_structure"], np.zeros(count))]
    while open_nodes:
        node, so_far = open_nodes.pop()
        if "split_feature" not in node:
            paths[node.get("leaf_index", 0)] = so_far
            continue
        for side in ("left_child", "right_child"):
            child, path = node[side], so_far.copy()
            value = child["internal_value"] if "split_feature" in child else child["leaf_value"]
            path[node["split_feature"]] += value - node["internal_value"]
            open_nodes.append((child, path))
    return paths
