"""Where an id that was given out leads now.

Belongs here: redirects at the end of what is known. Does not belong here: who bears which id (``merges``, ``replay``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ml.identity.graph import FOREVER, Graph
from ml.identity.ledger import Ids
from ml.identity.merges import Spans

SCHEMA = pa.schema(
    [("customer_id", pa.string()), ("surviving_customer_id", pa.string()), ("known_at", pa.timestamp("us"))]
)


def lead(graph: Graph, ids: Ids, spans: Spans, heirs: Mapping[int, int]) -> pa.Table:
    """Ids that nobody bears any more and the id that their bearer has now, sorted by customer id.

    An id whose carrier has become a hub leads to the person's heir: the identifier that stood for the rest of the
    person at that instant. An id whose hub stood alone leads nowhere.
    """
    carriers = np.array(ids.carriers, dtype=np.int64)
    entries = np.flatnonzero(carriers >= 0)
    target = carriers[entries]
    fell = np.full(len(entries), np.iinfo(np.int64).min)
    while len(orphans := np.flatnonzero(np.isin(target, list(heirs)))):
        fell[orphans] = np.maximum(fell[orphans], graph.hub_at[target[orphans]])
        target[orphans] = [heirs[hub] for hub in target[orphans].tolist()]
    now, since = _present(graph, spans)
    moved = (now[target] >= 0) & (now[target] != entries)
    entries, target, fell = entries[moved], target[moved], fell[moved]
    names = pa.array(ids.customer_ids, pa.string())
    instants = np.maximum(fell, since[target]).astype("datetime64[us]")
    columns = [names.take(pa.array(entries)), names.take(pa.array(now[target])), pa.array(instants, pa.timestamp("us"))]
    return pa.table(columns, schema=SCHEMA).sort_by("customer_id")


def _present(graph: Graph, spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    """(N,) entry that each identifier bears at the end, -1 for none, and since when."""
    node, entry, since, until = spans
    lasting = until == FOREVER
    now, start = np.full(len(graph), -1, dtype=np.int64), np.zeros(len(graph), dtype=np.int64)
    now[node[lasting]], start[node[lasting]] = entry[lasting], since[lasting]
    return now, start
