"""From edges to persons: the one public operation of identity, on Arrow tables.

Belongs here: the order of the steps, the shape of the result. Does not belong here: how a step is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml.identity import graph as graphs
from ml.identity import ledger as ledgers
from ml.identity import merges, redirects
from ml.identity.graph import FOREVER, TYPES, Graph, Ints
from ml.identity.ledger import Ids
from ml.identity.replay import Replay


@dataclass(frozen=True)
class Summary:
    """What a person wants to see after a run."""

    identifiers: int
    """Identifiers of persons ever known, hubs included."""
    persons: int
    """Persons at the end of what is known."""
    hubs: dict[str, int]
    """Hubs by type, only types that have any."""
    merges: int
    """Customer ids that now lead to another one."""
    largest_component: int
    """Identifiers of the largest person at the end of what is known."""


@dataclass(frozen=True)
class Resolution:
    """Sorted Arrow tables: the same bytes for the same input, whatever the order of its rows."""

    person_spans: pa.Table
    """identifier_id, customer_id, known_from, known_to (exclusive, 9999-12-31 while it lasts)."""
    new_ledger: pa.Table
    """customer_id, identifier_id, minted_at: rows to append to the ledger."""
    redirects: pa.Table
    """customer_id, surviving_customer_id, known_from, known_to (as of spans): ids given out that led to another's."""
    summary: Summary


def resolve(
    edges: pa.Table, singles: pa.Table, ledger: pa.Table | None = None, caps: Mapping[str, int] | None = None
) -> Resolution:
    """Who was who as of every instant of knowledge.

    Parameters
    ----------
    edges
        Pairs seen together: left_id, right_id (``<type>:<value>``), known_at (timestamp, UTC).
    singles
        Identifiers seen alone: identifier_id, known_at.
    ledger
        Ids given out so far: customer_id, identifier_id, minted_at.
    caps
        Distinct accounts that an identifier may be linked to directly, by type, over ``DEFAULT_CAPS``. From the
        instant that one more is known it is a hub: it belongs to nobody and its edges no longer count.

    Raises
    ------
    IdentityError
        A missing column, a null, an unknown type of identifier, a ledger in which an identifier carries two ids.
    """
    graph = graphs.build(edges, singles, caps or {})
    ids = ledgers.read(ledger, graph)
    component = merges.components(len(graph), graph.left, graph.right)
    splits = _splitting(graph, component)
    merges.mint_births(graph, ids, ~splits)
    replay = Replay(graph, ids)
    parts = [*merges.grow(graph, ids, ~splits), replay.run(splits, component)]
    node, entry, since, until = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((since, node))
    spans = node[order], entry[order], since[order], until[order]
    led = redirects.lead(graph, ids, spans, replay.heirs)
    leading = int((graphs.instants(led["known_to"]) == FOREVER).sum())
    return Resolution(_table(graph, ids, spans), ids.new_rows(), led, _summary(graph, spans, leading))


def _splitting(graph: Graph, component: Ints) -> npt.NDArray[np.bool_]:
    """Identifiers in components that an edge drops out of at some instant."""
    splits = np.zeros(len(graph), dtype=bool)
    splits[component[graph.left[graph.end < FOREVER]]] = True
    return splits[component]


def _table(graph: Graph, ids: Ids, spans: merges.Spans) -> pa.Table:
    node, entry, since, until = spans
    return pa.table(
        {
            "identifier_id": graph.identifiers.take(pa.array(node)),
            "customer_id": pa.array(ids.customer_ids, pa.string()).take(pa.array(entry)),
            "known_from": pa.array(since.astype("datetime64[us]"), pa.timestamp("us")),
            "known_to": pa.array(until.astype("datetime64[us]"), pa.timestamp("us")),
        }
    )


def _summary(graph: Graph, spans: merges.Spans, merged: int) -> Summary:
    _, entry, _, until = spans
    sizes = np.unique(entry[until == FOREVER], return_counts=True)[1]
    hubs = np.bincount(graph.priority[graph.hub_at < FOREVER], minlength=len(TYPES)).tolist()
    return Summary(
        identifiers=int((graph.priority >= 0).sum()),
        persons=len(sizes),
        hubs={kind: count for kind, count in zip(TYPES, hubs, strict=True) if count},
        merges=merged,
        largest_component=int(sizes.max(initial=0)),
    )
