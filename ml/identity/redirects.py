"""Where an id that was given out leads, over what was known when.

Belongs here: redirects at every instant of knowledge. Does not belong here: who bears which id (``merges``,
``replay``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ml.identity.graph import FOREVER, Graph, Ints
from ml.identity.ledger import Ids
from ml.identity.merges import Spans

BEFORE_ALL = np.iinfo(np.int64).min

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("surviving_customer_id", pa.string()),
        ("known_from", pa.timestamp("us")),
        ("known_to", pa.timestamp("us")),
    ]
)


def lead(graph: Graph, ids: Ids, spans: Spans, heirs: Mapping[int, int]) -> pa.Table:
    """Ids that nobody bears and the id that their bearer has, over what was known when, sorted by id and instant.

    An id whose carrier has become a hub leads to the person's heir: the identifier that stood for the rest of the
    person at that instant. An id whose hub stood alone leads nowhere.

    Parameters
    ----------
    spans
        Sorted by identifier.
    """
    entry, node, since, until = _stand_ins(graph, ids, heirs)
    bearer, borne, borne_since, borne_until = spans
    first = np.searchsorted(bearer, node)
    many = np.searchsorted(bearer, node, side="right") - first
    each = np.repeat(np.arange(len(node)), many)
    span = np.arange(len(each)) + np.repeat(first - (np.cumsum(many) - many), many)
    since = np.maximum.reduce([since[each], borne_since[span], _given_out(ids, spans)[entry[each]]])
    until = np.minimum(until[each], borne_until[span])
    moved = (since < until) & (borne[span] != entry[each])
    names = pa.array(ids.customer_ids, pa.string())
    columns = [
        names.take(pa.array(entry[each][moved])),
        names.take(pa.array(borne[span][moved])),
        pa.array(since[moved].astype("datetime64[us]"), pa.timestamp("us")),
        pa.array(until[moved].astype("datetime64[us]"), pa.timestamp("us")),
    ]
    order = [("customer_id", "ascending"), ("known_from", "ascending")]
    return pa.table(columns, schema=SCHEMA).sort_by(order)


def _given_out(ids: Ids, spans: Spans) -> Ints:
    """(entries,) first instant at which anybody bore each entry; where nobody ever did, before all instants."""
    _, entry, since, _ = spans
    first = np.full(len(ids.customer_ids), FOREVER)
    np.minimum.at(first, entry, since)
    return np.where(first < FOREVER, first, BEFORE_ALL)


def _stand_ins(graph: Graph, ids: Ids, heirs: Mapping[int, int]) -> Spans:
    """Entry, the identifier that stands for it, since when and until when: its carrier, then heir after heir."""
    carriers = np.array(ids.carriers, dtype=np.int64)
    entry = np.flatnonzero(carriers >= 0)
    node, since = carriers[entry], np.full(len(entry), BEFORE_ALL)
    parts = []
    while True:
        until = graph.hub_at[node]
        parts.append((entry, node, since, until))
        fell = np.isin(node, list(heirs))
        if not fell.any():
            entries, nodes, starts, ends = (np.concatenate(columns) for columns in zip(*parts, strict=True))
            return entries, nodes, starts, ends
        entry, since = entry[fell], until[fell]
        node = np.array([heirs[hub] for hub in node[fell].tolist()], dtype=np.int64)
