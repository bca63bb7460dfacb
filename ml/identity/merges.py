"""Persons that only ever grow: components without a hub that falls out of them, all at once in arrays.

Belongs here: births, and the rounds in which the older id takes over. Does not belong here: components that
split (``replay``).

Method: a minimum spanning forest by instant has the components of the whole graph at every instant (Kruskal).
In the forest rooted at the identifier whose id wins in the end, the largest instant on the path to the root is
when an identifier came under that id. Those that had been somebody else before go into the next round with the
edges from before. There are as many rounds as one identifier has ids in succession.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from ml.identity.graph import Graph, Ints
from ml.identity.ledger import Ids

Spans = tuple[Ints, Ints, Ints, Ints]
"""Identifier, entry, known from, known to."""


def components(size: int, left: Ints, right: Ints) -> Ints:
    """Label of each of ``size`` nodes' component."""
    matrix = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    return connected_components(matrix, directed=False)[1].astype(np.int64)


def mint_births(graph: Graph, ids: Ids, mine: npt.NDArray[np.bool_]) -> None:
    """Mint one id for each group of identifiers that appear together and belong to nobody known before."""
    inside = mine[graph.left]
    left, right, start = graph.left[inside], graph.right[inside], graph.start[inside]
    fresh_left, fresh_right = graph.known[left] == start, graph.known[right] == start
    together = fresh_left & fresh_right
    group = components(len(graph), left[together], right[together])
    named = np.zeros(len(graph), dtype=bool)
    named[group[right[fresh_right & ~fresh_left]]] = True
    named[group[left[fresh_left & ~fresh_right]]] = True
    named[group[ids.entry_of >= 0]] = True
    nameless = np.flatnonzero(mine & ~named[group] & (graph.known < graph.hub_at))
    order = nameless[np.lexsort((nameless, graph.priority[nameless], group[nameless]))]
    minters = order[np.diff(group[order], prepend=-1) != 0]
    ids.mint(minters.tolist(), graph.known[minters].tolist())


def grow(graph: Graph, ids: Ids, mine: npt.NDArray[np.bool_]) -> Iterator[Spans]:
    """Spans of the identifiers in ``mine``, whole components without splits, newest ids first."""
    ranks = ids.ranks()
    nodes = np.flatnonzero(mine & (graph.known < graph.hub_at))
    until = graph.hub_at[nodes]
    position = np.full(len(graph), -1, dtype=np.int64)
    position[nodes] = np.arange(len(nodes))
    inside = mine[graph.left]
    left, right, start = position[graph.left[inside]], position[graph.right[inside]], graph.start[inside]
    left, right, start = _spanning_forest(len(nodes), left, right, start)
    while len(nodes):
        roots = _roots(components(len(nodes), left, right), ids.entry_of[nodes], ranks)
        since = np.maximum(_bottleneck(roots, left, right, start), graph.known[nodes])
        yield nodes, ids.entry_of[nodes[roots]], since, until
        earlier = since > graph.known[nodes]
        position = np.cumsum(earlier) - 1
        before = earlier[left] & earlier[right] & (start < np.minimum(since[left], since[right]))
        left, right, start = position[left[before]], position[right[before]], start[before]
        nodes, until = nodes[earlier], since[earlier]


def _spanning_forest(size: int, left: Ints, right: Ints, start: Ints) -> tuple[Ints, Ints, Ints]:
    instants, rank = np.unique(start, return_inverse=True)
    # From 1, because scipy takes a stored zero for no edge.
    matrix = csr_array((rank + 1.0, (left, right)), shape=(size, size))
    forest = minimum_spanning_tree(matrix).tocoo()
    return forest.row.astype(np.int64), forest.col.astype(np.int64), instants[forest.data.astype(np.int64) - 1]


def _roots(component: Ints, entry: Ints, ranks: Ints) -> Ints:
    """For each node the node of its component that carries the entry with precedence."""
    carriers = np.flatnonzero(entry >= 0)
    carriers = carriers[np.argsort(-ranks[entry[carriers]], kind="stable")]
    root = np.full(component.max(initial=-1) + 1, -1, dtype=np.int64)
    root[component[carriers]] = carriers  # the last one written has precedence
    return root[component]


def _bottleneck(roots: Ints, left: Ints, right: Ints, start: Ints) -> Ints:
    """Largest instant on each node's path to its root, the least integer for the root itself."""
    size = len(roots)
    least = np.iinfo(np.int64).min
    tops = np.unique(roots)
    above = csr_array(
        (np.ones(len(left) + len(tops)), (np.append(left, np.full(len(tops), size)), np.append(right, tops))),
        shape=(size + 1, size + 1),
    )
    parent = breadth_first_order(above, size, directed=False)[1].astype(np.int64)
    parent[size] = size
    largest = np.full(size + 1, least)
    down = parent[right] == left
    largest[np.where(down, right, left)] = start
    while (parent != size).any():
        np.maximum(largest, largest[parent], out=largest)
        parent = parent[parent]
    return largest[:size]
